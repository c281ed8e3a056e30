"""Whom each of several campaigns is for, and who is sent nothing. Pure: people as arrays in, picks out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import attrs
import numpy as np
from pyroaring import BitMap

from placet.purposes.offers.learning import rules
from placet.purposes.offers.learning.model import Flags, Floats, Policy, Whole
from placet.purposes.offers.learning.population import Population


@attrs.frozen(eq=False)
class Offer:
    """A campaign that competes, its topic, and whom it may be for (numbers)."""

    campaign: UUID
    topic: str
    numbers: BitMap


@attrs.frozen(eq=False)
class People:
    """Those for whom something is picked, a row each; columns are the offers."""

    numbers: Whole
    segments: Sequence[str]
    eligible: Flags
    wished: Flags
    wanted: Floats
    unwanted: Floats
    liked: Whole
    """What told that they want it (`rules.LIKED_BY`)."""


@attrs.frozen(eq=False)
class Picks:
    """What was picked for whom: *chosen* is the offer's column, behind the last stands nothing."""

    offers: Sequence[Offer]
    people: People
    chosen: Whole
    propensity: Floats
    reasons: Sequence[str | None]

    def numbers(self) -> Mapping[UUID, BitMap]:
        """Whom each campaign is for."""
        return {
            offer.campaign: BitMap(self.people.numbers[self.chosen == column].tolist())
            for column, offer in enumerate(self.offers)
        }

    def columns(self) -> dict[str, list[Any]]:
        """As they are written down."""
        topics = [offer.topic for offer in self.offers]
        campaigns: list[UUID | None] = [offer.campaign for offer in self.offers]
        return {
            "numbers": self.people.numbers.tolist(),
            "campaigns": [(*campaigns, None)[column] for column in self.chosen],
            "topics": [(*topics, None)[column] for column in self.chosen],
            "segments": list(self.people.segments),
            "eligible": _named(self.people.eligible, topics),
            "wished": _named(self.people.wished & self.people.eligible, topics),
            "propensities": self.propensity.tolist(),
            "reasons": list(self.reasons),
        }


def sort(
    offers: Sequence[Offer], people: People, population: Population, policy: Policy, *, key: bytes, learned: bool
) -> Picks:
    """
    Pick for everybody; *key* fixes each one's luck. Until a model has passed (*learned*) the plain rule picks, and
    tries everything now and then, so that there is something to learn from.
    """
    popular = np.array([population.popularity(offer.topic) for offer in offers])
    wanted, unwanted = _beliefs(offers, people, population, policy)
    if learned:
        shares = rules.learned(wanted, unwanted, people.eligible, policy)
        best = np.where(people.eligible, wanted / (wanted + unwanted), -1.0).argmax(axis=1)
    else:
        ruled = rules.plain(popular, people.wished, people.eligible, policy.worth)
        shares, best = rules.floored(ruled, people.eligible, policy.floor), ruled.argmax(axis=1)
    chosen = rules.choose(shares, rules.points(key, people.numbers))
    propensity = shares[np.arange(len(chosen)), chosen]
    reasons = rules.reasons(chosen, best, people.wished, people.liked)
    return Picks(offers, people, chosen, propensity, reasons)


def eligible(offers: Sequence[Offer], numbers: Whole, never: Mapping[str, BitMap]) -> Flags:
    """
    Step 0: whom each offer may be for. Of two on the same topic the first stands, so that a topic has one chance.
    """
    found = np.zeros((len(numbers), len(offers)), bool)
    for column, offer in enumerate(offers):
        may = offer.numbers - never.get(offer.topic, BitMap())
        found[:, column] = np.isin(numbers, np.array(may, np.int64))
        same = [at for at in range(column) if offers[at].topic == offer.topic]
        found[:, column] &= ~found[:, same].any(axis=1)
    return found


def _beliefs(offers: Sequence[Offer], people: People, population: Population, policy: Policy) -> tuple[Floats, Floats]:
    """Step 1, for everybody at once."""
    names, where = np.unique(np.array(people.segments, str), return_inverse=True)
    starts = np.array(
        [[attrs.astuple(population.belief(offer.topic, str(segment))) for offer in offers] for segment in names]
    ).reshape(len(names), len(offers), 2)[where.ravel()]
    wanted = starts[..., 0] + people.wanted + policy.prior.wish * people.wished
    return wanted, starts[..., 1] + people.unwanted


def _named(flags: Flags, topics: Sequence[str]) -> list[str]:
    """Each row's topics, parted by `|`; few different rows, so each is put into words once."""
    alike, where = np.unique(flags, axis=0, return_inverse=True)
    words = ["|".join(sorted({topic for topic, there in zip(topics, row, strict=True) if there})) for row in alike]
    return [words[at] for at in where.ravel()]
