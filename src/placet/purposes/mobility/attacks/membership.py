"""
Was this person among those who were counted? Asked of the counts of a group, by somebody who knows the person's traces.

After Pyrgelis et al. (NDSS 2018), with the optimal threshold on a likelihood ratio in place of a trained classifier
(Liu et al. 2024). For each victim, groups of the same size are drawn from the world, with and without them. Of the
others the attacker knows how many are usual in each cell and how the cells go together, so the score is Fisher's
linear one: what is more than usual, weighed by (covariance of a group + noise)^-1 x the victim's own cells.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

import attrs
import numpy as np
import numpy.typing as npt

from placet.purposes.mobility.attacks import measuring, naive
from placet.purposes.mobility.attacks.canary import Draw
from placet.purposes.mobility.attacks.measuring import Floats
from placet.purposes.mobility.attacks.model import Against, Curve, Finding
from placet.purposes.mobility.attacks.traces import Counts, Traces
from placet.purposes.mobility.model import ANCHORS, ZONE_PROFILE
from placet.purposes.mobility.privacy import accounting

_RIDGE = 0.05
"""People (squared) added to each variance: no cell is known better than that."""
_STAYING = 0.85
_REHEARSALS = 600
_AT_ONCE = 128
_EXACT = 1 << 24
"""Up to here a sum of whole numbers in float32 is exact."""


class Knowing(StrEnum):
    """Where the attacker learns what is usual."""

    POPULATION = "membership"
    """From everybody's traces."""
    RELEASE = "membership without knowledge"
    """How many are usual from a release about other people (Guan et al. 2024); how cells go together by a guess: most
    people stay where they are."""


@attrs.frozen
class Trial:
    """What is tried: groups of so many, for so many victims, so many times with and without."""

    group: int
    victims: int
    times: int
    seed: int


@attrs.frozen(eq=False)
class Cells:
    """The cells in which a victim is counted: what each of the *others* adds to them, and what is published of sums."""

    zone: Counts
    """Of each cell."""
    others: Floats
    own: Floats
    publish: Callable[[Counts], Floats]
    variance: Floats
    """Of the noise of each."""
    unit: float
    hides: bool = False
    """Some sums are not published."""


def membership(
    traces: Traces, against: Against, draw: Draw, trial: Trial, *, rho: float, knowing: Knowing = Knowing.POPULATION
) -> tuple[Finding, Curve]:
    """The attack's area over all victims together, and its curve; *rho* is what the whole of our release costs."""
    rng = np.random.default_rng(trial.seed)
    seen = np.flatnonzero((traces.zones >= 0).mean(axis=1) > 0.5)
    victims = rng.choice(seen, min(trial.victims, len(seen)), replace=False)
    scored = [_scores(_cells(traces, int(one), against, draw, trial, rng), trial, knowing, rng) for one in victims]
    areas = [measuring.auc(*pair) for pair in scored]
    finding = measuring.found(
        knowing.value,
        against,
        "auc",
        measuring.mean(np.array(areas), trial.times * len(areas)),
        chance=0.5,
        bound=accounting.auc_ceiling(rho),
        note=f"most exposed victim: {max(areas):.3f}",
    )
    pooled = [np.concatenate([_ranked(*pair)[side] for pair in scored]) for side in (0, 1)]
    return finding, measuring.curve(knowing.value, against, *pooled)


