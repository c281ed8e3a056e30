"""
Lambert's azimuthal equal-area projection on a sphere (Snyder 1987, §24): a square kilometre is as large at the edge of
the map as in its middle, so that people per square kilometre can be told from what is drawn. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import cos, radians, sin, sqrt

import attrs

EARTH_KM = 6371.0088
"""The mean radius (IUGG)."""

Point = tuple[float, float]
"""Longitude and latitude in degrees, or kilometres east and north of the middle."""


@attrs.frozen
class Projection:
    """Around the middle of a map, given in degrees."""

    lon: float
    lat: float

    @classmethod
    def around(cls, points: Iterable[Point]) -> Projection:
        """The one whose middle is that of *points*."""
        lons, lats = zip(*points, strict=True)
        return cls((min(lons) + max(lons)) / 2, (min(lats) + max(lats)) / 2)

    def plane(self, point: Point) -> Point:
        """Where *point* of the Earth lies, in kilometres east and north of the middle (Snyder 24-2 to 24-4)."""
        lam, phi, middle = radians(point[0] - self.lon), radians(point[1]), radians(self.lat)
        k = sqrt(2 / (1 + sin(middle) * sin(phi) + cos(middle) * cos(phi) * cos(lam)))
        east = k * cos(phi) * sin(lam)
        north = k * (cos(middle) * sin(phi) - sin(middle) * cos(phi) * cos(lam))
        return EARTH_KM * east, EARTH_KM * north
