"""
What is believed of a topic before a person has told anything: the middle of the people, and how much they differ.

Each person's rate comes from a Beta distribution. Its mean is the topic's share of wanted messages in the person's
segment, drawn towards the share among everybody while little is known of the segment, and that towards what was
believed at the start. Its strength is the one under which what was seen of all persons is the most likely
(empirical Bayes, a beta-binomial per person): the more people differ, the faster a person's own messages count.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import attrs
import numpy as np

from placet.purposes.offers.learning.beta import log_beta
from placet.purposes.offers.learning.model import Belief, Floats, Group, Prior

_STRENGTHS = 2.0 ** np.arange(0, 11.5, 0.5)
"""Which are tried: from people who differ as much as can be (1) to people who are all alike (2,000)."""
_ROUNDS = 3


@attrs.frozen
class Population:
    """The shares by topic, by topic and segment, and each topic's strength."""

    prior: Prior
    topics: Mapping[str, float] = attrs.field(factory=dict)
    segments: Mapping[tuple[str, str], float] = attrs.field(factory=dict)
    strengths: Mapping[str, float] = attrs.field(factory=dict)

    def popularity(self, topic: str) -> float:
        """Which share of its messages is wanted, by all."""
        return self.topics.get(topic, self.prior.rate)

    def belief(self, topic: str, segment: str) -> Belief:
        """Of a person of *segment* who has told nothing."""
        rate = self.segments.get((topic, segment), self.popularity(topic))
        strength = self.strengths.get(topic, self.prior.strength)
        return Belief(rate * strength, (1 - rate) * strength)


def fit(groups: Iterable[Group], prior: Prior) -> Population:
    """What *groups* of people tell of each topic; without any of a topic it stays with *prior*."""
    of_topic: dict[str, list[Group]] = defaultdict(list)
    for group in groups:
        if group.wanted + group.unwanted > 0:
            of_topic[group.topic].append(group)
    topics: dict[str, float] = {}
    segments: dict[tuple[str, str], float] = {}
    strengths: dict[str, float] = {}
    for topic, those in sorted(of_topic.items()):
        strength = prior.strength
        # Each is worked out from the other; after a few rounds neither moves any more.
        for _ in range(_ROUNDS):
            topics[topic], parts = _rates(those, strength, prior)
            strength = _strength(those, parts, prior)
        segments |= {(topic, segment): rate for segment, rate in parts.items()}
        strengths[topic] = strength
    return Population(prior, topics, segments, strengths)


def _rates(groups: Sequence[Group], strength: float, prior: Prior) -> tuple[float, dict[str, float]]:
    """The share of wanted messages among all, and in each segment."""
    of_all = _rate(groups, strength, prior.rate, prior.strength)
    names = sorted({group.segment for group in groups})
    return of_all, {
        name: _rate([one for one in groups if one.segment == name], strength, of_all, prior.segment_strength)
        for name in names
    }


def _rate(groups: Sequence[Group], strength: float, start: float, held: float) -> float:
    """
    The mean of the people's rates, drawn towards *start* as if *held* messages had said so.

    A person's messages count as n (strength + 1) / (n + strength) (Kleinman 1973): who was sent more, perhaps because
    they liked it, does not speak for those who were sent less.
    """
    wanted = np.array([group.wanted for group in groups])
    seen = wanted + np.array([group.unwanted for group in groups])
    weight = np.array([group.people for group in groups]) * (strength + 1) / (seen + strength)
    return float((np.sum(weight * wanted) + start * held) / (np.sum(weight * seen) + held))


def _strength(groups: Sequence[Group], segments: Mapping[str, float], prior: Prior) -> float:
    """The most likely of the strengths."""
    rates = np.array([segments[group.segment] for group in groups])
    wanted = np.array([group.wanted for group in groups])
    unwanted = np.array([group.unwanted for group in groups])
    people = np.array([group.people for group in groups], float)
    said = np.array([_likelihood(rates * one, (1 - rates) * one, wanted, unwanted, people) for one in _STRENGTHS])
    # Half a nat for each factor of e away from what was believed: decides only while the data say nothing.
    said -= 0.5 * np.log(_STRENGTHS / prior.strength) ** 2
    return float(_STRENGTHS[int(np.argmax(said))])


def _likelihood(a: Floats, b: Floats, wanted: Floats, unwanted: Floats, people: Floats) -> float:
    """ln of the beta-binomial likelihood; its binomial factor depends on no strength and is left out."""
    return float(np.sum(people * (log_beta(a + wanted, b + unwanted) - log_beta(a, b))))
