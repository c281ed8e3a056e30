"""
States and feed follow from the ledger: derive them again, and put right what is missing, stray or different.

The persons are taken in slices of their ids, each in a transaction. A slice is folded without any lock, by the rule
that decides live (`rules.step`) under the terms that were in force at each position; only where something must be
written is the head locked, and what was decided meanwhile taken in. So the service goes on, and where all is right
nothing is written.
"""

from __future__ import annotations

import gc
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from datetime import datetime
from itertools import groupby, pairwise
from multiprocessing import get_context
from operator import itemgetter
from typing import Any, NamedTuple, Protocol
from uuid import UUID

import attrs
import msgspec
from psycopg import Connection

from placet.consents import store
from placet.consents.model import Decision, Standing, State
from placet.consents.rules import Terms, step
from placet.consents.store import StateKey
from placet.kernel.ids import ChannelId, Number, PurposeId, SubjectId
from placet.ledger import append as ledger
from placet.store.database import Database
from placet.store.queries import queries

Opener = Callable[[], AbstractContextManager[Database]]
"""Opens the database anew, in each process; it must be importable by name."""
Progress = Callable[[int, int], None]
"""Called with the slices done so far, and all."""

_SQL = queries("placet.consents", "rebuild.sql")
_SLICE = 32_768
"""About so many records in one slice."""
_IDS = 1 << 128


@attrs.frozen
class Edition:
    """A published catalogue: the terms of what was decided behind *position*, and which consents it ended."""

    position: int
    terms: Mapping[PurposeId, Terms]
    lapsed: tuple[tuple[PurposeId, int], ...] = ()


@attrs.frozen
class Rebuilt:
    """How many states (or changes) the ledger leads to, and at how many places something had to be put right."""

    right: int
    mended: int


def rebuild_states(
    opener: Opener, editions: Sequence[Edition], *, processes: int = 1, progress: Progress | None = None
) -> Rebuilt:
    """Make the states what the ledger leads to; *editions* in their order."""
    with opener() as database, database.transaction() as connection:
        stray = connection.execute(_SQL["drop_nobodys_states"]).rowcount
    rebuilt = _rebuilt(opener, editions, StatesOf, processes, progress)
    return Rebuilt(rebuilt.right, rebuilt.mended + stray)


def check_states(
    opener: Opener, editions: Sequence[Edition], *, processes: int = 1, progress: Progress | None = None
) -> Rebuilt:
    """Hold the states against the ledger and change nothing; `mended` counts what `rebuild_states` would put right."""
    with opener() as database, database.transaction() as connection:
        row = connection.execute(_SQL["nobodys_states"]).fetchone()
    found = _rebuilt(opener, editions, CheckedStates, processes, progress)
    return Rebuilt(found.right, found.mended + (0 if row is None else row[0]))


def rebuild_feed(
    opener: Opener, editions: Sequence[Edition], *, processes: int = 1, progress: Progress | None = None
) -> Rebuilt:
    """Make the feed of changes what the ledger leads to; *editions* in their order."""
    with opener() as database, database.transaction() as connection:
        stray = connection.execute(_SQL["drop_stray_feed"]).rowcount
        ledger.lock_head(connection)
        publications = _publications(editions)
        unlike = _different(connection, publications)
        _write_feed(connection, unlike)
    rebuilt = _rebuilt(opener, editions, FeedOf, processes, progress)
    published = sum(len(changes) for changes in publications.values())
    return Rebuilt(rebuilt.right + published, rebuilt.mended + len(unlike) + stray)


class Ids(NamedTuple):
    """Neighbouring ids, both inside."""

    first: UUID
    last: UUID


class Change(NamedTuple):
    """One row of the feed, without its place among those of one position: the order there says nothing."""

    position: int
    number: int | None
    purpose: str | None
    channel: str
    decision: str
    notice_major: int | None
    expires_at: datetime | None


class Happened(NamedTuple):
    """What one position changed; nothing when it was kept and ignored. Without a purpose: an erasure."""

    position: int
    number: Number
    purpose: PurposeId | None
    changed: Standing

    def changes(self) -> set[Change]:
        if self.purpose is None:
            return {Change(self.position, self.number, None, "", "erased", None, None)}
        return {
            Change(
                self.position, self.number, self.purpose, channel or "", state.decision.value, state.notice_major,
                state.expires_at,
            )
            for channel, state in self.changed.items()
        }  # fmt: skip


