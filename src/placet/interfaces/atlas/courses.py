"""
How a figure goes through the day, as SVG: a line for each type of day, with the band of its interval; and the row of
hours that a map is turned by. Pure; numbers in, lines out, no words but those that are given.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor, log10

import attrs
from markupsafe import Markup, escape

from placet.interfaces.atlas.volume import Figure

HIGH = 100
_STEP = 10


@attrs.frozen
class Hour:
    """One column of the row of hours: its address, its share of the tallest, what it says."""

    address: str
    share: float
    text: str
    is_here: bool


def course(lines: Sequence[Sequence[Figure | None]], names: Sequence[str], top: int, *, title: str) -> Markup:
    """*lines* of 24 hours each on a scale from 0 to *top*; a gap where nothing is told."""
    body = "".join(
        f'<path class="band {escape(name)}" d="{_band(line, top)}"/>'
        f'<path class="line {escape(name)}" d="{_line(line, top)}"/>'
        for line, name in reversed(list(zip(lines, names, strict=True)))
    )
    return Markup(  # noqa: S704 - every word in it was escaped
        f'<svg class="course" role="img" viewBox="0 0 {23 * _STEP} {HIGH}" preserveAspectRatio="none"'
        f' aria-label="{escape(title)}">{body}</svg>'
    )


def top(lines: Sequence[Sequence[Figure | None]]) -> int:
    """Where the scale of a course ends: a number of two figures above all of it."""
    highest = max((figure.high for line in lines for figure in line if figure is not None), default=1.0)
    step = int(10 ** max(floor(log10(max(highest, 1.0))) - 1, 0))
    return ceil(highest / step) * step


def hours(columns: Sequence[Hour], *, label: str) -> Markup:
    """The row of hours: each column leads to its hour."""
    width = 100 / len(columns)
    body = "".join(_column(column, at * width, width) for at, column in enumerate(columns))
    return Markup(  # noqa: S704 - every word in it was escaped
        f'<svg class="hours" role="group" aria-label="{escape(label)}" width="100%" height="72">{body}</svg>'
    )


def _column(column: Hour, left: float, width: float) -> str:
    height = 4 + 64 * min(max(column.share, 0.0), 1.0)
    here = ' aria-current="true"' if column.is_here else ""
    return (
        f'<a href="{escape(column.address)}"{here}><title>{escape(column.text)}</title>'
        f'<rect class="reach" x="{left:.3f}%" y="0" width="{width:.3f}%" height="72"/>'
        f'<rect class="hour" x="{left + width * 0.1:.3f}%" y="{72 - height:.1f}" width="{width * 0.8:.3f}%"'
        f' height="{height:.1f}" rx="2"/></a>'
    )


def _line(line: Sequence[Figure | None], top: float) -> str:
    found = []
    for hour, figure in enumerate(line):
        if figure is not None:
            command = "L" if hour and line[hour - 1] is not None else "M"
            found.append(f"{command}{hour * _STEP} {_down(figure.value, top)}")
    return "".join(found)


def _band(line: Sequence[Figure | None], top: float) -> str:
    """The interval, piece by piece where there are gaps."""
    pieces: list[list[tuple[int, Figure]]] = [[]]
    for hour, figure in enumerate(line):
        if figure is None:
            pieces.append([])
        else:
            pieces[-1].append((hour, figure))
    return "".join(_piece(piece, top) for piece in pieces if len(piece) > 1)


def _piece(piece: Sequence[tuple[int, Figure]], top: float) -> str:
    above = " ".join(f"{hour * _STEP} {_down(figure.high, top)}" for hour, figure in piece)
    below = " ".join(f"{hour * _STEP} {_down(figure.low, top)}" for hour, figure in reversed(piece))
    return f"M{above} {below}z"


def _down(value: float, top: float) -> str:
    return f"{HIGH - HIGH * min(max(value, 0.0) / top, 1.0):.1f}"
