"""
Rows for `COPY … FROM STDIN (FORMAT BINARY)`, packed by hand: a row of an import goes through here four times.

The format is PostgreSQL's own (documentation of COPY, *Binary Format*): a header, then for each row the number of
fields and each field as its length and bytes, -1 for null, then a trailer.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from datetime import UTC, datetime

from psycopg import Connection

HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
TRAILER = b"\xff\xff"
NULL = b"\xff\xff\xff\xff"

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_DAY = 86_400_000_000
_int4 = struct.Struct(">ii").pack
_int8 = struct.Struct(">iq").pack
_length = struct.Struct(">i").pack


def fields(count: int) -> bytes:
    """How a row of *count* fields begins."""
    return struct.pack(">h", count)


def int4(value: int | None) -> bytes:
    return NULL if value is None else _int4(4, value)


def int8(value: int) -> bytes:
    return _int8(8, value)


def boolean(value: bool) -> bytes:  # noqa: FBT001 - it is the value that is written, not a choice of path
    return b"\x00\x00\x00\x01\x01" if value else b"\x00\x00\x00\x01\x00"


def blob(value: bytes | None) -> bytes:
    """A `bytea`, a `uuid` of 16 bytes, or a text already encoded."""
    return NULL if value is None else _length(len(value)) + value


def text(value: str | None) -> bytes:
    return NULL if value is None else blob(value.encode())


def instant(value: datetime | None) -> bytes:
    """A `timestamptz`: microseconds since 2000."""
    return NULL if value is None else _int8(8, microseconds(value))


def microseconds(value: datetime) -> int:
    """Microseconds from 2000-01-01 to *value*, by integers: exact for every date."""
    since = value - _EPOCH
    return since.days * _DAY + since.seconds * 1_000_000 + since.microseconds


def array(values: Iterable[str]) -> str:
    """
    An array as PostgreSQL's text, for values that need no quotes (numbers, UUIDs, `\\x…`); the statement casts it.

    For arrays of thousands: psycopg looks at each value by itself, which costs ten times as much.
    """
    return "{" + ",".join(values) + "}"


def copy_rows(connection: Connection, statement: bytes, rows: Iterable[bytes]) -> None:
    """Send *rows*, packed as above, by the COPY *statement*."""
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(b"".join((HEADER, *rows, TRAILER)))
