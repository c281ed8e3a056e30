"""A member's own account: password, second factor, where they are signed in, what was done to it."""

from __future__ import annotations

from typing import Any

import attrs
from starlette.responses import Response

from placet.access import staff, staff_sessions
from placet.access.staff_sessions import StaffSession
from placet.bootstrap import Application
from placet.interfaces.staff.joining import Joining
from placet.interfaces.staff.signing_in import see_other
from placet.interfaces.web.shell import Shell, Visit
from placet.kernel.errors import BadInput
from placet.kernel.ids import parse_uuid

HERE = "/staff/account"
_SHOWN_EVENTS = 20


@attrs.frozen
class Account:
    """What every member may see and change of their own."""

    application: Application
    shell: Shell
    joining: Joining

    def show(self, visit: Visit, session: StaffSession) -> Response:
        return self._show(visit, session)

    def change_password(self, visit: Visit, session: StaffSession) -> Response:
        """Another password; every other session ends (ASVS 5.0 7.4.3)."""
        if not self._confirmed(visit, session):
            return self._show(visit, session, wrong="confirm", about="password")
        try:
            with self.application.database.transaction() as connection:
                self.application.accounts.change_password(
                    connection, session.member, visit.form.get("new_password", ""), now=visit.now
                )
                self._end_others(connection, visit, session)
        except BadInput as error:
            return self._show(visit, session, wrong=error.code, about="password")
        return see_other(f"{HERE}?done=password")

    def change_factor(self, visit: Visit, session: StaffSession) -> Response:
        if not self._confirmed(visit, session):
            return self._show(visit, session, wrong="confirm", about="factor")
        return self.joining.begin(visit, session.member, {})

    def end_session(self, visit: Visit, session: StaffSession) -> Response:
        id = parse_uuid(visit.request.path_params["session"], what="a session")
        with self.application.database.transaction() as connection:
            staff_sessions.end_one(connection, session.member.id, id, by=session.member.id, now=visit.now)
        return see_other(f"{HERE}?done=session")

    def end_others(self, visit: Visit, session: StaffSession) -> Response:
        with self.application.database.transaction() as connection:
            self._end_others(connection, visit, session)
        return see_other(f"{HERE}?done=sessions")

    def _end_others(self, connection: Any, visit: Visit, session: StaffSession) -> None:
        member = session.member.id
        for listed in staff_sessions.listing(connection, member, now=visit.now, asking=session):
            if not listed.here:
                staff_sessions.end_one(connection, member, listed.id, by=member, now=visit.now)

    def _confirmed(self, visit: Visit, session: StaffSession) -> bool:
        return self.application.accounts.confirms(
            session.member,
            visit.form.get("password", ""),
            visit.form.get("code", ""),
            address=visit.address,
            now=visit.now,
        )

    def _show(
        self, visit: Visit, session: StaffSession, *, wrong: str | None = None, about: str | None = None
    ) -> Response:
        member = session.member.id
        with self.application.database.transaction() as connection:
            sessions = staff_sessions.listing(connection, member, now=visit.now, asking=session)
            codes = self.application.accounts.recovery_codes_left(connection, member)
            events = staff.events(connection, member=member, limit=_SHOWN_EVENTS)
        return self.shell.render(
            visit,
            "staff/account.html",
            status=200 if wrong is None else 400,
            sessions=sessions,
            codes_left=codes,
            events=events,
            wrong=wrong,
            about=about,
            done=visit.request.query_params.get("done", ""),
        )
