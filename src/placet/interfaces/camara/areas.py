"""Which public cells an area is answered by: those whose centre lies in it, or the one that holds it."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from placet.interfaces.camara import geohash
from placet.interfaces.camara.problems import refused
from placet.interfaces.camara.shapes import Polygon
from placet.purposes.mobility.releasing.density import Densities, Place

_LEAST, _MOST = 3, 15
Ring = Sequence[tuple[float, float]]
"""Longitudes and latitudes."""


@attrs.define(eq=False)
class Cell:
    """A geohash cell, and what it is answered from in each release that was looked at."""

    geohash: str
    _places: dict[str, Place | None] = attrs.field(factory=dict, repr=False)

    def place(self, release: str, densities: Densities) -> Place | None:
        if release not in self._places:
            self._places[release] = densities.place(*geohash.box(self.geohash).centre)
        return self._places[release]


def ring(polygon: Polygon) -> Ring:
    """Its corners; `INVALID_AREA` where they make no simple polygon."""
    points = [(point.longitude, point.latitude) for point in polygon.boundary]
    if points[:1] == points[-1:]:
        points = points[:-1]
    if not _LEAST <= len(points) <= _MOST or len(set(points)) < len(points) or _crosses_itself(points):
        raise refused(400, "INVALID_AREA", f"a polygon has {_LEAST} to {_MOST} corners and does not cross itself")
    return points


def many(points: Ring, precision: int) -> int:
    """How many cells touch the box around it, at most."""
    west, south, east, north = _box(points)
    width, height = geohash.sizes(precision)
    return int((east - west) / width + 2) * int((north - south) / height + 2)


def cells(points: Ring, precision: int) -> Sequence[Cell]:
    west, south, east, north = _box(points)
    found = [
        Cell(word)
        for word in geohash.within(west, south, east, north, precision)
        if _holds(points, *geohash.box(word).centre)
    ]
    middle = sum(lon for lon, _ in points) / len(points), sum(lat for _, lat in points) / len(points)
    return found or [Cell(geohash.encode(*middle, precision))]


def _box(points: Ring) -> tuple[float, float, float, float]:
    lons, lats = [lon for lon, _ in points], [lat for _, lat in points]
    return min(lons), min(lats), max(lons), max(lats)


def _holds(points: Ring, lon: float, lat: float) -> bool:
    inside = False
    for (x, y), (across, up) in zip(points, [*points[1:], points[0]], strict=True):
        if (y > lat) != (up > lat) and lon < x + (lat - y) / (up - y) * (across - x):
            inside = not inside
    return inside


def _crosses_itself(points: Ring) -> bool:
    """Whether two sides that are not neighbours meet."""
    sides = list(zip(points, [*points[1:], points[0]], strict=True))
    apart = [
        (one, other)
        for at, one in enumerate(sides)
        for other in sides[at + 2 :]
        if not (at == 0 and other is sides[-1])
    ]
    return any(_turn(a, b, c) != _turn(a, b, d) and _turn(c, d, a) != _turn(c, d, b) for (a, b), (c, d) in apart)


def _turn(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> bool:
    return (c[1] - a[1]) * (b[0] - a[0]) > (b[1] - a[1]) * (c[0] - a[0])
