"""
Sessions of customers who signed in.

The browser holds a random token of 256 bits; the database holds its SHA-256, so that a stolen copy of the table opens
nothing. A session ends when it is left alone, when it is old, or when it is revoked.
"""

from __future__ import annotations

import hmac
import re
from datetime import datetime, timedelta
from uuid import UUID

import attrs
from psycopg import Connection

from placet.access import tokens
from placet.access.places import NOWHERE, Place
from placet.kernel.errors import Denied, NotFound
from placet.kernel.ids import SubjectId
from placet.store.queries import queries

IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=12)

TOUCH = timedelta(minutes=1)
"""How exactly the last use is kept: not every page costs a write."""

SKEW = timedelta(minutes=1)
"""How far the clocks of two servers may be apart. What lies further in the future was written before a clock jumped
back, and nobody knows for how much longer it would hold: it ends."""

_CONSISTENCY = re.compile(r"([0-9a-f]{8})\.([0-9]{1,18})", re.ASCII)
_CSRF_LABEL = b"placet/csrf/v1"

SQL = queries("placet.access")


@attrs.frozen(repr=False)
class Session:
    """A customer who is signed in. `token` is the secret of the browser; it is in no table and no log."""

    token: str
    subject: SubjectId
    language: str
    seen: str | None = None
    """The newest consistency token this customer was shown (`epoch.position`)."""
    opened_at: datetime | None = None

    @property
    def csrf(self) -> str:
        """What every form of this session carries; only who holds the session's token can compute it."""
        return hmac.new(self.token.encode(), _CSRF_LABEL, "sha256").hexdigest()

    def demand_csrf(self, sent: str) -> None:
        """Raise `Denied` unless *sent* is this session's own."""
        if not hmac.compare_digest(self.csrf.encode(), sent.encode()):
            raise Denied("this form belongs to another sign-in; load the page again. Nothing was changed", code="csrf")


@attrs.frozen
class Listed:
    """A session as whoever opened it sees it: how, from where and with what it was opened."""

    id: UUID
    method: str
    place: Place
    opened_at: datetime
    used_at: datetime
    here: bool
    """Is this the session that asks?"""


def open_session(
    connection: Connection,
    subject: SubjectId,
    language: str,
    *,
    method: str = "code",
    place: Place = NOWHERE,
    now: datetime,
) -> Session:
    """Sign *subject* in by *method* (`code`, `passkey`, `oidc`); the token is always a new one."""
    session = Session(tokens.new(), subject, language, opened_at=now)
    values = {"hash": tokens.hashed(session.token), "subject": subject, "language": language, "now": now}
    where = {"method": method, "network": place.network, "browser": place.browser}
    connection.execute(SQL["open_session"], values | where)
    return session


def resume(connection: Connection, token: str, *, now: datetime) -> Session | None:
    """The session of *token*, or None: unknown, revoked, idle for `IDLE`, or older than `LONGEST`."""
    if not tokens.shaped(token):
        return None
    hashed = tokens.hashed(token)
    since = {"idle_since": now - IDLE, "opened_since": now - LONGEST, "latest": now + SKEW}
    row = connection.execute(SQL["session"], {"hash": hashed} | since).fetchone()
    if row is None:
        return None
    subject, language, epoch, position, opened_at, used_at = row
    if now - used_at >= TOUCH:
        connection.execute(SQL["touch_session"], {"hash": hashed, "now": now})
    seen = None if epoch is None else f"{epoch}.{position}"
    return Session(token, SubjectId(subject), language, seen, opened_at)


def listing(connection: Connection, session: Session, *, now: datetime) -> list[Listed]:
    """Where the customer of *session* is signed in, the latest first."""
    since = {"idle_since": now - IDLE, "opened_since": now - LONGEST}
    rows = connection.execute(SQL["sessions_of"], {"subject": session.subject} | since).fetchall()
    mine = tokens.hashed(session.token)
    return [
        Listed(id, method, Place(network, browser), opened_at, used_at, hmac.compare_digest(hashed, mine))
        for id, hashed, method, network, browser, opened_at, used_at in rows
    ]


def remember(connection: Connection, session: Session, token: str) -> None:
    """
    Keep the consistency token of what the customer did or saw last, so that no later page is older.

    Within an epoch the greater position stays; a token of another epoch replaces the one before a restore.
    """
    match = _CONSISTENCY.fullmatch(token)
    if match is None:
        raise ValueError("a consistency token looks like epoch.position")
    values = {"hash": tokens.hashed(session.token), "epoch": match[1], "position": int(match[2])}
    connection.execute(SQL["remember_token"], values)


def speak(connection: Connection, session: Session, language: str) -> Session:
    """The customer reads *language* from now on."""
    connection.execute(SQL["set_session_language"], {"hash": tokens.hashed(session.token), "language": language})
    return attrs.evolve(session, language=language)


def revoke(connection: Connection, session: Session, *, now: datetime) -> None:
    """Sign out."""
    connection.execute(SQL["revoke_session"], {"hash": tokens.hashed(session.token), "now": now})


def revoke_one(connection: Connection, subject: SubjectId, id: UUID, *, now: datetime) -> None:
    """End one of *subject*'s sessions; somebody else's, or one that is over, raises `NotFound`."""
    if connection.execute(SQL["revoke_session_by_id"], {"id": id, "subject": subject, "now": now}).fetchone() is None:
        raise NotFound("this session is over already", code="unknown-session")


def revoke_others(connection: Connection, session: Session, *, now: datetime) -> None:
    """End every session of this customer but this one."""
    values = {"subject": session.subject, "hash": tokens.hashed(session.token), "now": now}
    connection.execute(SQL["revoke_other_sessions"], values)


def revoke_all(connection: Connection, subject: SubjectId, *, now: datetime) -> None:
    """Sign a customer out everywhere: after a SIM swap, a merge, or when they ask."""
    connection.execute(SQL["revoke_sessions_of"], {"subject": subject, "now": now})


def forget(connection: Connection, subject: SubjectId) -> None:
    """Delete what this folder holds of an erased person."""
    connection.execute(SQL["forget_sessions_of"], {"subject": subject})
    connection.execute(SQL["forget_challenges_of"], {"subject": subject})
    connection.execute(queries("placet.access", "passkeys.sql")["forget_passkeys_of"], {"subject": subject})


def sweep(connection: Connection, *, now: datetime) -> int:
    """Delete the sessions that can never be used again; returns how many."""
    since = {"idle_since": now - IDLE, "opened_since": now - LONGEST}
    return connection.execute(SQL["sweep_sessions"], since).rowcount
