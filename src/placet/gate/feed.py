"""
How the replica follows the ledger: woken by NOTIFY, looking every 250 ms anyway, and told apart from silence by a
heartbeat. The truth is the position; a notification is only a reason to look: it may get lost.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import psycopg
import structlog
from psycopg import Connection, IsolationLevel

from placet.gate import snapshot, store
from placet.gate.bits import Bits, Change
from placet.gate.layout import ALL_PURPOSES, BITS
from placet.gate.memory import Heard, Memory
from placet.gate.model import Need, Terms, Token
from placet.gate.view import Plan, plans, purpose_terms
from placet.kernel import clock
from placet.kernel.errors import Unavailable
from placet.kernel.ids import Position, PurposeId
from placet.store.database import Database, translated
from placet.store.queries import queries

SQL = queries("placet.gate", "feed.sql")
GATHER = 0.01
"""Seconds between two looks when decisions follow each other closely: those of this time are taken in at once."""
POLL = 0.25
"""Seconds between two looks when nobody wakes us: the heartbeat."""
HORIZON = timedelta(hours=1)
"""How far ahead the ends of consents are kept in memory."""
_SAVE_EVERY = 600.0

log = structlog.get_logger()


@attrs.define
class _Known:
    """What the feed has seen; belongs to the feed's thread."""

    token: Token
    stamp: datetime | None
    """`recorded_at` of the last record."""
    edition: int
    merged: int
    people: int
    hindrances: int
    """How often anything was restricted, lifted, closed or reopened."""
    terms: Mapping[str, Terms]
    plans: Mapping[str, Plan]
    horizon: datetime


