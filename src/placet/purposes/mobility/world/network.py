"""
The network of the world, laid out by rule: cells for towns, one for so many residents, and a lattice over the land.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from placet.purposes.mobility.places import grid
from placet.purposes.mobility.places.footprints import nearest
from placet.purposes.mobility.places.model import Floats, Tiles, Whole
from placet.sources.cells import SCHEMA

FOREVER = 2**62
RESIDENTS_A_CELL = 1500
_TOWN_REACH, _LAND_REACH = 1500.0, 8000.0
_DENSE = 300.0
"""Residents of a tile from which on it has cells of its own."""
_LATTICE = 7
"""Kilometres between the masts outside of towns."""
_GOLDEN = 0.6180339887498949
STEP = 500
"""Metres between the points of the map that says which cell serves where."""


def laid_out(tiles: Tiles, residents: Floats) -> pa.Table:
    """The cells over *tiles* with so many *residents*."""
    own = np.where(residents >= _DENSE, np.ceil(residents / RESIDENTS_A_CELL), 0).astype(int)
    own_tile = np.repeat(np.arange(len(tiles)), own)
    lattice = np.flatnonzero((tiles.east % _LATTICE == 0) & ((tiles.north + tiles.east // _LATTICE % 2 * 3) % 7 == 0))
    tile = np.concatenate([own_tile, lattice])
    reach = np.concatenate([np.full(len(own_tile), _TOWN_REACH), np.full(len(lattice), _LAND_REACH)])
    order = np.lexsort((reach, tile))
    tile, reach, at = tile[order], reach[order], np.arange(len(order))
    # Masts stand scattered in their tile, the same way each time (a low-discrepancy sequence).
    east = (tiles.east[tile] + 0.1 + 0.8 * (at * _GOLDEN % 1)) * 1000
    north = (tiles.north[tile] + 0.1 + 0.8 * (at * _GOLDEN**2 % 1)) * 1000
    lon, lat = (np.round(axis, 6) for axis in grid.degrees(east, north))
    since, until = np.zeros(len(at), np.int64), np.full(len(at), FOREVER)
    return pa.Table.from_arrays(
        [pa.array(column) for column in (at.astype(np.int32), _names(len(at)), lon, lat, reach, since, until)],
        schema=SCHEMA,
    )


def _names(count: int) -> list[str]:
    """Names as a network has them: country, operator (99 is nobody), area, number."""
    return [f"247-99-{1 + at // 250}-{at:05d}" for at in range(count)]


class Serving:
    """Which cell serves where: the nearest mast, looked up on a map of points `STEP` metres apart."""

    def __init__(self, tiles: Tiles, cells: pa.Table) -> None:
        margin = 5
        self._west, self._south = (int(axis.min()) - margin for axis in (tiles.east, tiles.north))
        columns = (int(tiles.east.max()) + margin + 1 - self._west) * 1000 // STEP
        rows = (int(tiles.north.max()) + margin + 1 - self._south) * 1000 // STEP
        y, x = (axis.ravel() for axis in np.mgrid[0:rows, 0:columns])
        at = nearest(cells, self._west * 1000.0 + (x + 0.5) * STEP, self._south * 1000.0 + (y + 0.5) * STEP)
        self._codes = cells["code"].to_numpy()[at].reshape(rows, columns)

    def at(self, east: Floats, north: Floats) -> Whole:
        """The codes of the cells that serve these points (metres); beyond the map, of its edge."""
        rows, columns = self._codes.shape
        x = np.clip((east - self._west * 1000) / STEP, 0, columns - 1).astype(np.int32)
        y = np.clip((north - self._south * 1000) / STEP, 0, rows - 1).astype(np.int32)
        return np.asarray(self._codes[y, x], np.int32)


def neighbours(cells: pa.Table) -> Whole:
    """For each code the code of the mast that is nearest to it: a telephone between the two changes to and fro."""
    east, north = grid.metres(cells["lon"].to_numpy(), cells["lat"].to_numpy())
    found = np.arange(len(east), dtype=np.int32)
    for first in range(0, len(east), 512):
        part = slice(first, first + 512)
        distance = np.hypot(east[part, None] - east, north[part, None] - north)
        distance[np.arange(len(distance)), np.arange(first, first + len(distance))] = np.inf
        found[part] = distance.argmin(axis=1)
    return found
