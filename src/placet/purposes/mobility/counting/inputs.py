"""The small public tables that steps look things up in: a cell's zone and tile, and how its time is shared out."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from placet.purposes.mobility.counting.domains import strongest
from placet.purposes.mobility.places.model import OUTSIDE, Atlas, Whole

_TILE = 1000
PARTS = pa.table({"part": pa.array([0, 1], pa.int64())})


def cells(atlas: Atlas) -> pa.Table:
    """Each cell's strongest tile with its centre in metres, and the zone of that tile (-1 outside)."""
    cell, tile = strongest(atlas)
    tiles = atlas.tiles
    return pa.table(
        {
            "cell": cell.astype(np.int32),
            "zone": atlas.tile_zone[tile].astype(np.int32),
            "tile": tile.astype(np.int32),
            "x": tiles.east[tile].astype(np.int64) * _TILE + _TILE // 2,
            "y": tiles.north[tile].astype(np.int64) * _TILE + _TILE // 2,
        }
    )


def tile_shares(atlas: Atlas) -> pa.Table:
    """How a cell's time is shared out to tiles: from `low` to `high` of its thousandths."""
    cell, tile, share = (atlas.cell_tiles[name].to_numpy() for name in ("cell", "tile", "share"))
    return _laid_out(cell, tile, share)


def zone_shares(atlas: Atlas) -> pa.Table:
    """The same to zones, by the zones of the tiles."""
    cell, tile, share = (atlas.cell_tiles[name].to_numpy() for name in ("cell", "tile", "share"))
    zone = atlas.tile_zone[tile]
    inside = zone != OUTSIDE
    return _laid_out(cell[inside], zone[inside], share[inside])


def _laid_out(cell: Whole, member: Whole, share: Whole) -> pa.Table:
    """Shares one after the other, in the order of members: equal pairs are added up first."""
    pairs, place = np.unique(cell.astype(np.int64) << 32 | member.astype(np.int64), return_inverse=True)
    sums = np.bincount(place, share, len(pairs)).astype(np.int64)
    owner = pairs >> 32
    ends = np.cumsum(sums)
    first = np.searchsorted(owner, owner)
    high = ends - (ends[first] - sums[first])
    return pa.table(
        {
            "cell": owner.astype(np.int32),
            "member": (pairs & 0xFFFFFFFF).astype(np.int32),
            "low": high - sums,
            "high": high,
        }
    )
