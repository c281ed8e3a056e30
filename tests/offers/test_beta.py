"""The mathematics of beliefs, against exact sums, symmetries and draws."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placet.purposes.offers.learning.beta import below, best_of, log_beta, log_gamma

COUNTS = st.integers(1, 60)
SHAPES = st.floats(0.05, 3_000)
RATES = st.floats(0.001, 0.999)


def exactly_below(rate: Fraction, a: int, b: int) -> Fraction:
    """P(Beta(a, b) < rate) for whole parameters: the binomial sum (DLMF 8.17.5)."""
    n = a + b - 1
    return sum((math.comb(n, j) * rate**j * (1 - rate) ** (n - j) for j in range(a, n + 1)), Fraction(0))


@settings(max_examples=60, deadline=None)
@given(a=COUNTS, b=COUNTS, percent=st.integers(1, 99))
def test_the_incomplete_beta_function_equals_the_binomial_sum(a: int, b: int, percent: int) -> None:
    rate = Fraction(percent, 100)
    found = below(float(rate), np.array([a]), np.array([b]))[0]
    assert found == pytest.approx(float(exactly_below(rate, a, b)), rel=1e-9, abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(rate=RATES, a=SHAPES, b=SHAPES)
def test_what_lies_below_and_above_makes_one(rate: float, a: float, b: float) -> None:
    one = below(rate, np.array([a]), np.array([b]))[0]
    other = below(1 - rate, np.array([b]), np.array([a]))[0]
    assert 0 <= one <= 1
    assert one + other == pytest.approx(1, abs=1e-8)


@given(x=st.floats(0.01, 10_000))
def test_log_gamma_is_that_of_the_standard_library(x: float) -> None:
    assert log_gamma(np.array([x]))[0] == pytest.approx(math.lgamma(x), rel=1e-10, abs=1e-10)


def test_one_choice_is_the_best_as_far_as_it_is_worth_anything() -> None:
    a, b = np.array([[2.0], [0.1], [50.0]]), np.array([[38.0], [5.0], [950.0]])
    chances = best_of(a, b, np.ones((3, 1), bool), worth=0.02)
    assert chances[:, 1] == pytest.approx(below(0.02, a, b)[:, 0], abs=1e-9)
    assert chances.sum(axis=1) == pytest.approx(1)


def test_of_two_uniform_beliefs_each_is_the_better_half_the_time_and_one_with_more_proof_more_often() -> None:
    chances = best_of(
        np.array([[1.0, 1.0], [3.0, 2.0]]), np.array([[1.0, 1.0], [2.0, 3.0]]), np.ones((2, 2), bool), worth=1e-9
    )
    assert chances[0, :2] == pytest.approx([0.5, 0.5], abs=1e-6)
    # P(Beta(3, 2) > Beta(2, 3)): the integral of 12 x² (1 - x) (6 x² - 8 x³ + 3 x⁴) from 0 to 1.
    assert chances[1, 0] == pytest.approx(53 / 70, abs=1e-5)


def test_the_best_of_many_is_that_of_a_hundred_thousand_draws() -> None:
    a, b = np.array([[0.6, 3.0, 12.0, 0.2]]), np.array([[12.0, 60.0, 200.0, 3.0]])
    eligible = np.array([[True, True, True, False]])
    draws = np.random.default_rng(5).beta(a, b, (100_000, 4))
    draws[:, 3] = 0
    best = np.where(draws.max(axis=1) > 0.02, draws.argmax(axis=1), 4)
    drawn = np.bincount(best, minlength=5) / len(draws)
    assert best_of(a, b, eligible, worth=0.02)[0] == pytest.approx(drawn, abs=0.006)


def test_what_is_not_eligible_is_never_the_best() -> None:
    a, b = np.array([[900.0, 1.0]]), np.array([[100.0, 99.0]])
    chances = best_of(a, b, np.array([[False, True]]), worth=0.02)
    assert chances[0, 0] == 0
    assert best_of(a, b, np.zeros((1, 2), bool), worth=0.02)[0].tolist() == [0, 0, 1]


def test_the_beta_function_is_symmetric_and_known_at_small_numbers() -> None:
    assert np.exp(log_beta(np.array([2.0]), np.array([3.0])))[0] == pytest.approx(1 / 12)
    assert log_beta(np.array([0.3]), np.array([7.0]))[0] == pytest.approx(log_beta(np.array([7.0]), np.array([0.3]))[0])
