"""
A town of people whose interests are known, because we made them: what the learner and its evaluation are tried on.

Deterministic: the same numbers make the same town, and the same history of picks in it. Interests differ between
people by *spread* (the strength of the Beta distribution that they come from: the smaller, the more they differ).
Some people say what they want, and they know it: a topic that was asked for is a good one of theirs.
"""

from __future__ import annotations

import attrs
import numpy as np

from placet.purposes.offers.learning import rules
from placet.purposes.offers.learning.model import Flags, Floats, Policy, Sign, Whole
from placet.purposes.offers.learning.trials import Trials, ordered

_POPULARITY = (0.12, 0.09, 0.07, 0.05, 0.03, 0.015)
_SEGMENTS = ("lv", "ru", "en")
_DAYS_BETWEEN = 15.0
"""Longer than the time of silence: what one message told is known before the next."""
_LESS = 0.1
"""Of those who do not want a message, so many say so."""


@attrs.frozen
class Town:
    """*rates* are each person's true shares of wanted messages, by topic."""

    topics: tuple[str, ...]
    segments: tuple[str, ...]
    segment: Whole
    rates: Floats
    wished: Flags
    never: Flags


def town(*, people: int, spread: float, wishing: float = 0.1, seed: int = 1) -> Town:
    """*people* of three segments and six topics; the share *wishing* says which topic they want."""
    random = np.random.default_rng(seed)
    topics = tuple(f"topic-{at + 1}" for at in range(len(_POPULARITY)))
    segment = random.integers(0, len(_SEGMENTS), people)
    lean = np.array([1.0, 1.25, 0.8])[segment]
    mean = np.clip(np.array(_POPULARITY) * lean[:, None], 0.0, 0.9)
    rates = random.beta(mean * spread, (1 - mean) * spread)
    wished = np.zeros(rates.shape, bool)
    says = random.random(people) < wishing
    wished[np.flatnonzero(says), rates.argmax(axis=1)[says]] = True
    never = (random.random(rates.shape) < 0.05) & ~wished
    return Town(topics, _SEGMENTS, segment, rates, wished, never)


def history(town: Town, policy: Policy, *, rounds: int, seed: int = 1) -> Trials:
    """*rounds* of picks by the plain rule that tries everything now and then, and what the people told."""
    random = np.random.default_rng(seed)
    people, eligible = len(town.rates), ~town.never
    shares = rules.floored(
        rules.plain(town.rates.mean(axis=0), town.wished, eligible, policy.worth), eligible, policy.floor
    )
    parts = [_round(town, policy, shares, at, random) for at in range(rounds)]
    whole = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return ordered(
        Trials(
            topics=town.topics,
            segments=town.segments,
            person=np.tile(np.arange(people), rounds),
            segment=np.tile(town.segment, rounds),
            eligible=np.tile(eligible, (rounds, 1)),
            wished=np.tile(town.wished, (rounds, 1)),
            **whole,
        )
    )


def worth(town: Town, trials: Trials, shares: Floats, policy: Policy) -> float:
    """The true worth of *shares* of the choices at these picks, for one pick."""
    rates = town.rates[trials.person]
    return float((shares[:, :-1] * (rates - policy.worth * _weight(rates, policy))).sum(axis=1).mean())


def _round(
    town: Town, policy: Policy, shares: Floats, at: int, random: np.random.Generator
) -> dict[str, Floats | Whole]:
    people = len(town.rates)
    chosen = (random.random((people, 1)) < np.cumsum(shares, axis=1)).argmax(axis=1)
    sent = chosen < len(town.topics)
    rate = np.where(sent, np.take_along_axis(np.c_[town.rates, np.zeros(people)], chosen[:, None], 1)[:, 0], 0.0)
    wants = random.random(people) < rate
    says_less = sent & ~wants & (random.random(people) < _LESS)
    more, less = policy.signs[Sign.MORE], policy.signs[Sign.LESS]
    return {
        "at": np.full(people, at * _DAYS_BETWEEN),
        "chosen": chosen,
        "propensity": shares[np.arange(people), chosen],
        "wanted": wants * more.wanted,
        "unwanted": np.where(says_less, less.unwanted, 1.0) * (sent & ~wants),
    }


def _weight(rates: Floats, policy: Policy) -> Floats:
    """How many messages one counts as, on average: who says "less" counts for several."""
    return rates + (1 - rates) * (1 + _LESS * (policy.signs[Sign.LESS].unwanted - 1))
