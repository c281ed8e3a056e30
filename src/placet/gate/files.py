"""
Lists in files: the members of an audience as subject ids (Parquet), and numbers as a campaign's own list brings them.

A file appears under its name only when it is whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from psycopg import Connection
from pyroaring import BitMap, FrozenBitMap

from placet.gate.roaring import bitmap, flags
from placet.kernel.errors import BadInput
from placet.store.queries import queries

_SQL = queries("placet.gate", "files.sql")
_PAGE = 65_536
_SUBJECT = pa.schema([pa.field("subject", pa.string(), nullable=False)])


def write_subjects(
    connection: Connection, members: BitMap | FrozenBitMap, file: Path, *, about: Mapping[str, str]
) -> None:
    """Write the ids of *members* to a Parquet *file*, page by page; *about* becomes the file's metadata."""
    partial = file.with_name(file.name + ".partial")
    schema = _SUBJECT.with_metadata({key: value.encode() for key, value in about.items()})
    try:
        with pq.ParquetWriter(partial, schema) as writer:
            for page in _pages(members):
                rows = connection.execute(_SQL["ids"], {"numbers": page.tolist()}).fetchall()
                writer.write_table(pa.table([pa.array([id for (id,) in rows], pa.string())], schema=schema))
        partial.rename(file)
    finally:
        partial.unlink(missing_ok=True)


def read_numbers(file: Path) -> npt.NDArray[np.integer]:
    """The numbers in a `.npy` file, or in the column `number` of a Parquet file; anything else raises `BadInput`."""
    try:
        if file.suffix == ".npy":
            read = np.load(file, mmap_mode="r", allow_pickle=False)
        else:
            read = pq.read_table(file, columns=["number"]).column("number").to_numpy()
    except (OSError, EOFError, ValueError, KeyError, pa.ArrowException):
        raise _bad_list() from None
    numbers: npt.NDArray[np.integer] = np.asarray(read)
    if numbers.ndim != 1 or not np.issubdtype(numbers.dtype, np.integer):
        raise _bad_list()
    return numbers


def write_numbers(members: BitMap | FrozenBitMap, file: Path) -> None:
    """Write numbers as `.npy`, sorted."""
    partial = file.with_name(file.name + ".partial")
    with partial.open("wb") as stream:
        np.save(stream, np.asarray(members.to_array()), allow_pickle=False)
    partial.rename(file)


def as_bitmap(numbers: npt.NDArray[np.integer], size: int) -> BitMap:
    """The numbers below *size*, each once, whatever their order."""
    return bitmap(flags(numbers, size))


def _bad_list() -> BadInput:
    return BadInput(
        "the list must be a .npy file of integers, or Parquet with an integer column `number`", code="bad-list"
    )


def _pages(members: BitMap | FrozenBitMap) -> Iterator[npt.NDArray[np.uint32]]:
    numbers = np.asarray(members.to_array())
    for first in range(0, len(numbers), _PAGE):
        yield numbers[first : first + _PAGE]
