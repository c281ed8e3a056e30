"""
The operator's cells: where each stands, how far it reaches, and since when. A cell that moved has two codes.

A delivered table says how things are from an instant on. What it does not mention stays; a row that says what is known
changes nothing; another position or range ends the old code and begins a new one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import attrs
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from placet.consents.import_files import Sheet, open_table
from placet.gate.periods import OPEN
from placet.kernel.errors import BadInput
from placet.kernel.periods import parse_instant
from placet.sources.shards import durably

SCHEMA = pa.schema(
    [
        ("code", pa.int32()),
        ("cell", pa.string()),
        ("lon", pa.float64()),
        ("lat", pa.float64()),
        ("range_m", pa.float64()),
        ("since", pa.int64()),
        ("until", pa.int64()),
    ]
)
COLUMNS = ("cell", "lon", "lat", "range_m")
EVER = 0
"""Since when a cell counts that was never known before: it stood there, and nobody had said so."""
LONGEST = 100
FARTHEST = 100_000.0
"""Metres that a cell may reach."""
_WEST, _EAST, _SOUTH, _NORTH = -35.58, 44.83, 24.6, 84.73
"""Where Europe's public grid is defined (EPSG:3035), in degrees."""
Integers = npt.NDArray[np.int64]


class Station(NamedTuple):
    """A row of a delivered table."""

    cell: str
    lon: float
    lat: float
    range_m: float
    since: int | None


class Wrong(NamedTuple):
    """A row that was refused."""

    line: int
    code: str
    reason: str


@attrs.frozen
class Changed:
    """What a delivery did to the table."""

    added: int
    moved: int
    unchanged: int


def read(folder: Path) -> pa.Table:
    """The cells, in the order of their codes; none when no table was delivered yet."""
    file = folder / "cells.parquet"
    return pq.read_table(file, schema=SCHEMA) if file.exists() else SCHEMA.empty_table()


def write(folder: Path, table: pa.Table) -> None:
    """Replace the table in one step."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    durably(folder / "cells.parquet", table, SCHEMA)


def delivered(path: Path) -> tuple[list[Station], list[Wrong]]:
    """The rows of a CSV file with the columns of `COLUMNS`, perhaps `since`, and those that are none."""
    found: list[Station] = []
    wrong: list[Wrong] = []
    named: set[tuple[str, int | None]] = set()
    with path.open("rb") as file:
        table = open_table(path, file)
        places = _places(table.header)
        for sheet in table.sheets:
            wrong += [Wrong(line.number, "syntax", "the row has more or fewer columns") for line in sheet.odd]
            for line, cells in _rows(sheet, places):
                station = _station(line, cells)
                if isinstance(station, Wrong):
                    wrong.append(station)
                elif (station.cell, station.since) in named:
                    wrong.append(Wrong(line, "duplicate", "the cell stands in the table before"))
                else:
                    named.add((station.cell, station.since))
                    found.append(station)
    return found, sorted(wrong)


def merged(table: pa.Table, stations: Sequence[Station], *, since: int) -> tuple[pa.Table, Changed]:
    """*table* with what *stations* say from *since* on, or from the instant that they name."""
    rows = table.to_pylist()
    newest = {row["cell"]: row for row in rows}
    added = moved = 0
    for one in sorted(stations, key=lambda each: each.since or 0):
        before = newest.get(one.cell)
        if before is not None and (before["lon"], before["lat"], before["range_m"]) == one[1:4]:
            continue
        begins = (EVER if before is None else since) if one.since is None else one.since
        if before is not None:
            if begins <= before["since"]:
                raise BadInput(
                    "a cell has moved, and not after it stood where it is known: say since when. Nothing was changed",
                    code="cell-moved",
                )
            before["until"] = begins
        added, moved = added + (before is None), moved + (before is not None)
        rows.append(_row(len(rows), one, begins))
        newest[one.cell] = rows[-1]
    changed = Changed(added, moved, len(stations) - added - moved)
    return pa.Table.from_pylist(rows, schema=SCHEMA), changed


def by_name(table: pa.Table) -> Mapping[str, Sequence[int]]:
    """The codes of each cell, the newest last."""
    found: dict[str, list[int]] = {}
    for name, code in zip(table["cell"].to_pylist(), table["code"].to_pylist(), strict=True):
        found.setdefault(name, []).append(code)
    return found


@attrs.frozen(eq=False)
class Codes:
    """Which code a cell had at an instant."""

    names: Mapping[str, int]
    """The place of each cell's first row."""
    count: Integers
    """How many rows it has, by that place."""
    code: Integers
    since: Integers
    until: Integers
    """All by place, the rows of one cell together and in time."""

    @classmethod
    def of(cls, table: pa.Table) -> Codes:
        ordered = table.sort_by([("cell", "ascending"), ("since", "ascending")])
        names = ordered["cell"].to_pylist()
        first: dict[str, int] = {}
        count = np.zeros(len(names), np.int64)
        for place, name in enumerate(names):
            count[first.setdefault(name, place)] += 1
        columns = (ordered[name].to_numpy().astype(np.int64) for name in ("code", "since", "until"))
        return cls(first, count, *columns)

    def at(self, cells: pa.Array, instants: Integers) -> Integers:
        """The code of each cell at the instant beside it; -1 where none stood."""
        encoded = cells.dictionary_encode()
        places = np.array([self.names.get(name, -1) for name in encoded.dictionary.to_pylist()], np.int64)
        place = places[encoded.indices.to_numpy(zero_copy_only=False)] if len(places) else np.empty(0, np.int64)
        found = np.full(len(instants), -1, np.int64)
        for step in range(int(self.count.max(initial=0))):
            row = np.maximum(place, 0) + step
            row = np.minimum(row, max(len(self.code) - 1, 0))
            stood = (place >= 0) & (step < self.count[np.maximum(place, 0)])
            stood &= (self.since[row] <= instants) & (instants < self.until[row])
            found[stood] = self.code[row][stood]
        return found


