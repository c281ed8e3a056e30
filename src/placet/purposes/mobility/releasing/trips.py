"""Trips between zones, those that leave and reach each, and how long they take."""

from __future__ import annotations

from math import sqrt

import attrs
import numpy as np
import pyarrow as pa

from placet.purposes.mobility.model import Slot
from placet.purposes.mobility.privacy.noisy import NoisyCounts
from placet.purposes.mobility.releasing.columns import Values, floats, table, words
from placet.purposes.mobility.releasing.hierarchy import Nodes
from placet.purposes.mobility.releasing.model import FLOWS, TRAVEL_TIMES, ZONE_TRIPS, Level
from placet.purposes.mobility.releasing.residents import Factors
from placet.purposes.mobility.releasing.settling import QUANTILE, Floats, Mask, Whole, certain, least, settle

MEAN_ERROR = 0.25
"""A mean with a larger relative standard error is not told."""


@attrs.frozen(eq=False)
class Flows:
    """Settled trips by origin, destination and slot; nobody's trip begins and ends in the same zone."""

    noisy: Floats
    settled: Whole
    sigma: float
    sure: Mask

    @classmethod
    def of(cls, counts: NoisyCounts) -> Flows:
        """In each slot the origins settle to the sum of everything, then each origin's destinations to it."""
        sigma = counts.sigma / counts.product.unit
        noisy = counts.values.astype(np.float64) / counts.product.unit
        noisy[np.diag_indices(len(noisy))] = 0.0
        sure = noisy >= certain(sigma, noisy.size)
        slots = [_settled(noisy[:, :, at], sure[:, :, at], sigma) for at in range(noisy.shape[2])]
        return cls(noisy, np.stack(slots, axis=2), sigma, sure)

    @property
    def between(self) -> Mask:
        """All cells but the diagonal."""
        return np.broadcast_to(~np.eye(len(self.noisy), dtype=bool)[:, :, None], self.noisy.shape)


def _settled(noisy: Floats, sure: Mask, sigma: float) -> Whole:
    away = ~np.eye(len(noisy), dtype=bool)
    rows, bar = noisy.sum(axis=1), certain(sigma * sqrt(len(noisy) - 1), len(noisy))
    floor = np.where(sure, np.rint(noisy), 0).sum(axis=1).astype(np.int64)
    origins = settle(rows, rows.sum(), rows >= bar, floor)
    found = np.zeros(noisy.shape, dtype=np.int64)
    for at, total in enumerate(origins):
        found[at, away[at]] = settle(noisy[at, away[at]], total, sure[at, away[at]])
    return found


def flows_table(flows: Flows, counts: NoisyCounts, factors: Factors | None) -> pa.Table:
    shape = flows.noisy.shape
    values = Values(flows.noisy, flows.settled, np.full(shape, flows.sigma), np.full(shape, least(flows.sigma)))
    known = factors or Factors({})
    origins = list(counts.domain.axes[0].members)
    by_origin = (np.broadcast_to(of(origins)[:, None, None], shape) for of in (known.value, known.sigma))
    columns = {
        **_pairs(counts),
        **values.measured("trips"),
        "sure": pa.array(flows.sure.ravel()),
        **values.estimated(*by_origin),
    }
    return table(FLOWS, columns, flows.between.ravel())


def zone_trips_table(flows: Flows, counts: NoisyCounts, among: Nodes, factors: Factors | None) -> pa.Table:
    """For a region: trips over its border."""
    nodes = [node for node in among if node.level is not Level.ALL]
    slots = list(counts.domain.axes[2].members)
    noisy, settled, sigma = [], [], []
    for node in nodes:
        inside = np.zeros(len(flows.noisy), dtype=bool)
        inside[node.members] = True
        for begins, ends in ((inside, ~inside), (~inside, inside)):
            over = np.ix_(begins, ends)
            noisy.append(flows.noisy[over].sum(axis=(0, 1)))
            settled.append(flows.settled[over].sum(axis=(0, 1)))
            sigma.append([flows.sigma * sqrt(begins.sum() * ends.sum())] * len(slots))
    spread = np.array(sigma)
    values = Values(np.stack(noisy), np.stack(settled), spread, np.vectorize(least)(spread))
    known = factors or Factors({})
    ids = np.repeat([node.id for node in nodes], 2).tolist()
    each = (np.broadcast_to(of(ids)[:, None], spread.shape) for of in (known.value, known.sigma))
    columns = {
        "zone": words(ids, each=len(slots)),
        "level": words([node.level.value for node in nodes], each=2 * len(slots)),
        "direction": words(["out", "in"], each=len(slots), times=len(nodes)),
        "slot": words(slots, times=len(ids)),
        **values.measured("trips"),
        **values.estimated(*each),
    }
    return table(ZONE_TRIPS, columns)


def travel_times_table(flows: Flows, minutes: NoisyCounts) -> pa.Table:
    """Mean minutes as a ratio of two noisy sums, and the ratio of two means; errors to the first order."""
    total, spread = minutes.values.astype(np.float64) / minutes.product.unit, minutes.sigma / minutes.product.unit
    many = np.maximum(flows.noisy, 1.0)
    mean = total / many
    # The variance of y/x: (var y + mean² var x) / x².
    error = np.sqrt(spread**2 + (mean * flows.sigma) ** 2) / many
    hidden = (flows.noisy < least(flows.sigma)) | (total <= 0) | (error > MEAN_ERROR * np.abs(mean))
    low, high = np.maximum(mean - QUANTILE * error, 0), mean + QUANTILE * error
    night = list(minutes.domain.axes[2].members).index(Slot.NIGHT.value)
    ratio, ratio_error, unknown = _ratio(mean, error, hidden, night)
    flat = (each.ravel() for each in (mean, low, high))
    columns = {
        **_pairs(minutes),
        **dict(zip(("minutes", "low", "high"), (floats(each, hidden.ravel()) for each in flat), strict=True)),
        "hidden": pa.array(hidden.ravel()),
        "ratio": floats(ratio.ravel(), unknown.ravel()),
        "ratio_low": floats((ratio - QUANTILE * ratio_error).ravel(), unknown.ravel()),
        "ratio_high": floats((ratio + QUANTILE * ratio_error).ravel(), unknown.ravel()),
        "slow": pa.array((ratio - QUANTILE * ratio_error > 1).ravel(), mask=unknown.ravel()),
    }
    return table(TRAVEL_TIMES, columns, flows.between.ravel())


def _ratio(mean: Floats, error: Floats, hidden: Mask, night: int) -> tuple[Floats, Floats, Mask]:
    """Each slot over the night, its standard error, and where there is none; of the night itself there is none."""
    base, base_error = mean[:, :, [night]], error[:, :, [night]]
    unknown = hidden | hidden[:, :, [night]]
    unknown[:, :, night] = True
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = mean / base
        spread = ratio * np.sqrt((error / mean) ** 2 + (base_error / base) ** 2)
    return np.where(unknown, 0, ratio), np.where(unknown, 0, spread), unknown


def _pairs(counts: NoisyCounts) -> dict[str, pa.Array]:
    origins, destinations, slots = (list(axis.members) for axis in counts.domain.axes)
    inner = len(destinations) * len(slots)
    return {
        "origin": words(origins, each=inner),
        "destination": words(destinations, each=len(slots), times=len(origins)),
        "slot": words(slots, times=len(origins) * len(destinations)),
    }
