"""Signing in and out of staff."""

from __future__ import annotations

import re

import attrs
from starlette.responses import RedirectResponse, Response

from placet.access import staff, staff_sessions
from placet.access.places import Place, place_of
from placet.access.staff import Member
from placet.access.staff_sessions import StaffSession
from placet.bootstrap import Application
from placet.interfaces.staff.door import SESSION, Door
from placet.interfaces.web.shell import Shell, Visit
from placet.kernel.errors import NotFound

_OWN_ADDRESS = re.compile(r"/(staff|desk|console)(/[A-Za-z0-9/_-]*)?", re.ASCII)


@attrs.frozen
class SigningIn:
    """The pages before a session of staff, and the one on which it begins and ends."""

    application: Application
    shell: Shell
    door: Door

    def start(self, visit: Visit, session: StaffSession) -> Response:
        return self.shell.render(visit, "staff/start.html", session=session)

    def ask(self, visit: Visit) -> Response:
        if self.door.session(visit) is not None:
            return see_other("/staff")
        return self.shell.render(visit, "staff/sign_in.html", samples=self._samples(), after=after(visit))

    def enter_demo(self, visit: Visit) -> Response:
        """Demo mode only: one of the sample accounts, without proof."""
        with self.application.database.transaction() as connection:
            member = staff.by_login(connection, visit.form.get("login", ""))
        if member.source != "demo" or member.disabled_at is not None:
            raise NotFound("there is no such sample account", code="unknown-member")
        return self._open(visit, member, "demo")

    def leave(self, visit: Visit) -> Response:
        if (session := self.door.session(visit)) is not None:
            with self.application.database.transaction() as connection:
                staff_sessions.end(connection, session, now=visit.now)
        response = see_other("/staff/sign-in")
        self.shell.drop_cookie(response, SESSION)
        self.shell.new_seed(response)
        return response

    def _open(self, visit: Visit, member: Member, method: str) -> Response:
        with self.application.database.transaction() as connection:
            session = staff_sessions.open_session(connection, member, method=method, place=place(visit), now=visit.now)
        response = see_other(after(visit))
        self.shell.set_cookie(response, SESSION, session.token)
        self.shell.new_seed(response)
        return response

    def _samples(self) -> list[Member]:
        if self.shell.mode != "demo":
            return []
        with self.application.database.transaction() as connection:
            return [
                member for member in staff.listing(connection) if member.source == "demo" and member.disabled_at is None
            ]


def see_other(address: str) -> RedirectResponse:
    """After a form, a page that can be loaded again (RFC 9110 §15.4.4)."""
    return RedirectResponse(address, status_code=303)


def place(visit: Visit) -> Place:
    """Where this visit comes from, coarsely."""
    client = visit.request.client
    return place_of(None if client is None else client.host, visit.request.headers.get("user-agent", ""))


def after(visit: Visit) -> str:
    """The page that was wanted before the sign-in, if it is one of ours; never another site's (CWE-601)."""
    wanted = visit.form.get("next") or visit.request.query_params.get("next", "")
    return wanted if _OWN_ADDRESS.fullmatch(wanted) else "/staff"
