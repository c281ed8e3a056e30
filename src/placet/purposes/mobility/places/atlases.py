"""An atlas is put together here, from zones and cells."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import shapely

from placet.kernel.errors import BadInput
from placet.purposes.mobility.places import grid
from placet.purposes.mobility.places.footprints import footprints
from placet.purposes.mobility.places.model import OUTSIDE, Atlas, Tiles, Whole, Zone


def atlas(zones: Sequence[Zone], cells: pa.Table, *, regions: Sequence[Zone] = ()) -> Atlas:
    """
    The atlas of *zones* and *cells* (code, lon, lat, range_m) on the tiles that touch a zone.

    Where zones overlap a tile belongs to the first; `zones.read` reports where.
    """
    shapes = [grid.on_grid(zone.outline) for zone in zones]
    tiles = grid.covering(shapes)
    served = footprints(cells, tiles)
    if not served.num_rows:
        raise BadInput("no cell serves any of the zones: deliver the cells first, longitude first", code="bad-zones")
    return Atlas(tiles, tuple(zones), tuple(regions), zone_of_tiles(tiles, shapes), served)


def zone_of_tiles(tiles: Tiles, shapes: Sequence[shapely.Geometry]) -> Whole:
    """The index of the first of *shapes* (in metres) that holds each tile's centre; `OUTSIDE` for none."""
    centres = shapely.points(tiles.east * 1000.0 + 500, tiles.north * 1000.0 + 500)
    shape, tile = shapely.STRtree(centres).query(np.array(shapes, object), predicate="intersects")
    found = np.full(len(tiles), len(shapes), np.int32)
    np.minimum.at(found, tile, shape.astype(np.int32))
    return np.where(found == len(shapes), OUTSIDE, found).astype(np.int32)
