"""
Where exact counts end: noise is added once, under a debit, and what comes out is all that anybody sees.

This is the only module besides the counting that may see `RawCounts` (`lint-imports`). It writes and logs nothing.
"""

from __future__ import annotations

from placet.kernel.errors import Denied
from placet.purposes.mobility.privacy import drawing
from placet.purposes.mobility.privacy.debit import Debit
from placet.purposes.mobility.privacy.noisy import NoisyCounts
from placet.purposes.mobility.privacy.raw import RawCounts


def noised(raw: RawCounts, debit: Debit) -> NoisyCounts:
    """
    *raw* with the discrete Gaussian noise that *debit* has paid for: a new draw of the operating system's randomness.

    The debit is committed before this is called, and what comes back is kept once (`budget.kept`) or forgotten.
    """
    _demand_paid(raw, debit)
    noise = drawing.discrete_gaussian(debit.sigma, raw.domain.size, debit.sampler)
    return NoisyCounts(raw.product, raw.domain, raw.values + noise.reshape(raw.domain.shape), debit.sigma)


def _demand_paid(raw: RawCounts, debit: Debit) -> None:
    """The debit is this product's, and its noise is no smaller than its loss ρ = length² / (2 σ²) asks for."""
    product = raw.product
    if (debit.product, debit.bound) != (product.name, product.bound):
        raise Denied(f"the debit is for {debit.product}, not for {product.name} as it is counted", code="not-paid")
    if drawing.loss(product.bound.length, debit.sigma) > debit.rho:
        raise Denied(f"{debit.rho} does not pay for noise as small as {debit.sigma}", code="not-paid")
