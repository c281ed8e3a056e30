"""Tables of cells: what they add, what has moved, and what cannot be a cell."""

from __future__ import annotations

import csv
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from event_town import CELLS, MONTH_BEFORE, NOW, EventTown, write

from placet.gate.periods import OPEN
from placet.kernel.errors import BadInput
from placet.sources import cells, networks


def stations(town: EventTown) -> list[tuple[object, ...]]:
    rows = cells.read(town.lake.folder).to_pylist()
    return [(row["code"], row["cell"], row["since"], row["until"]) for row in rows]


def second(at: datetime) -> int:
    return int(at.timestamp())


def test_a_new_cell_counts_from_ever_and_a_moved_one_from_when_it_moved(town: EventTown) -> None:
    moved = second(NOW - timedelta(days=1))
    known = town.cells(
        [("riga", 24.2, 56.9, 800), *CELLS[1:], ("dome", 24.1, 56.95, 300)], since=NOW - timedelta(days=1)
    )
    assert (known.changed, known.refused) == (cells.Changed(added=1, moved=1, unchanged=2), 0)
    assert stations(town) == [
        (0, "riga", 0, moved), (1, "jelgava", 0, OPEN), (2, "liepaja", 0, OPEN), (3, "riga", moved, OPEN),
        (4, "dome", 0, OPEN),
    ]  # fmt: skip


def test_the_same_table_again_changes_nothing(town: EventTown) -> None:
    before = stations(town)
    assert town.cells().changed == cells.Changed(added=0, moved=0, unchanged=3)
    assert stations(town) == before


def test_what_can_be_no_cell_is_refused_with_its_line(town: EventTown) -> None:
    known = town.cells(
        [
            ("swapped", 56.95, 24.1, 500), ("sea", -120, 56.9, 500), ("point", 24.1, 56.9, 0), ("", 24.1, 56.9, 500),
            ("text", "east", 56.9, 500), ("good", 24.1, 56.9, 500), ("good", 24.2, 56.9, 500), ("short", 24.1),
        ]
    )  # fmt: skip
    with known.report.open(encoding="utf-8", newline="") as stream:
        told = [(int(row["line"]), row["code"]) for row in csv.DictReader(stream)]
    assert told == [
        (2, "coordinates-swapped"), (3, "outside-grid"), (4, "syntax"), (5, "syntax"), (6, "syntax"), (8, "duplicate"),
        (9, "syntax"),
    ]  # fmt: skip
    assert (known.changed.added, known.refused) == (1, 7)


def test_a_table_may_say_since_when(town: EventTown) -> None:
    file = town.folder / "moves.csv"
    write(file, (*cells.COLUMNS, "since"), [("riga", 24.2, 56.9, 800, "2040-06-01T00:00:00+03:00")])
    networks.cells_known(town.lake, file, since=NOW, report=town.report)
    moved = second(datetime.fromisoformat("2040-06-01T00:00:00+03:00"))
    assert stations(town)[0] == (0, "riga", 0, moved)


def test_a_move_into_the_past_of_a_move_is_refused(town: EventTown) -> None:
    town.cells([("riga", 24.2, 56.9, 800)])
    with pytest.raises(BadInput) as refused:
        town.cells([("riga", 24.3, 56.9, 800)], since=MONTH_BEFORE)
    assert refused.value.code == "cell-moved"


def test_a_table_without_a_column_is_refused_whole(town: EventTown) -> None:
    file = town.folder / "cells.csv"
    write(file, ("cell", "lon", "lat"), [("riga", 24.1, 56.9)])
    with pytest.raises(BadInput) as refused:
        networks.cells_known(town.lake, file, since=NOW, report=town.report)
    assert refused.value.code == "bad-header"


def test_codes_are_those_of_the_instant(town: EventTown) -> None:
    town.cells([("riga", 24.2, 56.9, 800)], since=NOW)
    codes = cells.Codes.of(cells.read(town.lake.folder))
    names = pa.array(["riga", "riga", "riga", "nowhere", "jelgava"])
    instants = np.array([second(NOW) - 1, second(NOW), OPEN, 5, 5])
    assert codes.at(names, instants).tolist() == [0, 3, -1, -1, 1]
    assert codes.at(pa.array([], pa.string()), np.array([], np.int64)).tolist() == []
