"""
Would the learner have done better than the plain rule? Answered from what was picked before, without trying. Pure.

1. The people are parted at random, several times over; each part is judged by a population fitted on the others, so
   nobody's own telling decides what is believed of them (cross-fitting; Chernozhukov et al. 2018).
2. Each policy's worth at a pick is what the model expects of its choices, corrected by what really came, weighted by
   how much likelier the policy made it (doubly robust; Dudík, Langford and Li 2011). A reward is 1 for a wanted message
   less `worth` for each message, so that sending nothing is 0.
3. The error of a mean is that of people, not of picks: one person's picks are not independent.
4. Of the splits the median stands, and its error grows by how much they disagree.
5. The learner passes when the lower end of its gain over the rule (95 %) is above 0, enough messages carry the
   estimate, and no weight is above what the floor allows.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np

from placet.purposes.offers.learning import rules
from placet.purposes.offers.learning.beta import below
from placet.purposes.offers.learning.model import Flags, Floats, Group, ModelVersion, Policy, Whole
from placet.purposes.offers.learning.policy import version
from placet.purposes.offers.learning.population import Population, fit
from placet.purposes.offers.learning.trials import Told, Trials, before

Z = 1.959964
"""95 % of a normal distribution lie within so many standard errors."""
_BINS = 8
_SLACK = 1e-9


@attrs.frozen
class Estimate:
    """A figure and the ends of its 95 % interval."""

    value: float
    low: float
    high: float


@attrs.frozen
class Bin:
    """*sends* messages of which the share *believed* was expected to be wanted, and *wanted* was."""

    sends: int
    believed: float
    wanted: Estimate


@attrs.frozen
class Exposure:
    """Which share of a segment's picks would send something, under the learner and under the rule."""

    segment: str
    learner: float
    rule: float


@attrs.frozen
class Stopping:
    """What stopping would have done to what was sent: the share of messages saved, and of wanted ones kept."""

    saved: Estimate
    kept: Estimate
    stopped: int
    """Topics that would have stopped, each for one person."""


@attrs.frozen(kw_only=True)
class Evaluation:
    model: ModelVersion
    people: int
    picks: int
    gain: Estimate
    """Of the learner over the rule, for one pick."""
    learner: Estimate
    rule: Estimate
    splits: tuple[Estimate, ...]
    """The gain, by each way to part the people."""
    effective: float
    """How many equally weighted picks would tell as much: (Σw)² / Σw²."""
    heaviest: float
    bins: tuple[Bin, ...]
    exposures: tuple[Exposure, ...]
    stopping: Stopping
    failed: tuple[str, ...]
    """What is missing for the model to sort, in stable words; empty when it passed."""

    @property
    def passed(self) -> bool:
        return not self.failed


@attrs.frozen
class Judged:
    """One way to part the people: both policies' probabilities and worths, and what was believed, pick by pick."""

    learner: Floats
    rule: Floats
    learner_worth: Floats
    rule_worth: Floats
    believed: Floats
    wanted: Floats
    unwanted: Floats


def evaluate(trials: Trials, policy: Policy, *, seed: int = 1) -> Evaluation:
    """Judge the learner with these numbers on *trials*; the same *seed* parts the people alike."""
    told = before(trials, policy)
    parted = [judge(trials, told, policy, seed=seed * 1_000 + at) for at in range(policy.demands.splits)]
    person = trials.person
    gains = tuple(gain(one, person) for one in parted)
    weights = [_taken(one.learner, trials.chosen) / trials.propensity for one in parted]
    made = Evaluation(
        model=version(policy),
        people=len(np.unique(person)),
        picks=len(trials),
        gain=median(gains),
        learner=median([_mean(one.learner_worth, person) for one in parted]),
        rule=median([_mean(one.rule_worth, person) for one in parted]),
        splits=gains,
        effective=float(np.median([_effective(one) for one in weights])),
        heaviest=float(np.max(weights)) if len(trials) else 0.0,
        bins=_bins(trials, parted[0]),
        exposures=_exposures(trials, parted[0]),
        stopping=stopping(trials, told, parted[0], policy),
        failed=(),
    )
    return attrs.evolve(made, failed=tuple(_failures(made, policy)))


