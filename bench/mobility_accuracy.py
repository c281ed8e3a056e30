"""
How far released values are from the truth, by the size of what is counted, with the arithmetic beside it; and what a
release each day would cost. The truth is that of a synthetic country, made without the engine.
"""

from __future__ import annotations

from functools import partial

from bench.harness import QUICK, Report
from placet.purposes.mobility.attacks import accuracy, suite
from placet.purposes.mobility.attacks.model import AccuracyRow
from placet.purposes.mobility.model import ANCHORS, FLOWS, ZONE_PROFILE, ProductName
from placet.purposes.mobility.privacy.debit import Sampler
from placet.purposes.mobility.privacy.drawing import discrete_gaussian
from placet.purposes.mobility.world import plan

PEOPLE = 20_000 if QUICK else 500_000
DAYS = 30
PROMISED = {(ZONE_PROFILE.name, 600.0): 0.06, (FLOWS.name, 100.0): 0.15}
"""The 95 % error from this size on."""
_PRODUCTS = {product.name: product for product in (ZONE_PROFILE, FLOWS, ANCHORS)}


def run(report: Report) -> None:
    draw = partial(discrete_gaussian, sampler=Sampler.TABLE)
    truth = suite.truths(plan(PEOPLE, seed=1))
    for (name, size), most in PROMISED.items():
        for row in suite.measured({_PRODUCTS[name]: truth[_PRODUCTS[name]]}, draw, edges=(size, float("inf"))):
            _add(report, row, must=f"≤ {most:.0%}")
    for row in suite.measured(truth, draw):
        _add(report, row)
    for one in accuracy.plans(ZONE_PROFILE, DAYS):
        report.add(
            f"people in a zone for an error of 6 %: {one.words}", one.needed, "people", n=one.releases,
            rho=float(one.rho), epsilon=one.epsilon, auc=one.auc,
        )  # fmt: skip


def _add(report: Report, row: AccuracyRow, *, must: str | None = None) -> None:
    upto = "and more" if row.most == float("inf") else f"to {row.most:,.0f}"
    product = _PRODUCTS[ProductName(row.product)]
    report.add(
        f"95 % error of {row.product}, true size {row.least:,.0f} {upto}", row.error95, "share",
        peer="the arithmetic at the middle size", peer_value=accuracy.expected(product, row.middle), n=row.values,
        median=row.median, middle=row.middle, least=row.arithmetic, must=must,
    )  # fmt: skip
