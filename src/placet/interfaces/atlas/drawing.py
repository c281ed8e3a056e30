"""From a plate to what its page draws and lists: outlines, arcs, names and numbers in the reader's language."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import floor, log10

import attrs
from markupsafe import Markup

from placet.interfaces.atlas import courses
from placet.interfaces.atlas.arcs import arc
from placet.interfaces.atlas.courses import Hour
from placet.interfaces.atlas.labels import Label, Place, labels
from placet.interfaces.atlas.panels import Panel
from placet.interfaces.atlas.plates import Area, Areas, View, Way, Ways, When, away, course
from placet.interfaces.atlas.volume import Figure, Sheet, Volume
from placet.interfaces.web.languages import Words
from placet.purposes.mobility.model import DayType

_WIDEST = 26
"""Units across the beginning of the largest flow."""
_NARROWEST = 2.5


@attrs.frozen
class Land:
    """A zone as it is drawn: its colour's class, where it leads, what it says."""

    zone: str
    path: str
    tone: int | None
    address: str
    text: str
    is_here: bool


@attrs.frozen
class Arc:
    path: str
    tone: int | None
    text: str


@attrs.frozen
class Drawing:
    """One sheet of the map."""

    panel: Panel
    title: str
    net: tuple[str, ...]
    lands: tuple[Land, ...]
    arcs: tuple[Arc, ...]
    labels: tuple[Label, ...]
    frames: tuple[tuple[int, int, int, int], ...]


@attrs.frozen
class Row:
    """One line of the table beside the map."""

    zone: str
    name: str
    value: str
    between: str
    beside: str
    tone: int | None
    address: str


@attrs.frozen
class Address:
    """How pages of one release are called."""

    release: str
    view: View
    when: When
    zone: str | None = None

    def __str__(self) -> str:
        text = f"/atlas/{self.release}/{self.view}/{self.when.text}"
        return text if self.zone is None else f"{text}/{self.zone}"

    def of(self, zone: str | None) -> str:
        return str(attrs.evolve(self, zone=zone))

    def at(self, when: When) -> str:
        return str(attrs.evolve(self, when=when))


def drawings(
    volume: Volume, address: Address, language: str, *, tones: Mapping[str, Area], ways: Ways | None, words: Words
) -> list[Drawing]:
    """All sheets of the map; the first is the whole and shows where the others lie."""
    panels = [sheet.panel for sheet in volume.sheets]

    def drawn(sheet: Sheet) -> Drawing:
        return Drawing(
            panel=sheet.panel,
            title=volume.title(sheet.panel.name, language) if sheet.panel.name else "",
            net=sheet.net,
            lands=tuple(
                _land(volume, zone, sheet.outlines[zone], tones.get(zone), address, words)
                for zone in _order(sheet, address.zone)
            ),
            arcs=() if ways is None else tuple(_arcs(volume, sheet.panel, panels, ways, words)),
            labels=labels(sheet.panel, _places(volume, sheet.panel, language)),
            frames=() if sheet.panel.name else tuple(sheet.panel.frame_of(other) for other in panels[1:]),
        )

    return [drawn(sheet) for sheet in volume.sheets]


def rows(volume: Volume, plate: Areas, address: Address, words: Words) -> list[Row]:
    """The zones of a plate, those that can be told first, each with its interval."""
    return [
        Row(
            area.zone,
            volume.title(area.zone, words.language),
            value_text(plate.view, area, words),
            between_text(plate.view, area, words),
            beside_text(plate.view, area, words),
            area.tone,
            address.of(area.zone),
        )
        for area in (*plate.ranked, *plate.untold)
    ]


def value_text(view: View, area: Area, words: Words) -> str:
    """The figure as it is read: rounded to what its interval deserves; a dash where nothing is told."""
    if area.figure is None:
        return "\N{EN DASH}"
    if view is View.CHANGE:
        return signed(area.figure.value, words)
    if view is View.COMMUTING:
        return words.percent(area.figure.value)
    return words.number(_rounded(area.figure.value, area.figure))


def between_text(view: View, area: Area, words: Words) -> str:
    figure = area.figure
    if figure is None:
        return ""
    if view is View.CHANGE:
        return f"{signed(figure.low, words)} … {signed(figure.high, words)}"
    if view is View.COMMUTING:
        return f"{words.percent(max(figure.low, 0.0))}\N{EN DASH}{words.percent(figure.high)}"
    return between(figure, words)


def between(figure: Figure, words: Words) -> str:
    """Its interval: `41 000–43 600`."""
    low, high = (_rounded(value, figure) for value in (max(figure.low, 0.0), figure.high))
    return f"{words.number(low)}\N{EN DASH}{words.number(high)}"


def number(figure: Figure, words: Words) -> str:
    return words.number(_rounded(figure.value, figure))


def signed(share: float, words: Words) -> str:
    """A change in whole percents with its sign."""
    percents = round(share * 100)
    sign = "+" if percents > 0 else "\N{MINUS SIGN}" if percents < 0 else "±"
    return f"{sign}{words.number(abs(percents))}\N{NO-BREAK SPACE}%"


