"""
Restriction of processing (GDPR Art. 18): while it lasts the gate says `restricted` for this person, on one purpose or
on all. Nothing is deleted, no decision changes; when it is lifted, what was consented to goes on.

Replicas learn of it within their bound; the database and the purpose roles with the next statement.
"""

from __future__ import annotations

from datetime import datetime

import attrs
from psycopg import Connection

from placet.kernel.ids import Number, PurposeId
from placet.store.queries import queries

_SQL = queries("placet.gate", "restrictions.sql")


@attrs.frozen
class Restriction:
    """In force since *since*; *purpose* None means all of them."""

    purpose: PurposeId | None
    since: datetime


def restrict(connection: Connection, number: Number, purpose: PurposeId | None, *, now: datetime) -> None:
    """From now on the gate says no; nothing changes if it does already."""
    connection.execute(_SQL["restrict"], {"number": number, "purpose": purpose or "", "now": now})


def lift(connection: Connection, number: Number, purpose: PurposeId | None, *, now: datetime) -> None:
    """It ends. None lifts the one on all purposes, and leaves those on single purposes."""
    connection.execute(_SQL["lift"], {"number": number, "purpose": purpose or "", "now": now})


def of(connection: Connection, number: Number) -> list[Restriction]:
    """What is restricted now, the oldest first."""
    rows = connection.execute(_SQL["of"], {"number": number})
    return [Restriction(PurposeId(purpose) if purpose else None, since) for purpose, since in rows]


def inherit(connection: Connection, survivor: Number, merged: Number, *, now: datetime) -> None:
    """Two identities were one person: what was restricted for either is restricted for the one that remains."""
    connection.execute(_SQL["inherit"], {"survivor": survivor, "merged": merged, "now": now})
