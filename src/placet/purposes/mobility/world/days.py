"""
The days of the world: who goes where and when.

1. A weekday of somebody who works: to work in the morning, home in the afternoon, now and then by way of a haunt.
   Of the others, and at weekends, some go out to a haunt or two. Everybody is at home from half past eleven to four.
2. A way takes `SETTING_OUT` and as long as its metres do, longer in a jam, and nobody is longer than `LONGEST` on it.
"""

from __future__ import annotations

from datetime import date

import attrs
import numpy as np
import numpy.typing as npt

from placet.purposes.mobility.model import DayType
from placet.purposes.mobility.places.model import Flags, Floats, Whole
from placet.purposes.mobility.world.people import FIRST_HAUNT, HAUNTS, HOME, WORK, People

LEGS = 3
SETTING_OUT, METRES_A_SECOND, DETOUR = 300.0, 14.0, 1.3
LONGEST = 2.25 * 3600
_FIRST_OUT, _LAST_HOME = 4.0 * 3600, 23.5 * 3600
_WORK_FROM, _WORK_FOR, _WORK_MOST = 7.7 * 3600, 8.6 * 3600, 10.0 * 3600
_SPREAD = 0.8 * 3600
_OUT = {DayType.WEEKDAY: 0.6, DayType.WEEKEND: 0.55}
"""The share of those who need not work that go out."""
_ON = 0.27
"""Of those who are out, the share that goes on to a haunt before home."""


@attrs.frozen
class Jam:
    """On weekdays, from local hour *first* to *until*, the way between two zones takes *factor* times as long."""

    origin: int
    destination: int
    first: int
    until: int
    factor: float

    def slows(self, origin: Whole, destination: Whole) -> Flags:
        return np.asarray((origin == self.origin) & (destination == self.destination))


@attrs.frozen(eq=False)
class Trips:
    """
    The ways of some people on one day: the local second of leaving and of arriving on each of `LEGS`, the same when
    it is not made, and the *stops*: home, and where each way leads, as places of `People`.
    """

    leaves: Whole
    arrives: Whole
    stops: npt.NDArray[np.int8]

    @property
    def made(self) -> Flags:
        return np.asarray(self.leaves < self.arrives)


def day_type(day: date) -> DayType:
    """As far as this world goes: it keeps no holidays."""
    return DayType.WEEKEND if day.weekday() >= 5 else DayType.WEEKDAY


def trips(draw: np.random.Generator, people: People, kind: DayType, jam: Jam, tile_zone: Whole) -> Trips:
    """The trips of *people* on a day of this *kind*."""
    count = len(people)
    works = people.works & (kind is DayType.WEEKDAY)
    out = works | (draw.random(count) < _OUT[kind])
    haunts = FIRST_HAUNT + draw.integers(0, HAUNTS, (count, 2), np.int8)
    stops = np.full((count, LEGS + 1), HOME, np.int8)
    stops[:, 1] = np.where(works, WORK, np.where(out, haunts[:, 0], HOME))
    stops[:, 2] = np.where(out & (draw.random(count) < _ON), haunts[:, 1], HOME)
    start = np.where(works, _WORK_FROM + _SPREAD * draw.standard_normal(count), 3600 * (9 + 8 * draw.random(count)))
    long = np.where(works, _WORK_FOR + _SPREAD * draw.standard_normal(count), 3600 * (1 + 2.5 * draw.random(count)))
    stays = np.stack([np.minimum(long, _WORK_MOST), 3600 * (0.7 + 1.5 * draw.random(count)), np.zeros(count)], axis=1)
    return _timed(people, stops, start, stays, jam if kind is DayType.WEEKDAY else None, tile_zone)


def _timed(
    people: People, stops: npt.NDArray[np.int8], start: Floats, stays: Floats, jam: Jam | None, tile_zone: Whole
) -> Trips:
    """The timetable: leave at *start*, stay at each stop; who would be home too late leaves earlier."""
    metres = (np.diff(np.take_along_axis(axis, stops, 1), axis=1) for axis in (people.east, people.north))
    made = stops[:, 1:] != stops[:, :-1]
    takes = np.where(made, np.minimum(SETTING_OUT + np.hypot(*metres) * DETOUR / METRES_A_SECOND, LONGEST), 0.0)
    stays = np.where(made, stays, 0.0)
    zones = tile_zone[np.take_along_axis(people.tile, stops, 1)]
    slow = np.zeros(made.shape, bool) if jam is None else made & jam.slows(zones[:, :-1], zones[:, 1:])
    slowest = np.where(slow, np.minimum(takes * (jam.factor if jam else 1.0), LONGEST), takes)
    late = start + slowest.sum(axis=1) + stays.sum(axis=1) - _LAST_HOME
    at = np.maximum(start - np.maximum(late, 0.0), _FIRST_OUT)
    leaves, arrives = np.empty((2, *made.shape), np.int32)
    for leg in range(LEGS):
        hour = at / 3600
        jammed = slow[:, leg] & (jam is not None and (hour >= jam.first) & (hour < jam.until))
        leaves[:, leg] = at
        at = at + np.where(jammed, slowest[:, leg], takes[:, leg])
        arrives[:, leg] = at
        at = at + stays[:, leg]
    return Trips(leaves, arrives, stops)
