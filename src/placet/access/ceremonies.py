"""
What begins here, goes on elsewhere, and is finished here once, soon and in the same browser: an authenticator's answer,
an identity provider's, a second factor.

The browser holds a random token, the table its SHA-256 and the sealed content; neither opens anything alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from psycopg import Connection

from placet.access import tokens
from placet.access.sessions import SKEW
from placet.kernel.seal import MasterKey, seal, unseal
from placet.store.queries import queries

KEY_LABEL = "placet/ceremony/v1"
MOST_ATTEMPTS = 5


SQL = queries("placet.access", "ceremonies.sql")

Content = Mapping[str, Any]


class Ceremonies:
    """Begins, looks at and finishes; every method joins the caller's transaction."""

    def __init__(self, master: MasterKey) -> None:
        self._key = master.derive(KEY_LABEL)

    def begin(self, connection: Connection, kind: str, content: Content, *, valid: timedelta, now: datetime) -> str:
        """Keep *content* (of JSON's shapes) for *valid*; returns the token that the browser brings back."""
        token = tokens.new()
        hashed = tokens.hashed(token)
        sealed = seal(self._key, json.dumps(content).encode(), context=_context(kind, hashed))
        values = {"hash": hashed, "kind": kind, "content": sealed, "now": now, "expires_at": now + valid}
        connection.execute(SQL["begin_ceremony"], values)
        return token

    def look(self, connection: Connection, kind: str, token: str | None, *, now: datetime) -> Content | None:
        """What was begun with *token*, or None: unknown, over, or too late."""
        return self._opened(connection, "ceremony", kind, token, now)

    def attempt(self, connection: Connection, kind: str, token: str | None, *, now: datetime) -> Content | None:
        """As `look`, and counts; after five attempts nothing finishes it."""
        return self._opened(connection, "try_ceremony", kind, token, now)

    def finish(self, connection: Connection, kind: str, token: str | None, *, now: datetime) -> Content | None:
        """What was begun with *token*, for the last time."""
        return self._opened(connection, "end_ceremony", kind, token, now)

    def _opened(
        self, connection: Connection, statement: str, kind: str, token: str | None, now: datetime
    ) -> Content | None:
        if token is None or not tokens.shaped(token):
            return None
        hashed = tokens.hashed(token)
        values = {"hash": hashed, "kind": kind, "now": now, "latest": now + SKEW, "most": MOST_ATTEMPTS}
        row = connection.execute(SQL[statement], values).fetchone()
        if row is None:
            return None
        content: Content = json.loads(unseal(self._key, row[0], context=_context(kind, hashed)))
        return content


def sweep(connection: Connection, *, now: datetime) -> int:
    """Delete what was never finished; returns how much."""
    return connection.execute(SQL["sweep_ceremonies"], {"now": now}).rowcount


def _context(kind: str, hashed: bytes) -> bytes:
    return kind.encode() + b"\0" + hashed
