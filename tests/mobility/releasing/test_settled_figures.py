from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placet.purposes.mobility.releasing.settling import (
    certain,
    interval,
    least,
    projected,
    settle,
    settle_below,
    shared,
)

VALUES = st.lists(st.floats(-500, 500), min_size=1, max_size=30).map(np.array)
TOTALS = st.floats(-300, 3_000)


@given(VALUES, TOTALS, st.floats(0, 400))
def test_settled_values_are_whole_not_negative_and_sum_to_the_total_unless_the_sure_are_more(
    noisy: np.ndarray, total: float, bar: float
) -> None:
    sure = noisy >= max(bar, 1.0)
    found = settle(noisy, total, sure)
    kept = int(np.rint(noisy[sure]).sum())
    assert found.dtype == np.int64
    assert found.min() >= 0
    assert (found[sure] == np.rint(noisy[sure])).all()
    assert found.sum() == (kept if sure.all() else max(kept, round(total), 0))


@given(VALUES, st.integers(0, 3_000))
def test_below_a_parent_that_is_more_exact_nothing_goes_beyond_it(noisy: np.ndarray, total: int) -> None:
    found = settle_below(noisy, total, noisy >= 250)
    assert found.min() >= 0
    assert found.sum() <= total
    if np.maximum(noisy, 0).sum() >= total and (noisy < 250).any():
        assert found.sum() == total


@given(VALUES, st.floats(0.5, 3_000))
def test_projection_is_the_nearest_point_of_the_simplex(values: np.ndarray, total: float) -> None:
    """Its optimality condition: one threshold is taken from all that stay above zero, and no less from the others."""
    found = projected(values, total)
    assert found.sum() == pytest.approx(total)
    taken = values - found
    above = found > 0
    assert np.ptp(taken[above]) == pytest.approx(0, abs=1e-6)
    assert (taken[~above] <= taken[above].max() + 1e-6).all()


@given(st.lists(st.floats(0, 50), min_size=1, max_size=20))
def test_shares_are_whole_and_within_one_of_what_they_were(values: list[float]) -> None:
    exact = np.array(values)
    found = shared(exact, round(exact.sum()))
    assert found.sum() == round(exact.sum()) or found.sum() == np.floor(exact).sum()
    assert (np.abs(found - exact) <= 1).all()


def test_floors_come_first() -> None:
    found = settle(np.array([5.0, -3.0, 40.0]), 60, np.array([False, False, True]), np.array([0, 10, 0]))
    assert found.tolist() == [10, 10, 40]


def test_the_least_that_is_published_is_fifteen_or_two_sigma_and_certainty_grows_with_how_many_there_are() -> None:
    assert [least(sigma) for sigma in (0.0, 7.07, 7.51, 18.26)] == [15, 15, 16, 37]
    assert certain(7.07, 25_000) == pytest.approx(31.8, abs=0.1)
    assert certain(1.0, 25_000) == 15


def test_an_interval_is_that_of_the_noisy_value_and_holds_the_settled_one() -> None:
    low, high = interval(np.array([100.0, 5.0, -50.0]), np.array([100, 0, 0]), 10.0)
    assert (low.tolist(), high.tolist()) == ([80, 0, 0], [120, 25, 0])


def test_intervals_hold_what_was_there_nineteen_times_of_twenty_also_where_values_were_settled() -> None:
    """Over 20,000 values of a fixed seed: half of them nothing, half of them flows."""
    random = np.random.default_rng(20)
    truth = np.where(np.arange(20_000) % 2, 0.0, random.integers(10, 400, 20_000))
    noisy = truth + np.rint(random.normal(0, 7.07, truth.size))
    settled = settle(noisy, truth.sum(), noisy >= certain(7.07, truth.size))
    low, high = interval(noisy, settled, 7.07)
    held = ((low <= truth) & (truth <= high)).mean()
    assert 0.95 <= held <= 0.98
    shown = settled >= least(7.07)
    assert ((low <= truth) & (truth <= high))[shown].mean() >= 0.93
    # What noise alone had made of nothing is gone: of ten thousand empty flows hardly any is shown.
    assert (shown & (truth == 0)).mean() < 0.001
