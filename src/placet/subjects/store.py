"""Rows to values and back; the SQL stands in queries.sql."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from psycopg import Connection, errors

from placet.kernel.errors import Conflict
from placet.kernel.ids import LineId, MandateId, Number, PurposeId, SubjectId, new_subject_id
from placet.kernel.periods import Period, format_instant
from placet.store.queries import queries
from placet.subjects.model import Alias, LineRole, Mandate, Newcomer, Subject
from placet.subjects.vault import Vault, seal_field

SQL = queries("placet.subjects")

_BLOCK = 500

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
    Record many persons by two COPY streams. The text format is written by hand and sent in blocks, so that the server
    stores one block while the next is sealed: a row goes through here a million times in an import.
    """
    contacts: list[str] = []
    added: list[Subject] = []
    stamp = format_instant(now)
    numbers = take_numbers(connection, len(newcomers))
    with connection.cursor() as cursor, cursor.copy(SQL["copy_persons"]) as copy:
        for start in range(0, len(newcomers), _BLOCK):
            block: list[str] = []
            for newcomer, number in zip(
                newcomers[start : start + _BLOCK], numbers[start : start + _BLOCK], strict=True
            ):
                subject = Subject(new_subject_id(), number, newcomer.language, now)
                key, wrapped = vault.new_key(subject.id)
                added.append(subject)
                block.append(_person_line(newcomer, subject, key, wrapped, stamp))
                contacts.extend(_contact_line(vault, subject, key, alias, stamp) for alias in newcomer.aliases)
            copy.write("".join(block))
    try:
        with connection.cursor() as cursor, cursor.copy(SQL["copy_contacts"]) as copy:
            copy.write("".join(contacts))
    except errors.UniqueViolation:
        raise Conflict(TAKEN.format(kind="batch has an alias that"), code="alias-taken") from None
    return added


def _person_line(newcomer: Newcomer, subject: Subject, key: bytes, wrapped: bytes, stamp: str) -> str:
    born = None if newcomer.birth_date is None else newcomer.birth_date.isoformat()
    name, birth = _sealed(key, subject, "name", newcomer.name), _sealed(key, subject, "birth_date", born)
    return f"{subject.number}\t{subject.id}\t{subject.language}\t\\\\x{wrapped.hex()}\t{name}\t{birth}\t{stamp}\n"


def _contact_line(vault: Vault, subject: Subject, key: bytes, alias: Alias, stamp: str) -> str:
    hashed, sealed = vault.alias_hash(alias), _sealed(key, subject, alias.kind, alias.value)
    return f"{subject.number}\t{alias.kind}\t\\\\x{hashed.hex()}\t{sealed}\t{stamp}\n"


def _sealed(key: bytes, subject: Subject, field: str, value: str | None) -> str:
    """One sealed field in COPY's text format."""
    return "\\N" if value is None else "\\\\x" + seal_field(key, subject.id, field, value).hex()