@attrs.frozen
class Told:
    """What the ledger says of some persons: what happened, in order, and the states that are left at the end."""

    states: dict[StateKey, State]
    happened: list[Happened]


class Mending(Protocol):
    """What is stored of a slice, held against what was told."""

    right: int
    mended: int

    def __init__(self, connection: Connection, ids: Ids, told: Told) -> None: ...

    def write(self, connection: Connection) -> None:
        """Put right what differs, under the head's lock."""
        ...


class StatesOf:
    """The stored states of a slice."""

    def __init__(self, connection: Connection, ids: Ids, told: Told) -> None:
        rows = connection.execute(_SQL["slice_states"], ids._asdict())
        stored = {_key(number, purpose, channel): _state(*state) for number, purpose, channel, *state in rows}
        self._wrong = [key for key, state in stored.items() if told.states.get(key) != state]
        self._missing = {key: state for key, state in told.states.items() if stored.get(key) != state}
        self.right = len(told.states)
        self.mended = len(self._missing) + sum(key not in told.states for key in self._wrong)

    def write(self, connection: Connection) -> None:
        if self._wrong:
            numbers, purposes, channels = zip(*self._wrong, strict=True)
            wrong = {"numbers": list(numbers), "purposes": list(purposes), "channels": [c or "" for c in channels]}
            connection.execute(_SQL["drop_states"], wrong)
        store.copy_states(connection, store.SQL["copy_states"], self._missing)


class CheckedStates(StatesOf):
    """The stored states of a slice, to be counted only: under the head's lock, so nothing is merely on its way."""

    def write(self, connection: Connection) -> None:
        """Leave all as it is."""


def _key(number: Number, purpose: PurposeId, channel: str) -> StateKey:
    return number, purpose, ChannelId(channel) if channel else None


def _state(decision: str, *columns: Any) -> State:
    return State(Decision(decision), *columns)


class FeedOf:
    """The stored changes of a slice."""

    def __init__(self, connection: Connection, ids: Ids, told: Told) -> None:  # noqa: ARG002 - as of `Mending`
        derived = {happened.position: happened.changes() for happened in told.happened}
        self._different = _different(connection, derived)
        self.right = sum(len(changes) for changes in derived.values())
        self.mended = len(self._different)

    def write(self, connection: Connection) -> None:
        _write_feed(connection, self._different)


Feed = Mapping[int, set[Change]]
"""Changes by their position."""


def _different(connection: Connection, derived: Feed) -> Feed:
    """Those of *derived* that are not so in the stored feed."""
    stored: dict[int, set[Change]] = {}
    for row in connection.execute(_SQL["slice_feed"], {"positions": list(derived)}):
        stored.setdefault(row[0], set()).add(Change(*row))
    return {position: changes for position, changes in derived.items() if stored.get(position, set()) != changes}


def _write_feed(connection: Connection, feed: Feed) -> None:
    connection.execute(_SQL["drop_feed"], {"positions": list(feed)})
    with connection.cursor() as cursor, cursor.copy(_SQL["copy_rebuilt_feed"]) as copy:
        copy.set_types(["int8", "int2", "int4", "text", "text", "text", "int4", "timestamptz"])
        for changes in feed.values():
            for item, change in enumerate(sorted(changes, key=lambda each: (each.purpose or "", each.channel))):
                copy.write_row((change.position, item, *change[1:]))


def _publications(editions: Sequence[Edition]) -> Feed:
    return {
        edition.position: {Change(edition.position, None, purpose, "", "published", major, None)
                           for purpose, major in edition.lapsed}
        for edition in editions
    }  # fmt: skip


def _rebuilt(
    opener: Opener, editions: Sequence[Edition], mending: type[Mending], processes: int, progress: Progress | None
) -> Rebuilt:
    with opener() as database, database.transaction() as connection:
        slices = list(_slices(ledger.ending(connection).position))
    right = mended = 0
    for done, rebuilt in enumerate(_each(opener, editions, mending, slices, processes), 1):
        right, mended = right + rebuilt.right, mended + rebuilt.mended
        if progress is not None:
            progress(done, len(slices))
    return Rebuilt(right, mended)


