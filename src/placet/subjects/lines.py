"""Lines: who stands to a phone number as what, and what happens to them when its fate changes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

from psycopg import Connection

from placet.kernel.errors import BadInput, Conflict, NotFound
from placet.kernel.ids import LineId, SubjectId
from placet.kernel.periods import Period
from placet.subjects import rules, store
from placet.subjects.model import Alias, EventKind, LineEvent, LineRole, Role, Subject
from placet.subjects.vault import Vault, open_field, seal_field


def add_line(connection: Connection, vault: Vault, number: Alias, *, since: datetime) -> LineId:
    """Open a line; one that is open already raises `Conflict`."""
    row = store.one(connection, "add_line", id=uuid4(), hash=_hash(vault, number), since=since)
    if row is None:
        raise Conflict(
            "this number has an open line; end that first (placet subjects line event). Nothing was changed",
            code="line-open",
        )
    return LineId(row[0])


def add_role(
    connection: Connection, vault: Vault, number: Alias, person: Subject, key: bytes, role: Role, *, since: datetime
) -> LineRole:
    """Let *person* stand to the open line of *number*; a second holder raises `Conflict`."""
    line, opened = _lock(connection, vault, number)
    if since < opened:
        raise BadInput("nobody stands to a line before it begins; nothing was changed", code="before-the-line")
    sealed = seal_field(key, person.id, "line", number.value)
    values: dict[str, Any] = {"line": line, "number": person.number, "role": role, "sealed": sealed, "since": since}
    if store.one(connection, "add_role", **values) is None:
        raise Conflict(
            "this line has a holder already, or this person stands to it so; record what changed first"
            " (placet subjects line event). Nothing was changed",
            code="role-taken",
        )
    return LineRole(line, person.id, role, Period(since))


def end_role(connection: Connection, vault: Vault, number: Alias, person: Subject, role: Role, *, at: datetime) -> None:
    """*person* stands to the line as *role* no longer."""
    line, _ = _lock(connection, vault, number)
    if store.one(connection, "end_role", line=line, number=person.number, role=role, at=at) is None:
        raise NotFound("this person does not stand to this line so; nothing was changed", code="unknown-role")


def roles_of(connection: Connection, id: SubjectId, key: bytes | None) -> list[tuple[Alias, LineRole]]:
    """Every role of a person with the line's number, present ones first; without a key there are none."""
    if key is None:
        return []
    return [
        (Alias("msisdn", open_field(key, id, "line", sealed)), store.line_role(row))
        for *row, sealed in store.every(connection, "roles_of", id=id)
    ]


def happened(
    connection: Connection,
    vault: Vault,
    number: Alias,
    kind: EventKind,
    tied: Sequence[rules.Key],
    *,
    occurred_at: datetime,
    now: datetime,
) -> list[rules.Suspend]:
    """
    Note what happened to the open line of *number*, end what it ends, and return what it suspends.

    Where no line was ever opened, whoever is reached by the number counts as its holder: an event must not miss
    somebody because a line was not recorded. The number leaves those whose role ended: it finds them no longer, and
    may be given to another person.
    """
    _presume(connection, vault, number)
    line, opened = _lock(connection, vault, number)
    if not opened < occurred_at <= now:
        raise BadInput("what happened to a line lies between its beginning and now", code="bad-event-time")
    event = LineEvent(line, kind, occurred_at)
    roles = [store.line_role(row) for row in store.every(connection, "roles_on_line", line=line, at=occurred_at)]
    suspended = rules.on_line_event(event, roles, tied)
    connection.execute(
        store.SQL["add_line_event"], {"line": line, "kind": kind, "occurred_at": occurred_at, "now": now}
    )
    _end(connection, event, _hash(vault, number))
    return suspended


def _presume(connection: Connection, vault: Vault, number: Alias) -> None:
    """Open the line of a number that somebody has and nobody opened a line for, with that person as its holder."""
    hashed = _hash(vault, number)
    owner = store.one(connection, "owner_of_number", hash=hashed)
    if owner is None or store.one(connection, "lock_line", hash=hashed) is not None:
        return
    *row, wrapped, since = owner
    person = store.subject(row)
    add_line(connection, vault, number, since=since)
    add_role(connection, vault, number, person, vault.unwrap(wrapped, person.id), "holder", since=since)


def _end(connection: Connection, event: LineEvent, hashed: bytes) -> None:
    ended, over, at = sorted(rules.ENDED_ROLES[event.kind]), event.kind in rules.ENDS_LINE, event.occurred_at
    rows = store.every(connection, "end_roles", line=event.line, roles=ended, at=at, over=over)
    gone = None if over else [number for (number,) in rows]
    connection.execute(store.SQL["end_contact_of_line"], {"hash": hashed, "at": at, "numbers": gone})
    if over:
        connection.execute(store.SQL["end_line"], {"line": event.line, "at": at})


def _lock(connection: Connection, vault: Vault, number: Alias) -> tuple[LineId, datetime]:
    """The open line of *number* and its beginning."""
    row = store.one(connection, "lock_line", hash=_hash(vault, number))
    if row is None:
        raise NotFound("this number has no open line; open one first (placet subjects line add)", code="unknown-line")
    return LineId(row[0]), row[1]


def _hash(vault: Vault, number: Alias) -> bytes:
    if number.kind != "msisdn":
        raise BadInput("a line is named by its phone number, msisdn:+371…; nothing was changed", code="bad-alias")
    return vault.alias_hash(number)
