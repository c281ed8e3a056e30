"""
A ledger of millions, as the program would have written it: real commitments under real keys, tiles, checkpoints.

Each person says four things at once on the portal's page, and two of three then leave it at that. The rows are made by
the product's own functions in two processes and written by COPY; the keeper follows and signs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from multiprocessing import get_context
from typing import NamedTuple

import attrs
from psycopg import Connection

from bench.ground import Place
from placet.bootstrap import Application
from placet.config import Config
from placet.consents.model import Actor, Decision, Notice, Record
from placet.kernel.ids import ChannelId, Number, Position, PurposeId, new_record_id, new_subject_id
from placet.ledger.append import ending
from placet.ledger.entries import commitment
from placet.ledger.model import Row
from placet.store import copying as pack
from placet.subjects.master import load as load_master
from placet.subjects.vault import Vault

PART = 65_536
EACH = 4
"""Decisions of one person."""
STEP = timedelta(microseconds=200)
"""Between two decisions."""

_PERSONS = b"COPY subjects.person (number, id, language, wrapped_key, created_at) FROM STDIN (FORMAT BINARY)"
_RECORDS = (
    b"COPY ledger.record (position, id, recorded_at, subject, purpose, channel, decision, occurred_at, body, entry)"
    b" FROM STDIN (FORMAT BINARY)"
)
_OFFERS, _USAGE, _PROFILING = PurposeId("offers"), PurposeId("usage"), PurposeId("profiling")
_EMAIL = ChannelId("email")
_NOTICE = Notice("1.0", sha256(b"the text that was shown").hexdigest())
_SUBJECT = Actor("subject")

Said = tuple[PurposeId, ChannelId | None, Decision]
_STORIES: Sequence[Sequence[Said]] = (
    ((_OFFERS, None, Decision.GIVEN), (_OFFERS, _EMAIL, Decision.GIVEN), (_USAGE, None, Decision.GIVEN),
     (_PROFILING, None, Decision.REFUSED)),
    ((_OFFERS, None, Decision.GIVEN), (_OFFERS, _EMAIL, Decision.GIVEN), (_USAGE, None, Decision.REFUSED),
     (_OFFERS, None, Decision.WITHDRAWN)),
    ((_OFFERS, None, Decision.REFUSED), (_USAGE, None, Decision.REFUSED), (_PROFILING, None, Decision.REFUSED),
     (_USAGE, None, Decision.GIVEN)),
)  # fmt: skip
STATES = (4, 3, 3)
"""How many states each of the stories leads to."""


class Job(NamedTuple):
    first: int
    count: int
    number: int
    begin: datetime


class Part(NamedTuple):
    """Rows ready for COPY."""

    persons: bytes
    records: bytes
    last: int
    number: int
    end: datetime


@attrs.define
class Archive:
    """The ledger of *place* as far as it was written."""

    place: Place
    application: Application
    keeping: float = 0.0
    """Seconds that the keeper took for all of it."""

    @property
    def size(self) -> int:
        with self.application.database.transaction() as connection:
            return ending(connection).position

    def grow(self, size: int, clock: Callable[[], float]) -> None:
        """Write decisions until the ledger has *size* positions, all in the tree."""
        with self.place.owner() as connection:
            connection.execute("DROP INDEX ledger.record_subject")
        with get_context("spawn").Pool(2, initializer=_open, initargs=(self.place.config,)) as pool:
            pending = deque()
            for job in self._jobs(size):
                pending.append(pool.apply_async(_make, job))
                if len(pending) == 3:
                    self._write(pending.popleft().get(), clock)
            while pending:
                self._write(pending.popleft().get(), clock)
        with self.place.owner() as connection:
            connection.execute(
                "CREATE INDEX record_subject ON ledger.record (subject, position) WHERE subject IS NOT NULL"
            )
            connection.execute("ANALYZE ledger.record; ANALYZE subjects.person")

    def _jobs(self, size: int) -> Iterator[Job]:
        with self.application.database.transaction() as connection:
            head = ending(connection)
            row = connection.execute("SELECT coalesce(max(number), 0) FROM subjects.current").fetchone()
        assert row is not None
        first, begin, number = head.position + 1, head.recorded_at, row[0] + 1
        while first <= size:
            count = min(PART, size + 1 - first)
            yield Job(first, count, number, begin)
            first, begin, number = first + count, begin + count * STEP, number + -(-count // EACH)

    def _write(self, part: Part, clock: Callable[[], float]) -> None:
        with self.application.database.transaction() as connection:
            for statement, rows in ((_PERSONS, part.persons), (_RECORDS, part.records)):
                with connection.cursor() as cursor, cursor.copy(statement) as copy:
                    copy.write(rows)
            moved = "UPDATE ledger.head SET position = %s, recorded_at = %s"
            connection.execute(moved, [part.last, part.end])
        start = clock()
        self.application.keeper.run_once(part.end)
        self.keeping += clock() - start


_vault: list[Vault] = []


def _open(config: Config) -> None:
    _vault.append(Vault(load_master(config)))


def _make(first: int, count: int, number: int, begin: datetime) -> Part:
    persons, records = [pack.HEADER], [pack.HEADER]
    moment, vault = begin, _vault[0]
    for at in range(count):
        if at % EACH == 0:
            subject, person = new_subject_id(), Number(number + at // EACH)
            key, wrapped = vault.new_key(subject)
            persons.append(_person(person, subject.bytes, wrapped, moment))
        moment += STEP
        purpose, channel, decision = _STORIES[person % len(_STORIES)][at % EACH]
        notice = _NOTICE if decision is Decision.GIVEN else None
        record = Record(new_record_id(moment), subject, purpose, channel, decision, "portal", _SUBJECT, moment, moment,
                        "lv", notice)  # fmt: skip
        body = record.body
        row = Row(Position(first + at), record.id, moment, body, commitment(key, record.id, body), subject, purpose,
                  channel, decision.value, moment)  # fmt: skip
        records.append(_record(row))
    persons.append(pack.TRAILER)
    records.append(pack.TRAILER)
    return Part(b"".join(persons), b"".join(records), first + count - 1, number, moment)


def _person(number: Number, id: bytes, wrapped: bytes, moment: datetime) -> bytes:
    return b"".join(
        (pack.fields(5), pack.int4(number), pack.blob(id), pack.text("lv"), pack.blob(wrapped), pack.instant(moment))
    )


def _record(row: Row) -> bytes:
    assert row.subject is not None
    return b"".join(
        (
            pack.fields(10),
            pack.int8(row.position),
            pack.blob(row.id.bytes),
            pack.instant(row.recorded_at),
            pack.blob(row.subject.bytes),
            pack.text(row.purpose),
            pack.text(row.channel),
            pack.text(row.decision),
            pack.instant(row.occurred_at),
            pack.blob(row.body),
            pack.blob(row.entry),
        )
    )


def states_expected(connection: Connection) -> int:
    """How many states the ledger leads to, by the stories that are told in full (the last person's may be cut)."""
    rows = connection.execute("SELECT number % 3, count(*) FROM subjects.current GROUP BY 1").fetchall()
    return sum(STATES[story] * count for story, count in rows)
