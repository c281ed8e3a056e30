"""
What a privacy loss means: zCDP to (ε, δ), the ceilings of any attacker, the margin of a noisy number.

Nothing here is measured; it is arithmetic on ρ and σ, and light enough for a page. Sources: Bun and Steinke 2016
(zCDP), Canonne, Kamath and Steinke 2020 (discrete Gaussian, conversion), Dong, Roth and Su 2022 (trade-off functions).
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from math import exp, isfinite, log, log1p, sqrt
from statistics import NormalDist

import attrs

from placet.purposes.mobility.model import Rho

DELTA = 1e-6
"""The δ that ε is stated at."""
_NORMAL = NormalDist()
_STEPS = 200


@attrs.frozen
class Loss:
    """A privacy loss ρ of one person, and what it means."""

    rho: Rho

    @property
    def epsilon(self) -> float:
        """ε at δ = 10⁻⁶."""
        return rho_to_epsilon(self.rho)

    @property
    def auc(self) -> float:
        """The area under the curve that no membership attack on Gaussian noise exceeds."""
        return auc_ceiling(self.rho)

    def tpr(self, fpr: float) -> float:
        """The share of members that such an attack finds while it accuses *fpr* of the others."""
        return tpr_ceiling(self.rho, fpr)


def rho_to_epsilon(rho: Rho | float, delta: float = DELTA) -> float:
    """
    An ε such that ρ-zCDP implies (ε, *delta*)-differential privacy (Canonne et al. 2020, proposition 12).

    Every order α > 1 gives a valid ε and the smallest is looked for: a search that missed it would state a larger one.
    """
    loss = float(rho)
    if loss < 0 or not isfinite(loss) or not 0 < delta < 1:
        raise ValueError("rho is finite and not negative, delta lies between 0 and 1")
    if loss == 0:
        return 0.0

    def at(gap: float) -> float:
        """ε by the order α = 1 + *gap*."""
        alpha = 1 + gap
        return alpha * loss + (log(1 / delta) - log(gap) + alpha * (log(gap) - log1p(gap))) / gap

    return max(0.0, _least(at, low=-30.0, high=30.0))


def auc_ceiling(rho: Rho | float) -> float:
    """The best area under the ROC curve against Gaussian noise of loss ρ: Φ(μ / √2) with μ = √(2ρ)."""
    return _NORMAL.cdf(sqrt(float(rho)))


def tpr_ceiling(rho: Rho | float, fpr: float) -> float:
    """The best true positive rate at *fpr* against Gaussian noise of loss ρ: Φ(Φ⁻¹(fpr) + √(2ρ))."""
    if fpr <= 0 or fpr >= 1:
        return min(1.0, max(0.0, fpr))
    return _NORMAL.cdf(_NORMAL.inv_cdf(fpr) + sqrt(2 * float(rho)))


def any_auc_ceiling(rho: Rho | float) -> float:
    """
    The same for whatever mechanism has this loss, Gaussian or not: ½ + t − t²/2 with t = min(1, √(ρ / 2)).

    zCDP bounds the Kullback-Leibler divergence by ρ, Pinsker's inequality the total variation t by √(ρ / 2), and no
    ROC curve lies above the two lines that t allows.
    """
    apart = min(1.0, sqrt(float(rho) / 2))
    return 0.5 + apart - apart * apart / 2


def margin(sigma: float, confidence: float = 0.95) -> float:
    """Half the width of the interval around a noisy number that holds the exact one with *confidence*."""
    return _NORMAL.inv_cdf((1 + confidence) / 2) * sigma


def daily_cost(rho_per_day: Rho | float, days: int) -> Loss:
    """What *days* daily releases of ρ each cost one person together: losses add up."""
    return Loss(Rho(Decimal(str(rho_per_day)) * days))


def _least(of: Callable[[float], float], *, low: float, high: float) -> float:
    """The least value of a function with one valley over e^*low* to e^*high*, by golden section on the exponent."""
    ratio = (sqrt(5) - 1) / 2
    for _ in range(_STEPS):
        inner, outer = high - ratio * (high - low), low + ratio * (high - low)
        if of(exp(inner)) < of(exp(outer)):
            high = outer
        else:
            low = inner
    return of(exp((low + high) / 2))
