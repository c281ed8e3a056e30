"""Flows as arcs that narrow towards where they lead, bent to their right, so that the way back lies beside. Pure."""

from __future__ import annotations

from math import hypot

Point = tuple[float, float]
_BEND = 0.18
_END = 0.16
"""How wide an arc is at its end, as a share of its beginning."""
_SHORT = 0.22
"""No arc is wider than this share of its length."""


def arc(start: Point, end: Point, width: float) -> str:
    """The outline of an arc from *start*, where it is *width* wide, to *end*, as an SVG path in whole tenths."""
    east, south = end[0] - start[0], end[1] - start[1]
    length = hypot(east, south) or 1.0
    across = (-south / length, east / length)
    top = ((start[0] + end[0]) / 2 + across[0] * length * _BEND, (start[1] + end[1]) / 2 + across[1] * length * _BEND)
    width = min(width, length * _SHORT)
    half, tip = width / 2, width * _END / 2
    middle = (half + tip) / 2
    left = [_off(start, across, half), _off(top, across, middle), _off(end, across, tip)]
    right = [_off(end, across, -tip), _off(top, across, -middle), _off(start, across, -half)]
    return f"M{_at(left[0])}Q{_at(left[1])} {_at(left[2])}L{_at(right[0])}Q{_at(right[1])} {_at(right[2])}z"


def _off(point: Point, across: Point, by: float) -> Point:
    return point[0] + across[0] * by, point[1] + across[1] * by


def _at(point: Point) -> str:
    return f"{point[0]:.1f} {point[1]:.1f}"
