"""
Noisy values made whole: not negative, and children that add up to their parent. Pure; sees noisy values only.

What is *sure*, above all that noise alone reaches in its table, stays as it was drawn, so that large values carry no
bias. The rest is projected onto what the parent leaves for it (Euclidean projection onto the simplex: Duchi et al.
2008), which takes away what noise added to the many small ones. A parent is then the sum of its children.
"""

from __future__ import annotations

from math import ceil, log, sqrt

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

LEAST = 15
"""Nothing smaller is published, however small its noise."""
QUANTILE = 1.959963984540054
"""The normal quantile of 97.5 %: intervals of 95 %."""


def least(sigma: float) -> int:
    """The smallest value that is published of those with noise *sigma*: the larger of 15 and two sigma."""
    return max(LEAST, ceil(2 * sigma))


def certain(sigma: float, many: int) -> float:
    """What noise alone hardly reaches among *many* values: sigma * sqrt(2 ln n) (Donoho and Johnstone 1994)."""
    return max(float(least(sigma)), sigma * sqrt(2 * log(max(many, 2))))


def interval(noisy: Floats, settled: Whole, sigma: float | Floats) -> tuple[Whole, Whole]:
    """The 95 % interval of what *noisy* was before its noise, widened where the *settled* value lies outside it."""
    half = QUANTILE * sigma
    low = np.minimum(np.maximum(np.floor(noisy - half), 0), settled)
    high = np.maximum(np.ceil(noisy + half), settled)
    return low.astype(np.int64), high.astype(np.int64)


def settle(noisy: Floats, total: float, sure: Mask, floor: Whole | None = None) -> Whole:
    """
    Whole numbers near *noisy* that are not below *floor* and sum to *total*, where the *sure* ones and the floor let
    them: they come first, and the sum is then theirs.
    """
    ground = np.zeros(len(noisy), dtype=np.int64) if floor is None else floor
    found = np.where(sure, np.maximum(np.rint(noisy).astype(np.int64), ground), ground)
    rest = max(round(total) - int(found.sum()), 0)
    free = np.flatnonzero(~sure)
    found[free] += shared(projected(noisy[free] - ground[free], rest), rest)
    return found


def settle_below(noisy: Floats, total: int, sure: Mask) -> Whole:
    """
    As `settle` where *total* is the more exact: nothing goes beyond it, and what is sure gives way when it would.

    Nor are values raised to reach it: a parent may hold what no child was counted for.
    """
    kept = np.rint(noisy[sure]).sum()
    most = min(total, round(np.maximum(noisy, 0).sum()))
    return settle(noisy, most, sure if kept <= total else np.zeros_like(sure))


def projected(values: Floats, total: float) -> Floats:
    """The nearest point of {x >= 0, sum x = total}: all values less one threshold, cut at zero."""
    if total <= 0 or not len(values):
        return np.zeros(len(values))
    falling = np.sort(values)[::-1]
    thresholds = (np.cumsum(falling) - total) / np.arange(1, len(values) + 1)
    last = int(np.flatnonzero(falling > thresholds)[-1])
    found: Floats = np.maximum(values - thresholds[last], 0.0)
    return found


def shared(values: Floats, total: int) -> Whole:
    """*values* that sum to *total*, as whole numbers that do: the largest remainders are rounded up."""
    found = np.floor(values).astype(np.int64)
    missing = total - int(found.sum())
    if missing > 0 and len(values):
        # A stable order, so that equal remainders are settled in the order of their axis.
        order = np.argsort(found - values, kind="stable")
        found[order[:missing]] += 1
    return found
