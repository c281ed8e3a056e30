"""Reading and writing what decisions need, a batch at a time. Every function joins the caller's transaction."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

import attrs
import msgspec
import numpy as np
import numpy.typing as npt
from psycopg import Connection

from placet.consents.model import Decision, Record, Standing, State, from_json
from placet.kernel import jcs
from placet.kernel.columns import Column, Instants, Stencil, big_endian, lines
from placet.kernel.ids import ChannelId, Number, Position, PurposeId, RecordId, SubjectId
from placet.kernel.periods import MICROSECOND
from placet.store import copying as pack
from placet.store.queries import queries

SQL = queries("placet.consents")
_MAX_POSITION = 2**62
# Fields of the COPY statements, each with its length before it; the first number is how many there are.
_STATE = struct.Struct(">hii").pack
_SAID = struct.Struct(">iqiqiq").pack
_CHANGE = struct.Struct(">hiqihii").pack
_EIGHT = struct.pack(">i", 8)
_FIRST_STATE = struct.pack(">hi", 11, 4)
_FIRST_CHANGE = struct.pack(">hi", 8, 8)
_NO_ITEM = struct.pack(">ihi", 2, 0, 4)


@attrs.frozen
class Person:
    """What the ledger needs of a subject: the dense number, and the wrapped key (None once erased)."""

    id: SubjectId
    number: Number
    wrapped_key: bytes | None
    erased: bool


@attrs.frozen
class Answered:
    """An idempotency key that was answered before."""

    request: bytes
    position: Position
    record: RecordId


StateKey = tuple[Number, PurposeId, ChannelId | None]


@attrs.frozen(eq=False)
class Firsts:
    """First states of many people on one purpose or channel: each like *like*, with its own number, place and times."""

    purpose: PurposeId
    channel: ChannelId | None
    like: State
    numbers: npt.NDArray[np.int64]
    position: npt.NDArray[np.int64]
    occurred: Instants
    recorded: Instants


@attrs.define
class Writing:
    """What a batch is about to write; filled while the batch is decided, written at once."""

    states: dict[StateKey, State] = attrs.field(factory=dict)
    new: set[StateKey] = attrs.field(factory=set)
    """Those of `states` of which nothing is stored yet."""
    feed: list[tuple[StateKey, int, State]] = attrs.field(factory=list)
    """What changed, with its place among the changes of one position."""
    answered: list[dict[str, Any]] = attrs.field(factory=list)
    evidence: list[dict[str, Any]] = attrs.field(factory=list)
    firsts: list[Firsts] = attrs.field(factory=list)
    """New states in columns, each with its one change in the feed; only `copy_changes` knows them."""

    def answer(self, key: bytes, request: bytes, position: Position, now: datetime) -> None:
        self.answered.append({"key": key.hex(), "request": request.hex(), "position": position, "created_at": now})

    def change(self, number: Number, purpose: PurposeId, before: Standing, changed: Standing) -> None:
        for item, (channel, state) in enumerate(changed.items()):
            key = (number, purpose, channel)
            if channel not in before:
                self.new.add(key)
            self.states[key] = state
            self.feed.append((key, item, state))


# What is `asked` is read when it is called: within a pipeline, questions that are asked one after the other cost one
# wait for all of their answers.


def people(connection: Connection, ids: Iterable[SubjectId]) -> dict[SubjectId, Person]:
    return asked_people(connection, ids)()


def asked_people(connection: Connection, ids: Iterable[SubjectId]) -> Callable[[], dict[SubjectId, Person]]:
    rows = connection.execute(SQL["subjects"], {"ids": pack.array(id.hex for id in ids)})
    return lambda: {id: Person(id, number, wrapped, erased) for id, number, wrapped, erased in rows}


def standings(
    connection: Connection,
    numbers: Iterable[Number],
    purposes: Iterable[str],
    *,
    statement: bytes = SQL["states"],
) -> dict[tuple[Number, PurposeId], dict[ChannelId | None, State]]:
    rows = connection.execute(statement, {"numbers": pack.array(map(str, numbers)), "purposes": list(purposes)})
    return _standings(rows)


def asked_standings(
    connection: Connection, ids: Iterable[SubjectId], purposes: Iterable[str]
) -> Callable[[], dict[tuple[Number, PurposeId], dict[ChannelId | None, State]]]:
    """As `standings`, by id: there is no need to know the numbers first."""
    rows = connection.execute(
        SQL["states_of"], {"ids": pack.array(id.hex for id in ids), "purposes": list(purposes)}
    )  # fmt: skip
    return lambda: _standings(rows)


def _standings(rows: Iterable[tuple[Any, ...]]) -> dict[tuple[Number, PurposeId], dict[ChannelId | None, State]]:
    found: dict[tuple[Number, PurposeId], dict[ChannelId | None, State]] = {}
    for row in rows:
        found.setdefault((row[0], row[1]), {})[row[2] or None] = _state(row)
    return found


def standing_of(connection: Connection, number: Number) -> dict[PurposeId, Standing]:
    """All states of one subject, as they were written (expiry and publications not applied)."""
    found: dict[PurposeId, dict[ChannelId | None, State]] = {}
    for row in connection.execute(SQL["standing"], {"number": number}):
        found.setdefault(row[1], {})[row[2] or None] = _state(row)
    return dict(found)


def asked_answers(connection: Connection, keys: Sequence[bytes]) -> Callable[[], dict[bytes, Answered]]:
    """What was answered before to these idempotency keys."""
    if not keys:
        return dict
    rows = connection.execute(SQL["answered"], {"keys": list(keys)})
    return lambda: {bytes(key): Answered(bytes(request), position, id) for key, request, position, id in rows}


def write(connection: Connection, writing: Writing) -> None:
    """Write what a batch changed, in one statement."""
    states = [_state_row(key, state) for key, state in writing.states.items()]
    feed = [_feed_row(*change) for change in writing.feed]
    parts = {"states": states, "feed": feed, "answered": writing.answered, "evidence": writing.evidence}
    connection.execute(SQL["write"], {name: msgspec.json.encode(rows).decode() for name, rows in parts.items()})


def copy_changes(connection: Connection, writing: Writing) -> None:
    """
    The feed and the new states of *writing*, by COPY; `write_changed` writes the rest.

    Whoever holds the head row's lock knows which states there are, so what is new cannot collide.
    """
    feed = [row for firsts in writing.firsts for row in _first_changes(firsts)]
    pack.copy_rows(connection, SQL["copy_feed"], [*feed, *(_packed_change(*change) for change in writing.feed)])
    new = [row for firsts in writing.firsts for row in _first_states(firsts)]
    pack.copy_rows(
        connection, SQL["copy_states"], [*new, *(_packed_state(key, writing.states[key]) for key in writing.new)]
    )


def write_changed(connection: Connection, writing: Writing) -> None:
    """What `copy_changes` leaves: states that changed, answers to keys, evidence."""
    rest = {key: state for key, state in writing.states.items() if key not in writing.new}
    if rest or writing.answered or writing.evidence:
        write(connection, attrs.evolve(writing, states=rest, feed=[]))


def copy_states(connection: Connection, statement: bytes, states: Mapping[StateKey, State]) -> None:
    pack.copy_rows(connection, statement, [_packed_state(key, state) for key, state in states.items()])


def history(connection: Connection, subject: SubjectId, *, before: int | None, limit: int) -> list[Record]:
    """The subject's records with a position below *before*, newest first."""
    parameters = {"subject": subject, "before": _MAX_POSITION if before is None else before, "limit": limit}
    return [_record(*row) for row in connection.execute(SQL["history"], parameters)]


