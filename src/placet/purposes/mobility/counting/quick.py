"""
What `events.marked` says, faster: the lake keeps events sorted, so neighbours in time are neighbours in the file.

An engine that reads files in their order may take this instead of the expression; tests hold the one to the other. A
file that is not sorted is left to the expression.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import attrs
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from placet.purposes.mobility.counting.calendar import HOUR
from placet.purposes.mobility.counting.events import JUMP, NOTHING, PINGED
from placet.purposes.mobility.counting.model import JUMP_METRES, JUMP_SPEED, PING_PONG
from placet.purposes.mobility.places.model import Whole

Long = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
_NONE = -1


def marked(files: Sequence[Path], tables: Mapping[str, pa.Table], *, threads: int) -> pa.Table | None:
    """The table `marked` of the events in *files*, by the given *tables*; None when one of them is not sorted."""
    known = _Known.of(tables)
    with ThreadPoolExecutor(threads) as pool:
        parts = list(pool.map(lambda path: _marked(pq.read_table(path, partitioning=None), known), files))
    sorted_ones = [part for part in parts if part is not None]
    return pa.concat_tables(sorted_ones) if sorted_ones and len(sorted_ones) == len(parts) else None


@attrs.frozen(eq=False)
class _Known:
    """The given tables, by place: participants by number, cells by code, hours from the first."""

    numbers: Whole
    begins: Long
    """Where the spans of each number begin; one more at the end."""
    person: Whole
    since: Long
    until: Long
    cells: Mapping[str, npt.NDArray[np.int64]]
    """By code, -1 where there is none."""
    first_hour: int
    day: Whole

    @classmethod
    def of(cls, tables: Mapping[str, pa.Table]) -> _Known:
        people = tables["participants"].sort_by("number")
        numbers, begins = np.unique(people["number"].to_numpy(), return_index=True)
        person, since, until = (people[name].to_numpy() for name in ("person", "since", "until"))
        hour, day = (tables["batch_hours"][name].to_numpy() for name in ("hour", "day"))
        first = int(hour.min()) if len(hour) else 0
        days = np.full(int(hour.max()) - first + 1 if len(hour) else 0, _NONE, np.int32)
        days[hour - first] = day
        return cls(
            numbers, np.append(begins, len(person)), person, since, until, _by_code(tables["cells"]), first, days
        )

    def person_of(self, number: Whole, at: Long) -> Whole:
        """Whose event each is, by its time; -1 for nobody's. *number* is sorted, and each looked for once."""
        edges = np.flatnonzero(np.r_[True, number[1:] != number[:-1]]) if len(number) else np.zeros(0, np.int64)
        mine = number[edges]
        place = np.searchsorted(self.numbers, mine)
        found = place < len(self.numbers)
        found[found] = self.numbers[place[found]] == mine[found]
        place = np.where(found, place, 0)
        begins = np.where(found, self.begins[place], 0)
        spans = np.where(found, self.begins[np.minimum(place + 1, len(self.begins) - 1)] - begins, 0)
        rows = np.diff(np.append(edges, len(number)))
        begin, many = np.repeat(begins, rows), np.repeat(spans, rows)
        person = np.full(len(number), _NONE, np.int32)
        for n in range(int(spans.max(initial=0))):
            at_span = np.minimum(begin + n, len(self.since) - 1)
            inside = (many > n) & (at >= self.since[at_span]) & (at < self.until[at_span])
            person[inside] = self.person[at_span[inside]]
        return person

    def day_of(self, at: Long) -> Whole:
        place = at // HOUR - self.first_hour
        inside = (place >= 0) & (place < len(self.day))
        return np.where(inside, self.day[np.where(inside, place, 0)], _NONE) if len(self.day) else np.full_like(
            at, _NONE, np.int32
        )  # fmt: skip

    def is_known(self, cell: Whole) -> Flags:
        tile = self.cells["tile"]
        inside = (cell >= 0) & (cell < len(tile))
        return np.asarray(inside & (tile[np.where(inside, cell, 0)] != _NONE))


def _by_code(cells: pa.Table) -> Mapping[str, npt.NDArray[np.int64]]:
    code = cells["cell"].to_numpy()
    found = {}
    for name in ("zone", "tile", "x", "y"):
        found[name] = np.full(int(code.max(initial=0)) + 1, _NONE, np.int64)
        found[name][code] = cells[name].to_numpy()
    return found


def _marked(events: pa.Table, known: _Known) -> pa.Table | None:
    number, at, cell, load = (events[name].to_numpy() for name in ("number", "at", "cell", "load"))
    if not _sorted(number, at, cell):
        return None
    person, day = known.person_of(number, at), known.day_of(at)
    allowed = (person != _NONE) & (day != _NONE) & known.is_known(cell)
    if not allowed.all():
        person, day, at, cell, load = person[allowed], day[allowed], at[allowed], cell[allowed], load[allowed]
    first = np.flatnonzero(np.r_[True, (person[1:] != person[:-1]) | (at[1:] != at[:-1])][: len(at)])
    copies = np.diff(np.append(first, len(at)))
    load = np.maximum.reduceat(load, first) if len(first) else load
    person, day, at, cell = person[first], day[first], at[first], cell[first]
    fault = _faults(person, day, at, cell, known)
    return pa.table(
        {
            "person": person, "at": at, "cell": cell, "load": load, "copies": copies.astype(np.int64), "day": day,
            "zone": known.cells["zone"][cell].astype(np.int32), "tile": known.cells["tile"][cell].astype(np.int32),
            "fault": fault,
        }
    )  # fmt: skip


def _sorted(number: Whole, at: Long, cell: Whole) -> bool:
    more = (number[1:] > number[:-1]) | ((number[1:] == number[:-1]) & (at[1:] > at[:-1]))
    unsure = np.flatnonzero(~more)
    same = (number[unsure] == number[unsure + 1]) & (at[unsure] == at[unsure + 1])
    return bool(np.all(same & (cell[unsure] <= cell[unsure + 1])))


def _faults(person: Whole, day: Whole, at: Long, cell: Whole, known: _Known) -> Whole:
    """As `events.marked`: from each event to the next of the same person and day."""
    fault = np.full(len(at), NOTHING, np.int32)
    if len(at) < 3:
        return fault
    together = (person[1:] == person[:-1]) & (day[1:] == day[:-1])
    moved = np.flatnonzero(together & (cell[1:] != cell[:-1]))
    x, y = (known.cells[name][cell[moved + 1]] - known.cells[name][cell[moved]] for name in ("x", "y"))
    far, took = x * x + y * y, at[moved + 1] - at[moved]
    impossible = np.zeros(len(together), bool)
    impossible[moved] = (far >= JUMP_METRES**2) & (far >= took * took * JUMP_SPEED**2)
    back = moved[:-1][moved[1:] == moved[:-1] + 1] + 1  # Between two moves in a row: away, and maybe back.
    pinged = back[(cell[back - 1] == cell[back + 1]) & (at[back + 1] - at[back - 1] <= PING_PONG)]
    fault[pinged] = PINGED
    fault[1:-1][impossible[:-1] & impossible[1:]] = JUMP
    return fault
