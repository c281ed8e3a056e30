"""
Where each person of a synthetic world was, hour by hour: what an attacker knows of a victim, and the truth to compare.

Made from the world's events without the engine of the releases: an attack shares nothing with what it judges.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time
from functools import cached_property
from zoneinfo import ZoneInfo

import attrs
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from placet.purposes.mobility.model import THOUSANDTHS, Slot
from placet.purposes.mobility.places.model import OUTSIDE, Atlas

Places = npt.NDArray[np.int16]
Counts = npt.NDArray[np.int64]
_HOLDS = 3600
"""An event tells where somebody is for at most an hour, in seconds."""
_HALF = 1800
NIGHT = (*range(6), *range(20, 24))
_WORKING = range(9, 17)
DAY_TYPES = 2


@attrs.frozen(eq=False)
class Traces:
    """*zones*: people x hours, the index of a zone or -1 where unseen; an hour has its local *hour* and *day_type*."""

    zones: Places = attrs.field(repr=False)
    hour: npt.NDArray[np.int64] = attrs.field(repr=False)
    day_type: npt.NDArray[np.int64] = attrs.field(repr=False)
    """0 for weekdays, 1 for weekends."""
    places: int
    """How many zones there are."""

    def __len__(self) -> int:
        return len(self.zones)

    def of(self, people: npt.NDArray[np.int64]) -> Traces:
        """Those of *people* alone."""
        return attrs.evolve(self, zones=self.zones[people])

    def counts(self) -> Counts:
        """People by hour and zone."""
        hours = len(self.hour)
        cells = np.arange(hours) * (self.places + 1) + self.zones.astype(np.int64)
        cells[self.zones < 0] += self.places + 1
        table = np.bincount(cells.ravel(), minlength=hours * (self.places + 1))
        return table.reshape(hours, self.places + 1)[:, : self.places]

    @cached_property
    def slot(self) -> npt.NDArray[np.int64]:
        """Of each hour, its place in a typical day: day type x 24 + hour."""
        return self.day_type * 24 + self.hour

    @cached_property
    def days(self) -> npt.NDArray[np.int64]:
        """How many days of each type there are."""
        return np.bincount(self.day_type, minlength=DAY_TYPES) // 24

    def profile(self) -> Counts:
        """Thousandths of people by zone and slot, as in a month's release: each person's days averaged and floored."""
        total = np.zeros((self.places, DAY_TYPES * 24), np.int64)
        for slot in range(DAY_TYPES * 24):
            days = self.days[slot // 24]
            here = self.zones[:, self.slot == slot]
            for times in range(1, int(days) + 1):
                total[:, slot] += (THOUSANDTHS * times // days) * self._people_with(here, times)
        return total

    def flows(self, rng: np.random.Generator) -> Counts:
        """People by origin, destination and slot of the trip that was drawn of theirs; a trip is a change of zone."""
        person, hour = np.nonzero((self.zones[:, 1:] != self.zones[:, :-1]) & (self.zones[:, 1:] >= 0))
        origin, destination = self.zones[person, hour].astype(np.int64), self.zones[person, hour + 1]
        order = rng.permutation(len(person))
        order = order[origin[order] >= 0]
        _, first = np.unique(person[order], return_index=True)
        kept = order[first]
        total = np.zeros((self.places, self.places, len(Slot)), np.int64)
        slots = np.array([list(Slot).index(Slot.of(one)) for one in range(24)])
        np.add.at(total, (origin[kept], destination[kept], slots[self.hour[hour[kept]]]), 1)
        return total

    def pairs(self) -> Counts:
        """People by home and work; the last place of work stands for none."""
        known = self.home >= 0
        work = np.where((self.work < 0) | (self.work == self.home), self.places, self.work)
        total = np.zeros((self.places, self.places + 1), np.int64)
        np.add.at(total, (self.home[known], work[known]), 1)
        return total

    def share(self, zone: npt.NDArray[np.int64], slot: npt.NDArray[np.int64]) -> Counts:
        """Of each person, the thousandths that they add to each cell (*zone*, *slot*) of a profile."""
        values = np.zeros((len(self), len(zone)), np.int64)
        for at, (one, when) in enumerate(zip(zone, slot, strict=True)):
            values[:, at] = THOUSANDTHS * (self.zones[:, self.slot == when] == one).sum(axis=1) // self.days[when // 24]
        return values

    @cached_property
    def home(self) -> Places:
        """The zone of most of each person's nights, or -1."""
        return self._usual(np.isin(self.hour, NIGHT))

    @cached_property
    def work(self) -> Places:
        """The zone of most of their working hours, or -1."""
        return self._usual(np.isin(self.hour, _WORKING) & (self.day_type == 0))

    def _usual(self, when: npt.NDArray[np.bool_]) -> Places:
        found = np.full(len(self), -1, np.int16)
        most = np.zeros(len(self), np.int64)
        for zone in range(self.places):
            times = (self.zones[:, when] == zone).sum(axis=1)
            better = times > most
            found[better], most[better] = zone, times[better]
        return found

    def _people_with(self, here: Places, times: int) -> Counts:
        """How many people were in each zone in exactly so many of these hours."""
        ordered = np.sort(here, axis=1)
        people = np.zeros(self.places, np.int64)
        for start in range(ordered.shape[1] - times + 1):
            run = (ordered[:, start] == ordered[:, start + times - 1]) & (ordered[:, start] >= 0)
            if start > 0:
                run &= ordered[:, start - 1] != ordered[:, start]
            if start + times < ordered.shape[1]:
                run &= ordered[:, start + times] != ordered[:, start]
            people += np.bincount(ordered[run, start], minlength=self.places)
        return people


