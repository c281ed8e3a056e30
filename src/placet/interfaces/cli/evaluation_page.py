"""
The report of an evaluation as one HTML file that needs nothing else: figures with their intervals, and plots.

The plots are SVG of our own, drawn here: an interval for each row on one axis, with zero or what was expected marked.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache

import attrs
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from placet.kernel.periods import format_instant
from placet.purposes.offers.learning.evaluation import Estimate, Evaluation

_ROW, _LEFT, _RIGHT, _WIDTH = 30, 190, 120, 720
_NEAR = 60
_WORDS = {
    "no-gain": "The lower end of the gain over the plain rule is not above zero.",
    "too-few": "Too few messages carry the estimate.",
    "weights-too-large": "Some choices had been so unlikely that a few of them decide the estimate.",
}


@attrs.frozen
class Row:
    """One interval of a plot; *mark* is where something else was expected."""

    label: str
    estimate: Estimate
    text: str
    mark: float | None = None


def page(made: Evaluation, *, source: str, now: datetime) -> str:
    """The report as HTML; *source* says what was judged."""
    return (
        _environment()
        .get_template("evaluation.html")
        .render(
            made=made,
            source=source,
            at=format_instant(now),
            failed=[_WORDS[word] for word in made.failed],
            plots={"gain": _gain(made), "bins": _bins(made), "stopping": _stopping(made)},
            share=_share,
            whole=_whole,
        )
    )


def intervals(rows: Sequence[Row], *, id: str, title: str, percent: int = 1) -> Markup:
    """Rows of points with their intervals on one axis that has zero on it; *percent*: decimals of the axis."""
    ends = [end for row in rows for end in (row.estimate.low, row.estimate.high, row.mark or 0.0)]
    low, high = min([0.0, *ends]), max([0.0, *ends])
    span = (high - low) or 1.0
    height = _ROW * len(rows) + 30

    def x(value: float) -> float:
        return _LEFT + (value - low) / span * (_WIDTH - _LEFT - _RIGHT)

    body = [f'<line class="zero" x1="{x(0):.1f}" x2="{x(0):.1f}" y1="0" y2="{height - 26}"/>']
    for at, row in enumerate(rows):
        ends_at = (x(row.estimate.low), x(row.estimate.value), x(row.estimate.high))
        body.append(_interval(row, *ends_at, None if row.mark is None else x(row.mark), at * _ROW + 18))
    # The ends of the axis are named where they do not stand too near to zero.
    named = [value for value in sorted({low, 0.0, high}) if value == 0.0 or abs(x(value) - x(0)) > _NEAR]
    body += [
        f'<text class="soft" x="{x(value):.1f}" y="{height - 6}" text-anchor="middle">{value:.{percent}%}</text>'
        for value in named
    ]
    return Markup(  # noqa: S704 - every word in it was escaped
        f'<svg role="img" aria-labelledby="{id}" viewBox="0 0 {_WIDTH} {height}" xmlns="http://www.w3.org/2000/svg">'
        f'<title id="{id}">{escape(title)}</title>{"".join(body)}</svg>'
    )


def _interval(row: Row, low: float, middle: float, high: float, mark: float | None, y: int) -> str:
    marked = "" if mark is None else f'<path class="mark" d="M{mark:.1f} {y - 9}v18"/>'
    return (
        f'<text x="0" y="{y + 5}">{escape(row.label)}</text><line class="range" x1="{low:.1f}" x2="{high:.1f}" y1="{y}"'
        f' y2="{y}"/><circle cx="{middle:.1f}" cy="{y}" r="5"/>{marked}'
        f'<text class="value" x="{_WIDTH}" y="{y + 5}" text-anchor="end">{escape(row.text)}</text>'
    )


def _gain(made: Evaluation) -> Markup:
    rows = [Row("All splits together", made.gain, _signed(made.gain.value))]
    rows += [Row(f"Split {at}", one, _signed(one.value)) for at, one in enumerate(made.splits, 1)]
    return intervals(rows, id="gain", title="Gain of the learner over the plain rule, with 95 % intervals", percent=2)


def _bins(made: Evaluation) -> Markup:
    rows = [
        Row(f"believed {one.believed * 100:.1f} %", one.wanted, f"{one.wanted.value * 100:.1f} %", mark=one.believed)
        for one in made.bins
    ]
    return intervals(
        rows, id="bins", title="Share of messages that were wanted, and what was believed (the upright line)"
    )


def _stopping(made: Evaluation) -> Markup:
    rows = [
        Row("Messages not sent", made.stopping.saved, f"{made.stopping.saved.value * 100:.1f} %"),
        Row("Wanted ones still sent", made.stopping.kept, f"{made.stopping.kept.value * 100:.1f} %"),
    ]
    return intervals(rows, id="stopping", title="What the stop rule would have done", percent=0)


def _signed(value: float) -> str:
    return f"{value * 100:+.2f} %"


def _share(one: Estimate) -> str:
    return f"{one.value * 100:.2f} % ({one.low * 100:.2f} to {one.high * 100:.2f})"


def _whole(value: float) -> str:
    return f"{value:,.0f}"


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("placet.interfaces.cli"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
