"""What a campaign may ask, where it may go from where it stands, and the mathematics of its results."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap

from placet.catalogue.files import load
from placet.purposes.offers.campaigns import rules
from placet.purposes.offers.campaigns.model import CameBack, Limits, State

CASES: list[dict[str, Any]] = yaml.safe_load(
    Path(__file__).with_name("campaign_criteria.yaml").read_text(encoding="utf-8")
)
BRAKES: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("brake.yaml").read_text(encoding="utf-8"))
LIMITS = Limits(complaints=0.001, bounces=0.02, judged_from=500)
STEPS = {
    ("draft", "edited"): "draft",
    ("draft", "submitted"): "submitted",
    ("submitted", "returned"): "draft",
    ("approved", "returned"): "draft",
    ("submitted", "approved"): "approved",
    ("approved", "started"): "running",
    ("running", "paused"): "paused",
    ("paused", "resumed"): "running",
    ("approved", "finished"): "finished",
    ("running", "finished"): "finished",
    ("paused", "finished"): "finished",
    **{(state, "stopped"): "stopped" for state in ("draft", "submitted", "approved", "running", "paused")},
}
WORDS = ("edited", "submitted", "returned", "approved", "started", "paused", "resumed", "finished", "stopped")
KEYS = st.binary(min_size=32, max_size=32)


@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
def test_an_audience_is_built_from_what_the_activity_names(case: dict[str, Any]) -> None:
    activity = load("amigo").activity(case["activity"])
    assert rules.allowed(rules.attributes()[case["attribute"]], activity) is case["allowed"]


def test_a_campaign_goes_where_the_table_says_and_nowhere_else() -> None:
    for state, what in product(State, WORDS):
        found = STEPS.get((state.value, what))
        assert rules.step(state, what) == (None if found is None else State(found)), (state, what)


@given(key=KEYS, percent=st.integers(0, 50), more=st.sets(st.integers(1, 5_000), max_size=40))
def test_who_is_held_out_does_not_depend_on_who_else_is_there(key: bytes, percent: int, more: set[int]) -> None:
    members = BitMap(range(1, 500, 3)) | BitMap(more)
    held = rules.held_out(key, members, percent)
    assert held <= members
    for some in (BitMap(range(1, 500, 3)), BitMap(more)):
        assert rules.held_out(key, some, percent) == held & some


def test_so_many_percent_are_held_out_and_other_ones_under_another_key() -> None:
    everyone = BitMap(range(1, 100_001))
    one, other = (rules.held_out(bytes([byte]) * 32, everyone, 5) for byte in (1, 2))
    assert len(one) == pytest.approx(5_000, rel=0.06)
    assert len(one & other) == pytest.approx(250, rel=0.3)
    assert not rules.held_out(bytes(32), everyone, 0)


def test_a_share_has_the_interval_of_wilson() -> None:
    # Newcombe (1998), Statistics in Medicine 17:857, table I, method 3.
    share = rules.share(81, 263)
    assert (share.low, share.high) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert (rules.share(0, 20).low, rules.share(0, 20).high) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert (rules.share(0, 0).low, rules.share(0, 0).high) == (0.0, 1.0)


def test_a_difference_has_the_interval_of_newcombe() -> None:
    # Newcombe (1998), Statistics in Medicine 17:873, table II, method 10.
    effect = rules.effect("x", rules.share(56, 70), rules.share(48, 80))
    assert (effect.difference, effect.low, effect.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)
    effect = rules.effect("x", rules.share(9, 10), rules.share(3, 10))
    assert (effect.low, effect.high) == pytest.approx((0.1705, 0.8090), abs=5e-5)


@given(part=st.integers(0, 300), more=st.integers(0, 300))
def test_a_share_lies_within_its_interval(part: int, more: int) -> None:
    share = rules.share(part, part + more)
    assert 0 <= share.low <= share.value <= share.high <= 1 or share.whole == 0


@pytest.mark.parametrize("case", BRAKES, ids=[case["case"] for case in BRAKES])
def test_a_campaign_is_paused_by_itself_as_the_table_says(case: dict[str, Any]) -> None:
    found = CameBack(*(case.get(name, 0) for name in ("complaints", "taken", "nobody", "ended")))
    why = rules.too_many(found, LIMITS)
    assert (None if why is None else why.what) == case["stops"]


def test_a_limit_of_everything_is_never_exceeded() -> None:
    assert rules.too_many(CameBack(900, 900, 900, 900), Limits(1.0, 1.0, 1)) is None


@given(part=st.integers(0, 400), whole=st.integers(0, 4_000), more=st.integers(0, 400), rest=st.integers(0, 4_000))
def test_more_that_comes_back_never_lets_a_campaign_go_on_and_more_that_does_not_never_stops_it(
    part: int, whole: int, more: int, rest: int
) -> None:
    def stops(part: int, whole: int) -> bool:
        return rules.exceeds(part, whole, 0.02, judged_from=1)

    whole = max(part + more, whole)
    assert stops(part, whole) <= stops(part + more, whole)
    assert stops(part, whole + rest) <= stops(part, whole)


def test_looking_after_every_message_stops_one_in_a_hundred_of_those_that_keep_the_limit_at_most() -> None:
    draws = np.random.default_rng(1)
    stopped = 0
    for _ in range(1_000):
        # Only where one came back can there be more than before.
        at = np.flatnonzero(draws.random(20_000) < LIMITS.bounces) + 1
        stopped += any(rules.exceeds(n, int(whole), LIMITS.bounces, judged_from=1) for n, whole in enumerate(at, 1))
    assert 0 < stopped <= 10