def _slices(records: int) -> Iterator[Ids]:
    """Ids are random, so as many ids hold about as many records."""
    count = 1 + records // _SLICE
    bounds = [at * _IDS // count for at in range(count + 1)]
    for first, beyond in pairwise(bounds):
        yield Ids(UUID(int=first), UUID(int=beyond - 1))


def _each(
    opener: Opener, editions: Sequence[Edition], mending: type[Mending], slices: Sequence[Ids], processes: int
) -> Iterator[Rebuilt]:
    """The slices in order, rebuilt here or by *processes* others."""
    if processes < 2 or len(slices) < 2:
        with opener() as database:
            for ids in slices:
                yield _rebuild_slice(database, editions, mending, ids)
        return
    # Fresh interpreters: a forked copy of a connection pool would share sockets with its parent.
    with get_context("spawn").Pool(processes, initializer=_open, initargs=(opener, editions, mending)) as pool:
        yield from pool.imap(_rebuild_here, slices)
        pool.close()
        pool.join()


_opened = ExitStack()
_here: list[tuple[Database, Sequence[Edition], type[Mending]]] = []
"""What a worker process works with; set once by its initialiser."""


def _open(opener: Opener, editions: Sequence[Edition], mending: type[Mending]) -> None:
    # A slice's values form no cycles and go when it is done: looking for cycles took a third of the time.
    gc.disable()
    _here.append((_opened.enter_context(opener()), editions, mending))


def _rebuild_here(ids: Ids) -> Rebuilt:
    return _rebuild_slice(*_here[0], ids)


def _rebuild_slice(database: Database, editions: Sequence[Edition], mending: type[Mending], ids: Ids) -> Rebuilt:
    with database.transaction() as connection:
        end = ledger.ending(connection).position
        found = mending(connection, ids, _told(connection, ids, editions, end))
        if found.mended:
            end_now = ledger.lock_head(connection).position
            if connection.execute(_SQL["newer"], {**ids._asdict(), "end": end}).fetchone() == (True,):
                found = mending(connection, ids, _told(connection, ids, editions, end_now))
            found.write(connection)
    return Rebuilt(found.right, found.mended)


class _Actor(msgspec.Struct):
    kind: str


class _Notice(msgspec.Struct):
    version: str

    @property
    def major(self) -> int:
        return int(self.version.partition(".")[0])


class _Said(msgspec.Struct):
    """What the fold needs of a record's body (`rules.Foldable`): decoding all of it would take five times as long."""

    purpose: PurposeId
    channel: ChannelId | None
    decision: Decision
    actor: _Actor
    occurred_at: datetime
    recorded_at: datetime
    notice: _Notice | None
    reason: str | None


_decode = msgspec.json.Decoder(_Said).decode


def _told(connection: Connection, ids: Ids, editions: Sequence[Edition], end: int) -> Told:
    """Fold what the persons of *ids* said up to *end*."""
    positions = [edition.position for edition in editions]
    told = Told({}, [])
    with connection.cursor(binary=True) as cursor:
        numbers: dict[SubjectId, Number] = dict(cursor.execute(_SQL["persons"], ids._asdict()).fetchall())
        cursor.execute(_SQL["spoken"], {**ids._asdict(), "end": end})
        for subject, rows in groupby(cursor, key=itemgetter(1)):
            number = numbers[subject]
            standings: dict[PurposeId, dict[ChannelId | None, State]] = {}
            for position, _, erased, body in rows:
                if erased:
                    standings.clear()
                    told.happened.append(Happened(position, number, None, {}))
                    continue
                said = _decode(body)
                # A decision stands under the edition before it; the first one is published before any decision.
                at = bisect_left(positions, position) - 1
                terms = editions[at].terms.get(said.purpose) if at >= 0 else None
                standing = standings.setdefault(said.purpose, {})
                changed = step(standing, said, position=position, terms=terms)
                standing.update(changed)
                told.happened.append(Happened(position, number, said.purpose, changed))
            for purpose, left in standings.items():
                told.states.update({(number, purpose, channel): state for channel, state in left.items()})
    return told
