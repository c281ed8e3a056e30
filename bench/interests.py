"""
What learning brings: messages saved and successes kept by stopping, on the calls of a bank (UCI Bank Marketing: Moro,
Cortez and Rita 2014, CC BY 4.0), and the gain over the plain rule in a town whose interests are known.

Of each of the bank's customers it is known how often they were called and whether they agreed in the end, so what a
rule that stops earlier would have saved and lost can be counted and need not be estimated. The calls were not drawn at
random: who was hard to reach was called more. What is believed of a customer is fitted on others (ten ways to part
them). The peer is the rule that telephone teams use: no more than so many calls.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import attrs
import numpy as np
from pyroaring import BitMap

from bench.ground import Ground
from bench.harness import QUICK, Report, timed
from placet.purposes.offers.learning import world
from placet.purposes.offers.learning.beta import below
from placet.purposes.offers.learning.evaluation import Estimate, evaluate, judge, median, share
from placet.purposes.offers.learning.model import Floats, Group, Policy, Whole
from placet.purposes.offers.learning.policy import standard
from placet.purposes.offers.learning.population import Population, fit
from placet.purposes.offers.learning.sorting import Offer, People, sort
from placet.purposes.offers.learning.trials import before

CALLS = Path(__file__).parents[2] / "shared" / "data" / "offers" / "bank-additional-full.csv"
TOPIC = "deposit"
SAVED, KEPT = "calls saved by stopping", "successes kept by stopping"
CAP = 3
MOST = 60
SPLITS = 2 if QUICK else 10
TOWN = (400, 8) if QUICK else (1_500, 16)
CROWD = 20_000 if QUICK else 200_000
_SHIPPED = standard()


@attrs.frozen
class Calls:
    """A row a customer: how often they were called, whether they agreed, and the part of the customers they are of."""

    made: Whole
    agreed: Floats
    segment: Sequence[str]


def run(report: Report, here: Ground) -> None:
    if CALLS.exists():
        calls = _read()
        together = attrs.evolve(calls, segment=["all"] * len(calls.made))
        at_once = attrs.evolve(_SHIPPED, stop=attrs.evolve(_SHIPPED.stop, sends=1))
        _stopping(report, calls, at_once, "with what is known of the times")
        _stopping(report, together, at_once, "with nothing known but the calls")
        _stopping(report, calls, _SHIPPED, "not before six calls, as for e-mail")
    else:
        print(f"skipped: {CALLS} is not here", file=sys.stderr)
    _gain(report)
    _sorting(report)


def _read() -> Calls:
    """The segment is how many people had work at the time, as the bank's file says it: eleven times, in three years."""
    with CALLS.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    agreed = np.array([row["y"] in {"1", "yes"} for row in rows], float)
    return Calls(np.array([int(row["campaign"]) for row in rows]), agreed, [row["nr.employed"] for row in rows])


def _stopping(report: Report, calls: Calls, policy: Policy, how: str) -> None:
    found = [_split(calls, policy, seed) for seed in range(SPLITS)]
    saved, kept = (median([one[at] for one in found]) for at in range(2))
    capped, whom = np.minimum(calls.made, CAP), np.arange(len(calls.made))
    by_cap = share((calls.made - capped).astype(float), calls.made.astype(float), whom)
    left = share(calls.agreed * (calls.made <= CAP), calls.agreed, whom)
    for what, ours, theirs in ((SAVED, saved, by_cap), (KEPT, kept, left)):
        report.add(
            f"{what}, {how}", ours.value, "share", peer=f"no more than {CAP} calls", peer_value=theirs.value,
            ratio=ours.value / theirs.value, n=len(calls.made), low=ours.low, high=ours.high,
        )  # fmt: skip


