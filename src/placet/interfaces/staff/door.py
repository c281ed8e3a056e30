"""
The door to every page for staff: who is signed in, and whether one of their roles is one that the page is for.

    shell = staff_shell(application, {"desk": "placet.interfaces.desk"}, now=now)
    door = Door(application, shell)
    Route("/desk", shell.page(door.needs(Role.AGENT)(queue)))
    def queue(visit: Visit, session: StaffSession) -> Response: ...
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import attrs
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from placet.access import staff_sessions
from placet.access.staff import Role
from placet.access.staff_sessions import StaffSession
from placet.bootstrap import Application
from placet.interfaces.web.forms import FormKey
from placet.interfaces.web.shell import Frame, Page, Shell, Visit
from placet.kernel import clock
from placet.kernel.errors import Denied

SESSION = "placet_staff"
FORM_KEY_LABEL = "placet/staff-form/v1"

DESK = (Role.AGENT, Role.REVIEWER)
CONSOLE = (Role.MARKETER, Role.ANALYST, Role.DPO, Role.ADMIN)

StaffPage = Callable[[Visit, StaffSession], Response]


@attrs.frozen
class Door:
    """Lets through to a page whoever has one of its roles; asks the rest to sign in, or says that it is not theirs."""

    application: Application
    shell: Shell

    def needs(self, *roles: Role) -> Callable[[StaffPage], Page]:
        """A page for members with at least one of *roles*; for no role it is a mistake, never everybody."""
        if not roles:
            raise ValueError("name the roles that the page is for; `signed_in` is for all of them")
        return lambda page: self._guarded(page, frozenset(roles))

    def signed_in(self, page: StaffPage) -> Page:
        """A page about a member's own account: for every role, and for a member who has none."""
        return self._guarded(page, None)

    def upload(self, page: StaffPage, *roles: Role, most_bytes: int) -> Callable[[Request], Any]:
        """
        The endpoint of a form with files, for *roles*.

        Whoever it is not for is turned away before the files are read; afterwards roles are asked for again.
        """
        guarded, wanted = self.needs(*roles)(page), frozenset(roles)

        def first(visit: Visit) -> Response | None:
            met = self._met(visit, wanted)
            return met if isinstance(met, Response) else None

        return self.shell.upload(guarded, most_bytes=most_bytes, first=first)

    def session(self, visit: Visit) -> StaffSession | None:
        """Who of the staff is signed in here, if anybody."""
        token = self.shell.cookie(visit.request, SESSION)
        if token is None:
            return None
        with self.application.database.transaction() as connection:
            session = staff_sessions.resume(connection, token, now=visit.now)
        visit.request.state.staff = session
        return session

    def _guarded(self, page: StaffPage, roles: frozenset[Role] | None) -> Page:
        def guarded(visit: Visit) -> Response:
            met = self._met(visit, roles)
            return met if isinstance(met, Response) else page(visit, met)

        return guarded

    def _met(self, visit: Visit, roles: frozenset[Role] | None) -> StaffSession | Response:
        """Who stands at the door, or the way to sign in; a member without any of *roles* raises `Denied`."""
        session = self.session(visit)
        if session is None:
            return RedirectResponse(_sign_in(visit), status_code=303)
        if roles is not None and not session.member.has(*roles):
            raise Denied("none of your roles opens this page; ask an administrator", code="role")
        return session


def staff_shell(
    application: Application, parts: Mapping[str, str], *, now: Callable[[], datetime] = clock.now
) -> Shell:
    """The shell of a site for staff: its own form key, and `staff/frame.html` around every page."""
    return Shell(
        parts={"staff": "placet.interfaces.staff", **parts},
        config=application.config,
        form_key=FormKey(application.master.derive(FORM_KEY_LABEL)),
        frame=Frame("staff/frame.html", surroundings),
        now=now,
    )


def surroundings(visit: Visit) -> Mapping[str, object]:
    """What the frame shows of whoever is signed in: their name, and the parts that their roles open."""
    session: StaffSession | None = getattr(visit.request.state, "staff", None)
    member = None if session is None else session.member
    return {
        "member": member,
        "opens_desk": member is not None and member.has(*DESK),
        "opens_console": member is not None and member.has(*CONSOLE),
        "administers": member is not None and member.has(Role.ADMIN),
    }


def _sign_in(visit: Visit) -> str:
    """Where to sign in; a page that can be opened again is opened afterwards."""
    if visit.request.method != "GET":
        return "/staff/sign-in"
    return f"/staff/sign-in?{urlencode({'next': visit.request.url.path})}"
