"""Typical days: people and load of zones and regions, and people of tiles within the zones they lie in."""

from __future__ import annotations

from math import sqrt

import attrs
import numpy as np
import pyarrow as pa

from placet.purposes.mobility.places.model import OUTSIDE
from placet.purposes.mobility.privacy.noisy import NoisyCounts
from placet.purposes.mobility.releasing.columns import Values, table, words
from placet.purposes.mobility.releasing.hierarchy import Nodes, Places
from placet.purposes.mobility.releasing.model import TILES, ZONE_PROFILE, Table
from placet.purposes.mobility.releasing.residents import Factors
from placet.purposes.mobility.releasing.settling import Floats, Whole, certain, least, settle, settle_below


@attrs.frozen(eq=False)
class Profile:
    """Settled values by place (the first axis) and hour (all others, in C order), in published units."""

    noisy: Floats
    settled: Whole
    sigma: float

    @classmethod
    def of_zones(cls, counts: NoisyCounts) -> Profile:
        """In each hour the zones settle to their own sum."""
        noisy, sigma = _flat(counts)
        bar = certain(sigma, noisy.size)
        settled = [settle(hour, hour.sum(), hour >= bar) for hour in noisy.T]
        return cls(noisy, np.stack(settled, axis=1), sigma)

    @classmethod
    def of_tiles(cls, counts: NoisyCounts, places: Places, zones: Profile | None) -> Profile:
        """
        In each hour the tiles of a zone settle below the zone, whose own noise is far smaller than that of their sum.

        Tiles of no zone, and all where no zones were counted, are only kept from being negative.
        """
        noisy, sigma = _flat(counts)
        bar = certain(sigma, noisy.size)
        settled = np.maximum(np.rint(noisy), 0).astype(np.int64)
        if zones is not None:
            tile_zone = places.zones_of(counts.domain.axes[0].members)
            for zone, totals in enumerate(zones.settled):
                tiles = np.flatnonzero(tile_zone == zone)
                for hour, total in enumerate(totals.tolist()):
                    values = noisy[tiles, hour]
                    settled[tiles, hour] = settle_below(values, total, values >= bar)
        return cls(noisy, settled, sigma)


def zone_table(shape: Table, profile: Profile, counts: NoisyCounts, among: Nodes, factors: Factors | None) -> pa.Table:
    """The rows of zones, regions and all, of `ZONE_PROFILE` or `ZONE_LOAD`."""
    days, hours = (axis.members for axis in counts.domain.axes[1:])
    many = len(days) * len(hours)
    sigmas = np.array([profile.sigma * sqrt(len(node.members)) for node in among])
    full = (len(among), many)
    values = Values(
        np.stack([profile.noisy[node.members].sum(axis=0) for node in among]),
        np.stack([profile.settled[node.members].sum(axis=0) for node in among]),
        np.broadcast_to(sigmas[:, None], full),
        np.broadcast_to(np.array([least(sigma) for sigma in sigmas])[:, None], full),
    )
    ids = [node.id for node in among]
    columns = {
        "zone": words(ids, each=many),
        "level": words([node.level.value for node in among], each=many),
        **_hours(counts, len(among)),
        **values.measured(shape.measure),
    }
    if shape is ZONE_PROFILE:
        columns |= _estimates(values, ids, factors)
    return table(shape, columns)


def tile_table(
    shape: Table, profile: Profile, counts: NoisyCounts, places: Places, factors: Factors | None
) -> pa.Table:
    """The rows of tiles that are not hidden, of `TILES` or `TILE_HOURS`."""
    many = profile.noisy.shape[1]
    full = profile.noisy.shape
    values = Values(profile.noisy, profile.settled, np.full(full, profile.sigma), np.full(full, least(profile.sigma)))
    tiles = counts.domain.axes[0].members
    names = [zone.id for zone in places.zones]
    zones = [None if at == OUTSIDE else names[at] for at in places.zones_of(tiles).tolist()]
    columns = {
        "tile": words(tiles, each=many),
        "zone": words(zones, each=many),
        **_hours(counts, len(zones)),
        **values.measured("people"),
        "sure": pa.array((profile.noisy >= certain(profile.sigma, profile.noisy.size)).ravel()),
    }
    if shape is TILES:
        columns |= _estimates(values, [zone or "" for zone in zones], factors)
    return table(shape, columns, ~values.hidden.ravel())


def _flat(counts: NoisyCounts) -> tuple[Floats, float]:
    unit = counts.product.unit
    return counts.values.reshape(counts.domain.shape[0], -1) / unit, counts.sigma / unit


def _hours(counts: NoisyCounts, rows: int) -> dict[str, pa.Array]:
    """The columns of time: the last axis is the hour, the one before it the type of day, if there is one."""
    *others, hours = (list(axis.members) for axis in counts.domain.axes[1:])
    days = others[0] if others else [""]
    found = {"hour": pa.array(np.tile(np.array(hours, np.int8), len(days) * rows))}
    return found if not others else {"day_type": words(days, each=len(hours), times=rows), **found}


def _estimates(values: Values, ids: list[str], factors: Factors | None) -> dict[str, pa.Array]:
    known = factors or Factors({})
    shape = values.settled.shape
    each = (np.broadcast_to(of(ids)[:, None], shape) for of in (known.value, known.sigma))
    return values.estimated(*each)
