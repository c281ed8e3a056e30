"""Zones as figures in a plane: their rings, area and middle, from the outlines that a release publishes. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

from placet.interfaces.atlas.projection import Point, Projection

Ring = tuple[Point, ...]


@attrs.frozen
class Shape:
    """The outline of a zone in kilometres of the map's plane."""

    rings: tuple[Ring, ...] = attrs.field(repr=False)
    area: float
    """Square kilometres, without its holes."""
    middle: Point
    """Where its flows begin and end: the centre of gravity of its largest part."""

    @property
    def box(self) -> Box:
        return Box.of(point for ring in self.rings for point in ring)


@attrs.frozen
class Box:
    """What a figure needs of the plane, in kilometres."""

    west: float
    south: float
    east: float
    north: float

    @classmethod
    def of(cls, points: Iterator[Point] | Sequence[Point]) -> Box:
        xs, ys = zip(*points, strict=True)
        return cls(min(xs), min(ys), max(xs), max(ys))

    @classmethod
    def around(cls, boxes: Sequence[Box]) -> Box:
        return cls(
            min(each.west for each in boxes),
            min(each.south for each in boxes),
            max(each.east for each in boxes),
            max(each.north for each in boxes),
        )

    @property
    def width(self) -> float:
        return self.east - self.west

    @property
    def height(self) -> float:
        return self.north - self.south

    def widened(self, share: float) -> Box:
        """With a margin of *share* of its longer side."""
        by = max(self.width, self.height) * share
        return Box(self.west - by, self.south - by, self.east + by, self.north + by)


def shapes(geometries: Mapping[str, Mapping[str, Any]]) -> tuple[Projection, dict[str, Shape]]:
    """The outlines of zones (GeoJSON geometries, RFC 7946) in the plane around them all."""
    rings = {id: [list(parts) for parts in _polygons(geometry)] for id, geometry in geometries.items()}
    projection = Projection.around(
        (point[0], point[1]) for polygons in rings.values() for polygon in polygons for point in polygon[0]
    )
    return projection, {id: _shape(polygons, projection) for id, polygons in rings.items()}


def _polygons(geometry: Mapping[str, Any]) -> Iterator[Sequence[Sequence[Point]]]:
    if geometry["type"] == "Polygon":
        yield geometry["coordinates"]
    elif geometry["type"] == "MultiPolygon":
        yield from geometry["coordinates"]


def _shape(polygons: Sequence[Sequence[Sequence[Point]]], projection: Projection) -> Shape:
    flat = [[tuple(projection.plane((at[0], at[1])) for at in ring) for ring in polygon] for polygon in polygons]
    measured = [[_gravity(ring) for ring in polygon] for polygon in flat]
    largest = max(measured, key=lambda rings: rings[0][0])
    area = sum(rings[0][0] - sum(hole for hole, _ in rings[1:]) for rings in measured)
    return Shape(tuple(ring for polygon in flat for ring in polygon), area, largest[0][1])


def _gravity(ring: Ring) -> tuple[float, Point]:
    """Area and centre of gravity of a ring (the shoelace formula), whichever way round it goes."""
    twice = east = north = 0.0
    x0, y0 = ring[0]
    for (x1, y1), (x2, y2) in zip(ring, ring[1:] + ring[:1], strict=True):
        # Relative to its first point: far from the middle the products would swallow the differences.
        cross = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        twice += cross
        east += (x1 + x2 - 2 * x0) * cross
        north += (y1 + y2 - 2 * y0) * cross
    if not twice:
        return 0.0, ring[0]
    return abs(twice) / 2, (x0 + east / (3 * twice), y0 + north / (3 * twice))
