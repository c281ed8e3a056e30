"""One file of events: Parquet, zstd, sorted by person, time and cell, so that one person's rows lie together."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from placet.sources.model import Part

SCHEMA = pa.schema(
    [
        pa.field("number", pa.int32(), nullable=False),
        pa.field("at", pa.int64(), nullable=False),
        pa.field("cell", pa.int32(), nullable=False),
        pa.field("load", pa.int64(), nullable=False),
    ]
)
_GROUP = 131_072
"""Rows of a group: what is read at least to find one person."""
Integers = npt.NDArray[np.int64]


def write(path: Path, table: pa.Table) -> Part:
    """Write *table*, which is sorted, so that *path* holds the old or the new file; on the disk when this returns."""
    durably(path, table, SCHEMA)
    return Part(table.num_rows, digest(path))


def durably(path: Path, table: pa.Table, schema: pa.Schema) -> None:
    """Replace a Parquet file in one step; readable by us alone."""
    draft = path.with_name(f".{path.name}")
    try:
        with draft.open("wb") as stream:
            os.fchmod(stream.fileno(), 0o600)
            pq.write_table(table.cast(schema), stream, compression="zstd", row_group_size=_GROUP)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def read(path: Path) -> pa.Table:
    """All rows of the file, in their order."""
    return pq.read_table(path, schema=SCHEMA, memory_map=False)


def of_person(path: Path, number: int) -> pa.Table:
    """The rows of one person; groups that cannot hold them are not read."""
    return pq.read_table(path, schema=SCHEMA, filters=[("number", "=", number)])


def rows(path: Path) -> int:
    """How many rows the file has."""
    return int(pq.read_metadata(path).num_rows)


def holds(path: Path, numbers: Integers) -> bool:
    """Whether any of *numbers* has a row; groups that cannot hold them are not read."""
    wanted = [("number", "in", numbers.tolist())]
    return bool(pq.read_table(path, columns=["number"], filters=wanted).num_rows)


def without(table: pa.Table, numbers: Integers, before: Integers) -> pa.Table:
    """*table* without the events of *numbers* (sorted) that lie before the second beside each."""
    own = table["number"].to_numpy().astype(np.int64)
    place = np.minimum(np.searchsorted(numbers, own), len(numbers) - 1)
    doomed = (numbers[place] == own) & (table["at"].to_numpy() < before[place])
    return table.filter(pa.array(~doomed))


def recoded(table: pa.Table, number: int, old: int, new: int) -> pa.Table:
    """*table* with the cell *old* of one person's events put right to *new*."""
    wrong = pc.and_(pc.equal(table["number"], number), pc.equal(table["cell"], old))
    cells = pc.if_else(wrong, pa.scalar(new, pa.int32()), table["cell"])
    changed = table.set_column(table.schema.get_field_index("cell"), "cell", cells)
    return changed.sort_by([("number", "ascending"), ("at", "ascending"), ("cell", "ascending")])


def digest(path: Path) -> str:
    """SHA-256 (hex) of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