class Feed:
    """One thread that keeps *memory* up with *database*; `file` is where its snapshot is kept."""

    def __init__(
        self,
        memory: Memory,
        database: Database,
        file: Path,
        *,
        clock: Callable[[], datetime] = clock.now,
        monotonic: Callable[[], float] = time.monotonic,
        hang: float = 4.0,
        swapped: Callable[[Position], None] = lambda _: None,
    ) -> None:
        """*swapped* is told, once the view that holds it answers, up to where withdrawals have been taken in."""
        self._memory = memory
        self._database = database
        self.file = file
        self._clock = clock
        self._monotonic = monotonic
        self._hang = hang
        self._swapped = swapped
        self._known: _Known | None = None
        self._saved = monotonic()
        self._stop = threading.Event()
        self._busy: tuple[float, Connection] | None = None
        self._threads = [
            threading.Thread(target=self._run, name="replica-feed", daemon=True),
            threading.Thread(target=self._watch, name="replica-watch", daemon=True),
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End the threads and keep a snapshot for the next start."""
        self._stop.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(timeout=10)
        if self._known is not None:
            self.save()

    def look(self, connection: Connection) -> None:
        """One look at the database: everything that changed, or only that nothing did."""
        heard = self._monotonic()
        epoch, position, stamp, edition, merged, hindrances = _one(connection, "pulse")
        known = self._known
        if known is None or known.token.epoch != epoch or known.token.position > position:
            # Nothing yet, or another or a rolled-back ledger: what we hold is worth nothing.
            self._begin(connection)
            return
        now = self._now(stamp)
        seen = (known.token.position, known.edition, known.merged, known.hindrances)
        if seen == (position, edition, merged, hindrances):
            self._memory.renew(self._heard(known, heard, now), self._due(now))
        else:
            self._catch_up(connection, known, heard, now)
        if now > known.horizon - HORIZON / 2:
            self._look_ahead(connection, now)

    def look_once(self) -> None:
        """As `look`, on a connection of its own."""
        with translated(), self._connected() as connection:
            self.look(connection)

    def save(self) -> None:
        """Keep a snapshot; a full or missing disk is no reason to stop answering."""
        known = self._known
        if known is None:
            return
        self._saved = self._monotonic()
        with contextlib.suppress(OSError):
            snapshot.write(self.file, snapshot.Kept(self._memory.copy(), known.token, known.stamp))

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._follow()
            except (Unavailable, psycopg.Error) as error:
                log.warning("replica.away", error=type(error).__name__)
                self._stop.wait(POLL)

    def _follow(self) -> None:
        with translated(), self._connected() as connection:
            connection.execute(SQL["listen"])
            connection.execute(SQL["listen_gate"])
            while not self._stop.is_set():
                self._busy = (self._monotonic(), connection)
                self.look(connection)
                self._busy = None
                if self._monotonic() - self._saved > _SAVE_EVERY:
                    self.save()
                looked = self._monotonic()
                for _ in connection.notifies(timeout=self._pause(), stop_after=1):
                    self._stop.wait(max(0.0, looked + GATHER - self._monotonic()))

    def _now(self, stamp: datetime | None) -> datetime:
        """Never earlier than the last record: a clock that jumps back brings no consent back that had ended."""
        now = self._clock()
        return now if stamp is None else max(now, stamp)

    def _connected(self) -> Connection:
        """In autocommit each statement sees the present; a transaction sees one snapshot."""
        connection = self._database.dedicated()
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        # Statistics may be missing after a bulk load; the heartbeat must use the indexes that were made for it.
        connection.execute("SET enable_seqscan = off")
        return connection

    def _pause(self) -> float:
        """Until the next look: sooner when something ends before it."""
        end = self._memory.next_end()
        return POLL if end is None else min(POLL, max(0.001, (end - self._clock()).total_seconds()))

    def _watch(self) -> None:
        """A connection that neither answers nor breaks is broken from here, so that the feed may find another."""
        while not self._stop.wait(POLL):
            busy = self._busy
            if busy is not None and self._monotonic() - busy[0] > self._hang:
                self._busy = None
                with contextlib.suppress(OSError, psycopg.Error):
                    duplicate = socket.socket(fileno=os.dup(busy[1].pgconn.socket))
                    with duplicate:
                        duplicate.shutdown(socket.SHUT_RDWR)

    def _begin(self, connection: Connection) -> None:
        """Start from the snapshot and its tail if it is of this ledger, else from the database."""
        self._known = None
        kept = snapshot.read(self.file)
        with connection.transaction():
            heard = self._monotonic()
            epoch, position, stamp, edition, merged, hindrances = _one(connection, "pulse")
            now = self._now(stamp)
            (highest,) = _one(connection, "highest")
            ending = Token(epoch, position)
            if kept is not None and _same_ledger(connection, kept, ending):
                bits, after = kept.bits, kept.token.position
                majors = store.majors(connection)
                bits.learn(majors)
                bits.apply(_changes(connection, after), now)
                bits.in_force(majors)
            else:
                bits = self._load(connection, highest, now)
            bits.reach(highest)
            bits.forget(_merged(connection))
            bits.restrict(_restricted(connection))
            self._ends(connection, bits, now)
            terms = _terms(connection)
            asked = _plans(terms, bits.majors, _closed(connection))
            known = _Known(ending, stamp, edition, merged, 0, hindrances, terms, asked, now + HORIZON)
        bits.expire(self._now(stamp))
        self._memory.begin(bits)
        self._memory.renew(self._heard(known, heard, now))
        self._swapped(Position(ending.position))
        # Counting takes a second for ten million; only audiences need it, so it comes after the first answers.
        (known.people,) = _one(connection, "people")
        self._memory.renew(self._heard(known, heard, now))
        self._known = known

    def _load(self, connection: Connection, highest: int, now: datetime) -> Bits:
        """Everything, in chunks of numbers; each is an index range."""
        bits = Bits.empty(highest + 1, store.majors(connection))
        with connection.cursor(binary=True) as cursor:
            for first in range(0, highest + 1, _CHUNK):
                self._busy = (self._monotonic(), connection)
                cursor.execute(SQL["states"], {"first": first, "beyond": first + _CHUNK, "now": now})
                for purpose, channel, kind, packed in cursor:
                    if (bit := BITS.get((purpose, channel))) is not None:
                        bits.set_many(kind, bit, packed)
        return bits

    def _catch_up(self, connection: Connection, known: _Known, heard: float, now: datetime) -> None:
        with connection.transaction():
            epoch, position, stamp, edition, merged, hindrances = _one(connection, "pulse")
            if epoch != known.token.epoch:
                self._known = None
                return
            changes = _changes(connection, known.token.position)
            gone = _merged(connection) if merged != known.merged else None
            hindered = hindrances != known.hindrances
            restricted = _restricted(connection) if hindered else None
            majors = store.majors(connection)
            if edition != known.edition:
                known.terms = _terms(connection)
            if hindered or edition != known.edition:
                known.plans = _plans(known.terms, majors, _closed(connection))

        def write(bits: Bits) -> None:
            bits.learn(majors)
            bits.apply(changes, now)
            if gone is not None:
                bits.forget(gone)
            if restricted is not None:
                bits.restrict(restricted)
            bits.expire(now)
            # What the feed did not say is taken from the catalogue itself.
            bits.in_force(majors)

        known.token, known.stamp, known.edition, known.merged = Token(epoch, position), stamp, edition, merged
        known.hindrances = hindrances
        self._memory.renew(self._heard(known, heard, now), write)
        if any(change.closes for change in changes):
            self._swapped(Position(position))

    def _due(self, now: datetime) -> Callable[[Bits], None] | None:
        end = self._memory.next_end()
        return (lambda bits: bits.expire(now)) if end is not None and end <= now else None

    def _look_ahead(self, connection: Connection, now: datetime) -> None:
        known = self._known
        if known is None:
            return
        with connection.transaction():
            ends = connection.execute(SQL["ends"], {"before": now + HORIZON}).fetchall()
            (known.people,) = _one(connection, "people")
        known.horizon = now + HORIZON
        self._memory.note_ends([(n, BITS[p, c], end) for n, p, c, end in ends if (p, c) in BITS])

    def _ends(self, connection: Connection, bits: Bits, now: datetime) -> None:
        for number, purpose, channel, end in connection.execute(SQL["ends"], {"before": now + HORIZON}):
            if (bit := BITS.get((purpose, channel))) is not None:
                bits.note_end(number, bit, end)

    def _heard(self, known: _Known, heard: float, now: datetime) -> Heard:
        return Heard(known.token, now, heard, known.plans, known.edition, known.people, known.merged)


_CHUNK = 65_536


def _changes(connection: Connection, after: int) -> list[Change]:
    return [Change(*row) for row in connection.execute(SQL["changes"], {"after": after})]


def _merged(connection: Connection) -> list[int]:
    return [number for (number,) in connection.execute(SQL["merged"])]


def _same_ledger(connection: Connection, kept: snapshot.Kept, ending: Token) -> bool:
    """Whether the snapshot is of this ledger, and not of one that was rolled back or replaced."""
    token = kept.token
    if token.epoch != ending.epoch or token.position > ending.position:
        return False
    if token.position == 0:
        return True
    return connection.execute(SQL["stamp"], {"position": token.position}).fetchone() == (kept.stamp,)


def _plans(
    terms: Mapping[str, Terms], majors: Mapping[PurposeId, int], closed: frozenset[PurposeId]
) -> dict[str, Plan]:
    return plans({**purpose_terms(majors), **terms}, majors, closed=closed)


def _restricted(connection: Connection) -> dict[int, int]:
    """The restricted purposes, as bits, of those for whom any is."""
    found: dict[int, int] = {}
    for number, purpose in connection.execute(SQL["restricted"]):
        bits = 1 << BITS[purpose, None] if (purpose, None) in BITS else 0
        found[number] = found.get(number, 0) | (bits if purpose else ALL_PURPOSES)
    return found


def _closed(connection: Connection) -> frozenset[PurposeId]:
    return frozenset(PurposeId(purpose) for (purpose,) in connection.execute(SQL["closed"]))


def _terms(connection: Connection) -> dict[str, Terms]:
    """What every activity in force asks for."""
    found: dict[str, Terms] = {}
    for activity, basis, channel, purpose, of_channel in connection.execute(SQL["activities"]):
        needs = found[activity].needs if activity in found else ()
        more = () if purpose is None else (Need(purpose, of_channel),)
        found[activity] = Terms(basis, needs + more, channel)
    return found


def _one(connection: Connection, name: str) -> tuple[Any, ...]:
    row = connection.execute(SQL[name]).fetchone()
    assert row is not None
    return row
