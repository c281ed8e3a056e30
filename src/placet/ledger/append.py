"""
Appending to the ledger, inside the transaction that decides.

Who appends first locks the head row, then reads the state it decides on, so positions are gapless and no decision is
made on a state that another one is changing. `recorded_at` strictly increases with the position, also when the clock
jumps back.
"""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import cache
from queue import SimpleQueue
from typing import Any
from uuid import UUID

import attrs
import msgspec
import numpy as np
import numpy.typing as npt
from psycopg import Connection

from placet.kernel import jcs
from placet.kernel.columns import Column, Instants, Stencil, big_endian, lines
from placet.kernel.errors import BadInput
from placet.kernel.ids import Position, new_record_id
from placet.kernel.periods import MICROSECOND, format_instant
from placet.ledger.entries import event_entry
from placet.ledger.model import Head, Row
from placet.store import copying as pack
from placet.store.queries import queries

_SQL = queries("placet.ledger", "append.sql")
_CHUNK = 256
"""Rows sent at once by `copying`."""
MOST = 65_535
"""Bytes of an entry: C2SP tlog-tiles writes its length in two bytes."""
WAKE_UP = "placet_ledger"
"""The channel notified by every append; a wake-up only: the truth is the position."""


def lock_head(connection: Connection) -> Head:
    """Lock the head row until the transaction ends."""
    return locking_head(connection)()


def locking_head(connection: Connection) -> Callable[[], Head]:
    """As `lock_head`, read when it is called: what is asked next need not wait for it."""
    found = connection.execute(_SQL["lock_head"])

    def locked() -> Head:
        row = found.fetchone()
        assert row is not None
        return Head(*row)

    return locked


def ending(connection: Connection) -> Head:
    """Where the ledger ends in this statement's snapshot, without a lock."""
    row = connection.execute(_SQL["ending"]).fetchone()
    assert row is not None
    return Head(*row)


def next_instant(head: Head, now: datetime) -> datetime:
    """The `recorded_at` of the next row: *now*, or a microsecond after the last one if the clock is behind it."""
    return max(now, head.recorded_at + MICROSECOND)


def append(connection: Connection, rows: Sequence[Row]) -> None:
    """Write *rows*, which continue the locked head without a gap, move the head, and wake the followers at commit."""
    if not rows:
        return
    last = rows[-1]
    parameters = {"rows": _encode(rows), "position": last.position, "recorded_at": last.recorded_at, "count": len(rows)}
    connection.execute(_SQL["append"], parameters)


@contextlib.contextmanager
def copying(connection: Connection, *, first: Callable[[], None] = lambda: None) -> Iterator[Copying]:
    """
    As `append`, by COPY, for thousands: yields what writes the rows, and moves the head at the end.

    A thread of its own has the connection until the end: it does *first*, then sends the rows as they come, so that
    the server stores some while the next are made.
    """
    coming: SimpleQueue[bytes | None] = SimpleQueue()
    with ThreadPoolExecutor(1, "copy") as thread:
        sent = thread.submit(_send, connection, first, iter(coming.get, None))
        try:
            rows = Copying(coming.put)
            yield rows
            coming.put(b"".join((*rows.waiting, pack.TRAILER)))
        finally:
            # Also when what makes the rows has failed: its error rolls everything back.
            coming.put(None)
        sent.result()
    if rows.count:
        moved = {"position": rows.position, "recorded_at": rows.recorded_at, "count": rows.count}
        connection.execute(_SQL["move_head"], moved)


def _send(connection: Connection, first: Callable[[], None], parts: Iterator[bytes]) -> None:
    first()
    with connection.cursor() as cursor, cursor.copy(_SQL["copy_records"]) as copy:
        for part in parts:
            copy.write(part)


