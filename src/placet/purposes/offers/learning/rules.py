"""
Which offer, and when a topic ends. Nothing here reads a clock, a database or a file, and no draw is by chance.

Sorting, for a person and the topics that are eligible for them:

0. what the person, the law or a stop excludes is not eligible: no model can bring it back;
1. each topic's belief is the population's, moved by what this person's messages told and by what they asked for;
2. the share of each choice is the chance that it is the best (Thompson sampling), "nothing" among them; beliefs are
   sharpened before by `resolve`, as they were measured to explore far more than a few messages a month can bear;
3. each choice keeps at least the floor: it is what tries things out, and what is told later can be weighed by it;
4. which choice it is follows from a number that is fixed for this person and campaign: the same again, asked again.
"""

from __future__ import annotations

import numpy as np

from placet.purposes.offers.learning.beta import below, best_of
from placet.purposes.offers.learning.model import Belief, Flags, Floats, Policy, Reason, Seen, Source, StopRule, Whole
from placet.purposes.offers.learning.population import Population

_REASONS = (
    None, Reason.WISHED, Reason.TRYING, Reason.LIKED, Reason.CALLED, Reason.PRESSED, Reason.POPULAR,
)  # fmt: skip
LIKED_BY = (None, Source.WORD, Source.CALL, Source.LINK)
"""What told that a person wants a topic, as numbers in arrays: its place here."""


def belief(population: Population, topic: str, segment: str, seen: Seen, *, wished: bool, policy: Policy) -> Belief:
    """Step 1."""
    start = population.belief(topic, segment)
    bonus = policy.prior.wish if wished else 0.0
    return Belief(start.wanted + seen.wanted + bonus, start.unwanted + seen.unwanted)


def learned(wanted: Floats, unwanted: Floats, eligible: Flags, policy: Policy) -> Floats:
    """Steps 2 and 3: the probability of each choice, "nothing" last. Rows are persons, columns topics."""
    alike, where = np.unique(np.concatenate([wanted, unwanted, eligible], axis=1), axis=0, return_inverse=True)
    topics = wanted.shape[1]
    a, b, may = alike[:, :topics], alike[:, topics : 2 * topics], alike[:, 2 * topics :] > 0
    best = best_of(policy.resolve * a, policy.resolve * b, may, worth=policy.worth)
    shares: Floats = floored(best, may, policy.floor)[where.ravel()]
    return shares


def floored(shares: Floats, eligible: Flags, floor: float) -> Floats:
    """Step 3: *shares* of the choices ("nothing" last), each eligible one raised to the *floor* at least."""
    may = with_nothing(eligible)
    room = 1 - floor * may.sum(axis=1, keepdims=True)
    return np.where(may, floor + room * shares, 0.0)


def plain(popularity: Floats, wished: Flags, eligible: Flags, worth: float) -> Floats:
    """
    The plain rule that a learner has to beat: the most popular of what the person asked for; if they asked for
    nothing, the most popular of what is eligible and worth a message; else nothing. Probabilities, one of them 1.
    """
    asked = eligible & wished
    worthy = eligible & (popularity >= worth)
    among = np.where(asked.any(axis=1, keepdims=True), asked, worthy)
    first = np.argmax(np.where(among, popularity, -1.0), axis=1)
    choice = np.where(among.any(axis=1), first, eligible.shape[1])
    return np.asarray(np.eye(eligible.shape[1] + 1)[choice], np.float64)


def choose(probabilities: Floats, points: Floats) -> Whole:
    """Step 4: the column that each row's point (0 to 1) falls on."""
    ends = np.cumsum(probabilities, axis=1)
    # The last end may be a rounding below 1; what has no probability has no width, and is never pointed at.
    return np.asarray(np.argmax(points[:, None] < ends / ends[:, -1:], axis=1))


def points(key: bytes, numbers: Whole) -> Floats:
    """What step 4 stands on: a number from 0 to 1 for each of *numbers*, the same again under the same *key*."""
    stream = np.random.Generator(np.random.Philox(key=int.from_bytes(key[:16], "big")))
    return np.asarray(stream.random(int(numbers.max(initial=0)) + 1)[numbers])


def reasons(chosen: Whole, best: Whole, wished: Flags, liked: Whole) -> list[Reason | None]:
    """
    Why each row's column was chosen, *best* being the one that was thought best; None for nothing. *liked*: what told
    that it is wanted, as in `LIKED_BY`.
    """
    rows, columns = np.arange(len(chosen)), np.minimum(chosen, wished.shape[1] - 1)
    by = liked[rows, columns]
    cases = [chosen == wished.shape[1], wished[rows, columns], chosen != best, by > 0]
    codes = np.select(cases, [0, 1, 2, 2 + by], len(_REASONS) - 1)
    return [_REASONS[code] for code in codes]


def certainty(held: Belief, share: float) -> float:
    """How sure it is that fewer than *share* of a topic's messages are wanted."""
    return float(below(share, np.array([held.wanted]), np.array([held.unwanted]))[0])


def stops(held: Belief, seen: Seen, *, wished: bool, stop: StopRule) -> bool:
    """Whether the topic ends for the person. What they asked for does not: their word is above any belief."""
    return not wished and seen.sends >= stop.sends and certainty(held, stop.below) > stop.certainty


def with_nothing(eligible: Flags) -> Flags:
    """The choices: the eligible topics, and to send nothing."""
    return np.concatenate([eligible, np.ones((len(eligible), 1), bool)], axis=1)
