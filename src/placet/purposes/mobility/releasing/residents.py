"""
People by where they live and work, and the factors that make inhabitants of those who take part.

A factor is a public population over a noisy count of residents, of the smallest place around a zone whose count is
sure enough: noise of no more than a tenth of it. So no figure is multiplied by noise, and none by a secret.
"""

from __future__ import annotations

from math import sqrt

import attrs
import numpy as np
import pyarrow as pa

from placet.purposes.mobility.privacy.noisy import NoisyCounts
from placet.purposes.mobility.releasing.columns import Values, floats, table, words
from placet.purposes.mobility.releasing.hierarchy import Node, Nodes, upward
from placet.purposes.mobility.releasing.model import ANCHORS, CATCHMENT, RESIDENTS, Estimate
from placet.purposes.mobility.releasing.settling import QUANTILE, Floats, Whole, certain, least, settle

ENOUGH = 10
"""How many times its noise a count of residents is at least, to be divided by."""


@attrs.frozen(eq=False)
class Anchors:
    """Settled counts by home and work, in people."""

    noisy: Floats
    settled: Whole
    sigma: float

    @classmethod
    def of(cls, counts: NoisyCounts) -> Anchors:
        """Homes settle to the sum of everything, then the workplaces of each home to that home."""
        noisy = counts.values.astype(np.float64) / counts.product.unit
        sigma = counts.sigma / counts.product.unit
        sure = noisy >= certain(sigma, noisy.size)
        floor = np.where(sure, np.rint(noisy), 0).sum(axis=1).astype(np.int64)
        rows = noisy.sum(axis=1)
        homes = settle(rows, rows.sum(), rows >= certain(sigma * sqrt(noisy.shape[1]), len(rows)), floor)
        settled = np.stack([settle(row, total, kept) for row, total, kept in zip(noisy, homes, sure, strict=True)])
        return cls(noisy, settled, sigma)

    @property
    def population(self) -> Estimate:
        """How many people took part and have a home."""
        half = QUANTILE * self.sigma * sqrt(self.noisy.size)
        total = float(self.noisy.sum())
        return Estimate(max(round(total), 0), max(round(total - half), 0), round(total + half))


@attrs.frozen
class Factor:
    """Inhabitants for each person who takes part, with its standard error, and whose figures it is from."""

    value: float
    sigma: float
    of: str


@attrs.frozen(eq=False)
class Factors:
    """The factor of each node that has one."""

    by_id: dict[str, Factor]

    def value(self, ids: list[str]) -> Floats:
        return np.array([self.by_id[id].value if id in self.by_id else np.nan for id in ids])

    def sigma(self, ids: list[str]) -> Floats:
        return np.array([self.by_id[id].sigma if id in self.by_id else np.nan for id in ids])


def residents(anchors: Anchors, among: Nodes) -> Values:
    """People who live in each node."""
    many = anchors.noisy.shape[1]
    noisy = np.array([anchors.noisy[node.members].sum() for node in among])
    settled = np.array([anchors.settled[node.members].sum() for node in among])
    sigma = np.array([anchors.sigma * sqrt(many * len(node.members)) for node in among])
    return Values(noisy, settled, sigma, np.array([least(each) for each in sigma]))


def factors(living: Values, among: Nodes) -> Factors:
    """The factor of each node: its own, or that of the first above it whose residents are sure enough."""
    own: dict[str, Factor] = {}
    for at, node in enumerate(among):
        count, sigma = float(living.noisy[at]), float(living.sigma[at])
        if node.population > 0 and count >= ENOUGH * sigma:
            value = node.population / count
            own[node.id] = Factor(value, value * sigma / count, node.id)
    found = {node.id: _first(node, among, own) for node in among}
    return Factors({id: factor for id, factor in found.items() if factor is not None})


def _first(node: Node, among: Nodes, own: dict[str, Factor]) -> Factor | None:
    return next((own[each.id] for each in upward(node, among) if each.id in own), None)


def anchors_table(anchors: Anchors, counts: NoisyCounts, factors: Factors) -> pa.Table:
    homes, works = (list(axis.members) for axis in counts.domain.axes)
    shape = anchors.noisy.shape
    values = Values(anchors.noisy, anchors.settled, np.full(shape, anchors.sigma), np.full(shape, least(anchors.sigma)))
    by_home = (np.broadcast_to(each[:, None], shape) for each in (factors.value(homes), factors.sigma(homes)))
    sure = anchors.noisy >= certain(anchors.sigma, anchors.noisy.size)
    return table(
        ANCHORS,
        {
            "home": words(homes, each=len(works)),
            "work": words(works, times=len(homes)),
            **values.measured("people"),
            "sure": pa.array(sure.ravel() & ~values.hidden.ravel()),
            **values.estimated(*by_home),
        },
    )


def catchment_table(anchors: Anchors, counts: NoisyCounts) -> pa.Table:
    """By zone of work; a share is a ratio of two noisy sums, its error to the first order."""
    homes, works = (list(axis.members) for axis in counts.domain.axes)
    among = len(homes)  # the last of `work` is no zone
    noisy, settled = anchors.noisy[:, :among].T, anchors.settled[:, :among].T
    values = Values(noisy, settled, np.full(noisy.shape, anchors.sigma), np.full(noisy.shape, least(anchors.sigma)))
    total = np.maximum(settled.sum(axis=1, keepdims=True), 1).astype(np.float64)
    share = settled / total
    error = anchors.sigma * np.sqrt(1 + share**2 * among) / total
    hidden = values.hidden.ravel()
    return table(
        CATCHMENT,
        {
            "work": words(works[:among], each=among),
            "home": words(homes, times=among),
            **values.measured("people"),
            "share": floats(share.ravel(), hidden),
            "share_low": floats(np.maximum(share - QUANTILE * error, 0).ravel(), hidden),
            "share_high": floats(np.minimum(share + QUANTILE * error, 1).ravel(), hidden),
        },
        ~hidden,
    )


def residents_table(living: Values, among: Nodes, factors: Factors) -> pa.Table:
    ids = [node.id for node in among]
    value, sigma = factors.value(ids), factors.sigma(ids)
    absent = np.isnan(value)
    return table(
        RESIDENTS,
        {
            "zone": words(ids),
            "level": words([node.level.value for node in among]),
            **living.measured("people"),
            "population": pa.array([node.population for node in among], pa.int64()),
            "factor": floats(value, absent),
            "factor_low": floats(np.maximum(value - QUANTILE * sigma, 0), absent),
            "factor_high": floats(value + QUANTILE * sigma, absent),
            "factor_of": words([factors.by_id[id].of if id in factors.by_id else None for id in ids]),
        },
    )
