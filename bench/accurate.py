"""
How far a release at 0.12 a month is from the truth: errors by true size, beside what arithmetic says, and what it would
cost to do the same every day. That counting is the truth of the world is tested (tests/mobility/world/test_exact.py).
"""

from __future__ import annotations

from collections.abc import Sequence

from bench import mobile
from bench.harness import Report
from bench.mobile import Lake
from placet.purposes.mobility.attacks import accuracy
from placet.purposes.mobility.attacks.model import AccuracyRow
from placet.purposes.mobility.model import ANCHORS, FLOWS, ZONE_PROFILE, Product
from placet.purposes.mobility.privacy.debit import Sampler
from placet.purposes.mobility.privacy.drawing import discrete_gaussian

BARS = {ZONE_PROFILE.name: (600.0, 6.0), FLOWS.name: (100.0, 15.0)}
"""From this size on, at most this 95 % error, in per cent."""
_PERCENT = 100


def run(report: Report, lake: Lake) -> None:
    products = (ZONE_PROFILE, FLOWS, ANCHORS)
    counts = mobile.counted(lake, mobile.week(), products, mobile.quick())
    for product in products:
        truth = counts[product.name].values
        noise = discrete_gaussian(product.sigma(), truth.size, Sampler.OPENDP).reshape(truth.shape)
        if product.name in BARS:
            _held(
                report,
                product,
                accuracy.curve(product, truth, truth + noise, edges=(BARS[product.name][0], float("inf"))),
            )
        for row in accuracy.curve(product, truth, truth + noise):
            report.add(
                f"{product.name}, 95 % error from {row.least:g}", row.error95 * _PERCENT, "%", n=row.values,
                median=row.median * _PERCENT, arithmetic=row.arithmetic * _PERCENT, rho=float(product.rho),
            )  # fmt: skip
    for plan in accuracy.plans(ZONE_PROFILE, 30):
        report.add(
            f"typical days, {plan.words}", float(plan.rho), "rho", n=plan.releases, epsilon=plan.epsilon, auc=plan.auc,
            people_for_6_percent=plan.needed,
        )  # fmt: skip


def _held(report: Report, product: Product, rows: Sequence[AccuracyRow]) -> None:
    least, most = BARS[product.name]
    for row in rows:
        what = f"{product.name}, 95 % error of all from {least:g}"
        report.add(what, row.error95 * _PERCENT, "%", n=row.values, must=f"<= {most:g} %",
                   arithmetic=row.arithmetic * _PERCENT, rho=float(product.rho))  # fmt: skip
        if row.error95 * _PERCENT > most:
            report.fail(what, f"{row.error95:.1%} is more than {most:g} %")
