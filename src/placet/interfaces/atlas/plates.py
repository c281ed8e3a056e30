"""
The plates of the atlas: what one map shows, as values, before any word or line. Pure.

A plate of areas colours zones by hour; a plate of ways draws arcs between zones. Each has an address that says all of
it: `/atlas/2026-10/people/weekday-08`, `/atlas/2026-10/flows/morning/riga-centrs`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import cache, lru_cache
from math import hypot

import attrs

from placet.interfaces.atlas import scale
from placet.interfaces.atlas.volume import Figure, Hourly, Volume
from placet.kernel.errors import NotFound
from placet.purposes.mobility.model import DayType, Slot

NIGHT = (1, 2, 3, 4)
"""The hours that change is measured against: most people are at home. Together they are surer than one of them."""
_NOON = tuple(range(10, 16))
"""The hours in which places differ most from the night."""
_UNSURE = 0.3
"""A night whose half-interval is wider than this share of it is no measure."""
_STANDS = 1.7
"""
How many half-intervals a change must be to have a colour: on a map many zones are looked at together, so one in a
thousand may be noise and not one in twenty.
"""
_COVERAGE = 0.1
"""A view is offered when so much of it can be told."""
CHANGES = (-0.5, -0.2, -0.05, 0.05, 0.2, 0.5)
SLOWER = (1.05, 1.1, 1.2, 1.35, 1.5)
SHARES = (0.02, 0.05, 0.1, 0.2, 0.4)
"""Of those who work in a place, by where they live."""
MONTH = "month"
"""The one moment of what has no hours: homes and work."""
MOST_WAYS = 120
"""Arcs on one map; more would hide one another."""
NOWHERE = "none"


class View(StrEnum):
    """What a map tells."""

    PEOPLE = "people"
    CHANGE = "change"
    LOAD = "load"
    FLOWS = "flows"
    COMMUTING = "commuting"
    TIMES = "times"

    @property
    def has_hours(self) -> bool:
        return self in (View.PEOPLE, View.CHANGE, View.LOAD)


@attrs.frozen
class When:
    """The part of a typical day that a plate shows: an hour of a type of day, a slot, or the whole month."""

    day: DayType | None = None
    hour: int | None = None
    slot: Slot | None = None

    @property
    def text(self) -> str:
        """As an address says it."""
        if self.day is not None:
            return f"{self.day}-{self.hour:02d}"
        return MONTH if self.slot is None else self.slot.value

    @classmethod
    def first(cls, view: View) -> When:
        """Where a view is opened: the morning of a weekday."""
        if view.has_hours:
            return cls(DayType.WEEKDAY, 8)
        return cls() if view is View.COMMUTING else cls(slot=Slot.MORNING)

    @classmethod
    def parse(cls, view: View, text: str) -> When:
        found = next((each for each in moments(view) if each.text == text), None)
        if found is None:
            raise NotFound("no such part of the day; take a link of the atlas", code="not-found")
        return found


@cache
def moments(view: View) -> tuple[When, ...]:
    """All that a view can show, in their order."""
    if view.has_hours:
        return tuple(When(day, hour) for day in DayType for hour in range(24))
    return (When(),) if view is View.COMMUTING else tuple(When(slot=slot) for slot in Slot)


@attrs.frozen
class Area:
    """One zone of a plate: its figure, and the class of its colour; None where nothing can be told."""

    zone: str
    figure: Figure | None
    """People or megabytes; of a change, its share of the night."""
    beside: float | None
    """For each square kilometre; of a change, the number of people."""
    tone: int | None


@attrs.frozen
class Areas:
    """A map of coloured zones."""

    view: View
    when: When
    borders: tuple[float, ...]
    areas: tuple[Area, ...]
    """In the order of the volume's zones."""

    @property
    def ranked(self) -> list[Area]:
        """Those with the most first; of changes, the largest gain."""
        told = [area for area in self.areas if area.figure is not None]
        return sorted(told, key=lambda area: (-_rank(self.view, area), area.zone))

    @property
    def first(self) -> Area | None:
        """What stands out most; of changes, only one that is no noise."""
        found = next(iter(self.ranked), None)
        return None if found is None or _rank(self.view, found) <= 0 else found

    @property
    def untold(self) -> list[Area]:
        return [area for area in self.areas if area.figure is None]


