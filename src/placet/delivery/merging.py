"""Two identities were one person: what either did not want stays unwanted, and what both were to get comes once."""

from __future__ import annotations

from datetime import datetime

from psycopg import Connection

from placet.kernel.ids import Number
from placet.store.queries import queries

SQL = queries("placet.delivery", "merging.sql")


def inherit(connection: Connection, survivor: Number, gone: Number, *, now: datetime) -> None:
    """Let *survivor* take over the wishes of *gone*; messages stay under the identity that they were planned for."""
    values = {"to": survivor, "gone": gone}
    connection.execute(SQL["inherit_mutes"], values)
    connection.execute(SQL["inherit_slowness"], values)
    connection.execute(SQL["refuse_twins"], values | {"now": now})
