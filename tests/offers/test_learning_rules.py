"""Which offer, and when a topic ends: rules that anybody can work out again."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from placet.purposes.offers.learning import rules
from placet.purposes.offers.learning.model import Belief, Group, Prior, Reason, Seen, Source
from placet.purposes.offers.learning.policy import parse, standard, version
from placet.purposes.offers.learning.population import Population, fit

CASES = yaml.safe_load(Path(__file__).with_name("learning.yaml").read_text(encoding="utf-8"))
POLICY = standard()


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_topic_stops_as_the_table_says(case: dict[str, Any]) -> None:
    prior = attrs.evolve(POLICY.prior, rate=0.05, strength=float(case["strength"]))
    seen = Seen(case.get("sends", 0), float(case.get("wanted", 0)), float(case.get("unwanted", 0)))
    wished = case.get("wished", False)
    held = rules.belief(
        Population(prior), "travel", "lv", seen, wished=wished, policy=attrs.evolve(POLICY, prior=prior)
    )
    assert rules.stops(held, seen, wished=wished, stop=POLICY.stop) is case["stops"]


@settings(max_examples=40, deadline=None)
@given(data=st.data(), people=st.integers(1, 5), topics=st.integers(1, 6))
def test_shares_make_one_keep_the_floor_and_give_nothing_to_what_is_excluded(
    data: Any, people: int, topics: int
) -> None:
    shape = (people, topics)
    numbers = st.lists(st.floats(0.1, 400), min_size=people * topics, max_size=people * topics)
    marks = st.lists(st.booleans(), min_size=people * topics, max_size=people * topics)
    wanted, unwanted = (np.array(data.draw(numbers)).reshape(shape) for _ in range(2))
    eligible = np.array(data.draw(marks)).reshape(shape)
    shares = rules.learned(wanted, unwanted, eligible, POLICY)
    assert shares.sum(axis=1) == pytest.approx(1)
    assert (shares[:, :-1][~eligible] == 0).all()
    assert (shares[rules.with_nothing(eligible)] >= POLICY.floor - 1e-12).all()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(0, 1), min_size=2, max_size=8).filter(lambda shares: sum(shares) > 0),
    st.floats(0, 1, exclude_max=True),
)
def test_what_has_no_probability_is_never_chosen(shares: list[float], point: float) -> None:
    chosen = rules.choose(np.array([shares]), np.array([point]))[0]
    assert shares[chosen] > 0


def test_the_same_key_chooses_the_same_and_many_choose_by_their_shares() -> None:
    shares, numbers = np.tile([0.1, 0.6, 0.3], (4_000, 1)), np.arange(7, 4_007)
    chosen = rules.choose(shares, rules.points(bytes(32), numbers))
    assert np.bincount(chosen) / 4_000 == pytest.approx([0.1, 0.6, 0.3], abs=0.03)
    one = rules.choose(shares[:1], rules.points(bytes(32), numbers[40:41]))
    assert one[0] == chosen[40]
    assert (rules.points(bytes([1] * 32), numbers) != rules.points(bytes(32), numbers)).all()


def test_the_plain_rule_sends_what_was_asked_for_then_what_is_popular_then_nothing() -> None:
    popularity = np.array([0.1, 0.05, 0.01])
    wished = np.array([[False, True, False], [False, False, False], [False, False, True], [False, False, False]])
    eligible = np.array([[True, True, True], [True, True, True], [True, False, True], [False, False, True]])
    chosen = rules.plain(popularity, wished, eligible, 0.02).argmax(axis=1)
    assert chosen.tolist() == [1, 0, 2, 3]


def test_the_reason_is_fixed_by_what_was_known_when_it_was_picked() -> None:
    wished = np.array([[False, True], *[[False, False]] * 6])
    word, call, link = (rules.LIKED_BY.index(source) for source in (Source.WORD, Source.CALL, Source.LINK))
    liked = np.array([[word, word], [word, word], [0, 0], [word, 0], [call, 0], [link, 0], [0, 0]])
    found = rules.reasons(np.array([1, 1, 0, 0, 0, 0, 2]), np.zeros(7, int), wished, liked)
    assert found == [
        Reason.WISHED, Reason.TRYING, Reason.POPULAR, Reason.LIKED, Reason.CALLED, Reason.PRESSED, None,
    ]  # fmt: skip


def test_a_wish_starts_higher_and_what_was_told_moves_the_belief() -> None:
    population = Population(Prior(rate=0.05, strength=20, segment_strength=200, wish=2))
    start = rules.belief(population, "travel", "lv", Seen(), wished=False, policy=POLICY)
    assert start == Belief(1.0, 19.0)
    asked = rules.belief(population, "travel", "lv", Seen(), wished=True, policy=POLICY)
    silent = rules.belief(population, "travel", "lv", Seen(4, 0.0, 4.0), wished=False, policy=POLICY)
    assert silent.rate < start.rate < asked.rate


@pytest.mark.parametrize("strength", [2.0, 30.0])
def test_the_population_is_found_again_from_what_its_people_told(strength: float) -> None:
    random = np.random.default_rng(7)
    rates = random.beta(0.1 * strength, 0.9 * strength, 6_000)
    wanted = random.binomial(12, rates)
    said = [
        Group("travel", "lv", float(yes), float(12 - yes), int(people))
        for yes, people in enumerate(np.bincount(wanted))
    ]
    found = fit(said, POLICY.prior)
    assert found.popularity("travel") == pytest.approx(0.1, abs=0.01)
    assert found.strengths["travel"] == pytest.approx(strength, rel=0.5)


def test_who_was_sent_more_because_they_like_it_does_not_speak_for_the_others() -> None:
    random = np.random.default_rng(8)
    rates = random.beta(0.2, 1.8, 5_000)
    sends = np.where(rates > 0.2, 40, 2)
    wanted = random.binomial(sends, rates)
    pairs, people = np.unique(np.stack([wanted, sends - wanted]), axis=1, return_counts=True)
    said = [Group("travel", "lv", float(yes), float(no), int(n)) for (yes, no), n in zip(pairs.T, people, strict=True)]
    assert wanted.sum() / sends.sum() > 0.3
    assert fit(said, POLICY.prior).popularity("travel") < 0.2


def test_a_segment_of_few_is_judged_as_everybody_is() -> None:
    said = [Group("travel", "lv", 1.0, 9.0, 500), Group("travel", "ru", 5.0, 0.0, 1)]
    found = fit(said, POLICY.prior)
    assert found.segments["travel", "ru"] == pytest.approx(found.popularity("travel"), abs=0.03)


def test_another_number_is_another_model_and_the_same_numbers_are_the_same() -> None:
    assert version(standard()) == version(attrs.evolve(standard()))
    assert version(standard()) != version(attrs.evolve(standard(), floor=0.04))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("floor", 0.0),
        ("floor", 0.2),
        ("worth", 1.0),
        ("half_life_days", 0),
        ("stop", {"sends": 6, "below": 0.05, "certainty": 0.4}),
    ],
)
def test_numbers_that_cannot_be_meant_are_refused(key: str, value: object) -> None:
    said = yaml.safe_load(files("placet.purposes.offers.learning").joinpath("policy.yaml").read_text(encoding="utf-8"))
    with pytest.raises(ValueError, match=r"between|above"):
        parse(said | {key: value})
