"""
Restriction of processing (GDPR Art. 18): why, since when, and that the person is told before it ends.

The gate keeps to it (`gate.restrictions`): while one lasts it answers `restricted`, for one purpose or for all,
whatever was consented to. Two may restrict the same on different grounds; then the gate opens when the last of them
is lifted.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, NewType, get_args
from uuid import UUID

import attrs
from psycopg import Connection

from placet.consents.model import Actor
from placet.gate import restrictions as gate
from placet.kernel.errors import BadInput, Conflict, NotFound
from placet.kernel.ids import PurposeId, SubjectId, new_record_id
from placet.rights.model import RequestId
from placet.rights.store import SQL
from placet.subjects.actions import Subjects

RestrictionId = NewType("RestrictionId", UUID)

Ground = Literal[
    "accuracy",  # GDPR 18(1)(a): the person contests it, until it is verified
    "unlawful",  # (b): it is unlawful, and the person wants it kept rather than erased
    "claims",  # (c): we need it no longer, the person does, for a legal claim
    "objection",  # (d): the person objected, until it is clear whose grounds weigh more
]
GROUNDS: tuple[Ground, ...] = get_args(Ground)

_THEIR_OWN = frozenset({"subject", "representative"})
"""Who asked for it may end it at any time."""


@attrs.frozen
class Restriction:
    """Until it is lifted. *purpose* None: all of them."""

    id: RestrictionId
    subject: SubjectId
    purpose: PurposeId | None
    ground: Ground
    request: RequestId | None
    since: datetime
    told_at: datetime | None
    """When the person was told that it will be lifted …"""
    lifting_at: datetime | None
    """… and from when on it may be."""
    lifted_at: datetime | None


def restrict(
    connection: Connection,
    subjects: Subjects,
    subject: SubjectId,
    purpose: PurposeId | None,
    *,
    ground: Ground,
    by: Actor,
    request: RequestId | None = None,
    now: datetime,
) -> Restriction:
    """From now on the gate says no for *purpose*, or for all; the same request again changes nothing."""
    if ground not in GROUNDS:
        raise BadInput(f"a ground is one of {', '.join(GROUNDS)}; nothing was changed", code="bad-ground")
    person = subjects.get(connection, subject)
    if person.erased_at is not None:
        raise Conflict("this subject was erased; there is nothing left to restrict", code="erased")
    for there in _lasting(connection, person.id, purpose):
        if request is not None and there.request == request:
            return there
    made = Restriction(
        RestrictionId(new_record_id(now)), person.id, purpose, ground, request, now, None, None, None
    )  # fmt: skip
    values = {"id": made.id, "subject": person.id, "purpose": purpose, "ground": ground, "request": request}
    connection.execute(SQL["add_restriction"], values | {"actor": by.kind, "actor_id": by.id, "now": now})
    gate.restrict(connection, person.number, purpose, now=now)
    return made


def tell(connection: Connection, id: RestrictionId, *, lifting_at: datetime, now: datetime) -> Restriction:
    """Tell the person that it will be lifted, and when (GDPR 18(3)); the page shows it from now on."""
    if lifting_at <= now:
        raise BadInput("the person is told before it is lifted, not afterwards (GDPR 18(3))", code="bad-time")
    if connection.execute(SQL["tell_of_lifting"], {"id": id, "lifting_at": lifting_at, "now": now}).fetchone() is None:
        raise NotFound("there is no such restriction in force; nothing was changed", code="unknown-restriction")
    return get(connection, id)


def lift(connection: Connection, subjects: Subjects, id: RestrictionId, *, by: Actor, now: datetime) -> Restriction:
    """
    It ends: when the person wants it, or when they were told (`tell`) and that time has come.

    The gate opens with the last restriction of the same purpose.
    """
    found = get(connection, id)
    person = subjects.get(connection, found.subject)
    lasting = _lasting(connection, person.id, found.purpose)
    mine = next((one for one in lasting if one.id == id), None)
    if mine is None:
        raise NotFound("there is no such restriction in force; nothing was changed", code="unknown-restriction")
    if by.kind not in _THEIR_OWN and (mine.lifting_at is None or now < mine.lifting_at):
        raise Conflict("tell the person first, and wait for the day named (GDPR 18(3))", code="not-told")
    connection.execute(SQL["end_restriction"], {"id": id, "now": now})
    if len(lasting) == 1:
        gate.lift(connection, person.number, found.purpose, now=now)
    return get(connection, id)


def get(connection: Connection, id: RestrictionId) -> Restriction:
    row = connection.execute(SQL["restriction"], {"id": id}).fetchone()
    if row is None:
        raise NotFound("there is no such restriction in force; nothing was changed", code="unknown-restriction")
    return _restriction(row)


def of_subject(connection: Connection, subject: SubjectId) -> list[Restriction]:
    """Every restriction of a person, newest first, those that are over too."""
    return [_restriction(row) for row in connection.execute(SQL["restrictions_of"], {"subject": subject})]


def forget(connection: Connection, subject: SubjectId, *, now: datetime) -> None:
    """An erased person's are over."""
    connection.execute(SQL["end_restrictions_of"], {"subject": subject, "now": now})


def _lasting(connection: Connection, subject: SubjectId, purpose: PurposeId | None) -> list[Restriction]:
    """What restricts the same at present, locked."""
    values = {"subject": subject, "purpose": purpose}
    return [_restriction(row) for row in connection.execute(SQL["lock_restrictions"], values)]


def _restriction(row: Sequence[Any]) -> Restriction:
    return Restriction(*row)
