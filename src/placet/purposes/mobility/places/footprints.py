"""
Which tiles a cell serves, and how its time is shared out to them.

1. A cell reaches the tiles whose centre is within its range, and always the one it stands in.
2. Its strength there falls with distance: 1 / (1 + (d / (range / 3))^4), one at the mast, a hundredth at the edge.
3. It serves the part of its strength that no other cell overtones: strength² / (sum of all strengths in the tile).
4. A tile that gets less than `LEAST` of what the strongest does is left out. Shares are whole thousandths of a cell:
   each is rounded down, and what is left goes to those that lost most by it.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import shapely

from placet.purposes.mobility.places import grid
from placet.purposes.mobility.places.model import CELL_TILES, Floats, Tiles, Whole

WHOLE = 1000
LEAST = 0.05
_FALL = 4
_CORE = 3


def footprints(cells: pa.Table, tiles: Tiles) -> pa.Table:
    """
    `cell, tile, share` for the *cells* (code, lon, lat, range_m), in the order of cell and tile.

    A cell near the edge of the map keeps the share of what lies beyond it for itself: its sum is below 1000.
    """
    code = cells["code"].to_numpy().astype(np.int32)
    east, north = grid.metres(cells["lon"].to_numpy(), cells["lat"].to_numpy())
    at, x, y, distance = _reached(east, north, cells["range_m"].to_numpy())
    strength = 1 / (1 + (distance / (cells["range_m"].to_numpy()[at] / _CORE)) ** _FALL)
    share = _thousandths(at, _dominance(x, y, strength), len(code))
    tile = _codes(x, y, tiles)
    kept = (share > 0) & (tile >= 0)
    order = np.lexsort((tile[kept], code[at[kept]]))
    columns = (code[at[kept]][order], tile[kept][order], share[kept][order])
    return pa.Table.from_arrays([pa.array(column, pa.int32()) for column in columns], schema=CELL_TILES)


def _reached(east: Floats, north: Floats, reach: Floats) -> tuple[Whole, Whole, Whole, Floats]:
    """Pairs of a cell (its place in the table) and a tile (kilometres east, north) with their distance in metres."""
    cells, x, y = [], [], []
    spans = np.ceil(reach / grid.TILE_METRES).astype(int)
    for span in np.unique(spans):
        chosen = np.flatnonzero(spans == span)
        dy, dx = (axis.ravel() for axis in np.mgrid[-span : span + 1, -span : span + 1])
        cells.append(np.repeat(chosen, len(dx)))
        x.append((np.floor(east[chosen] / 1000).astype(int)[:, None] + dx).ravel())
        y.append((np.floor(north[chosen] / 1000).astype(int)[:, None] + dy).ravel())
    at, x_all, y_all = (np.concatenate(parts) if parts else np.zeros(0, int) for parts in (cells, x, y))
    distance = np.hypot((x_all + 0.5) * 1000 - east[at], (y_all + 0.5) * 1000 - north[at])
    own = (x_all == np.floor(east[at] / 1000)) & (y_all == np.floor(north[at] / 1000))
    kept = (distance <= reach[at]) | own
    return at[kept].astype(np.int32), x_all[kept].astype(np.int32), y_all[kept].astype(np.int32), distance[kept]


def _dominance(x: Whole, y: Whole, strength: Floats) -> Floats:
    _, place = np.unique(y.astype(np.int64) << 32 | x.astype(np.int64), return_inverse=True)
    return np.asarray(strength**2 / np.bincount(place, strength)[place])


def _thousandths(at: Whole, weight: Floats, cells: int) -> Whole:
    """Step 4, by largest remainders; of equal ones the first."""
    strongest = np.zeros(cells)
    np.maximum.at(strongest, at, weight)
    weight = np.where(weight >= strongest[at] * LEAST, weight, 0.0)
    exact = weight / np.bincount(at, weight, cells)[at] * WHOLE
    share = np.floor(exact).astype(np.int32)
    left = WHOLE - np.bincount(at, share, cells).astype(np.int64)
    order = np.lexsort((share - exact, at))
    rank = np.arange(len(at)) - np.searchsorted(at[order], at[order])
    share[order[rank < left[at[order]]]] += 1
    return share


def _codes(x: Whole, y: Whole, tiles: Tiles) -> Whole:
    """The codes of the tiles at kilometres east *x* and north *y*; -1 where there is none."""
    keys = tiles.north.astype(np.int64) << 32 | tiles.east.astype(np.int64)
    wanted = y.astype(np.int64) << 32 | x.astype(np.int64)
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[at] == wanted, at, -1).astype(np.int32)


def nearest(cells: pa.Table, east: Floats, north: Floats) -> Whole:
    """The place in the table of the cell that is nearest to each point (in metres), for whoever lays out a world."""
    masts = shapely.points(*grid.metres(cells["lon"].to_numpy(), cells["lat"].to_numpy()))
    return np.asarray(shapely.STRtree(masts).nearest(shapely.points(east, north)), np.int32)
