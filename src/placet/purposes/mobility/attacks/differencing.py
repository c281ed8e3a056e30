"""
Two figures that differ in one person, or in one small area: what their difference tells.

* A consent is withdrawn between two releases. On a platform of consents this happens every minute, so it is the attack
  that matters most: all others stay, and the attacker asks where the one who left had lived.
* Two areas differ in one small zone. Each is large enough to be answered, so a threshold hides nothing (the radius or
  polygon of a density interface that has no grid).
* A zone has one resident, or none.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import erf, sqrt

import numpy as np
import numpy.typing as npt

from placet.purposes.mobility.attacks import measuring, naive
from placet.purposes.mobility.attacks.canary import Draw
from placet.purposes.mobility.attacks.measuring import Floats
from placet.purposes.mobility.attacks.model import Against, Finding
from placet.purposes.mobility.attacks.traces import NIGHT, Traces
from placet.purposes.mobility.model import THOUSANDTHS, ZONE_PROFILE
from placet.purposes.mobility.privacy import accounting

_ALL = (Against.EXACT, Against.FIVE, Against.FIFTEEN, Against.MULTIPLIED, Against.EVENTS)
_DAYS = 7
_A_ZONE = 10


def withdrawal(traces: Traces, draw: Draw, *, victims: int, rho: float, seed: int) -> Sequence[Finding]:
    """How often the zone of most nights is found of the one who withdrew, from a release before and one after."""
    rng = np.random.default_rng(seed)
    known = np.flatnonzero(traces.home >= 0)
    chosen = rng.choice(known, min(victims, len(known)), replace=False)
    chance = 1 / traces.places
    return [
        measuring.found(
            "withdrawal",
            against,
            "homes found",
            measuring.mean(np.array([_found(traces, one, against, draw, rng) for one in chosen]), len(chosen)),
            chance=chance,
            bound=accounting.tpr_ceiling(rho, chance),
        )
        for against in (*_ALL, Against.PLACET)
    ]


def areas(traces: Traces, draw: Draw, *, times: int, seed: int) -> Sequence[Finding]:
    """How often the count of a zone too small to be told is told exactly by two areas that differ in it."""
    rng = np.random.default_rng(seed)
    # As many people as make small counts usual.
    few = traces.of(rng.choice(len(traces), min(_A_ZONE * traces.places, len(traces)), replace=False)).counts()
    told = []
    for against, threshold in naive.THRESHOLD.items():
        small, large = _small_and_large(few, threshold, times, rng)
        both, one = (naive.released(counts, against, rng) for counts in (small + large, large))
        told.append((against, np.asarray(both - one == small, float), _constant(small)))
    small, _ = _small_and_large(few, naive.THRESHOLD[Against.FIFTEEN], times, rng)
    released = small + draw(ZONE_PROFILE.sigma(), len(small)) / THOUSANDTHS
    told.append((Against.PLACET, np.asarray(np.rint(released) == small, float), _constant(small)))
    literal = erf(0.5 / (ZONE_PROFILE.sigma() / THOUSANDTHS) / sqrt(2))
    return [
        measuring.found(
            "two areas",
            against,
            "small counts told exactly",
            measuring.mean(right, len(right)),
            chance=chance,
            bound=max(literal, chance),
            note=f"a figure with our noise is exact {literal:.1%} of the time; the best guess without any is the bound",
        )
        for against, right, chance in told
    ]


def resident(draw: Draw, *, trials: int, rho: float, seed: int) -> Sequence[Finding]:
    """Whether a zone in which nobody lives can be told from one with a single resident, who is always there."""
    rng = np.random.default_rng(seed)
    found = []
    for against in _ALL:
        empty, one = (
            naive.released(np.full((trials, _DAYS * 24), there), against, rng).sum(axis=1) for there in (0, 1)
        )
        found.append((against, empty, one))
    cells = 2 * 24
    empty, one = (
        draw(ZONE_PROFILE.sigma(), trials * cells).reshape(trials, cells).sum(axis=1) + there * cells * THOUSANDTHS
        for there in (0, 1)
    )
    found.append((Against.PLACET, empty.astype(float), one.astype(float)))
    return [
        measuring.found(
            "one resident", against, "auc", measuring.area(*pair), chance=0.5, bound=accounting.auc_ceiling(rho)
        )
        for against, *pair in found
    ]


def _found(traces: Traces, victim: int, against: Against, draw: Draw, rng: np.random.Generator) -> float:
    """1 when the zone that lost most over the nights is the victim's home, else 0; ties are decided by lot."""
    if against.ours:
        lost = _lost_of_ours(traces, victim, draw)
    else:
        counts = traces.counts()[np.isin(traces.hour, NIGHT)]
        own = traces.of(np.array([victim])).counts()[np.isin(traces.hour, NIGHT)]
        lost = (naive.released(counts, against, rng) - naive.released(counts - own, against, rng)).sum(axis=0)
    best = np.flatnonzero(lost == lost.max())
    return float(rng.choice(best) == traces.home[victim])


def _lost_of_ours(traces: Traces, victim: int, draw: Draw) -> Floats:
    """By zone, how much less there is over the nights of a typical day; each release has noise of its own."""
    own = traces.of(np.array([victim])).profile()[:, np.isin(np.arange(2 * 24) % 24, NIGHT)]
    before, after = (draw(ZONE_PROFILE.sigma(), own.size).reshape(own.shape) for _ in range(2))
    return np.asarray((own + before - after).sum(axis=1), float)


def _small_and_large(
    counts: npt.NDArray[np.int64], threshold: int, times: int, rng: np.random.Generator
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Hours in which a zone has people, but too few to be told; and the count of the fullest zone of that hour."""
    hour, zone = np.nonzero((counts > 0) & (counts < threshold))
    chosen = rng.choice(len(hour), min(times, len(hour)), replace=False)
    return counts[hour[chosen], zone[chosen]], counts.max(axis=1)[hour[chosen]]


def _constant(values: npt.NDArray[np.int64]) -> float:
    """How often the best single guess is right."""
    return float(np.bincount(values).max() / len(values))