def _split(calls: Calls, policy: Policy, seed: int) -> tuple[Estimate, Estimate]:
    """The shares saved and kept, with the people parted once."""
    names, segment = np.unique(calls.segment, return_inverse=True)
    part = np.random.default_rng(seed).permutation(np.arange(len(segment)) % policy.demands.parts)
    most = np.zeros(len(segment), np.int64)
    for one in range(policy.demands.parts):
        population = fit(_groups(calls, names, segment, part != one), policy.prior)
        limits = np.array([_limit(population, str(name), policy) for name in names])
        most[part == one] = limits[segment[part == one]]
    whom, made = np.arange(len(segment)), calls.made.astype(float)
    saved = share(np.maximum(calls.made - most, 0).astype(float), made, whom)
    return saved, share(calls.agreed * (calls.made <= most), calls.agreed, whom)


def _groups(calls: Calls, names: Floats, segment: Whole, rows: np.ndarray) -> list[Group]:
    told = np.stack([segment[rows], calls.agreed[rows].astype(int), (calls.made - calls.agreed)[rows].astype(int)])
    alike, people = np.unique(told, axis=1, return_counts=True)
    return [
        Group(TOPIC, str(names[at]), float(yes), float(no), int(count))
        for (at, yes, no), count in zip(alike.T, people, strict=True)
    ]


def _limit(population: Population, segment: str, policy: Policy) -> int:
    """After how many calls without success the rule stops."""
    held, calls = population.belief(TOPIC, segment), np.arange(policy.stop.sends, MOST)
    sure = below(policy.stop.below, np.full(len(calls), held.wanted), held.unwanted + calls) > policy.stop.certainty
    return int(calls[sure.argmax()]) if sure.any() else MOST


def _gain(report: Report) -> None:
    """The estimate beside the truth, which only this town can tell."""
    people, rounds = TOWN
    town = world.town(people=people, spread=0.7)
    trials = world.history(town, _SHIPPED, rounds=rounds)
    made = evaluate(trials, _SHIPPED)
    once = judge(trials, before(trials, _SHIPPED), _SHIPPED, seed=1_000)
    truth = {name: world.worth(town, trials, getattr(once, name), _SHIPPED) for name in ("learner", "rule")}
    report.add(
        "worth of a pick by the learner, town of known interests", made.learner.value, "share", peer="the plain rule",
        peer_value=made.rule.value, ratio=made.learner.value / made.rule.value, n=len(trials), low=made.learner.low,
        high=made.learner.high, truth=truth["learner"],
    )  # fmt: skip
    report.add(
        "gain over the plain rule, town of known interests", made.gain.value, "share", n=len(trials),
        low=made.gain.low, high=made.gain.high, truth=truth["learner"] - truth["rule"],
    )  # fmt: skip
    for what, one in ((SAVED, made.stopping.saved), (KEPT, made.stopping.kept)):
        report.add(
            f"{what.replace('calls', 'messages')}, town of known interests", one.value, "share", n=len(trials),
            low=one.low, high=one.high,
        )  # fmt: skip


def _sorting(report: Report) -> None:
    """How fast people are picked for: half of them have told something of their own."""
    random = np.random.default_rng(1)
    topics = ("travel", "phones", "gaming", "family")
    numbers = np.arange(1, CROWD + 1)
    shape = (CROWD, len(topics))
    told = (random.random(shape) < 0.5) & (numbers % 2 == 0)[:, None]
    wanted = told * random.poisson(0.1, shape).astype(float)
    people = People(
        numbers, [("lv", "ru", "en")[at % 3] for at in range(CROWD)], np.ones(shape, bool), np.zeros(shape, bool),
        wanted, told * random.poisson(4, shape).astype(float), (wanted > 0).astype(np.int64),
    )  # fmt: skip
    offers = [Offer(UUID(int=at), topic, BitMap()) for at, topic in enumerate(topics)]
    report.compare(
        "people sorted among four offers",
        lambda: timed(
            lambda: sort(offers, people, Population(_SHIPPED.prior), _SHIPPED, key=bytes(32), learned=True), CROWD
        ),
        {},
        unit="/s",
        n=CROWD,
    )
