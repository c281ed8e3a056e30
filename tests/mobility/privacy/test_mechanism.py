"""Where exact counts end: noise is added under a debit that has paid for it, or not at all."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from math import log, sqrt
from uuid import UUID

import attrs
import numpy as np
import pytest

from placet.kernel.errors import Denied
from placet.purposes.mobility.model import (
    ANCHORS,
    FLOWS,
    TILE_PROFILE,
    Axis,
    Bound,
    Domain,
    Product,
    ReleaseId,
    Rho,
    Window,
)
from placet.purposes.mobility.privacy.debit import CUSTOMERS, Debit, Sampler
from placet.purposes.mobility.privacy.mechanism import noised
from placet.purposes.mobility.privacy.raw import RawCounts


def raw(product: Product, size: int, value: int) -> RawCounts:
    members = [("a",), ("b",), tuple(str(n) for n in range(size))][3 - len(product.axes) :]
    domain = Domain(tuple(Axis(name, some) for name, some in zip(product.axes, members, strict=True)))
    return RawCounts(product, domain, np.full(domain.shape, value, np.int64))


def paid(product: Product, sampler: Sampler = Sampler.TABLE) -> Debit:
    return Debit(
        UUID(int=1), CUSTOMERS, Window("2026-10", date(2026, 10, 1), date(2026, 11, 1)), product.name,
        ReleaseId("2026-10"), product.rho, product.sigma(), product.bound, sampler, "00" * 32, "11" * 32,
        datetime(2026, 11, 2, tzinfo=UTC),
    )  # fmt: skip


@pytest.mark.parametrize("sampler", list(Sampler))
@pytest.mark.parametrize("product", [FLOWS, TILE_PROFILE], ids=lambda product: product.name)
def test_noise_of_the_size_that_was_paid_for_is_added_to_every_value(product: Product, sampler: Sampler) -> None:
    exact = raw(product, 4_000, 1_000_000)
    noisy = noised(exact, paid(product, sampler))
    assert (noisy.product, noisy.domain, noisy.sigma) == (product, exact.domain, product.sigma())
    assert (noisy.values.dtype, noisy.values.shape) == (np.int64, exact.domain.shape)
    apart = (noisy.values - exact.values) / product.sigma()
    # A draw beyond 14 sigma, or so many of a mean so far off, has a chance below 1e-30 (sub-Gaussian tails).
    assert np.abs(apart).max() <= 14
    assert abs(apart.mean()) <= 14 / sqrt(4_000)
    # The median of |noise| is 0.6745 sigma; of 4,000 draws Hoeffding lets the share below stray by 0.06 once in 1e-12.
    assert abs((np.abs(apart) <= 0.6745).mean() - 0.5) <= sqrt(log(2e12) / 8_000) + 0.6745 / product.sigma()
    assert (exact.values == 1_000_000).all()


def test_two_draws_differ() -> None:
    exact = raw(FLOWS, 500, 0)
    assert not np.array_equal(noised(exact, paid(FLOWS)).values, noised(exact, paid(FLOWS)).values)


@pytest.mark.parametrize(
    ("debit", "why"),
    [
        (paid(ANCHORS), "the debit is for anchors, not for flows"),
        (attrs.evolve(paid(FLOWS), bound=Bound(cells=2, most=1, length=1.0)), "not for flows as it is counted"),
        (attrs.evolve(paid(FLOWS), sigma=FLOWS.sigma() - 0.001), "does not pay for noise as small as 7.070"),
        (attrs.evolve(paid(FLOWS), rho=Rho(Decimal("0.0099"))), "0.0099 does not pay"),
    ],
    ids=["another product", "another bound", "less noise", "less paid"],
)
def test_without_its_own_debit_nothing_comes_out(debit: Debit, why: str) -> None:
    with pytest.raises(Denied, match=why) as refused:
        noised(raw(FLOWS, 3, 5), debit)
    assert refused.value.code == "not-paid"


def test_a_debit_of_another_bound_does_not_serve_a_product_that_moves_further() -> None:
    wider = attrs.evolve(FLOWS, bound=Bound(cells=9, most=1, length=3.0))
    with pytest.raises(Denied, match="not for flows as it is counted"):
        noised(raw(wider, 3, 5), paid(FLOWS))