def times(ratio: float, words: Words) -> str:
    """How many times as long: `1.3 ×`."""
    return f"{words.decimal(ratio)}\N{NO-BREAK SPACE}×"


def row_of_hours(volume: Volume, address: Address, text: Callable[[When, float], str], *, label: str) -> Markup:
    """The hours of the day, each as tall as the chosen zone, or all of them together, are then."""
    when, day = address.when, address.when.day
    assert day is not None
    values = pulse(volume, address.view, day, address.zone)
    most = max(values) or 1.0
    columns = [
        Hour(address.at(moment), value / most, text(moment, value), moment == when)
        for value, moment in zip(values, (When(day, hour) for hour in range(24)), strict=True)
    ]
    return courses.hours(columns, label=label)


def pulse(volume: Volume, view: View, day: DayType, zone: str | None) -> tuple[float, ...]:
    """What the row of hours shows: one zone's course, or how the whole of them stirs."""
    if zone is None:
        return away(volume, view, day)
    table = volume.load if view is View.LOAD else volume.people
    return tuple(0.0 if figure is None else figure.value for figure in course(table, zone, day))


def area_text(volume: Volume, view: View, area: Area, words: Words) -> str:
    """A zone with its figure and its interval."""
    between = between_text(view, area, words)
    text = f"{volume.title(area.zone, words.language)}: {value_text(view, area, words)}"
    return f"{text} ({between})" if between else text


def way_text(volume: Volume, way: Way, words: Words) -> str:
    names = f"{volume.title(way.origin, words.language)} → {volume.title(way.destination, words.language)}"
    if way.ratio is None:
        return f"{names}: {number(way.figure, words)} ({between(way.figure, words)})"
    low, high = words.decimal(way.ratio.low), words.decimal(way.ratio.high)
    return f"{names}: {times(way.ratio.value, words)} ({low}\N{EN DASH}{high})"


def _land(volume: Volume, zone: str, path: str, area: Area | None, address: Address, words: Words) -> Land:
    text = volume.title(zone, words.language) if area is None else area_text(volume, address.view, area, words)
    return Land(zone, path, None if area is None else area.tone, address.of(zone), text, zone == address.zone)


def _order(sheet: Sheet, chosen: str | None) -> list[str]:
    """The chosen zone is drawn last, so that its border lies above its neighbours'."""
    return sorted(sheet.outlines, key=lambda zone: zone == chosen)


def _arcs(volume: Volume, panel: Panel, panels: list[Panel], ways: Ways, words: Words) -> list[Arc]:
    """The arcs of a sheet: those within an enlarged piece are drawn there alone. The smallest lie below."""
    inner = [frozenset(other.zones) for other in panels if other.name]
    found = []
    for way in reversed(ways.ways):
        ends = {way.origin, way.destination}
        if not _belongs(ends, panel, inner):
            continue
        start, end = (panel.at(volume.shapes[zone].middle) for zone in (way.origin, way.destination))
        found.append(
            Arc(arc(start, end, max(_NARROWEST, _WIDEST * way.weight)), way.tone, way_text(volume, way, words))
        )
    return found


def _belongs(ends: set[str], panel: Panel, inner: list[frozenset[str]]) -> bool:
    """Whether a way is drawn on this sheet: on a piece if both ends are there, on the whole if no piece has both."""
    return ends <= set(panel.zones) if panel.name else not any(ends <= zones for zones in inner)


def _places(volume: Volume, panel: Panel, language: str) -> list[Place]:
    """What a sheet may name: on the whole a town that is enlarged beside it is one place."""
    if panel.name:
        return [
            Place(volume.title(zone, language), *panel.at(volume.shapes[zone].middle), volume.zones[zone].population)
            for zone in panel.zones
            if volume.zones[zone].parent == panel.name
        ]
    groups: dict[str, list[str]] = {}
    enlarged = {sheet.panel.name for sheet in volume.sheets}
    for zone in panel.zones:
        parent = volume.zones[zone].parent
        groups.setdefault(parent if parent in enlarged and parent else zone, []).append(zone)
    return [_place(volume, panel, name, zones, language) for name, zones in groups.items()]


def _place(volume: Volume, panel: Panel, name: str, zones: list[str], language: str) -> Place:
    spots = [panel.at(volume.shapes[zone].middle) for zone in zones]
    x, y = (round(sum(values) / len(spots)) for values in zip(*spots, strict=True))
    return Place(volume.title(name, language), x, y, sum(volume.zones[zone].population for zone in zones))


def beside_text(view: View, area: Area, words: Words) -> str:
    """For each square kilometre; of a change, how many people more or fewer, in hundreds where they are many."""
    if area.beside is None:
        return "\N{EN DASH}"
    if view is View.CHANGE:
        return words.number(int(round(area.beside, -2 if abs(area.beside) >= 1000 else 0)))
    return words.number(round(area.beside)) if area.beside >= 10 else words.decimal(area.beside)


def _rounded(value: float, figure: Figure) -> int:
    """*value* with a digit more than its interval is wide."""
    half = max((figure.high - figure.low) / 2, 1.0)
    step: int = 10 ** max(floor(log10(half)) - 1, 0)
    return round(value / step) * step