def judge(trials: Trials, told: Told, policy: Policy, *, seed: int) -> Judged:
    """Steps 1 and 2, with the people parted once."""
    parts = policy.demands.parts
    part = np.random.default_rng(seed).permutation(np.arange(1 + trials.person.max(initial=0)) % parts)[trials.person]
    shape = trials.eligible.shape
    learner, rule = np.zeros((shape[0], shape[1] + 1)), np.zeros((shape[0], shape[1] + 1))
    wanted, unwanted = np.zeros(shape), np.zeros(shape)
    for one in range(parts):
        rows = part == one
        population = fit(groups(trials.of(~rows), policy), policy.prior)
        starts = _starts(population, trials)[trials.segment[rows]]
        wished = trials.wished[rows]
        wanted[rows] = starts[..., 0] + told.wanted[rows] + policy.prior.wish * wished
        unwanted[rows] = starts[..., 1] + told.unwanted[rows]
        learner[rows] = rules.learned(wanted[rows], unwanted[rows], trials.eligible[rows], policy)
        popular = np.array([population.popularity(topic) for topic in trials.topics])
        rule[rows] = rules.plain(popular, wished, trials.eligible[rows], policy.worth)
    believed = wanted / (wanted + unwanted)
    expected = np.concatenate([believed - policy.worth, np.zeros((shape[0], 1))], axis=1)
    reward = trials.wanted - policy.worth * (trials.wanted + trials.unwanted)
    surprise = (reward - _taken(expected, trials.chosen)) / trials.propensity
    worths = [(shares * expected).sum(axis=1) + _taken(shares, trials.chosen) * surprise for shares in (learner, rule)]
    return Judged(learner, rule, worths[0], worths[1], believed, wanted, unwanted)


def gain(judged: Judged, person: Whole) -> Estimate:
    """Step 3: of the learner over the rule, for one pick."""
    return _mean(judged.learner_worth - judged.rule_worth, person)


def groups(trials: Trials, policy: Policy) -> list[Group]:
    """What all persons told, as of the last pick: those of whom the same is known together."""
    sent = trials.sent
    last = trials.at.max(initial=0.0)
    kept = 0.5 ** ((last - trials.at[sent]) / (policy.half_life.total_seconds() / 86_400))
    cell = trials.person[sent] * len(trials.topics) + trials.chosen[sent]
    cells, first, where = np.unique(cell, return_index=True, return_inverse=True)
    wanted = np.bincount(where, kept * trials.wanted[sent], len(cells)).round(1)
    unwanted = np.bincount(where, kept * trials.unwanted[sent], len(cells)).round(1)
    rows = np.stack([cells % max(len(trials.topics), 1), trials.segment[sent][first], wanted, unwanted], axis=1)
    alike, people = np.unique(rows, axis=0, return_counts=True)
    return [
        Group(trials.topics[int(topic)], trials.segments[int(segment)], float(yes), float(no), int(count))
        for (topic, segment, yes, no), count in zip(alike, people, strict=True)
    ]


def stopping(trials: Trials, told: Told, judged: Judged, policy: Policy) -> Stopping:
    """What the stop rule would have taken out of what was sent. Once it stops a topic, it stays stopped."""
    rows = np.flatnonzero(trials.sent)
    column = trials.chosen[rows]
    sure = below(policy.stop.below, judged.wanted[rows, column], judged.unwanted[rows, column])
    ends = (sure > policy.stop.certainty) & (told.sends[rows, column] >= policy.stop.sends)
    ends &= ~trials.wished[rows, column]
    after = _ever_since(ends, trials.person[rows] * len(trials.topics) + column)
    person, wanted = trials.person[rows], trials.wanted[rows] > 0
    every = np.ones(len(rows))
    first = np.unique((trials.person[rows] * len(trials.topics) + column)[after])
    return Stopping(
        share(after.astype(float), every, person),
        share((wanted & ~after) * every, wanted * every, person),
        len(first),
    )