@attrs.frozen
class Way:
    """From one zone to another: how many, or how long."""

    origin: str
    destination: str
    figure: Figure
    weight: float
    """From 0 to 1: how wide it is drawn."""
    tone: int | None = None
    ratio: Figure | None = None


@attrs.frozen
class Ways:
    """A map of arcs, the largest first."""

    view: View
    when: When
    ways: tuple[Way, ...]
    of: int
    """How many there are to tell; those that are not drawn stand in the files."""


def areas(volume: Volume, view: View, when: When) -> Areas:
    """The plate of zones for one hour."""
    assert when.day is not None
    assert when.hour is not None
    edges = borders_of(volume, view)
    found = tuple(_area(volume, view, zone, when.day, when.hour, edges) for zone in volume.shapes)
    return Areas(view, when, edges, found)


@lru_cache(16)
def borders_of(volume: Volume, view: View) -> tuple[float, ...]:
    """The classes of a view, the same at every hour."""
    if view is View.CHANGE:
        return CHANGES
    return scale.borders(
        figure.value / volume.shapes[zone].area
        for (zone, _, _), figure in _table(volume, view).items()
        if zone in volume.shapes
    )


def mean(table: Hourly, zone: str, day: str, hours: Sequence[int]) -> Figure | None:
    """The mean of some hours with its interval: the noise of hours is independent, half-widths add up in squares."""
    found = [table.get((zone, day, hour)) for hour in hours]
    told = [figure for figure in found if figure is not None]
    if len(told) < len(found):
        return None
    value = sum(figure.value for figure in told) / len(told)
    half = hypot(*(_half(figure) for figure in told)) / len(told)
    return Figure(value, value - half, value + half)


def difference(now: Figure, then: Figure) -> Figure:
    """By how much one noisy value is above another."""
    by, half = now.value - then.value, hypot(_half(now), _half(then))
    return Figure(by, by - half, by + half)


def growth(now: Figure, then: Figure) -> Figure | None:
    """The same as a share of *then*, whose noise counts too (propagation of error); None where *then* is unsure."""
    if then.value <= 0 or now.value <= 0 or _half(then) / then.value > _UNSURE:
        return None
    ratio = now.value / then.value
    half = ratio * hypot(_half(now) / now.value, _half(then) / then.value)
    return Figure(ratio - 1, ratio - 1 - half, ratio - 1 + half)


def changed(table: Hourly, zone: str, day: str, hour: int) -> tuple[Figure, Figure] | None:
    """The share and the number by which there are more than at night."""
    now, night = table.get((zone, day, hour)), mean(table, zone, day, NIGHT)
    if now is None or night is None or (share := growth(now, night)) is None:
        return None
    return share, difference(now, night)


def ways(volume: Volume, view: View, when: When, zone: str | None = None) -> Ways:
    """The plate of arcs for one slot; those of one *zone* alone where it is named."""
    found = [way for way in _all_ways(volume, view, when) if zone in (None, way.origin, way.destination)]
    drawn = [way for way in found if way.origin in volume.shapes and way.destination in volume.shapes]
    kept = sorted(drawn, key=lambda way: (-_order(way), way.origin, way.destination))[:MOST_WAYS]
    most = max((_order(way) for way in kept), default=1.0) or 1.0
    weighed = (way if view is View.TIMES else attrs.evolve(way, weight=way.figure.value / most) for way in kept)
    return Ways(view, when, tuple(weighed), len(drawn))


def catchment(volume: Volume, work: str) -> Areas:
    """Where those who work in a zone live, as shares of them."""
    found = (Area(home, volume.catchment.get((work, home)), None, None) for home in volume.shapes)
    toned = (
        area if area.figure is None else attrs.evolve(area, tone=scale.class_of(area.figure.value, SHARES))
        for area in found
    )
    return Areas(View.COMMUTING, When(), SHARES, tuple(toned))


def away(volume: Volume, view: View, day: DayType) -> tuple[float, ...]:
    """The pulse of a day, hour by hour: what all zones used, or how many people more than at night they held."""
    if view is View.LOAD:
        return tuple(
            sum(volume.load[key].value for zone in volume.shapes if (key := (zone, day.value, hour)) in volume.load)
            for hour in range(24)
        )
    return tuple(sum(_gain(volume.people, zone, day, hour) for zone in volume.shapes) for hour in range(24))


