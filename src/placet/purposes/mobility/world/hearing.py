"""
What the network hears of the people of the world: the events of a day.

1. A telephone is heard of in most half-hours, less at night; besides, when its owner leaves, three times on the way,
   and on arrival.
2. Each event is served by the cell of that place and instant, now and then by the neighbour of that cell.
3. Its load is drawn from a skewed distribution: most are small, few are large.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from statistics import NormalDist
from zoneinfo import ZoneInfo

import attrs
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from placet.purposes.mobility.model import Window
from placet.purposes.mobility.places.model import Whole
from placet.purposes.mobility.world import days
from placet.purposes.mobility.world.days import LEGS, Jam, Trips
from placet.purposes.mobility.world.network import Serving
from placet.purposes.mobility.world.people import People, random

EVENTS = pa.schema([("number", pa.int32()), ("at", pa.int64()), ("cell", pa.int32()), ("load", pa.int64())])
"""As `sources` keeps events: sorted by number, instant and cell."""
BLOCK = 25_000
"""People whose day is made at a time: it bounds the memory."""
_SLOT = 1800
_HEARD, _HEARD_AT_NIGHT = 0.8, 0.55
_NIGHT_UNTIL = 6
_ON_THE_WAY = np.array([0.25, 0.5, 0.75, 1.0], np.float32)
_STRAY = 10
"""Of 256 events so many are served by the neighbour."""
_NEVER = np.int32(2**30)
_LOADS = np.array([np.exp(11.5 + 1.6 * NormalDist().inv_cdf((n + 0.5) / 4096)) for n in range(4096)]).astype(np.int64)


@attrs.frozen(eq=False)
class Ears:
    """What is the same every day: the people and the cell of each of their places, and the network."""

    people: People
    place_cell: Whole = attrs.field(repr=False)
    serving: Serving = attrs.field(repr=False)
    neighbour: Whole = attrs.field(repr=False)
    tile_zone: Whole = attrs.field(repr=False)
    jam: Jam
    seed: int
    zone: ZoneInfo

    def batches(self, day: date) -> Iterator[pa.Table]:
        """The events of *day* (`EVENTS`), a table for each `BLOCK` of people; numbers begin at 1."""
        clock = _Clock.of(day, self.zone)
        for first in range(0, len(self.people), BLOCK):
            block = slice(first, min(first + BLOCK, len(self.people)))
            draw = random(self.seed, 1 + first // BLOCK, day.toordinal())
            people = self.people.part(block)
            made = days.trips(draw, people, days.day_type(day), self.jam, self.tile_zone)
            yield self._events(draw, people, block, made, clock)

    def _events(self, draw: np.random.Generator, people: People, block: slice, made: Trips, clock: _Clock) -> pa.Table:
        leaves, arrives = clock.elapsed(made.leaves), clock.elapsed(made.arrives)
        at = np.sort(np.concatenate([_now_and_then(draw, people, clock), _on_the_way(leaves, arrives)], axis=1), axis=1)
        kept = at < clock.length
        kept[:, 1:] &= at[:, 1:] != at[:, :-1]
        cell = self._cells(people, block, made, at, (leaves, arrives))[kept]
        stray = draw.integers(0, 256, len(cell), np.uint8) < _STRAY
        cell[stray] = self.neighbour[cell[stray]]
        number = np.repeat(np.arange(block.start + 1, block.stop + 1, dtype=np.int32), kept.sum(axis=1))
        load = _LOADS[draw.integers(0, len(_LOADS), len(cell), np.uint16)]
        return pa.Table.from_arrays([number, at[kept] + np.int64(clock.start), cell, load], schema=EVENTS)

    def _cells(self, people: People, block: slice, made: Trips, at: Whole, times: tuple[Whole, Whole]) -> Whole:
        """The cell that serves each person at each instant of *at*."""
        begun, ended = (_passed(at, edge) for edge in times)
        stops = np.take_along_axis(self.place_cell[block], made.stops, 1)
        cell = np.take_along_axis(stops, ended, 1)
        row, column = np.nonzero(begun != ended)
        leg = ended[row, column]
        left, arrived = (edge[row, leg] for edge in times)
        part = (at[row, column] - left) / (arrived - left)
        here, there = made.stops[row, leg], made.stops[row, leg + 1]
        east, north = (axis[row, here] * (1 - part) + axis[row, there] * part for axis in (people.east, people.north))
        cell[row, column] = self.serving.at(east, north)
        return cell


@attrs.frozen
class _Clock:
    """One local day: its first UTC second, its *length* in seconds, and the local hour at the start of each slot."""

    start: int
    length: int
    hours: tuple[int, ...]

    @classmethod
    def of(cls, day: date, zone: ZoneInfo) -> _Clock:
        first, last = (int(at.timestamp()) for at in Window("", day, day + timedelta(days=1)).instants(zone))
        starts = np.arange(first, last, _SLOT)
        return cls(first, last - first, tuple(_hour(int(at), zone) for at in starts))

    def elapsed(self, local: Whole) -> Whole:
        """Seconds since the day began, for local seconds after four: clocks change before (`days`, 1)."""
        return local + np.int32(self.length - 86400)


def _hour(at: int, zone: ZoneInfo) -> int:
    return datetime.fromtimestamp(at, zone).hour


def _now_and_then(draw: np.random.Generator, people: People, clock: _Clock) -> Whole:
    """An instant in each slot in which the telephone is heard of, else `_NEVER`."""
    shape = len(people), len(clock.hours)
    at = draw.integers(0, _SLOT, shape, np.uint16).astype(np.int32) + np.arange(shape[1], dtype=np.int32) * _SLOT
    often = np.where(np.array(clock.hours) < _NIGHT_UNTIL, _HEARD_AT_NIGHT, _HEARD)
    chance = np.minimum(people.lively[:, None] * often * 256, 250).astype(np.uint8)
    return np.where(draw.integers(0, 256, shape, np.uint8) < chance, at, _NEVER)


def _passed(at: Whole, edges: Whole) -> npt.NDArray[np.int8]:
    """How many of a person's *edges* lie at or before each instant."""
    found = np.zeros(at.shape, np.int8)
    for leg in range(LEGS):
        found += at >= edges[:, leg, None]
    return found


def _on_the_way(leaves: Whole, arrives: Whole) -> Whole:
    """Just before leaving, three times on the way, and on arrival."""
    way = leaves[:, :, None] + ((arrives - leaves)[:, :, None] * _ON_THE_WAY).astype(np.int32)
    at = np.concatenate([leaves[:, :, None] - 1, way], axis=2)
    return np.where((leaves < arrives)[:, :, None], at, _NEVER).reshape(len(leaves), -1)
