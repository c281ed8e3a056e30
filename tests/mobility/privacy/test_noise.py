"""The noise: both samplers follow the discrete Gaussian, and the table by more than anybody could ever measure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from decimal import Decimal, localcontext
from itertools import accumulate, pairwise
from math import exp, fsum, log, sqrt

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from placet.purposes.mobility.model import MONTHLY, TILE_HOURS
from placet.purposes.mobility.privacy import drawing
from placet.purposes.mobility.privacy.debit import Sampler
from placet.purposes.mobility.privacy.table import LEAST_SIGMA, MOST_SIGMA, Table, reach, table

PRODUCTS = (*MONTHLY, TILE_HOURS)
SIGMAS = sorted({product.sigma() for product in PRODUCTS})
SMALL = (0.5, 1.0, 2.2360680, 7.071068, 34.641017)
HALF, WHOLE = 1 << 64, 1 << 128
CERTAIN = 1e-12
"""How likely a draw of noise may fail a test here: never, in the life of this project."""


def law(sigma: float) -> dict[int, float]:
    """The discrete Gaussian by its definition."""
    weights = {x: exp(-x * x / (2 * sigma * sigma)) for x in range(-int(13 * sigma) - 8, int(13 * sigma) + 9)}
    total = fsum(weights.values())
    return {x: weight / total for x, weight in weights.items()}


def boundaries(of: Table) -> list[int]:
    """F from −K to K, as whole numbers."""
    return [boundary(of, place) for place in range(2 * of.most)] + [WHOLE]


def boundary(of: Table, place: int) -> int:
    return int(of.upper[place]) * HALF + int(of.lower[place])


@pytest.mark.parametrize("sigma", SMALL)
def test_the_table_is_within_a_hair_of_the_discrete_gaussian(sigma: float) -> None:
    """By a second way: every weight by its own exponential, of 80 digits, and not from the one before it."""
    most = table(sigma).most
    sums = [0, *boundaries(table(sigma))]
    held = {x - most: high - low for x, (low, high) in enumerate(pairwise(sums))}
    with localcontext(prec=80):
        square = 2 * Decimal(sigma) * Decimal(sigma)
        weights = {x: (-x * x / square).exp() for x in range(-most - 60, most + 61)}
        total = sum(weights.values(), Decimal(0))
        apart = sum(abs(weight / total - Decimal(held.get(x, 0)) / WHOLE) for x, weight in weights.items())
    assert apart / 2 <= Decimal(2 * most + 2) / WHOLE


@pytest.mark.parametrize("sigma", SIGMAS)
def test_every_table_that_is_used_is_symmetric_grows_and_ends_where_it_must(sigma: float) -> None:
    made = table(sigma)
    assert sigma * 12 < made.most <= reach(sigma)
    assert len(made.upper) == len(made.lower) == 2 * made.most
    growing = (made.upper[1:] > made.upper[:-1]) | (
        (made.upper[1:] == made.upper[:-1]) & (made.lower[1:] >= made.lower[:-1])
    )
    assert growing.all()
    places = [0, 1, made.most - 1, *range(0, made.most, 997)]
    assert all(boundary(made, k) + boundary(made, -1 - k) == WHOLE for k in places)
    # Docs, part 3: a million million draws stay within 2⁻⁶⁰ of the exact law.
    assert (2 * made.most + 2) * 10**12 < 2**68


@pytest.mark.parametrize("sigma", [LEAST_SIGMA / 2, MOST_SIGMA * 2])
def test_a_sigma_that_the_proof_does_not_speak_of_has_no_table(sigma: float) -> None:
    with pytest.raises(ValueError, match=r"for a sigma from 0\.5 to 200000"):
        table(sigma)


def given_words(*words: int) -> Callable[[int], bytes]:
    """An entropy that gives these words of 64 bits, one after the other."""
    left = [word.to_bytes(8, "little") for word in words]
    return lambda size: b"".join(left.pop(0) for _ in range(size // 8))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(SMALL), st.data())
def test_a_draw_is_the_first_boundary_above_128_uniform_bits(sigma: float, data: st.DataObject) -> None:
    made = table(sigma)
    sums = boundaries(made)
    near = st.sampled_from(sums[:-1]).flatmap(lambda at: st.integers(max(0, at - 2), min(WHOLE - 1, at + 2)))
    uniform = data.draw(near | st.integers(0, WHOLE - 1) | st.integers(0, HALF) | st.integers(WHOLE - HALF, WHOLE - 1))
    drawn = made.draw(1, given_words(*divmod(uniform, HALF)))
    assert drawn.tolist() == [bisect_right(sums, uniform) - made.most]


def test_words_that_meet_a_boundary_are_settled_in_the_midst_of_others() -> None:
    made = table(1.0)
    tied, plain = int(made.upper[made.most]), int(made.upper[made.most]) + 5
    below, above = int(made.lower[made.most]) - 1, int(made.lower[made.most])
    drawn = made.draw(4, given_words(plain, tied, tied, plain, below, above))
    assert drawn.tolist() == [1, 0, 1, 1]


@pytest.mark.parametrize("sigma", SIGMAS)
def test_evenly_spread_words_come_out_in_the_shares_of_the_law(sigma: float) -> None:
    """Without chance: of so many evenly spread words each value gets its share, to one word."""
    size = 1 << 18
    words = np.arange(size, dtype=np.uint64) * np.uint64(HALF // size) + np.uint64(HALF // size // 2)
    drawn = table(sigma).draw(size, lambda _: words.astype("<u8").tobytes())
    values, counts = np.unique(drawn, return_counts=True)
    share = np.exp(-(values.astype(float) ** 2) / (2 * sigma * sigma)) / (sigma * sqrt(2 * np.pi))
    # At these sigmas the sum of all weights is sigma·√(2π) to far more digits than are compared.
    assert np.abs(counts - share * size).max() <= 1.01


Drawn = tuple[float, dict[Sampler, npt.NDArray[np.int64]]]
MANY = 60_000


@pytest.fixture(scope="module", params=[1.0, 7.071068], ids=lambda sigma: f"sigma-{sigma:.0f}")
def drawn(request: pytest.FixtureRequest) -> Drawn:
    """The same number of draws from each sampler."""
    return request.param, {one: drawing.discrete_gaussian(request.param, MANY, one) for one in Sampler}


def test_draws_follow_the_law_by_kolmogorov_and_smirnov(drawn: Drawn) -> None:
    """The inequality of Dvoretzky, Kiefer and Wolfowitz with Massart's constant: 2·exp(−2nd²) is the chance to fail."""
    sigma, values = drawn
    shares = law(sigma)
    exact = np.array(list(accumulate(shares.values())))
    seen = {one: np.searchsorted(np.sort(some), list(shares), side="right") / MANY for one, some in values.items()}
    reach = sqrt(log(2 / CERTAIN) / (2 * MANY))
    assert {one: np.abs(some - exact).max() <= reach for one, some in seen.items()} == dict.fromkeys(Sampler, True)
    assert np.abs(seen[Sampler.TABLE] - seen[Sampler.OPENDP]).max() <= 2 * reach


