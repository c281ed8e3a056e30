"""
A cell whose clock is an hour off: its events fit those of the same people elsewhere only when they are moved. Pure.

A step from one cell to another is *impossible* when it is far and faster than anything on the ground. People take
hardly any such step, but they do where a cell says an hour that is not: then most of its impossible steps become
possible at once when its clock is set right. That is reported; no event is changed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import attrs
import numpy as np
import numpy.typing as npt

FAR = 10_000.0
"""Metres; nearer steps tell nothing of a clock."""
FAST = 55.0
"""Metres a second."""
SHIFTS = (-3600, 3600)
"""Seconds: summer time taken for winter time, or the other way round."""
LEAST = 10
"""Impossible steps of a cell before anything is said of it."""
SHARE = 0.02
"""Of its events, at least."""
LEFT = 0.25
"""Of the impossible steps, at most, that may remain when the clock is set right."""
_DEGREE = 111_195.0
"""Metres of a degree of latitude."""
_PERSON = 34
"""Bits for seconds since 1970 below a person's number."""
Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@attrs.frozen(eq=False)
class Places:
    """Where the cell of each code stands."""

    lon: Floats
    lat: Floats

    def metres(self, one: Integers, other: Integers) -> Floats:
        """How far two cells are from each other: as on a plane, which is enough for a step."""
        north = self.lat[one] - self.lat[other]
        east = (self.lon[one] - self.lon[other]) * np.cos(np.radians((self.lat[one] + self.lat[other]) / 2))
        return np.asarray(np.hypot(north, east) * _DEGREE)


@attrs.frozen(eq=False)
class Events:
    """Events sorted by person and time."""

    number: Integers
    at: Integers
    cell: Integers


def suspicious(events: Events, places: Places) -> tuple[Integers, Integers]:
    """For each code: how many events it has, and how many of them stand in an impossible step."""
    before = np.zeros(len(events.at), np.bool_)
    before[1:] = (events.number[1:] == events.number[:-1]) & _impossible(
        places, events.cell[1:], events.at[1:], events.cell[:-1], events.at[:-1]
    )
    bad = before.copy()
    bad[:-1] |= before[1:]
    size = len(places.lon)
    return np.bincount(events.cell, minlength=size), np.bincount(events.cell[bad], minlength=size)


def candidates(events: Integers, bad: Integers) -> list[int]:
    """The codes that are worth a second look, the worst first: a step has two ends, and one of them may be right."""
    found = np.flatnonzero((bad >= LEAST) & (bad >= SHARE * events))
    return [int(code) for code in found[np.lexsort((found, -bad[found] / events[found]))]]


def tried(events: Events, places: Places, code: int, *, without: Collection[int] = ()) -> Mapping[int, int]:
    """
    How many events of the cell *code* stand in an impossible step: as they are, and with its clock set each way.

    Cells *without* which it is looked at are known to be off.
    """
    own = events.cell == code
    other = ~own & ~np.isin(events.cell, list(without))
    others = Events(events.number[other], events.at[other], events.cell[other])
    mine = Events(events.number[own], events.at[own], events.cell[own])
    return {shift: _impossible_among(mine, others, places, shift) for shift in (0, *SHIFTS)}


def verdict(tries: Sequence[Mapping[int, int]]) -> int | None:
    """By how much a clock must be set; None when that would not make it right."""
    total = {shift: sum(one[shift] for one in tries) for shift in (0, *SHIFTS)}
    best = min(SHIFTS, key=lambda shift: total[shift])
    return best if total[0] >= LEAST and total[best] <= LEFT * total[0] else None


def _impossible_among(mine: Events, others: Events, places: Places, shift: int) -> int:
    if not len(others.at):
        return 0
    at = mine.at + shift
    keys = (others.number << _PERSON) + others.at
    after = np.searchsorted(keys, (mine.number << _PERSON) + at)
    bad = np.zeros(len(at), np.bool_)
    for place in (after - 1, after):
        near = np.clip(place, 0, len(keys) - 1)
        same = (place >= 0) & (place < len(keys)) & (others.number[near] == mine.number)
        bad |= same & _impossible(places, mine.cell, at, others.cell[near], others.at[near])
    return int(np.count_nonzero(bad))


def _impossible(places: Places, one: Integers, at: Integers, other: Integers, then: Integers) -> Flags:
    metres = places.metres(one, other)
    return np.asarray((metres >= FAR) & (metres >= FAST * np.abs(at - then)), np.bool_)
