"""
The worst case: a person who moves every value as far as the bound lets them, before an attacker who knows all others.

What such an attacker sees, once everybody else is taken away, is the noise, and the person or not. The best score is
then the likelihood ratio: for Gaussian noise the sum of shift x value / sigma^2. Nothing that knows less gets further,
so this measures the promise itself (an audit as in Nasr et al. 2023, with everything known).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from placet.purposes.mobility.attacks import measuring, naive
from placet.purposes.mobility.attacks.measuring import Floats
from placet.purposes.mobility.attacks.model import Against, Curve, Finding
from placet.purposes.mobility.model import Product
from placet.purposes.mobility.privacy import accounting

Draw = Callable[[float, int], npt.NDArray[np.int64]]
"""Noise of this standard deviation, so many independent values: the very sampler of the releases."""

HITS = "hits at 1 % false alarms"
_HOURS = 24 * 7
_AT_ONCE = 1 << 22


def worst_case(
    against: Against, products: Sequence[Product], draw: Draw, *, trials: int, times: int = 1, people: int = 1
) -> tuple[Sequence[Finding], Curve]:
    """
    The canary, or so many *people* who always go together, before *times* releases of *products*: the area, and its
    hits at one false alarm in a hundred. Losses add over releases; of a group they grow by the square.
    """
    rho = times * people**2 * float(sum(product.rho for product in products))
    without, within = (scores(products, draw, trials=trials, times=times, there=there) for there in (0, people))
    area, hits = measuring.area(without, within), measuring.hits(without, within)
    return (
        measuring.found("canary", against, "auc", area, chance=0.5, bound=accounting.auc_ceiling(rho)),
        measuring.found("canary", against, HITS, hits, chance=0.01, bound=accounting.tpr_ceiling(rho, 0.01)),
    ), measuring.curve("canary", against, without, within, rho=rho)


def scores(products: Sequence[Product], draw: Draw, *, trials: int, times: int, there: int) -> Floats:
    """The attacker's score in each trial, with so many canaries *there*, or none."""
    shifts = []
    for product in products:
        cells = round((product.bound.length / product.bound.most) ** 2) * times
        shifts.append((product.sigma(), np.full(cells, float(product.bound.most))))
    return looked_for(shifts, draw, trials=trials, there=there)


def looked_for(shifts: Sequence[tuple[float, Floats]], draw: Draw, *, trials: int, there: int) -> Floats:
    """
    The scores of an attacker who has taken everybody else away and looks for somebody who moves values by *shifts*
    (with the noise of each product), so many of whom are *there*.
    """
    total = np.zeros(trials)
    for sigma, shift in shifts:
        rows = max(_AT_ONCE // len(shift), 1)
        weight = shift / sigma**2
        for at in range(0, trials, rows):
            part = total[at : at + rows]
            noise = draw(sigma, len(part) * len(shift)).reshape(len(part), -1)
            part += (noise + there * shift) @ weight
    return total


def worst_case_elsewhere(rho: float, *, trials: int, seed: int) -> Sequence[tuple[Finding, Curve]]:
    """The same canary before what others release; *rho* is what ours cost, whose line is drawn for all."""
    told = [_elsewhere(against, trials, seed) for against in _OTHERS]
    return [
        (
            measuring.found(
                "canary", against, "auc", measuring.area(*pair), chance=0.5, bound=accounting.auc_ceiling(rho)
            ),
            measuring.curve("canary", against, *pair),
        )
        for against, pair in zip(_OTHERS, told, strict=True)
    ]


_OTHERS = (Against.EXACT, Against.FIVE, Against.FIFTEEN, Against.MULTIPLIED, Against.EVENTS)
_CROWD = {Against.EXACT: 100, Against.FIVE: 4, Against.FIFTEEN: 14, Against.MULTIPLIED: 0, Against.EVENTS: 100}
"""How many others are where the canary is: one fewer than is published, or any number where all is."""


def _elsewhere(against: Against, trials: int, seed: int) -> tuple[Floats, Floats]:
    """Scores without and with: the sum of what is published of a week's hours in the canary's zone."""
    rng = np.random.default_rng(seed)
    crowd = np.full((trials, _HOURS), _CROWD[against])
    without, within = (naive.released(crowd + there, against, rng).sum(axis=1) for there in (0, 1))
    return without, within
