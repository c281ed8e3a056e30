"""What a purpose asks of the queue about one person: to stop, to forget, and what has arrived."""

from __future__ import annotations

from datetime import datetime

from psycopg import Connection

from placet.delivery.model import Kind
from placet.kernel.ids import ChannelId, Number, PurposeId
from placet.store.queries import queries

SQL = queries("placet.delivery", "by_purpose.sql")


def stop(
    connection: Connection, number: Number, purpose: PurposeId, channel: ChannelId | None, *, now: datetime
) -> bool:
    """
    Take what is planned under *purpose* (through *channel*, or all of it) out of the queue: it was withdrawn.

    True when nothing of it is on the wire; what is there ends by itself.
    """
    values = {"number": number, "purpose": purpose, "channel": channel, "now": now}
    connection.execute(SQL["withdraw"], values)
    return connection.execute(SQL["on_the_wire"], values).fetchone() is None


def erase(connection: Connection, number: Number, purpose: PurposeId) -> int:
    """Delete what was sent and not sent under *purpose*; returns how many rows went."""
    return connection.execute(SQL["erase"], {"number": number, "purpose": purpose}).rowcount


def arrived(connection: Connection, number: Number, kind: Kind, *, limit: int) -> list[tuple[str | None, datetime]]:
    """Topic and instant of the newest messages of *kind* that reached the person."""
    return list(connection.execute(SQL["arrived"], {"number": number, "kind": kind, "limit": limit}))
