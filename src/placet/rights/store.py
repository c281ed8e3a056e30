"""Rows to values and back; the SQL stands in queries.sql."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Literal

import attrs
from psycopg import Connection

from placet.consents.model import Actor
from placet.kernel.errors import NotFound
from placet.kernel.ids import Position, StaffId, SubjectId
from placet.rights.journal import Entry
from placet.rights.model import Deadlines, Request, RequestId, State, Step, StepKind
from placet.store.queries import queries
from placet.subjects.actions import Subjects
from placet.subjects.vault import open_field, seal_field

SQL = queries("placet.rights")

_FIELD = "request:"
_NOBODY = "nobody"


def unknown() -> NotFound:
    return NotFound("there is no such request; nothing was changed", code="unknown-request")


def add(connection: Connection, request: Request, *, key: bytes | None, digest: bytes | None) -> bool:
    """Whether it was written; False: *key* was used before."""
    values = {
        "id": request.id,
        "subject": request.subject,
        "kind": request.kind,
        "route": request.route,
        "actor": request.filed_by.kind,
        "actor_id": request.filed_by.id,
        "opening": request.opening,
        "concerns": request.concerns,
        "received_at": request.received_at,
        "due": request.due,
        "key": key,
        "digest": digest,
    }
    return connection.execute(SQL["add_request"], values).fetchone() is not None


def answered(connection: Connection, key: bytes) -> tuple[RequestId, bytes] | None:
    row = connection.execute(SQL["answered"], {"key": key}).fetchone()
    return None if row is None else (RequestId(row[0]), row[1])


def count_open(connection: Connection, subject: SubjectId) -> int:
    row = connection.execute(SQL["count_open"], {"subject": subject}).fetchone()
    assert row is not None
    return int(row[0])


def get(connection: Connection, id: RequestId) -> Request:
    return _one(connection, "get_request", id)


def lock(connection: Connection, id: RequestId) -> Request:
    """The request as it stands, its row locked."""
    return _one(connection, "lock_request", id)


def of_subject(connection: Connection, subject: SubjectId, before: RequestId | None, limit: int) -> list[Request]:
    return _many(connection, "requests_of", subject=subject, before=before, limit=limit)


def open_of(connection: Connection, subject: SubjectId) -> list[Request]:
    """The open requests filed under this very identity, locked."""
    return _many(connection, "open_requests", subject=subject)


def queue(
    connection: Connection,
    *,
    states: Collection[State],
    owner: StaffId | Literal["nobody"] | None,
    order: Literal["due", "filing"],
    after: RequestId | None,
    limit: int,
) -> list[Request]:
    unowned = owner == _NOBODY
    values = {"states": sorted(states), "unowned": unowned, "owner": None if unowned else owner}
    return _many(connection, f"queue_by_{order}", **values, after=after, limit=limit)


def count_by_deadline(connection: Connection, *, soon: datetime, now: datetime) -> Deadlines:
    row = connection.execute(SQL["count_by_deadline"], {"soon": soon, "now": now}).fetchone()
    assert row is not None
    return Deadlines(*row)


def change(connection: Connection, request: Request) -> None:
    values = {
        "id": request.id,
        "state": request.state,
        "due": request.due,
        "extended_at": request.extended_at,
        "owner": request.owner,
        "closed_at": request.closed_at,
    }
    connection.execute(SQL["change_request"], values)


def add_step(
    connection: Connection,
    request: Request,
    kind: StepKind,
    by: Actor,
    words: str | None,
    key: bytes | None,
    *,
    now: datetime,
) -> None:
    """Write a step down; *words* are sealed under *key*, the subject's own."""
    values = {"request": request.id, "kind": kind, "at": now, "actor": by.kind, "actor_id": by.id}
    row = connection.execute(SQL["add_step"], values | {"owner": request.owner, "due": request.due}).fetchone()
    assert row is not None
    if words is not None and key is not None:
        sealed = seal_field(key, request.subject, f"{_FIELD}{request.id}:{kind}", words)
        connection.execute(SQL["add_words"], {"step": row[0], "subject": request.subject, "sealed": sealed})


