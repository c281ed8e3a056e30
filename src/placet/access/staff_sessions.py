"""
Sessions of staff: shorter than a customer's, listed, and over at once when the account is.

The browser holds a random token of 256 bits, the database its SHA-256. A session ends when it is left alone, when it is
old, when it is ended, and when its member is disabled or loses a role.
"""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import attrs
from psycopg import Connection

from placet.access import staff, tokens
from placet.access.places import Place
from placet.access.sessions import SKEW, Listed
from placet.access.staff import SQL, Member, roles_of
from placet.kernel.errors import NotFound
from placet.kernel.ids import StaffId

IDLE = timedelta(minutes=15)
LONGEST = timedelta(hours=10)

TOUCH = timedelta(seconds=20)
"""How exactly the last use is kept: not every page costs a write."""


@attrs.frozen(repr=False)
class StaffSession:
    """A member of staff who is signed in. `token` is the secret of the browser; it is in no table and no log."""

    token: str
    member: Member
    opened_at: datetime


def open_session(connection: Connection, member: Member, *, method: str, place: Place, now: datetime) -> StaffSession:
    """Sign *member* in by *method* (`password`, `oidc`, `demo`); the token is always a new one."""
    session = StaffSession(tokens.new(), member, now)
    values = {"hash": tokens.hashed(session.token), "id": uuid4(), "member": member.id, "method": method, "now": now}
    connection.execute(SQL["open_staff_session"], values | {"network": place.network, "browser": place.browser})
    staff.note(connection, member.id, "signed-in", method, by=member.id, now=now)
    return session


def resume(connection: Connection, token: str, *, now: datetime) -> StaffSession | None:
    """The session of *token* with its member as they are now, or None: unknown, ended, idle, old, disabled."""
    if not tokens.shaped(token):
        return None
    hashed = tokens.hashed(token)
    row = connection.execute(SQL["staff_session"], {"hash": hashed, "latest": now + SKEW} | _since(now)).fetchone()
    if row is None:
        return None
    opened_at, used_at, id, login, name, roles, shop, source, disabled_at = row
    if now - used_at >= TOUCH:
        connection.execute(SQL["touch_staff_session"], {"hash": hashed, "now": now})
    member = Member(StaffId(id), login, name, roles_of(roles), shop, source, disabled_at)
    return StaffSession(token, member, opened_at)


def listing(
    connection: Connection, member: StaffId, *, now: datetime, asking: StaffSession | None = None
) -> list[Listed]:
    """The sessions of *member* that can still be used, the latest first; *asking* is marked as `here`."""
    mine = b"" if asking is None else tokens.hashed(asking.token)
    rows = connection.execute(SQL["staff_sessions_of"], {"member": member} | _since(now)).fetchall()
    return [
        Listed(id, method, Place(network, browser), opened_at, used_at, hmac.compare_digest(hashed, mine))
        for id, hashed, method, network, browser, opened_at, used_at in rows
    ]


def end(connection: Connection, session: StaffSession, *, now: datetime) -> None:
    """Sign out."""
    connection.execute(SQL["end_staff_session_of_token"], {"hash": tokens.hashed(session.token), "now": now})


def end_one(connection: Connection, member: StaffId, id: UUID, *, by: StaffId | None, now: datetime) -> None:
    """End one session of *member*; somebody else's, or one that is over, raises `NotFound`."""
    if connection.execute(SQL["end_staff_session"], {"id": id, "member": member, "now": now}).fetchone() is None:
        raise NotFound("this session is over already", code="unknown-session")
    staff.note(connection, member, "session-ended", by=by, now=now)


def end_all(connection: Connection, member: StaffId, *, by: StaffId | None, now: datetime) -> None:
    """Sign *member* out everywhere."""
    connection.execute(SQL["end_staff_sessions_of"], {"member": member, "now": now})
    staff.note(connection, member, "sessions-ended", by=by, now=now)


def sweep(connection: Connection, *, now: datetime) -> int:
    """Delete the sessions that can never be used again; returns how many."""
    return connection.execute(SQL["sweep_staff_sessions"], _since(now)).rowcount


def _since(now: datetime) -> dict[str, datetime]:
    return {"idle_since": now - IDLE, "opened_since": now - LONGEST}
