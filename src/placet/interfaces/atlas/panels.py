"""
The sheets of a map: the whole, and beside it, enlarged, each group of zones that would be too small to see there, as a
printed atlas has the capital in a corner. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, cos, floor, radians

import attrs

from placet.interfaces.atlas.outlines import Box, Ring, Shape
from placet.interfaces.atlas.projection import Point, Projection

WIDTH = 1000
"""Units across a panel; every number in it is whole, which keeps the page small."""
_MARGIN = 0.02
_SMALL = 0.15
"""A group is enlarged when it is narrower than this share of the whole."""
_FEW = 4
_BARS = (200, 100, 50, 20, 10, 5, 2, 1)


@attrs.frozen
class Panel:
    """One drawing, in units of its own: *box* fills it; *zones* are drawn in it."""

    name: str
    """The group's zone id; empty for the whole."""
    box: Box
    zones: tuple[str, ...]

    @property
    def scale(self) -> float:
        """Units a kilometre."""
        return WIDTH / self.box.width

    @property
    def height(self) -> int:
        return round(self.box.height * self.scale)

    @property
    def bar(self) -> tuple[int, int]:
        """A length for the scale bar: kilometres, and units; no more than a fifth of the width."""
        km = next((each for each in _BARS if each * self.scale <= WIDTH / 5), _BARS[-1])
        return km, round(km * self.scale)

    def at(self, point: Point) -> tuple[int, int]:
        """Where a point of the plane is drawn."""
        return round((point[0] - self.box.west) * self.scale), round((self.box.north - point[1]) * self.scale)

    def path(self, shape: Shape) -> str:
        """The outline for an SVG path, in steps of whole units; equal borders of neighbours stay equal."""
        return "".join(self._ring(ring) for ring in shape.rings)

    def frame_of(self, other: Panel) -> tuple[int, int, int, int]:
        """Where another panel's box lies in this one: x, y, width, height."""
        (left, top), (right, bottom) = (
            self.at((other.box.west, other.box.north)),
            self.at((other.box.east, other.box.south)),
        )
        return left, top, right - left, bottom - top

    def _ring(self, ring: Ring) -> str:
        x, y = self.at(ring[0])
        steps = [f"M{x} {y}l"]
        for point in ring[1:]:
            east, south = self.at(point)
            if (east, south) != (x, y):
                steps.append(f"{east - x} {south - y} ")
                x, y = east, south
        return "".join(steps).rstrip() + "z" if len(steps) > 1 else ""


def panels(shapes: Mapping[str, Shape], parents: Mapping[str, str | None]) -> tuple[Panel, ...]:
    """The whole map first, then the groups (zones of one parent) that need a sheet of their own, largest first."""
    whole = Box.around([shape.box for shape in shapes.values()]).widened(_MARGIN)
    found = [Panel("", whole, tuple(shapes))]
    for parent, zones in _groups(shapes, parents).items():
        box = Box.around([shapes[zone].box for zone in zones])
        if len(zones) >= _FEW and max(box.width, box.height) < whole.width * _SMALL:
            seen = box.widened(_MARGIN)
            # Neighbours that reach into the frame are drawn too, or the town would lie in nothing.
            near = [zone for zone, shape in shapes.items() if zone in zones or _meet(shape.box, seen)]
            found.append(Panel(parent, seen, tuple(near)))
    return (found[0], *sorted(found[1:], key=lambda panel: -len(panel.zones)))


def graticule(panel: Panel, projection: Projection, *, every: float = 1.0) -> tuple[str, ...]:
    """Meridians and parallels across the panel as SVG paths, *every* so many degrees."""
    west, south, east, north = _degrees(panel, projection)
    lines = [
        [(lon, south + step * (north - south) / _BENDS) for step in range(_BENDS + 1)]
        for lon in _marks(west, east, every)
    ]
    lines += [
        [(west + step * (east - west) / _BENDS, lat) for step in range(_BENDS + 1)]
        for lat in _marks(south, north, every)
    ]
    return tuple(_line([panel.at(projection.plane(point)) for point in line]) for line in lines)


_BENDS = 8
_KM = 111.2
"""Kilometres to a degree of a meridian."""


def _degrees(panel: Panel, projection: Projection) -> tuple[float, float, float, float]:
    """A little more than what the panel shows, in degrees."""
    box = panel.box.widened(0.15)
    across = _KM * cos(radians(projection.lat + box.north / _KM))
    return (
        projection.lon + box.west / across,
        projection.lat + box.south / _KM,
        projection.lon + box.east / across,
        projection.lat + box.north / _KM,
    )


def _marks(first: float, last: float, every: float) -> list[float]:
    return [mark * every for mark in range(ceil(first / every), floor(last / every) + 1)]


def _line(points: Sequence[tuple[int, int]]) -> str:
    x, y = points[0]
    return f"M{x} {y}L" + " ".join(f"{east} {south}" for east, south in points[1:])


def _groups(shapes: Mapping[str, Shape], parents: Mapping[str, str | None]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for zone in shapes:
        if (parent := parents.get(zone)) is not None:
            found.setdefault(parent, []).append(zone)
    return found


def _meet(one: Box, other: Box) -> bool:
    return one.west < other.east and other.west < one.east and one.south < other.north and other.south < one.north