def steps(connection: Connection, request: Request, key: bytes | None) -> list[Step]:
    rows = connection.execute(SQL["steps"], {"request": request.id}).fetchall()
    return [
        Step(kind, at, Actor(actor, actor_id), owner, due, _note(request, kind, sealed, key))
        for kind, at, actor, actor_id, owner, due, sealed in rows
    ]


def opened(connection: Connection, subjects: Subjects, found: Sequence[Request]) -> list[Request]:
    """*found* with the words that the person and whoever answered have said."""
    keys = {subject: key_of(connection, subjects, subject) for subject in {request.subject for request in found}}
    rows = connection.execute(SQL["said"], {"requests": [request.id for request in found]}).fetchall()
    sealed = {(id, kind == "filed"): (kind, words) for id, kind, words in rows}

    def words(request: Request, *, first: bool) -> str | None:
        kind, said = sealed.get((request.id, first), ("", None))
        return _note(request, kind, said, keys[request.subject])

    return [
        attrs.evolve(request, text=words(request, first=True), outcome=words(request, first=False)) for request in found
    ]


def key_of(connection: Connection, subjects: Subjects, subject: SubjectId) -> bytes | None:
    """The key of an identity, merged or not; None once erased."""
    try:
        return subjects.key(connection, subject)
    except NotFound:
        return None


def forget_words(connection: Connection, subject: SubjectId) -> None:
    connection.execute(SQL["forget_words"], {"subject": subject})


def _note(request: Request, kind: str, sealed: bytes | None, key: bytes | None) -> str | None:
    if sealed is None or key is None:
        return None
    return open_field(key, request.subject, f"{_FIELD}{request.id}:{kind}", sealed)


def _one(connection: Connection, name: str, id: RequestId) -> Request:
    row = connection.execute(SQL[name], {"id": id}).fetchone()
    if row is None:
        raise unknown()
    return _request(row)


def _many(connection: Connection, name: str, **values: Any) -> list[Request]:
    return [_request(row) for row in connection.execute(SQL[name], values).fetchall()]


def _request(row: Sequence[Any]) -> Request:
    id, subject, kind, state, route, actor, actor_id, *rest = row
    return Request(RequestId(id), SubjectId(subject), kind, state, route, Actor(actor, actor_id), *rest)


# Erasures


def last_erasure(connection: Connection) -> tuple[int, bytes] | None:
    """Number and seal of the newest line of the journal that this database knows."""
    row = connection.execute(SQL["last_erasure"]).fetchone()
    return None if row is None else (row[0], bytes(row[1]))


def add_erasure(connection: Connection, entry: Entry, position: Position | None) -> None:
    connection.execute(SQL["add_erasure"], _line(entry) | {"position": position})


def renumber(connection: Connection, entry: Entry) -> None:
    connection.execute(SQL["renumber_erasure"], _line(entry))


def unsaid(connection: Connection) -> list[SubjectId]:
    return [SubjectId(subject) for (subject,) in connection.execute(SQL["unsaid_erasures"])]


def say(connection: Connection, subject: SubjectId, position: Position) -> None:
    connection.execute(SQL["say_erasure"], {"subject": subject, "position": position})


def back_again(connection: Connection, entries: Sequence[Entry]) -> list[SubjectId]:
    """Who of *entries* is a person in this database."""
    ids = [entry.subject for entry in entries]
    return [SubjectId(id) for (id,) in connection.execute(SQL["back_again"], {"ids": ids})] if ids else []


def erased_persons(connection: Connection) -> list[tuple[SubjectId, datetime]]:
    return [(SubjectId(id), at) for id, at in connection.execute(SQL["erased_persons"])]


def erased_events(connection: Connection) -> list[tuple[SubjectId, datetime]]:
    return [(SubjectId(id), at) for id, at in connection.execute(SQL["erased_events"])]


def _line(entry: Entry) -> dict[str, Any]:
    return {"subject": entry.subject, "entry": entry.number, "mac": entry.mac, "erased_at": entry.at}
