"""Rows to values and back; the SQL stands in queries.sql."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection, errors

from placet.kernel.errors import Conflict
from placet.kernel.ids import LineId, MandateId, Number, PurposeId, SubjectId, new_subject_id
from placet.kernel.periods import Period, format_instant
from placet.store.queries import queries
from placet.subjects.model import Alias, LineRole, Mandate, Newcomer, Subject
from placet.subjects.vault import Vault, seal_field

SQL = queries("placet.subjects")

TAKEN = (
    "this {kind} belongs to another subject already. If it is the same person, merge the two (placet subjects merge);"
    " if it went to somebody else, record that first (placet subjects line event, or placet subjects contact end)."
    " Nothing was changed"
)


def subject(row: Sequence[Any]) -> Subject:
    id, number, language, created_at, erased_at = row
    return Subject(SubjectId(id), Number(number), language, created_at, erased_at)


def line_role(row: Sequence[Any]) -> LineRole:
    line, id, role, valid_from, valid_to = row
    return LineRole(LineId(line), SubjectId(id), role, Period(valid_from, valid_to))


def mandate(row: Sequence[Any]) -> Mandate:
    id, representative, of, kind, purposes, valid_from, valid_to = row
    scope = frozenset(PurposeId(purpose) for purpose in purposes)
    period = Period(valid_from, valid_to)
    return Mandate(MandateId(id), SubjectId(representative), SubjectId(of), kind, scope, period)


def one(connection: Connection, name: str, **values: Any) -> Sequence[Any] | None:
    """The first row of the statement *name*, if there is one."""
    row: Sequence[Any] | None = connection.execute(SQL[name], values).fetchone()
    return row


def every(connection: Connection, name: str, **values: Any) -> list[Any]:
    return connection.execute(SQL[name], values).fetchall()


def take_numbers(connection: Connection, count: int) -> list[Number]:
    return [Number(number) for (number,) in every(connection, "next_numbers", count=count)]


def add_contact(connection: Connection, vault: Vault, owner: Subject, key: bytes, alias: Alias, now: datetime) -> None:
    """Give *owner* an alias; somebody else's raises `Conflict`, one's own again changes nothing."""
    hashed = vault.alias_hash(alias)
    sealed = seal_field(key, owner.id, alias.kind, alias.value)
    added = one(connection, "add_contact", number=owner.number, kind=alias.kind, hash=hashed, sealed=sealed, now=now)
    if added is None and one(connection, "contact_owner", hash=hashed) != (owner.number,):
        raise Conflict(TAKEN.format(kind=alias.kind), code="alias-taken")


def copy_many(connection: Connection, vault: Vault, newcomers: Sequence[Newcomer], now: datetime) -> list[Subject]:
    """
    Record many persons by two COPY streams; the text format is written by hand, since a row goes through here
    a million times in an import.
    """
    persons: list[str] = []
    contacts: list[str] = []
    added: list[Subject] = []
    stamp = format_instant(now)
    for newcomer, number in zip(newcomers, take_numbers(connection, len(newcomers)), strict=True):
        id = new_subject_id()
        key, wrapped = vault.new_key(id)
        added.append(Subject(id, number, newcomer.language, now))
        name = _sealed_or_null(key, id, "name", newcomer.name)
        born = None if newcomer.birth_date is None else newcomer.birth_date.isoformat()
        birth = _sealed_or_null(key, id, "birth_date", born)
        persons.append(f"{number}\t{id.hex}\t{newcomer.language}\t\\\\x{wrapped.hex()}\t{name}\t{birth}\t{stamp}\n")
        for alias in newcomer.aliases:
            sealed = seal_field(key, id, alias.kind, alias.value).hex()
            contacts.append(f"{number}\t{alias.kind}\t\\\\x{vault.alias_hash(alias).hex()}\t\\\\x{sealed}\t{stamp}\n")
    _copy(connection, "copy_persons", persons)
    try:
        _copy(connection, "copy_contacts", contacts)
    except errors.UniqueViolation:
        raise Conflict(TAKEN.format(kind="batch has an alias that"), code="alias-taken") from None
    return added


def _sealed_or_null(key: bytes, id: UUID, field: str, value: str | None) -> str:
    return "\\N" if value is None else "\\\\x" + seal_field(key, SubjectId(id), field, value).hex()


def _copy(connection: Connection, name: str, lines: Iterable[str]) -> None:
    with connection.cursor() as cursor, cursor.copy(SQL[name]) as copy:
        copy.write("".join(lines))
