"""
Plots of the report, as SVG text. Pure: values and words in, text out; colours are classes of the report's own style.

A plot has a title that says what it shows. Intervals are drawn wherever there are any.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import cos, floor, log10, radians
from typing import Any

import attrs
from markupsafe import Markup, escape

from placet.purposes.mobility.releasing.saying import Tongue

_WIDTH = 720
_LEFT, _RIGHT = 64, 16
_ROW = 46
_ROOM = 1.4
"""How much longer than its longest bar a plot is at most."""
CLASSES = 6
"""How many colours a map has."""
_HATCHED = (
    '<defs><pattern id="hatched" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect class="ground" width="7" height="7"/><path class="stripe" d="M0 0V7"/></pattern></defs>'
)
"""Another texture, not only another colour."""


@attrs.frozen
class Line:
    """Values along an axis of hours, each with its interval; None where there is none."""

    name: str
    tone: str
    values: Sequence[tuple[float, float, float] | None]


@attrs.frozen
class Bar:
    """A named value with its interval, and what is written beside it."""

    name: str
    value: float
    low: float
    high: float
    text: str


@attrs.frozen
class Area:
    """An area of a map: its outline in degrees, its value (None: hidden), and what is read on it."""

    outline: Mapping[str, Any] = attrs.field(repr=False)
    value: float | None
    text: str


def lines(drawn: Sequence[Line], *, id: str, title: str, tongue: Tongue, height: int = 300) -> Markup:
    """Lines over the 24 hours with the band of their intervals."""
    top = _nice(max((high for line in drawn for value in line.values if value for high in value[2:]), default=1.0))
    floor_, roof = height - 30, 14

    def x(hour: int) -> float:
        return _LEFT + hour / 23 * (_WIDTH - _LEFT - _RIGHT)

    def y(value: float) -> float:
        return floor_ - value / top * (floor_ - roof)

    body = [_rule(_LEFT, y(top * part / 4), tongue.number(top * part / 4)) for part in range(5)]
    body += [f'<text class="soft" x="{x(hour):.1f}" y="{height - 8}" text-anchor="middle">{hour}</text>' for hour in
             (0, 6, 12, 18, 23)]  # fmt: skip
    for line in drawn:
        known = [(hour, value) for hour, value in enumerate(line.values) if value is not None]
        if not known:
            continue
        band = [(x(hour), y(value[2])) for hour, value in known] + [(x(h), y(v[1])) for h, v in reversed(known)]
        body.append(f'<path class="band {line.tone}" d="{_path(band)}Z"/>')
        body.append(f'<path class="line {line.tone}" d="{_path([(x(hour), y(value[0])) for hour, value in known])}"/>')
    return _plot("".join(body), id=id, title=title, height=height) + _legend(
        [line for line in drawn if any(line.values)]
    )


def bars(rows: Sequence[Bar], *, id: str, title: str, mark: float | None = None) -> Markup:
    """
    A row for each value with its interval; *mark* is drawn upright where something else was expected.

    Lengths are percentages and type is in pixels: legible on a telephone as on a wall.
    """
    # One wide interval must not press all bars to the wall: it runs out of the plot, and the text tells its end.
    most = max([row.value for row in rows] + [mark or 0.0], default=1.0) or 1.0
    top = min(max([row.high for row in rows], default=most), _ROOM * most)
    height = _ROW * len(rows)

    def x(value: float) -> str:
        return f"{min(max(value, 0.0) / top, 1.0) * 100:.2f}%"

    body = []
    for at, row in enumerate(rows):
        y = at * _ROW
        body.append(
            f'<text x="0" y="{y + 16}">{escape(row.name)}</text>'
            f'<text class="value" x="100%" y="{y + 16}" text-anchor="end">{escape(row.text)}</text>'
            f'<rect class="track" x="0" y="{y + 23}" width="100%" height="9"/>'
            f'<rect class="bar" x="0" y="{y + 23}" width="{x(row.value)}" height="9"/>'
            f'<line class="whisker" x1="{x(row.low)}" x2="{x(row.high)}" y1="{y + 27.5}" y2="{y + 27.5}"/>'
        )
        if mark is not None:
            body.append(f'<line class="mark" x1="{x(mark)}" x2="{x(mark)}" y1="{y + 19}" y2="{y + 36}"/>')
    return _svg("".join(body), id=id, title=title, size=f'width="100%" height="{height}"')


def chart(areas: Sequence[Area], *, id: str, title: str, bounds: Sequence[float], tongue: Tongue) -> Markup:
    """A map in one sequential scale: areas by the class of their value, hatched where it is hidden."""
    points = [point for area in areas for ring in rings(area.outline) for point in ring]
    if not points:
        return Markup("")
    west, east = min(p[0] for p in points), max(p[0] for p in points)
    south, north = min(p[1] for p in points), max(p[1] for p in points)
    # A degree of longitude is shorter than one of latitude, by the cosine of the latitude.
    narrow = cos(radians((south + north) / 2))
    scale = _WIDTH / max((east - west) * narrow, 1e-9)
    height = round((north - south) * scale) + 4
    body = []
    for area in areas:
        shape = "".join(
            _path([((lon - west) * narrow * scale, 2 + (north - lat) * scale) for lon, lat in ring]) + "Z"
            for ring in rings(area.outline)
        )
        tone = "hidden" if area.value is None else f"c{sum(area.value >= bound for bound in bounds)}"
        body.append(f'<path class="area {tone}" d="{shape}"><title>{escape(area.text)}</title></path>')
    return _plot(_HATCHED + "".join(body), id=id, title=title, height=height) + _scale(bounds, tongue)


def bounds(values: Sequence[float]) -> Sequence[float]:
    """Where the classes of a map part: equal numbers of areas in each, rounded to two digits."""
    ordered = sorted(values)
    if not ordered:
        return ()
    found = [_two(ordered[len(ordered) * at // CLASSES]) for at in range(1, CLASSES)]
    return sorted(set(found))


def rings(outline: Mapping[str, Any]) -> Iterator[Sequence[tuple[float, float]]]:
    """The rings of a Polygon or MultiPolygon."""
    polygons = outline["coordinates"] if outline["type"] == "MultiPolygon" else [outline["coordinates"]]
    for polygon in polygons:
        for ring in polygon:
            yield [(point[0], point[1]) for point in ring]


def _plot(body: str, *, id: str, title: str, height: int) -> Markup:
    return _svg(body, id=id, title=title, size=f'viewBox="0 0 {_WIDTH} {height}"')


def _svg(body: str, *, id: str, title: str, size: str) -> Markup:
    return Markup(  # noqa: S704 - every word in it was escaped
        f'<svg role="img" aria-labelledby="{id}" {size} xmlns="http://www.w3.org/2000/svg">'
        f'<title id="{id}">{escape(title)}</title>{body}</svg>'
    )


def _legend(drawn: Sequence[Line]) -> Markup:
    keys = "".join(f'<li><i class="{line.tone}"></i>{escape(line.name)}</li>' for line in drawn)
    return Markup(f'<ul class="legend">{keys}</ul>')  # noqa: S704


def _scale(bounds: Sequence[float], tongue: Tongue) -> Markup:
    ends = [tongue.say("scale", "more", value=tongue.number(low)) for low in (0.0, *bounds)]
    keys = "".join(f'<li><i class="c{at}"></i>{escape(text)}</li>' for at, text in enumerate(ends))
    hidden = escape(tongue.say("scale", "hidden"))
    return Markup(f'<ul class="legend">{keys}<li><i class="hidden"></i>{hidden}</li></ul>')  # noqa: S704


def _rule(left: float, y: float, text: str) -> str:
    return (
        f'<path class="rule" d="M{left} {y:.1f}H{_WIDTH - _RIGHT}"/>'
        f'<text class="soft" x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{text}</text>'
    )


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "".join(f"{'L' if at else 'M'}{x:.1f} {y:.1f}" for at, (x, y) in enumerate(points))


def _nice(value: float) -> float:
    """The next of 1, 2, 4, 5, 8 times a power of ten."""
    power = 10.0 ** floor(log10(max(value, 1.0)))
    return next(step * power for step in (1, 2, 4, 5, 8, 10) if step * power >= value)


def _two(value: float) -> float:
    """Two digits that count."""
    return float(f"{value:.1e}")
