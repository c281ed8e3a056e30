"""
A ledger of millions, as the program would have written it: real commitments under real keys, tiles, checkpoints.

Each person says four things at once on the portal's page, and two of three then leave it at that. The rows are made in
two processes and written by COPY; the keeper follows and signs. That they are right is what `verify` then finds.
"""

from __future__ import annotations

import os
import struct
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from multiprocessing import get_context
from typing import NamedTuple
from uuid import UUID

import attrs
from psycopg import Connection

from bench.ground import Place
from placet.bootstrap import Application
from placet.config import Config
from placet.consents.model import Actor, Decision, Notice, Record
from placet.kernel.ids import ChannelId, Number, PurposeId, RecordId, SubjectId, new_subject_id
from placet.kernel.periods import format_instant
from placet.ledger.append import ending
from placet.ledger.entries import commitment
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
    forms = [[_Form.of(*said) for said in story] for story in _STORIES]
    draw, vault, clock = os.urandom(10 * count).hex(), _vault[0], pack.microseconds(begin)
    step = STEP // timedelta(microseconds=1)
    for at in range(count):
        if at % EACH == 0:
            subject, person = new_subject_id(), Number(number + at // EACH)
            key, wrapped = vault.new_key(subject)
            said_by = str(subject).encode()
            persons.append(_person(person, subject.bytes, wrapped, clock))
        clock += step
        form = forms[person % len(forms)][at % EACH]
        records.append(form.row(first + at, clock, draw[20 * at : 20 * at + 20], subject.bytes, said_by, key))
    persons.append(pack.TRAILER)
    records.append(pack.TRAILER)
    return Part(b"".join(persons), b"".join(records), first + count - 1, number, begin + count * STEP)


class _Form(NamedTuple):
    """What the records of one thing said have in common: ten millions are made from these within minutes."""

    body: bytes
    words: bytes

    @classmethod
    def of(cls, purpose: PurposeId, channel: ChannelId | None, decision: Decision) -> _Form:
        sample = Record(RecordId(UUID(int=1)), SubjectId(UUID(int=2)), purpose, channel, decision, "portal", _SUBJECT,
                        _EPOCH, _EPOCH, "lv", _NOTICE if decision is Decision.GIVEN else None)  # fmt: skip
        body = sample.body
        for own in (str(sample.id), str(sample.subject), format_instant(_EPOCH)):
            body = body.replace(own.encode(), b"%b")
        return cls(body, pack.text(purpose) + pack.text(channel) + pack.text(decision.value))

    def row(self, position: int, clock: int, draw: str, subject: bytes, said_by: bytes, key: bytes) -> bytes:
        """One row of COPY; *clock* in microseconds as the wire carries it, *draw* 80 random bits in hex."""
        seconds, micros = divmod(clock, 1_000_000)
        text = f"{(clock + _EPOCH_MS * 1000) // 1000:012x}7{draw[:3]}8{draw[3:18]}"
        id = f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}".encode()
        moment = b"%b.%06dZ" % (_second(seconds), micros)
        body = self.body % (id, moment, moment, said_by)
        raw = bytes.fromhex(text)
        entry = commitment(key, UUID(bytes=raw), body)
        return b"".join(
            (
                _ROW(10, 8, position, 16, raw, 8, clock, 16, subject),
                self.words,
                _BYTES(8, clock, len(body)),
                body,
                _ENTRY,
                entry,
            )
        )


_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_EPOCH_MS = int(_EPOCH.timestamp()) * 1000
_ROW = struct.Struct(">hiqi16siqi16s").pack
_BYTES = struct.Struct(">iqi").pack
_ENTRY = struct.pack(">i", 33)


@lru_cache(4)
def _second(seconds: int) -> bytes:
    """A second of the wire's clock, as an instant is written up to it."""
    return format_instant(_EPOCH + timedelta(seconds=seconds))[:19].encode()


def _person(number: Number, id: bytes, wrapped: bytes, clock: int) -> bytes:
    return b"".join(
        (pack.fields(5), pack.int4(number), pack.blob(id), pack.text("lv"), pack.blob(wrapped), pack.int8(clock))
    )


def states_expected(connection: Connection) -> int:
    """How many states the ledger leads to, by the stories that are told in full (the last person's may be cut)."""
    rows = connection.execute("SELECT number % 3, count(*) FROM subjects.current GROUP BY 1").fetchall()
    return sum(STATES[story] * count for story, count in rows)