def share(part: Floats, whole: Floats, person: Whole) -> Estimate:
    """Σ part / Σ whole, with the error that people make (the ratio estimator, linearised)."""
    total = float(whole.sum())
    if total == 0:
        return Estimate(0.0, 0.0, 0.0)
    ratio = float(part.sum()) / total
    off = np.bincount(person, part - ratio * whole)
    error = float(np.sqrt((off**2).sum())) / total
    return Estimate(ratio, ratio - Z * error, ratio + Z * error)


def median(estimates: Sequence[Estimate]) -> Estimate:
    """Step 4."""
    middle = float(np.median([one.value for one in estimates]))
    errors = [((one.high - one.value) / Z) ** 2 + (one.value - middle) ** 2 for one in estimates]
    error = float(np.sqrt(np.median(errors)))
    return Estimate(middle, middle - Z * error, middle + Z * error)


def _ever_since(ends: Flags, series: Whole) -> Flags:
    """Where a row or an earlier one of its *series* is True. Rows are in order of time within a series."""
    order = np.argsort(series, kind="stable")
    in_order, marks = series[order], np.cumsum(ends[order])
    start = np.flatnonzero(np.r_[True, in_order[1:] != in_order[:-1]]) if len(order) else np.array([], int)
    before_series = np.repeat(marks[start] - ends[order][start], np.diff(np.r_[start, len(order)]))
    since = np.zeros(len(ends), bool)
    since[order] = marks > before_series
    return since


def _starts(population: Population, trials: Trials) -> Floats:
    """What is believed of whoever has told nothing: by segment and topic, both parameters."""
    beliefs = [[population.belief(topic, segment) for topic in trials.topics] for segment in trials.segments]
    return np.array([[(one.wanted, one.unwanted) for one in row] for row in beliefs])


def _taken(shares: Floats, chosen: Whole) -> Floats:
    return np.asarray(shares[np.arange(len(chosen)), chosen])


def _mean(values: Floats, person: Whole) -> Estimate:
    """Step 3."""
    return share(values, np.ones(len(values)), person)


def _effective(weights: Floats) -> float:
    squares = float((weights**2).sum())
    return float(weights.sum()) ** 2 / squares if squares > 0 else 0.0


def _bins(trials: Trials, judged: Judged) -> tuple[Bin, ...]:
    """Whether what was believed came true, in parts of equal size from the least to the most believed."""
    rows = np.flatnonzero(trials.sent)
    believed = judged.believed[rows, trials.chosen[rows]]
    order = rows[np.argsort(believed, kind="stable")]
    return tuple(
        Bin(
            len(part),
            float(judged.believed[part, trials.chosen[part]].mean()),
            _mean((trials.wanted[part] > 0).astype(float), trials.person[part]),
        )
        for part in np.array_split(order, _BINS)
        if len(part)
    )


def _exposures(trials: Trials, judged: Judged) -> tuple[Exposure, ...]:
    return tuple(
        Exposure(
            name,
            float(1 - judged.learner[trials.segment == at, -1].mean()),
            float(1 - judged.rule[trials.segment == at, -1].mean()),
        )
        for at, name in enumerate(trials.segments)
    )


def _failures(made: Evaluation, policy: Policy) -> list[str]:
    """Step 5."""
    failed = []
    if made.gain.low <= 0:
        failed.append("no-gain")
    if made.effective < policy.demands.effective:
        failed.append("too-few")
    if made.heaviest > 1 / policy.floor + _SLACK:
        failed.append("weights-too-large")
    return failed
