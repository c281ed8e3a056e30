"""Members of staff for tests: made with roles, and seated at a browser without the pages of signing in."""

from __future__ import annotations

from datetime import datetime

from starlette.testclient import TestClient

from placet.access import staff, staff_sessions
from placet.access.places import Place
from placet.access.staff import Member, Role
from placet.access.staff_sessions import StaffSession
from placet.bootstrap import Application
from placet.interfaces.staff.door import SESSION
from placet.kernel import clock

SOMEWHERE = Place("10.0.0.0/16", "Firefox, Linux")


def hired(application: Application, login: str, *roles: Role, shop: str | None = None) -> Member:
    """A member with *roles* and no password: they sit down by `seated`."""
    with application.database.transaction() as connection:
        return staff.add(
            connection, login, name=login.capitalize(), roles=roles, shop=shop, source="demo", by=None, now=clock.now()
        )


def signed_in(application: Application, member: Member, *, now: datetime | None = None) -> StaffSession:
    with application.database.transaction() as connection:
        return staff_sessions.open_session(
            connection, member, method="password", place=SOMEWHERE, now=now or clock.now()
        )


def seated(application: Application, client: TestClient, member: Member) -> StaffSession:
    """*member* signed in at *client*, whose cookies are those of a browser."""
    session = signed_in(application, member)
    client.cookies.set(SESSION, session.token)
    return session
