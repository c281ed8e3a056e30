"""The classes of a map: few, with round borders that stay the same from hour to hour. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from math import floor, log10, sqrt

CLASSES = 7
_RARE = 0.03
"""The share of values at either end that borders are not stretched for."""


def borders(values: Iterable[float], *, classes: int = CLASSES) -> tuple[float, ...]:
    """
    Round borders between at most *classes* classes, halfway between classes that hold equally many of *values* and
    classes of equal ratio: by the first alone a town would be one colour, by the second alone the country.

    They come from all hours of a release together, so a colour means the same at every hour.
    """
    ordered = sorted(value for value in values if value > 0)
    if not ordered:
        return ()
    least, most = (ordered[round((len(ordered) - 1) * share)] for share in (_RARE, 1 - _RARE))
    equal = (ordered[len(ordered) * step // classes] for step in range(1, classes))
    ratios = (least * (most / least) ** (step / classes) for step in range(1, classes))
    return tuple(sorted({rounded(sqrt(one * other)) for one, other in zip(equal, ratios, strict=True)}))


def rounded(value: float) -> float:
    """*value* with one figure, or with two below 2 of them: 0.43 is 0.4, 1 260 is 1 300, 78 is 80."""
    if value <= 0:
        return 0.0
    power = floor(log10(value))
    step = 10.0**power if value >= 2 * 10.0**power else 10.0 ** (power - 1)
    return round(round(value / step) * step, 6)


def class_of(value: float, edges: tuple[float, ...]) -> int:
    """Which class *value* is in: 0 lies below the first border."""
    return bisect_right(edges, value)
