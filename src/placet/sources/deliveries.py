"""
Files of events as operators write them, in blocks of bounded size: CSV or Parquet, each row with the line it stands on.

A block is read in columns; only where a column has something wrong in it is it looked at row by row.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from io import BufferedReader
from pathlib import Path
from typing import Any, NamedTuple

import attrs
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from placet.consents.import_files import Sheet, open_table
from placet.kernel.errors import BadInput
from placet.kernel.periods import parse_instant
from placet.sources.model import Fault

COLUMNS = ("subject", "at", "cell", "load")
_ROWS = 200_000
_UTC = pa.timestamp("us", "UTC")
_LOAD = re.compile(r"\d{1,18}", re.ASCII)
_SECOND = 1_000_000
_NONE = -1
Integers = npt.NDArray[np.int64]


class Refused(NamedTuple):
    """A row that is not taken in."""

    line: int
    fault: Fault


@attrs.frozen(eq=False)
class Block:
    """Neighbouring rows that can be read, and those that cannot."""

    lines: Integers
    subjects: pa.Array
    """Text, or whole numbers."""
    at: Integers
    """UTC seconds."""
    cells: pa.Array
    loads: Integers
    wrong: Sequence[Refused]
    read: float
    """How much of the file was read with it (0 to 1)."""


def blocks(path: Path, file: BufferedReader) -> Iterator[Block]:
    """The events in *file*; what is no table of events raises `BadInput`."""
    return _parquet(file) if path.suffix.lower() == ".parquet" else _csv(path, file)


def _csv(path: Path, file: BufferedReader) -> Iterator[Block]:
    table = open_table(path, file)
    names = [name.strip().lower() for name in table.header]
    _demand(names)
    places = [names.index(name) for name in COLUMNS]
    for sheet in table.sheets:
        yield _sound(_Rows.of(sheet, places), [Refused(line.number, Fault.SYNTAX) for line in sheet.odd], sheet.read)


@attrs.frozen(eq=False)
class _Rows:
    """Columns as they were delivered."""

    lines: Integers
    subjects: pa.Array
    at: pa.Array
    cells: pa.Array
    loads: pa.Array

    @classmethod
    def of(cls, sheet: Sheet, places: Sequence[int]) -> _Rows:
        columns = [pa.array(sheet.columns[place], pa.string()) for place in places]
        return cls(np.array(sheet.numbers, np.int64), *columns)


def _parquet(file: BufferedReader) -> Iterator[Block]:
    try:
        opened = pq.ParquetFile(file, buffer_size=1024 * 1024, pre_buffer=False)
    except (pa.ArrowInvalid, OSError) as error:
        raise BadInput("this is not a Parquet file, or it is damaged. Nothing was taken in", code="bad-file") from error
    _demand(opened.schema_arrow.names)
    for name in COLUMNS:
        _check(name, opened.schema_arrow.field(name).type)
    done, total = 0, max(opened.metadata.num_rows, 1)
    try:
        for batch in opened.iter_batches(batch_size=_ROWS, columns=list(COLUMNS)):
            lines = np.arange(done + 1, done + 1 + batch.num_rows, dtype=np.int64)
            done += batch.num_rows
            columns = [_plain(batch.column(name)) for name in COLUMNS]
            yield _sound(_Rows(lines, *columns), [], done / total)
    except (pa.ArrowInvalid, OSError) as error:
        raise BadInput(f"the file is damaged after row {done}. Nothing was taken in", code="bad-file") from error


def _demand(names: Sequence[str]) -> None:
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise BadInput(
            f"a file of events has the columns {', '.join(COLUMNS)}; this one lacks {', '.join(missing)}. "
            "Nothing was taken in",
            code="bad-header",
        )


def _check(name: str, kind: Any) -> None:
    """A type that the writer chose wrongly refuses the whole file."""
    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    text, whole = pa.types.is_string(value) or pa.types.is_large_string(value), pa.types.is_integer(value)
    if name == "at" and pa.types.is_timestamp(value) and value.tz is None:
        raise BadInput("column at holds times without a zone. Nothing was taken in", code="naive-time")
    fits = {"at": text or pa.types.is_timestamp(value), "cell": text}
    if not fits.get(name, text or whole):
        raise BadInput(f"column {name} must not be {kind}. Nothing was taken in", code="bad-type")


def _plain(column: pa.Array) -> pa.Array:
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def _sound(rows: _Rows, wrong: list[Refused], read: float) -> Block:
    at, faults = _instants(rows.at)
    loads = _loads(rows.loads)
    faults[loads == _NONE] = Fault.SYNTAX
    for column in (rows.subjects, rows.cells):
        faults[pc.is_null(column).to_numpy(zero_copy_only=False)] = Fault.SYNTAX
    kept = faults == ""
    if kept.all():
        return Block(rows.lines, rows.subjects, at, rows.cells, loads, wrong, read)
    wrong += [Refused(int(line), Fault(fault)) for line, fault in zip(rows.lines[~kept], faults[~kept], strict=True)]
    chosen = pa.array(kept)
    subjects, cells = rows.subjects.filter(chosen), rows.cells.filter(chosen)
    return Block(rows.lines[kept], subjects, at[kept], cells, loads[kept], wrong, read)


def _instants(column: pa.Array) -> tuple[Integers, npt.NDArray[np.object_]]:
    """UTC seconds, and what is wrong with each."""
    faults = np.full(len(column), "", object)
    try:
        parsed = column.cast(_UTC, safe=False)
    except pa.ArrowInvalid:
        seconds = np.zeros(len(column), np.int64)
        for place, text in enumerate(column.to_pylist()):
            seconds[place], faults[place] = _instant(text)
        return seconds, faults
    faults[pc.is_null(parsed).to_numpy(zero_copy_only=False)] = Fault.SYNTAX
    return parsed.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False) // _SECOND, faults


def _instant(text: str | None) -> tuple[int, str]:
    try:
        return int(parse_instant((text or "").strip()).timestamp() // 1), ""
    except BadInput as error:
        return 0, Fault.NO_ZONE if error.code == "naive-time" else Fault.BAD_TIME


def _loads(column: pa.Array) -> Integers:
    """Bytes; -1 for what is none."""
    numbers: Integers
    try:
        numbers = column.cast(pa.int64()).fill_null(_NONE).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:
        numbers = np.array([_load(text or "") for text in column.cast(pa.string()).to_pylist()], np.int64)
    return np.where(numbers < 0, _NONE, numbers)


def _load(text: str) -> int:
    return int(text) if _LOAD.fullmatch(text) else _NONE
