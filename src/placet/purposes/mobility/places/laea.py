"""
The projection of the public grid by its formulas alone, for whoever must stay light: ETRS89-LAEA (EPSG:3035).

Lambert azimuthal equal area on an ellipsoid, EPSG guidance note 7-2, method 9820; `grid` has the same from pyproj.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import asin, cos, log, radians, sin, sqrt

_A = 6_378_137.0
_F = 1 / 298.257222101
_E2 = _F * (2 - _F)
_E = sqrt(_E2)
_LAT, _LON = radians(52), radians(10)
_EAST, _NORTH = 4_321_000.0, 3_210_000.0


def _q(lat: float) -> float:
    s = sin(lat)
    return (1 - _E2) * (s / (1 - _E2 * s * s) - log((1 - _E * s) / (1 + _E * s)) / (2 * _E))


_QP = _q(radians(90))
_RQ = _A * sqrt(_QP / 2)
_BETA = asin(_q(_LAT) / _QP)
_D = _A * cos(_LAT) / sqrt(1 - _E2 * sin(_LAT) ** 2) / (_RQ * cos(_BETA))


def metres(lon: float, lat: float) -> tuple[float, float]:
    """East and north of a point in degrees."""
    beta, away = asin(_q(radians(lat)) / _QP), radians(lon) - _LON
    b = _RQ * sqrt(2 / (1 + sin(_BETA) * sin(beta) + cos(_BETA) * cos(beta) * cos(away)))
    east = b * _D * cos(beta) * sin(away)
    north = b / _D * (cos(_BETA) * sin(beta) - sin(_BETA) * cos(beta) * cos(away))
    return _EAST + east, _NORTH + north


def tile_at(lon: float, lat: float) -> str:
    """The id of the tile that holds a point."""
    east, north = metres(lon, lat)
    return f"1kmN{int(north // 1000)}E{int(east // 1000)}"


def square_kilometres(ring: Sequence[tuple[float, float]]) -> float:
    """The area within a ring of longitudes and latitudes: the projection keeps areas."""
    points = [metres(lon, lat) for lon, lat in ring]
    twice = sum(x * up - across * y for (x, y), (across, up) in zip(points, points[1:] + points[:1], strict=True))
    return abs(twice) / 2 / 1_000_000
