"""What a privacy loss means: against OpenDP, against the exact curve of the noise we draw, and against itself."""

from __future__ import annotations

from decimal import Decimal
from itertools import accumulate, pairwise
from math import erfc, exp, fsum, sqrt

import numpy as np
import opendp.prelude as dp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from placet.purposes.mobility.model import ANCHORS, FLOWS, MONTHLY, TILE_HOURS, Rho
from placet.purposes.mobility.privacy.accounting import (
    Loss,
    any_auc_ceiling,
    auc_ceiling,
    daily_cost,
    margin,
    rho_to_epsilon,
    tpr_ceiling,
)

HAIR = 0.00005
"""By so much whole-numbered noise may differ from the Gaussian curve (docs/explanation/mobility.md says so)."""


@pytest.mark.parametrize("delta", [1e-9, 1e-6, 1e-2])
@pytest.mark.parametrize("rho", [0.005, 0.12, 1.0, 3.6])
def test_epsilon_is_what_opendp_says(rho: float, delta: float) -> None:
    dp.enable_features("contrib")
    space = dp.vector_domain(dp.atom_domain(T=dp.i64)), dp.l2_distance(T=dp.f64)
    theirs = dp.c.make_zCDP_to_approxDP(dp.m.make_gaussian(*space, scale=1 / sqrt(2 * rho))).map(1.0).epsilon(delta)
    assert rho_to_epsilon(rho, delta) == pytest.approx(theirs, rel=1e-4)


def test_no_loss_is_no_epsilon_and_a_loss_without_bound_is_refused() -> None:
    assert (rho_to_epsilon(0), auc_ceiling(0), tpr_ceiling(0, 0.25)) == (0, 0.5, pytest.approx(0.25))
    for rho, delta in ((-0.1, 1e-6), (float("inf"), 1e-6), (float("nan"), 1e-6), (0.1, 0), (0.1, 1)):
        with pytest.raises(ValueError, match="rho is finite and not negative, delta lies between 0 and 1"):
            rho_to_epsilon(rho, delta)


def test_the_month_costs_what_the_page_says() -> None:
    month = Loss(Rho(sum((product.rho for product in MONTHLY), Decimal(0))))
    assert (month.rho, round(month.epsilon, 2), round(month.auc, 3), round(month.tpr(0.01), 3)) == (
        Decimal("0.120"), 2.37, 0.635, 0.033,
    )  # fmt: skip
    assert round(any_auc_ceiling(month.rho), 3) == 0.715
    daily = daily_cost(month.rho, 30)
    assert (daily.rho, round(daily.epsilon, 2), round(daily.auc, 3)) == (Decimal("3.600"), 16.73, 0.971)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.floats(1e-6, 10), st.floats(1e-6, 10), st.floats(0, 1))
def test_more_loss_is_never_better_protected(one: float, other: float, fpr: float) -> None:
    less, more = sorted((one, other))
    assert rho_to_epsilon(less) <= rho_to_epsilon(more)
    assert 0.5 <= auc_ceiling(less) <= auc_ceiling(more) <= any_auc_ceiling(more) + 1e-12 <= 1 + 1e-12
    assert fpr <= tpr_ceiling(less, fpr) + 1e-12 <= tpr_ceiling(more, fpr) + 2e-12


def curve(sigma: float, shift: int) -> list[tuple[float, float]]:
    """The ROC curve of the best attacker who knows all but whether *shift* was added before the discrete noise."""
    reach = int(12 * sigma) + shift
    weights = [exp(-x * x / (2 * sigma * sigma)) for x in range(reach, -reach - 1, -1)]
    total = fsum(weights)
    tails = [0.0, *(tail / total for tail in accumulate(weights))]
    # They say "in" from a threshold on: the shifted noise reaches it as often as noise reaches one *shift* lower.
    return [(0.0, 0.0), *((tails[n], tails[min(n + shift, len(weights))]) for n in range(len(weights) + 1)), (1.0, 1.0)]


@pytest.mark.parametrize(
    ("sigma", "shift"), [(7.071068, 1), (34.641017, 1), (848.528138, 120)], ids=["flows", "tile-hours", "minutes"]
)
def test_the_ceilings_hold_for_whole_numbered_noise_to_a_hair(sigma: float, shift: int) -> None:
    rho = shift * shift / (2 * sigma * sigma)
    points = curve(sigma, shift)
    area = fsum((right - left) * (low + high) / 2 for (left, low), (right, high) in pairwise(points))
    assert auc_ceiling(rho) - HAIR <= area <= auc_ceiling(rho) + 1e-9
    assert max(found - tpr_ceiling(rho, accused) for accused, found in points) <= HAIR


def test_a_whole_month_is_closer_to_its_ceiling_than_its_most_exposed_product() -> None:
    """Flows and anchors by their exact noise; what else there is has steps a thousand times finer, and is Gaussian."""
    rest = 2 * float(sum(product.rho for product in MONTHLY if product not in (FLOWS, ANCHORS)))
    sigma = FLOWS.sigma()
    reach = int(12 * sigma)
    one = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * sigma * sigma))
    both = np.convolve(one, one) / one.sum() ** 2
    # The logarithm of the likelihood ratio, less what is the same for all, without and with the person in it.
    steps = np.arange(-2 * reach, 2 * reach + 1) / sigma**2
    rho = Rho(sum((product.rho for product in MONTHLY), Decimal(0)))
    for threshold in np.linspace(-2, 2, 41):
        accused, found = (
            float(both @ [0.5 * erfc((threshold - step - moved) / sqrt(2 * rest)) for step in steps])
            for moved in (0.0, 2 / sigma**2 + rest)
        )
        assert found == pytest.approx(tpr_ceiling(rho, accused), abs=1e-6)


def test_a_margin_holds_the_exact_number_as_often_as_it_says() -> None:
    for product in (*MONTHLY, TILE_HOURS):
        sigma, most = product.sigma(), margin(product.sigma())
        weights = {x: exp(-x * x / (2 * sigma * sigma)) for x in range(-int(10 * sigma), int(10 * sigma) + 1)}
        # Rounded up to a whole unit, as intervals of whole numbers are.
        held = fsum(weight for x, weight in weights.items() if abs(x) <= most + 1) / fsum(weights.values())
        assert 0.95 <= held <= 0.97
    assert margin(10, 0.99) == pytest.approx(25.758293, abs=1e-6)