def course(table: Hourly, zone: str, day: DayType) -> tuple[Figure | None, ...]:
    """One zone through the day."""
    return tuple(table.get((zone, day.value, hour)) for hour in range(24))


def liveliest(volume: Volume, count: int) -> Sequence[str]:
    """The zones that differ most by day and by night, beyond what noise can do."""

    def swing(zone: str) -> float:
        noon = mean(volume.people, zone, DayType.WEEKDAY.value, _NOON)
        night = mean(volume.people, zone, DayType.WEEKDAY.value, NIGHT)
        share = None if noon is None or night is None else growth(noon, night)
        return abs(share.value) if share is not None and _stands(share) else 0.0

    found = {zone: swing(zone) for zone in volume.shapes}
    return sorted((zone for zone in found if found[zone] > 0), key=lambda zone: (-found[zone], zone))[:count]


def views(volume: Volume) -> list[View]:
    """What this release can show: a view by hours only if enough of it is told."""
    cells = len(volume.shapes) * len(moments(View.PEOPLE))
    told = {
        View.PEOPLE: len(volume.people) > cells * _COVERAGE,
        View.CHANGE: len(volume.people) > cells * _COVERAGE,
        View.LOAD: len(volume.load) > cells * _COVERAGE,
        View.FLOWS: bool(volume.flows),
        View.COMMUTING: bool(volume.homes),
        View.TIMES: any(travel.is_slow for travel in volume.times.values()),
    }
    return [view for view in View if told[view]]


def _area(volume: Volume, view: View, zone: str, day: DayType, hour: int, edges: tuple[float, ...]) -> Area:
    if view is View.CHANGE:
        return _change(volume, zone, day, hour, edges)
    figure = _table(volume, view).get((zone, day.value, hour))
    if figure is None:
        return Area(zone, None, None, None)
    share = figure.value / volume.shapes[zone].area
    return Area(zone, figure, share, scale.class_of(share, edges))


def _change(volume: Volume, zone: str, day: DayType, hour: int, edges: tuple[float, ...]) -> Area:
    found = changed(volume.people, zone, day.value, hour)
    if found is None:
        return Area(zone, None, None, None)
    share, by = found
    # A change that noise alone could make has the colour of none.
    return Area(zone, share, by.value, scale.class_of(share.value if _stands(share) else 0.0, edges))


def _table(volume: Volume, view: View) -> Hourly:
    return volume.load if view is View.LOAD else volume.people


def _all_ways(volume: Volume, view: View, when: When) -> list[Way]:
    if view is View.COMMUTING:
        return [
            Way(home, work, figure, 0.0) for (home, work), figure in volume.homes.items() if work not in (home, NOWHERE)
        ]
    if view is View.FLOWS:
        return [
            Way(origin, destination, figure, 0.0)
            for (origin, destination, slot), figure in volume.flows.items()
            if slot == when.slot
        ]
    return [
        Way(origin, destination, travel.minutes, 0.35, scale.class_of(travel.ratio.value, SLOWER), travel.ratio)
        for (origin, destination, slot), travel in volume.times.items()
        if slot == when.slot and travel.ratio is not None and travel.is_slow
    ]


def _order(way: Way) -> float:
    return way.figure.value if way.ratio is None else way.ratio.value


def _rank(view: View, area: Area) -> float:
    """What zones are ordered by; a change that may be none counts as none."""
    if area.figure is None or (view is View.CHANGE and not _stands(area.figure)):
        return 0.0
    return area.figure.value


def _gain(table: Hourly, zone: str, day: DayType, hour: int) -> float:
    """How many more than at night; nothing where noise alone could make it."""
    found = changed(table, zone, day.value, hour)
    return max(found[1].value, 0.0) if found is not None and _stands(found[1]) else 0.0


def _half(figure: Figure) -> float:
    return (figure.high - figure.low) / 2


def _stands(figure: Figure) -> bool:
    """Whether a difference is more than noise makes anywhere on a map."""
    return abs(figure.value) > _STANDS * _half(figure)


def by_zone(found: Sequence[Area]) -> Mapping[str, Area]:
    return {area.zone: area for area in found}