def _scores(cells: Cells, trial: Trial, knowing: Knowing, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """The score of each group without, and with, the victim."""
    if knowing is Knowing.RELEASE:
        usual = cells.publish(_sums(cells.others, 1, trial.group, rng))[0]
        spread, shift = _guessed(np.maximum(usual, cells.unit), cells), cells.own
    elif cells.hides:
        usual, spread, shift = _rehearsed(cells, trial, rng)
    else:
        usual, shift = trial.group * cells.others.mean(axis=0), cells.own
        spread = trial.group * np.cov(cells.others, rowvar=False).reshape(len(cells.own), -1)
    weight = np.linalg.solve(spread + np.diag(cells.variance + _RIDGE * cells.unit**2), shift)
    own = cells.own.astype(np.int64)
    without, within = (
        (cells.publish(_sums(cells.others, trial.times, trial.group - there, rng) + there * own) - usual) @ weight
        for there in (0, 1)
    )
    return without, within


def _rehearsed(cells: Cells, trial: Trial, rng: np.random.Generator) -> tuple[Floats, Floats, Floats]:
    """
    What is usual, how it goes together, and what one person more changes, of figures of which some are hidden: from
    releases that the attacker makes of other groups.
    """
    sums = _sums(cells.others, _REHEARSALS, trial.group - 1, rng)
    without, within = cells.publish(sums), cells.publish(sums + cells.own.astype(np.int64))
    return (
        without.mean(axis=0),
        np.cov(without, rowvar=False).reshape(len(cells.own), -1),
        (within - without).mean(axis=0),
    )


def _guessed(usual: Floats, cells: Cells) -> Floats:
    """How the counts of cells go together, if of those who are in one hour in a zone most are there in the others."""
    together = _STAYING * np.minimum(usual[:, None], usual[None, :]) * (cells.zone[:, None] == cells.zone[None, :])
    np.fill_diagonal(together, usual)
    return np.asarray(together * cells.unit)


def _cells(traces: Traces, victim: int, against: Against, draw: Draw, trial: Trial, rng: np.random.Generator) -> Cells:
    others, own = traces.of(np.delete(np.arange(len(traces)), victim)), traces.of(np.array([victim]))
    if against.ours:
        pair = np.delete((traces.home == traces.home[victim]) & (traces.work == traces.work[victim]), victim)
        return _of_ours(others, own, pair, draw)
    return _of_theirs(others, own, against, trial.group, rng)


def _of_theirs(others: Traces, victim: Traces, against: Against, group: int, rng: np.random.Generator) -> Cells:
    """Each hour that the victim was seen in, with everybody who was in the same zone."""
    hours = np.flatnonzero(victim.zones[0] >= 0)
    same = (others.zones[:, hours] == victim.zones[0, hours]).astype(float)
    usual = group * same.mean(axis=0)
    return Cells(
        victim.zones[0, hours].astype(np.int64),
        same,
        np.ones(len(hours)),
        lambda counts: _figures(counts, against, rng, usual),
        np.full(len(hours), naive.variance(against)),
        1.0,
        hides=against in naive.THRESHOLD,
    )


def _figures(counts: Counts, against: Against, rng: np.random.Generator, usual: Floats) -> Floats:
    """What is published, as people; in place of what is hidden stands the most that it can be, or what is usual."""
    released = naive.released(counts, against, rng) / (naive.FACTOR if against is Against.MULTIPLIED else 1.0)
    if against not in naive.THRESHOLD:
        return released
    return np.where(released > 0, released, np.minimum(usual, naive.THRESHOLD[against] - 1))


def _of_ours(others: Traces, victim: Traces, pair: npt.NDArray[np.bool_], draw: Draw) -> Cells:
    """
    A month's profile, and its homes and places of work, each with the noise that was paid for. *pair*: who of the
    others has the victim's.
    """
    seen = victim.zones[0] >= 0
    zone, slot = np.unique(np.stack([victim.zones[0][seen], victim.slot[seen]]), axis=1)
    sigmas = ZONE_PROFILE.sigma(), ANCHORS.sigma() * ZONE_PROFILE.unit
    noise = np.array([sigmas[0]] * len(zone) + [sigmas[1]])

    def publish(sums: Counts) -> Floats:
        """Pairs stand in thousandths here, as profiles do, so that one score takes both."""
        drawn = draw(ZONE_PROFILE.sigma(), sums[:, :-1].size).reshape(len(sums), -1)
        paired = draw(ANCHORS.sigma(), len(sums))[:, None] * ZONE_PROFILE.unit
        return np.asarray(sums + np.concatenate([drawn, paired], axis=1), float)

    return Cells(
        np.append(zone, -1),
        np.column_stack([others.share(zone, slot), pair * ZONE_PROFILE.unit]).astype(float),
        np.append(victim.share(zone, slot)[0], ZONE_PROFILE.unit).astype(float),
        publish,
        noise**2,
        float(ZONE_PROFILE.unit),
    )


def _sums(values: Floats, times: int, size: int, rng: np.random.Generator) -> Counts:
    """The sums over groups of *size* of the rows of *values*, a group for each time."""
    sums = np.empty((times, values.shape[1]), np.int64)
    values = values.astype(np.float32 if size * values.max(initial=0) < _EXACT else np.float64)
    for start in range(0, times, _AT_ONCE):
        some = min(_AT_ONCE, times - start)
        chosen = np.argpartition(rng.random((some, len(values)), np.float32), size - 1, axis=1)[:, :size]
        members = np.zeros((some, len(values)), values.dtype)
        np.put_along_axis(members, chosen, 1.0, axis=1)
        sums[start : start + some] = np.rint(members @ values)
    return sums


def _ranked(without: Floats, within: Floats) -> tuple[Floats, Floats]:
    """Scores as their ranks among the same victim's, so that those of different victims can be told as one curve."""
    both = np.concatenate([without, within])
    ordered = np.sort(both)
    ranks = (np.searchsorted(ordered, both, "left") + np.searchsorted(ordered, both, "right")) / 2
    return ranks[: len(without)], ranks[len(without) :]
