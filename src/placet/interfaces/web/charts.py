"""
Charts as SVG, made on the server. Pure: values and words in, text out.

No script, no style attribute (the content security policy refuses both): colours are classes of the stylesheet, so
light and dark follow the page. Lengths are percentages and type is in pixels, so that a chart is legible at 320 px as
at 1920. Every chart has a title that states what it shows, a description, and direct labels in place of a legend; the
page puts a table with the same figures beside it. The *id* of a chart is unique on its page.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import attrs
from markupsafe import Markup, escape

_ROW, _LINE = 52, 18
_LABEL = 30
"""Letters in a line of a label."""
_BAR_TOP, _BAR = 26, 12


@attrs.frozen
class Bar:
    """One row: its *label*, its *share* (0 to 1; None: not told), what that says, and the ends of its interval."""

    label: str
    share: float | None
    text: str
    low: float | None = None
    high: float | None = None
    tone: str = "main"


@attrs.frozen
class Column:
    """One column of a row of columns: its *label* below, its *share* of the tallest possible, what that says."""

    label: str
    share: float | None
    text: str


def bars(rows: Sequence[Bar], *, id: str, title: str, description: str = "") -> Markup:
    """Horizontal bars from 0 to 100 %, a row each, with a whisker where an interval is given."""
    body, height = "", 0
    for row in rows:
        lines = _lines(row.label)
        body += _bar(row, lines, height)
        height += _ROW + _LINE * (len(lines) - 1)
    return _chart(body, id=id, height=height, title=title, description=description)


def columns(points: Sequence[Column], *, id: str, title: str, description: str = "", height: int = 120) -> Markup:
    """Columns over time on a common scale of 0 to 1; the ends of the axis and the last value are labelled."""
    if not points:
        return Markup("")
    top, floor = 24, height - 24
    width = 100 / len(points)
    body = "".join(_column(point, at * width, width, top, floor) for at, point in enumerate(points))
    body += f'<line class="axis" x1="0" x2="100%" y1="{floor}" y2="{floor}"/>'
    body += f'<text class="axis-label" x="0" y="{height - 6}">{escape(points[0].label)}</text>'
    if len(points) > 1:
        body += f'<text class="axis-label end" x="100%" y="{height - 6}">{escape(points[-1].label)}</text>'
    body += f'<text class="value end" x="100%" y="15">{escape(points[-1].text)}</text>'
    return _chart(body, id=id, height=height, title=title, description=description)


def _lines(label: str) -> list[str]:
    """A label in lines that leave room for the value beside it at 320 px; SVG breaks no lines by itself."""
    return textwrap.wrap(label, _LABEL, max_lines=3, placeholder="…") or [""]


def _bar(row: Bar, lines: Sequence[str], top: int) -> str:
    y = top + _BAR_TOP + _LINE * (len(lines) - 1)
    parts = [
        f'<text class="label" x="0" y="{top + 18 + _LINE * at}">{escape(line)}</text>' for at, line in enumerate(lines)
    ]
    parts += [
        f'<text class="value end" x="100%" y="{top + 18}">{escape(row.text)}</text>',
        f'<rect class="track" x="0" y="{y}" width="100%" height="{_BAR}" rx="2"/>',
    ]
    if row.share is not None:
        parts.append(
            f'<rect class="bar {escape(row.tone)}" x="0" y="{y}" width="{_percent(row.share)}" height="{_BAR}" rx="2"/>'
        )
    if row.low is not None and row.high is not None:
        parts.append(_whisker(row.low, row.high, y))
    return "".join(parts)


def _whisker(low: float, high: float, y: int) -> str:
    """Where the share lies: a line with two ends, drawn over the bar in the ink and over the paper alike."""
    middle = y + _BAR / 2
    ends = "".join(
        f'<line class="whisker" x1="{_percent(end)}" x2="{_percent(end)}" y1="{y - 1}" y2="{y + _BAR + 1}"/>'
        for end in (low, high)
    )
    line = f'<line class="whisker" x1="{_percent(low)}" x2="{_percent(high)}" y1="{middle:g}" y2="{middle:g}"/>'
    return line + ends


def _column(point: Column, left: float, width: float, top: int, floor: int) -> str:
    room = min(width * 0.2, 1.0)
    if point.share is None:
        return (
            f'<rect class="unknown" x="{left + room / 2:.3f}%" y="{floor - 3}" width="{width - room:.3f}%" height="3"/>'
        )
    height = max((floor - top) * min(max(point.share, 0.0), 1.0), 1.0)
    return (
        f'<rect class="bar main" x="{left + room / 2:.3f}%" y="{floor - height:.2f}" width="{width - room:.3f}%"'
        f' height="{height:.2f}"><title>{escape(point.label)}: {escape(point.text)}</title></rect>'
    )


def _chart(body: str, *, id: str, height: int, title: str, description: str) -> Markup:
    described = f'<desc id="{id}-d">{escape(description)}</desc>' if description else ""
    named = f"{id}-t {id}-d" if description else f"{id}-t"
    return Markup(  # noqa: S704 - every word in it was escaped above
        f'<svg class="chart" role="img" aria-labelledby="{named}" width="100%" height="{height}"'
        f' xmlns="http://www.w3.org/2000/svg"><title id="{id}-t">{escape(title)}</title>{described}{body}</svg>'
    )


def _percent(share: float) -> str:
    return f"{min(max(share, 0.0), 1.0) * 100:.2f}%"