def _places(header: Sequence[str]) -> list[int]:
    names = [name.strip().lower() for name in header]
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise BadInput(
            f"a table of cells has the columns {', '.join(COLUMNS)}; this one lacks {', '.join(missing)}",
            code="bad-header",
        )
    return [names.index(name) for name in (*COLUMNS, *(["since"] if "since" in names else []))]


def _rows(sheet: Sheet, places: Sequence[int]) -> Iterator[tuple[int, list[str]]]:
    for at, line in enumerate(sheet.numbers):
        yield line, [sheet.columns[place][at].strip() for place in places]


def _station(line: int, cells: Sequence[str]) -> Station | Wrong:
    name, *numbers = cells[:4]
    try:
        lon, lat, reach = map(float, numbers)
        since = int(parse_instant(cells[4]).timestamp()) if len(cells) > 4 and cells[4] else None
    except (ValueError, BadInput):
        return Wrong(line, "syntax", "degrees and metres are numbers, and `since` is a time with its zone")
    if not 0 < len(name) <= LONGEST or not 0 < reach <= FARTHEST:
        return Wrong(line, "syntax", f"a cell has a name, and reaches up to {FARTHEST:.0f} metres")
    if _in_grid(lon, lat):
        return Station(name, lon, lat, reach, since)
    if _in_grid(lat, lon):
        return Wrong(line, "coordinates-swapped", "longitude and latitude are swapped: lon comes first")
    return Wrong(line, "outside-grid", "the place lies outside of Europe's grid (EPSG:3035)")


def _in_grid(lon: float, lat: float) -> bool:
    return _WEST <= lon <= _EAST and _SOUTH <= lat <= _NORTH


def _row(code: int, one: Station, since: int) -> dict[str, object]:
    return {
        "code": code, "cell": one.cell, "lon": one.lon, "lat": one.lat, "range_m": one.range_m,
        "since": since, "until": OPEN,
    }  # fmt: skip
