"""
How often somebody may guess at a password or a second factor.

Limits are for an account, for the network it is tried from, and for a browser that has signed in to the account before.
Such a browser is counted by itself: whoever guesses elsewhere, for as long as they like, does not lock it out. Attempts
that are refused do not count, so every lock ends by itself.
"""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID, uuid4

import attrs
from psycopg import Connection

from placet.kernel.errors import TooMany
from placet.kernel.seal import MasterKey, keyed_hash
from placet.store.queries import queries

KEY_LABEL = "placet/guess/v1"

Kind = Literal["account", "browser", "network", "factor"]
LIMITS: tuple[tuple[Kind, int, timedelta], ...] = (
    ("account", 10, timedelta(hours=1)),
    ("browser", 10, timedelta(hours=1)),
    ("network", 50, timedelta(hours=1)),
    # Whoever guesses at the second factor knows the password: 30 of a million codes in a day, three of which fit.
    ("factor", 5, timedelta(minutes=15)),
    ("factor", 30, timedelta(days=1)),
)
KEEP = max(window for _, _, window in LIMITS)

SQL = queries("placet.access", "guesses.sql")


@attrs.frozen
class Guess:
    """An attempt that is counted until it turns out to be right."""

    id: UUID


class Guesses:
    """Counts attempts; every method joins the caller's transaction, which must commit before the attempt is judged."""

    def __init__(self, master: MasterKey) -> None:
        self._key = master.derive(KEY_LABEL)

    def begin(self, connection: Connection, counted: Iterable[tuple[Kind, str]], *, now: datetime) -> Guess:
        """Count one attempt for each of *counted*, or raise `TooMany` and count none."""
        guess = Guess(uuid4())
        hashed = [(kind, keyed_hash(self._key, f"{kind}\0{who}".encode())) for kind, who in counted]
        turns = sorted(int.from_bytes(who[:8], "big", signed=True) for _, who in hashed)
        connection.execute(SQL["take_guess_turns"], {"keys": turns})
        for kind, who in hashed:
            _limit(connection, kind, who, now)
        for _, who in hashed:
            connection.execute(SQL["add_guess"], {"id": guess.id, "who": who, "now": now})
        return guess

    def right(self, connection: Connection, guess: Guess) -> None:
        """It was right: it counts no longer."""
        connection.execute(SQL["take_guess_back"], {"id": guess.id})


def network_of(address: str | None) -> str:
    """What one caller holds: an IPv4 address, or the whole /64 of an IPv6 address; anything else as it is."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return address or ""
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    return str(parsed.ipv4_mapped or ipaddress.ip_network((parsed, 64), strict=False))


def sweep(connection: Connection, *, now: datetime) -> int:
    """Delete what no limit looks at any more; returns how much."""
    return connection.execute(SQL["sweep_guesses"], {"since": now - KEEP}).rowcount


def _limit(connection: Connection, kind: Kind, who: bytes, now: datetime) -> None:
    for limited, most, window in LIMITS:
        if limited != kind:
            continue
        row = connection.execute(SQL["recent_guesses"], {"who": who, "since": now - window}).fetchone()
        assert row is not None
        count, oldest = row
        if count >= most:
            wait = max(1, math.ceil((oldest + window - now).total_seconds()))
            raise TooMany(
                f"too many attempts to sign in; wait {wait} s and try again", code="too-many-guesses", retry_after=wait
            )
