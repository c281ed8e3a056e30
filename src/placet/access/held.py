"""What this room holds about a customer, for their own eyes (GDPR 15): no token, no code, no key."""

from __future__ import annotations

from datetime import datetime

import attrs
from psycopg import Connection

from placet.kernel.ids import SubjectId
from placet.store.queries import queries

_SQL = queries("placet.access", "held.sql")


@attrs.frozen
class SignIn:
    """A session, over or not: how, from where and with what it was opened."""

    opened_at: datetime
    used_at: datetime
    ended_at: datetime | None
    method: str
    network: str
    browser: str
    language: str


@attrs.frozen
class Passkey:
    """A passkey by the name that its owner gave it; *syncable*: it may be on several devices, *backed_up*: it is."""

    name: str
    created_at: datetime
    used_at: datetime | None
    syncable: bool
    backed_up: bool


@attrs.frozen
class AskedCode:
    """A one-time code that was asked for, and whether it was used."""

    requested_at: datetime
    used_at: datetime | None
    attempts: int


def sign_ins(connection: Connection, subject: SubjectId) -> list[SignIn]:
    """The latest first."""
    return [SignIn(*row) for row in connection.execute(_SQL["sessions_held"], {"subject": subject}).fetchall()]


def passkeys(connection: Connection, subject: SubjectId) -> list[Passkey]:
    """In the order in which they were made."""
    return [Passkey(*row) for row in connection.execute(_SQL["passkeys_held"], {"subject": subject}).fetchall()]


def codes(connection: Connection, subject: SubjectId) -> list[AskedCode]:
    """The latest first."""
    return [AskedCode(*row) for row in connection.execute(_SQL["codes_held"], {"subject": subject}).fetchall()]
