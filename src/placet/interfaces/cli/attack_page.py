"""
The report of the attacks as one HTML file that needs nothing else: what was tried, how far it got, and the curves.

The plots are SVG of our own: intervals on one axis with the bound marked, hits by false alarms, errors by size.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from math import log10

import attrs
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from placet.interfaces.cli.attack_words import ATTACKS, WAYS, Words
from placet.purposes.mobility.attacks import accuracy, suite
from placet.purposes.mobility.attacks.model import AccuracyRow, Against, Curve, Finding, Report
from placet.purposes.mobility.model import ANCHORS, FLOWS, ZONE_PROFILE, Product
from placet.purposes.mobility.privacy.accounting import DELTA, Loss, tpr_ceiling

_ROW = 50
_RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹"
_SIDE, _MARGIN = 440, 62
_CLOSE = 1_000
"""A size too near to the one before it to be named on the axis."""
_TIMES = {"times the bound", "times the cap"}
_DAYS = 30


@attrs.frozen
class Section:
    """One attack: what it is, its findings, and its plots."""

    words: Words
    findings: Sequence[Finding]
    plot: Markup
    curves: Markup | None


@attrs.frozen
class Line:
    """A line of a plot with its name and how it is drawn."""

    name: str
    tone: str
    points: Sequence[tuple[float, float]]


def page(made: Report, *, now: datetime) -> str:
    """The report as HTML."""
    return (
        _environment()
        .get_template("attack.html")
        .render(
            made=made,
            day=f"{now:%Y-%m-%d}",
            sections=[_section(made, name, words) for name, words in ATTACKS.items() if made.about(name)],
            ways=WAYS,
            unbroken=[WAYS[way].name for way in _others(made) if not any(one.beaten for one in _of(made, way))],
            loss=Loss(suite.RHO),
            delta=f"10⁻{_RAISED[round(-log10(DELTA))]}",
            errors=[
                (product.name, errors(rows, product), rows)
                for product in (ZONE_PROFILE, FLOWS, ANCHORS)
                if (rows := [row for row in made.accuracy if row.product == product.name])
            ],
            plans=accuracy.plans(ZONE_PROFILE, _DAYS),
        )
    )


def _others(made: Report) -> Sequence[Against]:
    """The ways to release that are not ours and were attacked."""
    return [way for way in WAYS if not way.ours and _of(made, way)]


def _of(made: Report, way: Against) -> Sequence[Finding]:
    return [one for one in made.findings if one.against is way]


def intervals(findings: Sequence[Finding], *, id: str, title: str) -> Markup:
    """
    A row for each finding: its point, its interval, and upright its bound; the axis begins at zero.

    Lengths are percentages and type is in pixels: legible on a telephone as on a wall.
    """
    top = min(max(max(one.high, one.bound) for one in findings), 2.0)

    def x(value: float) -> str:
        return f"{min(max(value, 0.0), top) / top * 99 + 0.5:.2f}%"

    body = []
    for at, one in enumerate(findings):
        y, tone = at * _ROW, "ours" if one.against.ours else "theirs"
        text = _share(one.measured) if one.figure not in _TIMES else f"{one.measured:,.1f} ×"
        body.append(
            f'<text x="0" y="{y + 16}">{escape(WAYS[one.against].name)}</text>'
            f'<text class="value" x="100%" y="{y + 16}" text-anchor="end">{text}</text>'
            f'<line class="rule" x1="0" x2="100%" y1="{y + 30}" y2="{y + 30}"/>'
            f'<line class="range {tone}" x1="{x(one.low)}" x2="{x(one.high)}" y1="{y + 30}" y2="{y + 30}"/>'
            f'<line class="mark" x1="{x(one.bound)}" x2="{x(one.bound)}" y1="{y + 21}" y2="{y + 39}"/>'
            f'<circle class="{tone}" cx="{x(one.measured)}" cy="{y + 30}" r="5"/>'
        )
    return _svg("".join(body), id=id, title=title, size=f'width="100%" height="{_ROW * len(findings)}"')


def roc(curves: Sequence[Curve], *, id: str, title: str) -> Markup:
    """Hits by false alarms; of ours, where theory draws its line."""
    lines = [
        Line(WAYS[one.against].name, _tone(one.against), list(zip(one.alarms, one.hits, strict=True)))
        for one in sorted(curves, key=lambda one: one.against.ours)
    ]
    for rho in sorted({one.rho for one in curves if one.rho is not None}):
        points = [(alarm, tpr_ceiling(rho, alarm)) for alarm in (at / 100 for at in range(101))]
        lines.append(Line("Theory", "theory", points))
    return _square(lines, id=id, title=title, names=("false alarms", "hits"))


def errors(rows: Sequence[AccuracyRow], product: Product) -> Markup:
    """The 95 % error by size, both on scales of powers of ten, and the line of arithmetic."""
    ends = log10(rows[0].least), log10(rows[-1].least * 3)

    def x(size: float) -> float:
        return (log10(size) - ends[0]) / (ends[1] - ends[0])

    def y(error: float) -> float:
        return min(max((log10(max(error, 1e-3)) + 3) / 3, 0.0), 1.0)

    sizes = [10 ** (ends[0] + (ends[1] - ends[0]) * at / 40) for at in range(41)]
    lines = [
        Line("Arithmetic: 1.96 σ / size", "theory", [(x(one), y(accuracy.expected(product, one))) for one in sizes]),
        Line("Measured, at the middle of each class", "ours", [(x(row.middle), y(row.error95)) for row in rows]),
    ]
    axis = [(x(row.least), f"{row.least:,.0f}") for row in rows if row.least != _CLOSE]
    levels = [(y(error), f"{error:.1%}".replace(".0", "")) for error in (0.001, 0.01, 0.1, 1.0)]
    title = f"95 % error of {product.name}, by true size"
    names = ("true size", "95 % error")
    return _square(lines, id=f"errors-{product.name}", title=title, names=names, across=axis, up=levels)


def _section(made: Report, name: str, words: Words) -> Section:
    findings = made.about(name)
    shown = [one for one in findings if one.figure == findings[0].figure]
    drawn = [curve for curve in made.curves if curve.name == name]
    id = name.replace(" ", "-")
    curves = roc(drawn, id=f"roc-{id}", title="Hits by false alarms") if drawn else None
    return Section(words, findings, intervals(shown, id=id, title=f"{words.title} {words.figure}"), curves)


_QUARTERS = [(at / 4, f"{at * 25} %") for at in range(5)]


def _square(
    lines: Sequence[Line],
    *,
    id: str,
    title: str,
    names: tuple[str, str],
    across: Sequence[tuple[float, str]] = _QUARTERS,
    up: Sequence[tuple[float, str]] = _QUARTERS,
) -> Markup:
    """Lines over a unit square, with named places on both axes and a legend below."""
    inner = _SIDE - _MARGIN - 24

    def x(value: float) -> float:
        return _MARGIN + value * inner

    def y(value: float) -> float:
        return 14 + (1 - value) * inner

    body = [
        f'<line class="rule" x1="{_MARGIN}" x2="{x(1):.1f}" y1="{y(at):.1f}" y2="{y(at):.1f}"/>'
        f'<text class="soft" x="{_MARGIN - 6}" y="{y(at) + 4:.1f}" text-anchor="end">{escape(text)}</text>'
        for at, text in up
    ]
    body += [
        f'<text class="soft" x="{x(at):.1f}" y="{_SIDE - 22}" text-anchor="middle">{escape(text)}</text>'
        for at, text in across
    ]
    body.append(
        f'<text class="soft" x="{x(0.5):.0f}" y="{_SIDE - 4}" text-anchor="middle">{names[0]}</text>'
        f'<text class="soft" transform="translate(12 {y(0.5):.0f}) rotate(-90)" text-anchor="middle">{names[1]}</text>'
    )
    for line in lines:
        points = "L".join(f"{x(a):.1f} {y(b):.1f}" for a, b in line.points)
        body.append(f'<path class="line {line.tone}" d="M{points}"><title>{escape(line.name)}</title></path>')
    tones = {line.tone: line.name for line in lines}
    legend = "".join(f'<li><i class="{tone}"></i>{escape(name)}</li>' for tone, name in tones.items())
    plot = _svg("".join(body), id=id, title=title, size=f'class="square" viewBox="0 0 {_SIDE} {_SIDE}"')
    return plot + Markup(f'<ul class="legend">{legend}</ul>')  # noqa: S704 - every word in it was escaped


def _tone(against: Against) -> str:
    """A class of its own for each way to release; a month of ours is the thick line."""
    if against is Against.PLACET:
        return "ours"
    return f"ours o{list(WAYS).index(against)}" if against.ours else f"t{list(WAYS).index(against)}"


def _share(value: float) -> str:
    return f"{value * 100:.1f} %"


def _svg(body: str, *, id: str, title: str, size: str) -> Markup:
    return Markup(  # noqa: S704 - every word in it was escaped
        f'<svg {size} role="img" aria-labelledby="{id}" xmlns="http://www.w3.org/2000/svg">'
        f'<title id="{id}">{escape(title)}</title>{body}</svg>'
    )


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("placet.interfaces.cli"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
