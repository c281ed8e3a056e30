"""
People for a square kilometre at a point, from published tables alone: that of the tile where it is sure, else that
of the zone. Whoever asks for any place gets the same few public answers, so no two questions tell more than one. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

import attrs
import pyarrow as pa
import pyarrow.compute as pc

from placet.purposes.mobility.places import laea
from placet.purposes.mobility.releasing.plots import rings

Hour = tuple[str, int]
"""Type of day, and local hour."""


@attrs.frozen
class Density:
    """People a square kilometre, with the 95 % interval."""

    value: int
    low: int
    high: int


class Unknown(Enum):
    """Why there is no density."""

    LOW = "low"
    """Too few are there, or nothing tells for how many they stand."""
    OUTSIDE = "outside"


@attrs.frozen
class Place:
    """What a point is answered from: its zone, and its tile if that is ever shown."""

    zone: str
    tile: str | None


@attrs.frozen
class _Outline:
    zone: str
    rings: Sequence[Sequence[tuple[float, float]]] = attrs.field(repr=False)
    box: tuple[float, float, float, float]

    def holds(self, lon: float, lat: float) -> bool:
        west, south, east, north = self.box
        if not (west <= lon <= east and south <= lat <= north):
            return False
        return sum(_crossed(ring, lon, lat) for ring in self.rings) % 2 == 1


@attrs.frozen(eq=False)
class Densities:
    """All of a release."""

    _outlines: Sequence[_Outline] = attrs.field(repr=False)
    _zones: Mapping[tuple[str, Hour], Density] = attrs.field(repr=False)
    _tiles: Mapping[str, Mapping[Hour, Density]] = attrs.field(repr=False)

    @classmethod
    def of(cls, zones: Mapping[str, Any], profile: pa.Table, tiles: pa.Table | None) -> Densities:
        """From the GeoJSON and the tables `zone-profile` and `tiles` of a release."""
        outlines = [_outline(each) for each in zones["features"] if each["properties"]["level"] == "zone"]
        areas = {outline.zone: _area(outline.rings) for outline in outlines}
        by_zone = {
            (row["zone"], (row["day_type"], row["hour"])): _density(row, areas[row["zone"]])
            for row in _known(profile)
            if areas.get(row["zone"], 0) > 0
        }
        by_tile: dict[str, dict[Hour, Density]] = {}
        # What is only just shown is too often noise, where there are a hundred thousand squares.
        for row in [] if tiles is None else _known(tiles.filter(tiles["sure"])):
            by_tile.setdefault(row["tile"], {})[row["day_type"], row["hour"]] = _density(row, 1.0)
        return cls(outlines, by_zone, by_tile)

    def place(self, lon: float, lat: float) -> Place | None:
        """Where a point lies; None outside all zones."""
        zone = next((outline.zone for outline in self._outlines if outline.holds(lon, lat)), None)
        if zone is None:
            return None
        tile = laea.tile_at(lon, lat)
        return Place(zone, tile if tile in self._tiles else None)

    def at(self, place: Place | None, hour: Hour) -> Density | Unknown:
        if place is None:
            return Unknown.OUTSIDE
        in_zone = self._zones.get((place.zone, hour), Unknown.LOW)
        return in_zone if place.tile is None else self._tiles[place.tile].get(hour, in_zone)


def _known(table: pa.Table) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = table.filter(pc.is_valid(table["estimate"])).to_pylist()
    return found


def _density(row: Mapping[str, Any], area: float) -> Density:
    return Density(*(round(row[name] / area) for name in ("estimate", "estimate_low", "estimate_high")))


def _outline(feature: Mapping[str, Any]) -> _Outline:
    found = list(rings(feature["geometry"]))
    points = [point for ring in found for point in ring]
    lons, lats = [point[0] for point in points], [point[1] for point in points]
    return _Outline(feature["properties"]["id"], found, (min(lons), min(lats), max(lons), max(lats)))


def _area(outline: Sequence[Sequence[tuple[float, float]]]) -> float:
    """Outer rings less holes: a ring that lies in an odd number of others is a hole."""
    found = 0.0
    for ring in outline:
        around = sum(_crossed(other, *ring[0]) for other in outline if other is not ring)
        found += laea.square_kilometres(ring) * (-1 if around % 2 else 1)
    return found


def _crossed(ring: Sequence[tuple[float, float]], lon: float, lat: float) -> int:
    """How often a ray to the east crosses the ring: an odd number of times from within."""
    crossed = 0
    for (x, y), (across, up) in zip(ring, [*ring[1:], ring[0]], strict=True):
        if (y > lat) != (up > lat) and lon < x + (lat - y) / (up - y) * (across - x):
            crossed += 1
    return crossed