def records(connection: Connection, subject: SubjectId) -> list[Record]:
    """All records of the subject, oldest first."""
    return [_record(*row) for row in connection.execute(SQL["records"], {"subject": subject})]


def records_of_many(connection: Connection, subjects: Sequence[SubjectId]) -> list[Record]:
    """All records of all *subjects*, oldest first."""
    return [_record(*row) for row in connection.execute(SQL["records_of_many"], {"subjects": list(subjects)})]


def record(connection: Connection, id: RecordId) -> Record | None:
    row = connection.execute(SQL["record"], {"id": id}).fetchone()
    return None if row is None else _record(*row)


def line_since(connection: Connection, numbers: Sequence[Number]) -> dict[Number, datetime]:
    """When the first of each subject's present lines began; who has no line is not in it."""
    return dict(connection.execute(SQL["line_since"], {"numbers": pack.array(map(str, numbers))}).fetchall())


def persisted(connection: Connection, ids: Sequence[UUID]) -> set[UUID]:
    return {id for (id,) in connection.execute(SQL["persisted"], {"ids": list(ids)})}


def due(
    connection: Connection, now: datetime, limit: int
) -> list[tuple[SubjectId, PurposeId, ChannelId | None, datetime]]:
    rows = connection.execute(SQL["due"], {"now": now, "limit": limit})
    return [(id, purpose, channel or None, expires_at) for id, purpose, channel, expires_at in rows]


