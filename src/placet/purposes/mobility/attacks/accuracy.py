"""
How far released values are from the truth, by the size of what is counted, and the arithmetic that explains it. Pure.

The error of a noisy value does not depend on its size: 1.96 sigma, 95 times in a hundred. So a share of it falls as the
size grows, and the size from which an error is small enough can be told before anything is counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise

import attrs
import numpy as np
import numpy.typing as npt

from placet.purposes.mobility.attacks.model import AccuracyRow
from placet.purposes.mobility.model import Product, Rho
from placet.purposes.mobility.privacy import accounting

EDGES = (10, 30, 100, 300, 600, 1_000, 3_000, 10_000, 30_000, float("inf"))
"""Of the classes of size, in published units."""


def curve(
    product: Product,
    truth: npt.NDArray[np.int64],
    released: npt.NDArray[np.int64],
    *,
    edges: Sequence[float] = EDGES,
) -> Sequence[AccuracyRow]:
    """
    The relative errors of *released* against *truth*, both in the product's units and of one shape, by true size.

    Classes without a value are left out.
    """
    size = truth.ravel() / product.unit
    error = np.abs(released.ravel() - truth.ravel()) / product.unit
    rows = []
    for least, most in pairwise(edges):
        inside = (size >= least) & (size < most)
        if inside.any():
            relative = error[inside] / size[inside]
            rows.append(
                AccuracyRow(
                    product=product.name,
                    least=float(least),
                    most=float(most),
                    middle=float(np.median(size[inside])),
                    values=int(inside.sum()),
                    median=float(np.median(relative)),
                    error95=float(np.quantile(relative, 0.95)),
                    arithmetic=expected(product, least),
                )
            )
    return rows


def expected(product: Product, size: float) -> float:
    """The error, as a share of a value of *size*, that 95 of 100 noisy values stay within."""
    return accounting.margin(product.sigma()) / product.unit / size


def needed(product: Product, error: float) -> float:
    """The size from which on the 95 % error is at most *error*."""
    return accounting.margin(product.sigma()) / product.unit / error


@attrs.frozen
class Plan:
    """What a month costs when the window's releases are made otherwise, at the accuracy of the monthly profile."""

    words: str
    releases: int
    rho: Rho
    """For all of them together."""
    epsilon: float
    auc: float
    needed: float
    """People from which on the 95 % error of a zone-hour is at most 6 %."""


def plans(product: Product, days: int) -> Sequence[Plan]:
    """
    A month once; a release each day of as good a profile; and a release each day for what the month costs together.

    A day's profile has 24 hours, so a person moves it half as far (squared) as one with two types of day.
    """
    daily = attrs.evolve(product, bound=attrs.evolve(product.bound, length=product.bound.length / 2**0.5))
    as_good = Rho(product.rho / 2 * days)
    sharing = attrs.evolve(daily, rho=Rho(product.rho / days))
    return (
        _plan("one typical day a month", 1, product.rho, needed(product, 0.06)),
        _plan("each day, each as good", days, as_good, needed(product, 0.06)),
        _plan("each day, for what the month costs", days, product.rho, needed(sharing, 0.06)),
    )


def _plan(words: str, releases: int, rho: Rho, people: float) -> Plan:
    rho = Rho(Decimal(rho))
    return Plan(words, releases, rho, accounting.rho_to_epsilon(rho), accounting.auc_ceiling(rho), people)
