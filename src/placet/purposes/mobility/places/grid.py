"""
The grid by formula: from longitude and latitude to tiles and back (ETRS89-LAEA, EPSG:3035).

Distances on the grid are within 0.1 % of the true ones in Latvia: the projection keeps areas.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import numpy.typing as npt
import shapely
from pyproj import Transformer

from placet.kernel.errors import BadInput
from placet.purposes.mobility.places.model import Floats, Geometry, Tiles

TILE_METRES = 1000
_MOST_TILES = 2_000_000
"""Some thirty Latvias: more is a map with a mistake in it."""


def metres(lon: npt.ArrayLike, lat: npt.ArrayLike) -> tuple[Floats, Floats]:
    """East and north in metres."""
    east, north = _transformer().transform(np.asarray(lon, float), np.asarray(lat, float))
    return np.asarray(east), np.asarray(north)


def degrees(east: npt.ArrayLike, north: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Longitude and latitude."""
    lon, lat = _transformer().transform(np.asarray(east, float), np.asarray(north, float), direction="INVERSE")
    return np.asarray(lon), np.asarray(lat)


def on_grid(outline: Geometry) -> shapely.Geometry:
    """A GeoJSON geometry in metres."""
    return shapely.transform(shapely.geometry.shape(outline), lambda points: np.c_[metres(points[:, 0], points[:, 1])])


def id_at(lon: float, lat: float) -> str:
    """The id of the tile that holds a point."""
    east, north = metres(lon, lat)
    return f"1kmN{int(north // TILE_METRES)}E{int(east // TILE_METRES)}"


def covering(shapes: Sequence[shapely.Geometry]) -> Tiles:
    """The tiles that touch any of *shapes* (in metres)."""
    whole = shapely.union_all(np.array(shapes, object))
    west, south, far_east, far_north = (int(edge // TILE_METRES) for edge in whole.bounds)
    if (far_east - west + 1) * (far_north - south + 1) > _MOST_TILES:
        raise BadInput("the zones lie further apart than a country; look for a wrong coordinate", code="bad-zones")
    north, east = (
        axis.ravel() for axis in np.mgrid[south : far_north + 1, west : far_east + 1]
    )  # in the order of ids: north first
    shapely.prepare(whole)
    boxes = shapely.box(east * 1000.0, north * 1000.0, east * 1000.0 + 1000, north * 1000.0 + 1000)
    touched = shapely.intersects(whole, boxes)
    return tiles(north[touched], east[touched])


def tiles(north: npt.ArrayLike, east: npt.ArrayLike) -> Tiles:
    """The tiles with these south-western corners, in kilometres and in the order of ids."""
    north, east = np.asarray(north, np.int32), np.asarray(east, np.int32)
    lon, lat = degrees(east * 1000.0 + TILE_METRES / 2, north * 1000.0 + TILE_METRES / 2)
    return Tiles(north, east, lon, lat)


@cache
def _transformer() -> Transformer:
    return Transformer.from_crs("OGC:CRS84", "EPSG:3035", always_xy=True)