def _record(position: int, body: bytes) -> Record:
    return from_json(jcs.parse(bytes(body)), Position(position))


def _state(row: tuple[Any, ...]) -> State:
    _, _, _, decision, position, occurred_at, recorded_at, closed_at, own, major, expires_at = row
    return State(Decision(decision), position, occurred_at, recorded_at, closed_at, own, major, expires_at)


def _state_row(key: StateKey, state: State) -> dict[str, Any]:
    number, purpose, channel = key
    return {
        "number": number,
        "purpose": purpose,
        "channel": channel or "",
        "decision": state.decision.value,
        "position": state.position,
        "occurred_at": state.occurred_at,
        "recorded_at": state.recorded_at,
        "closed_at": state.closed_at,
        "closed_by_self": state.closed_by_self,
        "notice_major": state.notice_major,
        "expires_at": state.expires_at,
    }


def _feed_row(key: StateKey, item: int, state: State) -> dict[str, Any]:
    number, purpose, channel = key
    return {
        "position": state.position,
        "item": item,
        "number": number,
        "purpose": purpose,
        "channel": channel or "",
        "decision": state.decision.value,
        "notice_major": state.notice_major,
        "expires_at": state.expires_at,
    }


def _packed_state(key: StateKey, state: State) -> bytes:
    number, purpose, channel = key
    occurred, recorded = pack.microseconds(state.occurred_at), pack.microseconds(state.recorded_at)
    return b"".join(
        (
            _STATE(11, 4, number),
            _words(purpose, channel or "", state.decision.value),
            _SAID(8, state.position, 8, occurred, 8, recorded),
            pack.instant(state.closed_at),
            pack.boolean(state.closed_by_self),
            pack.int4(state.notice_major),
            pack.instant(state.expires_at),
        )
    )


def _packed_change(key: StateKey, item: int, state: State) -> bytes:
    number, purpose, channel = key
    return b"".join(
        (
            _CHANGE(8, 8, state.position, 2, item, 4, number),
            _words(purpose, channel or "", state.decision.value),
            pack.int4(state.notice_major),
            pack.instant(state.expires_at),
        )
    )


def _first_states(firsts: Firsts) -> list[bytes]:
    """As `_packed_state`, in columns. The no closes, and the yes expires, at distances from when it occurred."""
    like, occurred = firsts.like, big_endian(firsts.occurred, ">i8")
    closed, expires = _own(firsts, like.closed_at), _own(firsts, like.expires_at)
    stencil = Stencil(
        [
            _FIRST_STATE, 4, _words(firsts.purpose, firsts.channel or "", like.decision.value),
            _EIGHT, 8, _EIGHT, 8, _EIGHT, 8, *closed.parts, pack.boolean(like.closed_by_self),
            pack.int4(like.notice_major), *expires.parts,
        ]
    )  # fmt: skip
    columns = (big_endian(firsts.numbers, ">i4"), big_endian(firsts.position, ">i8"), occurred,
               big_endian(firsts.recorded, ">i8"), *closed.columns, *expires.columns)  # fmt: skip
    return lines(stencil.fill(len(firsts.numbers), *columns))


def _first_changes(firsts: Firsts) -> list[bytes]:
    """As `_packed_change`, in columns."""
    like, expires = firsts.like, _own(firsts, firsts.like.expires_at)
    stencil = Stencil(
        [
            _FIRST_CHANGE, 8, _NO_ITEM, 4, _words(firsts.purpose, firsts.channel or "", like.decision.value),
            pack.int4(like.notice_major), *expires.parts,
        ]
    )  # fmt: skip
    columns = (big_endian(firsts.position, ">i8"), big_endian(firsts.numbers, ">i4"), *expires.columns)
    return lines(stencil.fill(len(firsts.numbers), *columns))


@attrs.frozen(eq=False)
class _Own:
    """An instant that every row has of its own, or none has."""

    parts: Sequence[bytes | int]
    columns: Sequence[Column]


def _own(firsts: Firsts, sample: datetime | None) -> _Own:
    if sample is None:
        return _Own([pack.NULL], [])
    after = (sample - firsts.like.occurred_at) // MICROSECOND
    return _Own([_EIGHT, 8], [big_endian(firsts.occurred + after, ">i8")])


@cache
def _words(purpose: str, channel: str, decision: str) -> bytes:
    """The few words of purpose, channel and decision, packed."""
    return pack.text(purpose) + pack.text(channel) + pack.text(decision)
