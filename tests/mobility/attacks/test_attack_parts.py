"""The pieces that attacks are made of; and that an audit fails where noise is too small."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime
from math import sqrt
from uuid import UUID

import attrs
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from attack_town import draw, town

from placet.purposes.mobility.attacks import accuracy, canary, measuring, naive
from placet.purposes.mobility.attacks.assignment import cheapest
from placet.purposes.mobility.attacks.model import Against, Report
from placet.purposes.mobility.attacks.recovery import Map, ways
from placet.purposes.mobility.attacks.suite import RHO
from placet.purposes.mobility.attacks.traces import Traces, traces
from placet.purposes.mobility.model import FLOWS, MONTHLY, ZONE_PROFILE, Axis, Domain, ReleaseId, Slot, Window
from placet.purposes.mobility.privacy import accounting, mechanism
from placet.purposes.mobility.privacy.debit import CUSTOMERS, Debit, Sampler
from placet.purposes.mobility.privacy.raw import RawCounts
from placet.purposes.mobility.releasing.model import TABLES
from placet.purposes.mobility.world import plan

NOW = datetime(2026, 11, 1, tzinfo=UTC)


# Measuring


def test_the_area_counts_ties_half_and_is_that_of_all_pairs() -> None:
    without, within = np.array([1.0, 2.0, 2.0, 5.0]), np.array([2.0, 3.0, 5.0])
    pairs = [(b > a) + (b == a) / 2 for a in without for b in within]
    assert measuring.auc(without, within) == pytest.approx(sum(pairs) / len(pairs))


def test_the_curve_of_scores_that_tell_nothing_is_the_diagonal() -> None:
    same = np.ones(50)
    drawn = measuring.curve("any", Against.EXACT, same, same)
    assert drawn.hits == pytest.approx(drawn.alarms)


def test_the_interval_of_a_mean_is_hoeffdings() -> None:
    found = measuring.mean(np.array([0.4, 0.6]), 200)
    assert (found.low, found.high) == pytest.approx((0.5 - sqrt(np.log(40) / 400), 0.5 + sqrt(np.log(40) / 400)))


def test_a_report_without_anything_of_ours_has_not_held() -> None:
    assert not Report(()).held


# The audit


def test_the_worst_case_of_a_month_is_what_theory_says_it_is() -> None:
    found, curve = canary.worst_case(Against.PLACET, MONTHLY, draw, trials=4_000)
    area = found[0]
    assert area.bound == pytest.approx(accounting.auc_ceiling(RHO))
    # Both ways, each but for one chance in a thousand million: no more than promised, and the attack is no weaker.
    assert area.sure <= area.bound <= 2 * area.measured - area.sure
    assert curve.held


def test_an_audit_of_noise_half_as_large_fails() -> None:
    found, curve = canary.worst_case(Against.PLACET, MONTHLY, lambda sigma, n: draw(sigma / 2, n), trials=20_000)
    assert not found[0].held
    assert not curve.held


@pytest.mark.parametrize("sampler", Sampler)
def test_the_mechanism_itself_passes_the_audit(sampler: Sampler) -> None:
    """Twenty thousand cells, in half of which one person is: exact counts go in, what comes out is all there is."""
    half = 10_000
    domain = Domain((Axis("cell", tuple(map(str, range(2 * half)))),))
    raw = RawCounts(FLOWS, domain, np.repeat(np.array([0, 1], np.int64), half))
    noisy = mechanism.noised(raw, _debit(sampler)).values.astype(float)
    area = measuring.area(noisy[:half], noisy[half:])
    assert area.sure <= accounting.auc_ceiling(FLOWS.rho) <= 2 * area.value - area.sure


def _debit(sampler: Sampler) -> Debit:
    return Debit(
        id=UUID(int=1), population=CUSTOMERS, window=Window.month("2026-10"), product=FLOWS.name,
        release=ReleaseId("2026-10"), rho=FLOWS.rho, sigma=FLOWS.sigma(), bound=FLOWS.bound, sampler=sampler,
        grid_sha256="00" * 32, code_sha256="00" * 32, at=NOW,
    )  # fmt: skip


@pytest.mark.parametrize("against", [Against.EXACT, Against.FIVE, Against.FIFTEEN, Against.MULTIPLIED, Against.EVENTS])
def test_the_worst_case_is_certain_in_whatever_promises_nothing_to_a_person(against: Against) -> None:
    findings = {one.against: one for one, _ in canary.worst_case_elsewhere(float(RHO), trials=500, seed=1)}
    assert findings[against].measured == 1.0
    assert not findings[against].held


# What others release


def test_multiplying_before_hiding_publishes_a_single_person() -> None:
    """0.95 x 5.4 = 5.13, which is not below 5: the order of Eurostat's multimno 1.0."""
    counts = np.array([0, 1, 4])
    rng = np.random.default_rng(1)
    assert naive.released(counts, Against.MULTIPLIED, rng).tolist() == pytest.approx([0, 5.13, 20.52])
    assert naive.released(counts, Against.FIVE, rng).tolist() == [0, 0, 0]
    assert naive.released(np.array([14, 15]), Against.FIFTEEN, rng).tolist() == [0, 15]


# Ways


def test_an_assignment_is_the_cheapest_of_all() -> None:
    rng = np.random.default_rng(1)
    for size in (1, 2, 5, 6):
        cost = rng.integers(0, 9, (size, size)).astype(float)
        rows = np.arange(size)
        best = min(cost[rows, list(one)].sum() for one in itertools.permutations(range(size)))
        chosen = cheapest(cost)
        assert sorted(chosen) == list(rows)
        assert cost[rows, chosen].sum() == best


