"""Test records, and a ledger that is written through the application's own role."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from attrs import frozen

from placet.config import Config
from placet.kernel import jcs
from placet.kernel.ids import Position, SubjectId
from placet.kernel.periods import format_instant
from placet.ledger import append
from placet.ledger.entries import commitment
from placet.ledger.keeper import Keeper
from placet.ledger.keys import Keys, LogSigner
from placet.ledger.keys import load as load_keys
from placet.ledger.model import Head, Row
from placet.ledger.outside import Outside
from placet.ledger.slices import Sources
from placet.store.database import Database

ORIGIN = "placet.example/log"
START = datetime.fromisoformat("2026-03-12T12:00:00+00:00")


def subject_id(n: int) -> SubjectId:
    return SubjectId(UUID(bytes=hashlib.sha256(f"subject {n}".encode()).digest()[:16], version=4))


def subject_key(id: UUID) -> bytes:
    return hashlib.sha256(b"key of " + id.bytes).digest()


def subject_keys(ids: Sequence[UUID]) -> dict[UUID, bytes | None]:
    return {id: subject_key(id) for id in ids}


def row_after(head: Head, n: int, now: datetime) -> Row:
    """The *n*-th row behind *head*: a decision of one of 50 subjects."""
    recorded_at = append.next_instant(head, now) + timedelta(microseconds=n)
    position = Position(head.position + 1 + n)
    id = UUID(bytes=hashlib.sha256(f"record {position} {recorded_at}".encode()).digest()[:16], version=4)
    subject = subject_id(position % 50)
    fields = {
        "id": str(id),
        "recorded_at": format_instant(recorded_at),
        "subject": str(subject),
        "purpose": "offers",
        "channel": "email" if position % 3 else None,
        "decision": "given" if position % 2 else "withdrawn",
        "occurred_at": format_instant(recorded_at),
        "route": "portal",
    }
    body = jcs.canonical(fields)
    return Row(
        position=position,
        id=id,
        recorded_at=recorded_at,
        body=body,
        entry=commitment(subject_key(subject), id, body),
        subject=subject,
        purpose="offers",
        channel=fields["channel"],
        decision=fields["decision"],
        occurred_at=recorded_at,
    )


@frozen
class Book:
    """Writes records, and keeps the tree over them."""

    database: Database
    config: Config
    keys: Keys

    @property
    def memory(self) -> Outside:
        return Outside.of(self.config)

    @property
    def outside(self) -> Path:
        return self.memory.folder

    @property
    def signer(self) -> LogSigner:
        return LogSigner(self.config.log_origin, self.keys.checkpoint)

    def write(self, count: int, now: datetime = START) -> None:
        with self.database.transaction() as connection:
            head = append.lock_head(connection)
            append.copy_in(connection, [row_after(head, n, now) for n in range(count)])

    def event(self, now: datetime = START, **fields: str) -> None:
        with self.database.transaction() as connection:
            append.append_event(connection, {"type": "test", **fields}, now)

    def erase(self, subject: SubjectId, now: datetime) -> None:
        with self.database.transaction() as connection:
            head = append.lock_head(connection)
            at, id = append.next_instant(head, now), UUID(bytes=hashlib.sha256(subject.bytes).digest()[:16], version=4)
            body = append.event_body({"type": "erased", "subject": str(subject)}, id, at)
            row = Row(Position(head.position + 1), id, at, body, None, subject=subject, decision="erased")
            append.append(connection, [row])

    def keeper(self) -> Keeper:
        return Keeper(self.database, self.keys, self.config)


@contextlib.contextmanager
def sources_at(url: str, config: Config) -> Iterator[Sources]:
    """What verification reads, opened anew: importable by name for its other processes."""
    database = Database(url, size=1)
    try:
        signer = LogSigner(config.log_origin, load_keys(config.data_dir).checkpoint)
        yield Sources(database, subject_keys, signer, Outside.of(config))
    finally:
        database.close()