@attrs.define
class Copying:
    """Rows on their way by COPY; one thread writes them, in the order of their positions."""

    send: Callable[[bytes], None]
    waiting: list[bytes] = attrs.field(factory=lambda: [pack.HEADER])
    count: int = 0
    position: int = 0
    recorded_at: datetime | None = None

    def write(self, row: Row) -> None:
        """Write one record."""
        self.write_packed([packed(row)], row.position, row.recorded_at)

    def write_packed(self, rows: Sequence[bytes], position: int, recorded_at: datetime) -> None:
        """Write records as packed here, the last of which has this position and instant."""
        self.count, self.position, self.recorded_at = self.count + len(rows), position, recorded_at
        self.waiting.extend(rows)
        if len(self.waiting) >= _CHUNK:
            self.send(b"".join(self.waiting))
            self.waiting.clear()


def copy_in(connection: Connection, rows: Sequence[Row]) -> None:
    """As `append`, by COPY."""
    with copying(connection) as stream:
        for row in rows:
            stream.write(row)


def append_event(connection: Connection, event: Mapping[str, Any], now: datetime) -> Position:
    """Append *event* in clear; `id` and `recorded_at` are stamped here. Returns its position."""
    head = lock_head(connection)
    recorded_at = next_instant(head, now)
    id = new_record_id(recorded_at)
    body = event_body(event, id, recorded_at)
    if len(event_entry(body)) > MOST:
        raise BadInput(f"an event of the log has at most {MOST} bytes; nothing was changed", code="event-too-large")
    position = Position(head.position + 1)
    append(connection, [Row(position, id, recorded_at, body, None)])
    return position


def event_body(event: Mapping[str, Any], id: UUID, recorded_at: datetime) -> bytes:
    """The canonical bytes of *event* with its stamps: what stands in the log in clear."""
    return jcs.canonical({**event, "id": str(id), "recorded_at": format_instant(recorded_at)})


_START = struct.Struct(">hiqi16siq").pack
_SAID = struct.Struct(">iqi").pack
_EIGHT, _SIXTEEN, _THIRTY_THREE = (struct.pack(">i", length) for length in (8, 16, 33))


def packed(row: Row) -> bytes:
    """A record for `copy_records`; events are never written that way. Each field has its length before it."""
    assert row.subject is not None
    assert row.occurred_at is not None
    assert row.entry is not None
    return b"".join(
        (
            _START(10, 8, row.position, 16, row.id.bytes, 8, pack.microseconds(row.recorded_at)),
            _SIXTEEN,
            row.subject.bytes,
            words(row.purpose, row.channel, row.decision),
            _SAID(8, pack.microseconds(row.occurred_at), len(row.body)),
            row.body,
            _THIRTY_THREE,
            row.entry,
        )
    )


def pack_records(
    words: bytes,
    *,
    position: npt.NDArray[np.int64],
    ids: Column,
    recorded: Instants,
    subjects: Column,
    occurred: Instants,
    bodies: Column,
    entries: Column,
) -> list[bytes]:
    """As `packed`, for records that have the same *words* and bodies of one length."""
    stencil = Stencil(
        [
            pack.fields(10) + _EIGHT, 8, _SIXTEEN, 16, _EIGHT, 8, _SIXTEEN, 16, words + _EIGHT, 8,
            struct.pack(">i", bodies.shape[1]), bodies.shape[1], _THIRTY_THREE, 33,
        ]
    )  # fmt: skip
    whole = (big_endian(position, ">i8"), ids, big_endian(recorded, ">i8"), subjects, big_endian(occurred, ">i8"))
    return lines(stencil.fill(len(position), *whole, bodies, entries))


@cache
def words(*words: str | None) -> bytes:
    """The few words of purpose, channel and decision, packed."""
    return b"".join(map(pack.text, words))


def _encode(rows: Sequence[Row]) -> str:
    """One JSON parameter for the batch: cheaper for the client than arrays (25 µs instead of 60-90 µs a row)."""
    return msgspec.json.encode(
        [
            {
                "position": row.position,
                "id": row.id,
                "recorded_at": row.recorded_at,
                "body": row.body.decode(),
                "entry": None if row.entry is None else row.entry.hex(),
                "subject": row.subject,
                "purpose": row.purpose,
                "channel": row.channel,
                "decision": row.decision,
                "occurred_at": row.occurred_at,
            }
            for row in rows
        ]
    ).decode()