def test_ways_of_people_far_apart_are_recovered_whole() -> None:
    """Two walk side by side at a distance: counts alone tell which way is whose."""
    counts = np.zeros((4, 8))
    for hour in range(4):
        counts[hour, [hour, 4 + hour]] = 1
    places = Map(np.array([0.0, 1, 2, 3, 0, 1, 2, 3]), np.array([0.0, 0, 0, 0, 9, 9, 9, 9]))
    assert {tuple(way) for way in ways(counts, 2, places).tolist()} == {(0, 1, 2, 3), (4, 5, 6, 7)}


# Traces


def test_traces_say_where_the_last_event_of_an_hour_was() -> None:
    world = plan(200, seed=3, regions=("riga",))
    day = date(2026, 10, 5)
    found = traces([world.events(day)], world.atlas, [day], people=200, zone=world.zone)
    assert found.zones.shape == (200, 24)
    at_night = found.zones[:, 3]
    known = at_night >= 0
    assert known.mean() > 0.3
    assert (at_night[known] == world.truth.home_zone[known]).mean() > 0.9


def test_nobody_is_anywhere_on_a_day_without_events() -> None:
    world = plan(5, seed=3, regions=("riga",))
    day = date(2026, 10, 5)
    found = traces([world.events(day).slice(0, 0)], world.atlas, [day], people=5, zone=world.zone)
    assert (found.zones == -1).all()


def test_a_profile_is_the_sum_of_what_each_person_adds() -> None:
    here = town(40, places=5, days=7)
    everybody = here.profile()
    alone = [here.of(np.array([one])).profile() for one in range(40)]
    assert (everybody == np.sum(alone, axis=0)).all()
    zone, slot = np.nonzero(alone[7])
    assert (here.share(zone, slot)[7] == alone[7][zone, slot]).all()
    assert alone[7].sum(axis=0).max() <= 1000


def test_counts_flows_and_pairs_count_each_person_once() -> None:
    here = town(60, places=5, days=1)
    assert (here.counts().sum(axis=1) == 60).all()
    flows = here.flows(np.random.default_rng(1))
    moved = (here.zones[:, 1:] != here.zones[:, :-1]).any(axis=1)
    assert flows.shape == (5, 5, len(Slot))
    assert flows.sum() == moved.sum()
    assert np.trace(flows.sum(axis=2)) == 0
    assert here.pairs().sum() == 60


def test_who_is_seen_nowhere_is_counted_nowhere() -> None:
    unseen = Traces(np.full((3, 24), -1, np.int16), np.arange(24), np.zeros(24, int), 4)
    assert unseen.counts().sum() == unseen.profile().sum() == unseen.pairs().sum() == 0
    assert unseen.flows(np.random.default_rng(1)).sum() == 0


# Accuracy


def test_the_plan_of_a_month_is_as_accurate_as_it_is_asked_to_be() -> None:
    """Zone-hours of 600 people to 6 %, trips of 100 to 15 %, at 0.12 a month for one person."""
    assert accuracy.expected(ZONE_PROFILE, 600) <= 0.06
    assert accuracy.expected(FLOWS, 100) <= 0.15
    assert float(RHO) == pytest.approx(0.12)


def test_the_measured_error_is_that_of_the_arithmetic() -> None:
    """Of a hundred thousand values of one size, the share within the margin is 95 % to within seven standard errors."""
    truth = np.full(100_000, 600 * ZONE_PROFILE.unit, np.int64)
    released = truth + draw(ZONE_PROFILE.sigma(), len(truth))
    margin = accuracy.expected(ZONE_PROFILE, 600) * 600 * ZONE_PROFILE.unit
    within = float((np.abs(released - truth) <= margin).mean())
    assert abs(within - 0.95) < 7 * sqrt(0.95 * 0.05 / len(truth))
    (row,) = accuracy.curve(ZONE_PROFILE, truth, released)
    assert (row.least, row.most, row.middle, row.values) == (600, 1_000, 600, 100_000)
    assert row.error95 == pytest.approx(row.arithmetic, rel=0.03)


def test_a_release_each_day_costs_fifteen_times_as_much_or_is_too_coarse() -> None:
    once, as_good, sharing = accuracy.plans(ZONE_PROFILE, 30)
    assert as_good.rho == 15 * once.rho
    assert sharing.rho == once.rho
    assert sharing.needed == pytest.approx(once.needed * sqrt(15))


# What may not leave


def test_no_table_of_a_release_has_a_row_for_a_person() -> None:
    """Unicity: four points tell a person apart, so nothing leaves that is keyed finer than place, time and kind."""
    public = {"zone", "tile", "origin", "destination", "home", "work", "day_type", "hour", "slot", "direction"}
    assert {key for table in TABLES.values() for key in table.keys} <= public
    names = {column.name for table in TABLES.values() for column in table.columns}
    assert not names & {"number", "person", "subject", "id", "device", "key", "token"}


def test_the_events_of_the_world_are_told_apart_by_hour_and_day() -> None:
    """An event holds for an hour and no longer."""
    world = plan(1, seed=3, regions=("riga",))
    day = date(2026, 10, 5)
    start = int(datetime.combine(day, datetime.min.time(), world.zone).timestamp())
    columns: dict[str, npt.NDArray[np.int64]] = {
        "number": np.array([1]), "at": np.array([start + 3600]), "cell": np.array([0]), "load": np.array([0])
    }  # fmt: skip
    events = pa.table(columns, schema=world.events(day).schema)
    found = traces([events], world.atlas, [day], people=1, zone=world.zone)
    assert np.flatnonzero(found.zones[0] >= 0).tolist() == [1]


def test_findings_are_values() -> None:
    found, _ = canary.worst_case(Against.PLACET, (FLOWS,), draw, trials=10)
    assert attrs.evolve(found[0], sure=0.9).held is False