def test_draws_follow_the_law_by_chi_square(drawn: Drawn) -> None:
    """Values expected 500 times or more, and the two tails; each bound by Bernstein's inequality, and their sum."""
    sigma, values = drawn
    common = {x: share for x, share in law(sigma).items() if share * MANY >= 500}
    shares = np.array([*common.values(), 1 - fsum(common.values())])
    expected, freedom = shares * MANY, len(shares) - 1
    reach = -log(CERTAIN / (2 * len(shares)))
    counts = {one: counted(some, list(common)) for one, some in values.items()}
    for seen in counts.values():
        assert (np.abs(seen - expected) <= reach / 3 + np.sqrt(reach * reach / 9 + 2 * reach * expected)).all()
        assert plausible(float(((seen - expected) ** 2 / expected).sum()), freedom)
    table_, opendp = counts[Sampler.TABLE], counts[Sampler.OPENDP]
    assert plausible(float(((table_ - opendp) ** 2 / (table_ + opendp)).sum()), freedom)


def counted(values: npt.NDArray[np.int64], common: list[int]) -> npt.NDArray[np.int64]:
    """How often each of *common* came, and how often any other."""
    return np.array([*((values == x).sum() for x in common), (~np.isin(values, common)).sum()])


def plausible(square: float, freedom: int) -> bool:
    """Wilson and Hilferty 1931: the cube root of chi-square is near normal; eight deviations are 6·10⁻¹⁶."""
    return bool((square / freedom) ** (1 / 3) <= 1 - 2 / (9 * freedom) + 8 * sqrt(2 / (9 * freedom)))


def test_neighbouring_draws_know_nothing_of_each_other(drawn: Drawn) -> None:
    for values in drawn[1].values():
        signs = np.sign(values).reshape(-1, 2).prod(axis=1)
        assert abs(signs.mean()) <= sqrt(2 * log(2 / CERTAIN) / len(signs))


@pytest.mark.parametrize("sampler", list(Sampler))
def test_no_two_parts_and_no_two_calls_draw_the_same(sampler: Sampler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "_PART", 64)
    parts = [drawing.discrete_gaussian(1e3, 512, sampler).reshape(8, 64) for _ in range(2)]
    assert len({part.tobytes() for part in np.concatenate(parts)}) == 16


def test_opendp_says_that_no_product_loses_more_than_it_pays() -> None:
    for product in PRODUCTS:
        loss = drawing.loss(product.bound.length, product.sigma())
        assert Decimal("0.999999") * product.rho < loss <= product.rho