def traces(events: Sequence[pa.Table], atlas: Atlas, days: Sequence[date], *, people: int, zone: ZoneInfo) -> Traces:
    """Where numbers 1 to *people* were in the middle of each hour of *days*, by the events of those days."""
    served = _zone_of_cells(atlas)
    parts = [_day(table, served, day, people=people, zone=zone) for table, day in zip(events, days, strict=True)]
    return Traces(
        np.concatenate(parts, axis=1),
        np.tile(np.arange(24), len(days)),
        np.repeat([int(day.weekday() >= 5) for day in days], 24),
        len(atlas.zones),
    )


def _zone_of_cells(atlas: Atlas) -> Places:
    """The zone that each cell serves most."""
    cell, tile, share = (atlas.cell_tiles[name].to_numpy() for name in ("cell", "tile", "share"))
    zone = atlas.tile_zone[tile].astype(np.int64)
    inside = zone != OUTSIDE
    served = np.zeros((int(cell.max(initial=0)) + 1, len(atlas.zones)), np.int64)
    np.add.at(served, (cell[inside], zone[inside]), share[inside])
    return np.where(served.any(axis=1), served.argmax(axis=1), OUTSIDE).astype(np.int16)


def _day(events: pa.Table, served: Places, day: date, *, people: int, zone: ZoneInfo) -> Places:
    """The zone of the last event before the middle of each hour, if it is no older than an event holds."""
    start = int(datetime.combine(day, time(), zone).timestamp())
    number, at, cell = (events[name].to_numpy().astype(np.int64) for name in ("number", "at", "cell"))
    key = (number << 20) + np.clip(at - start, 0, (1 << 20) - 1)
    order = np.argsort(key, kind="stable")
    key, cell = key[order], cell[order]
    asked = (np.arange(1, people + 1)[:, None] << 20) + (np.arange(24) * 3600 + _HALF)[None, :]
    last = np.searchsorted(key, asked, "right") - 1
    held = (last >= 0) & (asked - key[np.maximum(last, 0)] <= _HOLDS) if len(key) else np.zeros(asked.shape, bool)
    found = np.full(asked.shape, OUTSIDE, np.int16)
    found[held] = served[cell[last[held]]]
    return found
