"""
How many messages of a kind were taken in: what came back against them, of how many. Counts only, of nobody in
particular.

What came back is found by an index of its own, so that it may be asked every few seconds; of how many is a count over
all of them, for whoever has seen something new come back.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import attrs
from psycopg import Connection

from placet.store.queries import queries

SQL = queries("placet.delivery", "reception.sql")


@attrs.frozen
class Against:
    """What came back: from addresses where *nobody* is, and from readers who *complained*."""

    nobody: int = 0
    complained: int = 0


@attrs.frozen
class Tried:
    """What was sent: *taken* by the carrier and not returned, and *ended* one way or the other."""

    taken: int
    ended: int


def against(connection: Connection, keys: Sequence[str], *, since: datetime) -> Against:
    """What came back of messages with these keys that started since an instant."""
    return Against(*_one(connection, "against", keys, since))


def tried(connection: Connection, keys: Sequence[str], *, since: datetime) -> Tried:
    """How many these were."""
    return Tried(*_one(connection, "tried", keys, since))


def _one(connection: Connection, name: str, keys: Sequence[str], since: datetime) -> tuple[int, int]:
    row = connection.execute(SQL[name], {"keys": list(keys), "since": since}).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])
