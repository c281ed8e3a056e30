"""
Rows of the queue that differ in their person only, as `COPY … (FORMAT BINARY)` takes them: a million in a second.

The columns are those of the statement `copy` in batches.sql, in its order.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import attrs
import numpy as np
import numpy.typing as npt
from psycopg import Connection
from pyroaring import BitMap

from placet.kernel import columns
from placet.kernel.columns import Column, Stencil
from placet.store.copying import HEADER, TRAILER, blob, fields, instant, text

_COLUMNS = 15
_ID, _NUMBER, _LANGUAGE = 16, 4, 2


@attrs.frozen
class Row:
    """What all rows share."""

    key: str
    kind: str
    activity: str
    channel: str
    template: str
    topic: str | None
    not_before: datetime
    not_after: datetime
    state: str
    reason: str | None


@attrs.frozen(eq=False)
class Languages:
    """Everyone who may be written to, and in which language: two letters in the line of their number."""

    everyone: BitMap
    letters: Column

    @classmethod
    def of(cls, speakers: Mapping[str, npt.NDArray[np.int32]]) -> Languages:
        """From the numbers of those who speak each."""
        everyone = BitMap().union(*(BitMap(numbers.astype(np.uint32)) for numbers in speakers.values()))
        letters = np.zeros((everyone.max() + 1 if everyone else 0, _LANGUAGE), np.uint8)
        for language, numbers in speakers.items():
            letters[numbers] = np.frombuffer(language.encode(), np.uint8)
        return cls(everyone, letters)


def copy_in(
    connection: Connection, statement: bytes, row: Row, numbers: BitMap, languages: Languages, *, now: datetime
) -> None:
    """One row for each of *numbers*, all of them of `languages.everyone`."""
    if not numbers:
        return
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(b"".join((HEADER, packed(row, numbers, languages, now=now), TRAILER)))


def packed(row: Row, numbers: BitMap, languages: Languages, *, now: datetime) -> bytes:
    """The rows themselves, in the order of the numbers; their ids grow with them."""
    count = len(numbers)
    shared = (row.key, row.kind, row.activity, row.channel, row.topic, row.template)
    stencil = Stencil(
        [
            fields(_COLUMNS) + _length(_ID), _ID, _length(_NUMBER), _NUMBER,
            b"".join(map(text, shared)) + _length(_LANGUAGE), _LANGUAGE,
            instant(row.not_before) + instant(row.not_after) + text(row.state) + text(row.reason) + 2 * instant(now),
        ]
    )  # fmt: skip
    people = np.array(numbers.to_array(), np.int64)
    rows = stencil.fill(count, _ids(count, now), columns.big_endian(people, ">i4"), languages.letters[people])
    return rows.tobytes()


def _ids(count: int, now: datetime) -> Column:
    """UUIDs of version 7 for one instant, in ascending order: their index grows at its end."""
    made = columns.record_ids(columns.instants([now]).repeat(count))
    # Ids of one instant begin alike; the eight bytes behind that tell them apart.
    return made[np.argsort(np.ascontiguousarray(made[:, 6:14]).view(">u8")[:, 0].astype(np.uint64))]


def _length(of: int) -> bytes:
    """How a field of this many bytes begins."""
    return blob(bytes(of))[:4]
