"""When consent held, span by span, agrees with what the gate answers when it is asked about one instant."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import placet
from placet.bootstrap import Application, erase, merge, publish_catalogue
from placet.catalogue.files import load
from placet.gate.actions import Allowed
from placet.gate.periods import OPEN, Periods, periods, periods_of
from placet.kernel.errors import BadInput
from placet.kernel.ids import ActivityId
from sources.event_town import NOW, EventTown

RELEASE = ActivityId("mobility.release")
HOUR = timedelta(hours=1)
BEGAN = NOW - timedelta(days=60)
"""Nothing is said before."""


@pytest.fixture
def town(placet: Application, tmp_path: Path) -> EventTown:
    return EventTown(placet, tmp_path)


def spans(
    town: EventTown, *, known_at: datetime = NOW + HOUR, asked: str = RELEASE
) -> dict[int, list[tuple[int, int]]]:
    """By number."""
    with town.placet.database.transaction() as connection:
        terms = town.placet.in_force.terms(connection)
        found = periods(connection, ActivityId(asked), known_at=known_at, purposes=terms)
    told: dict[int, list[tuple[int, int]]] = {}
    for number, since, until in zip(found.numbers.tolist(), found.since.tolist(), found.until.tolist(), strict=True):
        told.setdefault(number, []).append((since, until))
    return told


def allowed(town: EventTown, name: str, at: datetime, known_at: datetime) -> bool:
    with town.placet.database.transaction() as connection:
        answer = town.placet.gate.check_as_of(
            connection, town.people[name].id, RELEASE, at=at, known_at=known_at,
            purposes=town.placet.in_force.terms(connection),
        )  # fmt: skip
    return isinstance(answer, Allowed)


def renew(town: EventTown, *, at: datetime) -> None:
    """Publish a new major version of the notice of mobility: a yes to it holds for 90 days."""
    folder = town.folder / "catalogue"
    shutil.copytree(Path(placet.__file__).parent / "catalogues" / "amigo", folder)
    for name, old, new in (
        ("catalogue.yaml", 'version: "1.0"', 'version: "2.0"'),
        ("purposes/mobility.yaml", 'version: "1.0"', 'version: "2.0"\nvalid_for_days: 90'),
    ):
        file = folder / name
        file.write_text(file.read_text("utf-8").replace(old, new, 1), "utf-8")
    with town.placet.database.transaction() as connection:
        publish_catalogue(connection, load(str(folder)), now=at)


def second(at: datetime) -> int:
    return int(at.timestamp())


def test_one_yes_is_one_open_span(town: EventTown) -> None:
    anna = town.add("anna", at=BEGAN)
    assert spans(town) == {anna.number: [(second(BEGAN), OPEN)]}


def test_who_never_said_yes_has_no_span(town: EventTown) -> None:
    town.add("anna", at=None)
    town.add("berta", at=None)
    town.say("berta", "refused", BEGAN)
    assert spans(town) == {}


def test_a_withdrawal_ends_a_span_and_a_later_yes_begins_another(town: EventTown) -> None:
    anna = town.add("anna", at=BEGAN)
    town.say("anna", "withdrawn", BEGAN + HOUR)
    town.say("anna", "given", BEGAN + 3 * HOUR)
    first, third = second(BEGAN), second(BEGAN + 3 * HOUR)
    assert spans(town) == {anna.number: [(first, first + 3600), (third, OPEN)]}


def test_a_second_counts_only_if_consent_held_for_all_of_it(town: EventTown) -> None:
    anna = town.add("anna", at=BEGAN + timedelta(milliseconds=200))
    town.say("anna", "withdrawn", BEGAN + timedelta(seconds=5, milliseconds=900))
    berta = town.add("berta", at=BEGAN + timedelta(milliseconds=1))
    assert spans(town) == {
        anna.number: [(second(BEGAN) + 1, second(BEGAN) + 5)],
        berta.number: [(second(BEGAN) + 1, OPEN)],
    }


def test_what_was_not_known_yet_does_not_count(town: EventTown) -> None:
    anna = town.add("anna", at=BEGAN)
    town.say("anna", "withdrawn", BEGAN + HOUR, recorded=NOW + 2 * HOUR)
    assert spans(town, known_at=NOW + HOUR) == {anna.number: [(second(BEGAN), OPEN)]}
    assert spans(town, known_at=NOW + 3 * HOUR) == {anna.number: [(second(BEGAN), second(BEGAN) + 3600)]}


def test_an_old_paper_does_not_override_a_newer_no(town: EventTown) -> None:
    anna = town.add("anna", at=None)
    town.say("anna", "refused", BEGAN + 2 * HOUR)
    town.say("anna", "given", BEGAN)
    # As of an hour later nothing but the yes had been said; the refusal binds from its own instant.
    assert spans(town) == {anna.number: [(second(BEGAN), second(BEGAN + 2 * HOUR))]}


def test_another_major_version_ends_what_was_given_on_the_one_before(town: EventTown) -> None:
    anna, berta = town.add("anna", at=BEGAN), town.add("berta", at=BEGAN)
    renew(town, at=NOW)
    with town.placet.database.transaction() as connection:
        published = connection.execute("SELECT recorded_at FROM ledger.ending").fetchone()
    assert published is not None
    town.say("berta", "given", NOW + HOUR, version="2.0", recorded=NOW + HOUR)
    ended, again = second(published[0]), second(NOW + HOUR)
    assert spans(town, known_at=NOW + 2 * HOUR) == {
        anna.number: [(second(BEGAN), ended)],
        berta.number: [(second(BEGAN), ended), (again, again + 90 * 86_400)],
    }


def test_the_erased_and_the_merged_have_no_span(town: EventTown) -> None:
    anna, berta, carla = (town.add(name, at=BEGAN) for name in ("anna", "berta", "carla"))
    with town.placet.database.transaction() as connection:
        erase(town.placet, connection, anna.id, now=NOW)
        merge(town.placet, connection, berta.id, carla.id, now=NOW)
    assert spans(town) == {berta.number: [(second(BEGAN), OPEN)]}


def test_what_asks_for_no_consent_has_no_spans(town: EventTown) -> None:
    with pytest.raises(BadInput):
        spans(town, asked="contract.billing")


def test_the_newest_span_of_each_person() -> None:
    found = Periods.of([(2, 50, OPEN), (1, 10, 20), (1, 30, 40), (3, 5, 6)])
    newest = found.newest()
    assert (newest.numbers.tolist(), newest.since.tolist(), newest.until.tolist()) == (
        [1, 2, 3], [30, 50, 5], [40, OPEN, 6],
    )  # fmt: skip
    assert len(Periods.of([]).newest()) == 0


said = st.tuples(
    st.sampled_from(["given", "given", "withdrawn", "refused", "objected"]),
    st.integers(0, 20).map(lambda quarters: BEGAN + quarters * HOUR / 4),
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(said, min_size=1, max_size=4), min_size=3, max_size=3), st.integers(0, 2))
def test_spans_are_what_the_gate_answers_instant_by_instant(town: EventTown, histories, unknown) -> None:
    names = [f"p{len(town.people)}-{place}" for place in range(len(histories))]
    for name, history in zip(names, histories, strict=True):
        town.add(name, at=None)
        for place, (decision, at) in enumerate(history):
            late = place >= len(history) - unknown
            town.say(name, decision, at, recorded=NOW + 2 * HOUR if late else NOW)
    with town.placet.database.transaction() as connection:
        (ending,) = connection.execute("SELECT recorded_at FROM ledger.ending").fetchone() or (NOW,)
    # As it is known today, and as it was before the last words of the first of them were written down.
    for known_at in (ending, NOW + HOUR):
        found = spans(town, known_at=known_at)
        for name, history in zip(names, histories, strict=True):
            own = found.get(town.people[name].number, [])
            with town.placet.database.transaction() as connection:
                terms = town.placet.in_force.terms(connection)
                number = town.people[name].number
                assert own == list(periods_of(connection, number, RELEASE, known_at=known_at, purposes=terms))
            for probe in {at + timedelta(seconds=by) for _, at in history for by in (-1, 0, 1)}:
                covered = any(since <= second(probe) < until for since, until in own)
                assert covered == allowed(town, name, probe, known_at), (name, probe)
