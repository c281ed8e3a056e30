"""Who works here: administrators invite, give roles, disable; every change is written down with who made it."""

from __future__ import annotations

from typing import Any

import attrs
from starlette.responses import Response

from placet.access import staff, staff_sessions
from placet.access.staff import Member, Role, roles_of
from placet.access.staff_sessions import StaffSession
from placet.bootstrap import Application
from placet.interfaces.staff.signing_in import see_other
from placet.interfaces.web.shell import Shell, Visit
from placet.kernel.errors import BadInput, Conflict, Denied
from placet.kernel.ids import StaffId, parse_uuid

HERE = "/staff/members"
_SHOWN = 50


@attrs.frozen
class Members:
    """The accounts of an installation, for administrators."""

    application: Application
    shell: Shell
    url: str

    def list(self, visit: Visit, session: StaffSession) -> Response:
        with self.application.database.transaction() as connection:
            members = staff.listing(connection)
        return self.shell.render(visit, "staff/members.html", members=members, session=session)

    def ask_new(self, visit: Visit, session: StaffSession) -> Response:
        return self._ask_new(visit, session)

    def add(self, visit: Visit, session: StaffSession) -> Response:
        """A new local account; its link is shown once, to whoever made it."""
        form, by = visit.form, session.member.id
        try:
            with self.application.database.transaction() as connection:
                member = staff.add(
                    connection,
                    form.get("login", ""),
                    name=form.get("name", ""),
                    roles=_roles(visit),
                    shop=form.get("shop", "").strip() or None,
                    by=by,
                    now=visit.now,
                )
                token = self.application.accounts.invite(connection, member.id, by=by, now=visit.now)
        except BadInput as error:
            return self._ask_new(visit, session, wrong=error.code)
        return self._link(visit, member, token)

    def show(self, visit: Visit, session: StaffSession) -> Response:
        return self._show(visit, session)

    def change(self, visit: Visit, session: StaffSession) -> Response:
        """One change to one account, named by the form's button."""
        id, by = _member(visit), session.member.id
        try:
            with self.application.database.transaction() as connection:
                token = self._change(connection, visit, id, by)
                member = staff.get(connection, id)
        except (Conflict, Denied, BadInput) as error:
            return self._show(visit, session, wrong=error.code)
        return see_other(f"{HERE}/{id}?done=1") if token is None else self._link(visit, member, token)

    def _change(self, connection: Any, visit: Visit, id: StaffId, by: StaffId) -> str | None:
        """Do what was pressed; returns the secret of a new link if there is one to show."""
        accounts, now = self.application.accounts, visit.now
        match visit.form.get("change", ""):
            case "roles":
                staff.set_roles(connection, id, _roles(visit), by=by, now=now)
            case "shop":
                staff.set_shop(connection, id, visit.form.get("shop", ""), by=by, now=now)
            case "disable":
                staff.disable(connection, id, by=by, now=now)
            case "enable":
                staff.enable(connection, id, by=by, now=now)
            case "sessions":
                staff_sessions.end_all(connection, id, by=by, now=now)
            case "invite":
                return accounts.invite(connection, id, by=by, now=now)
            case "reset":
                _demand_other(id, by)
                return accounts.reset(connection, id, by=by, now=now)
            case _:
                raise BadInput("no such change; nothing was changed", code="bad-form")
        return None

    def _link(self, visit: Visit, member: Member, token: str) -> Response:
        link = f"{self.url}/staff/welcome/{token}"
        return self.shell.render(visit, "staff/invited.html", invited=member, link=link)

    def _ask_new(self, visit: Visit, session: StaffSession, *, wrong: str | None = None) -> Response:
        return self.shell.render(
            visit,
            "staff/new_member.html",
            status=200 if wrong is None else 400,
            session=session,
            roles=list(Role),
            form=visit.form,
            wrong=wrong,
        )

    def _show(self, visit: Visit, session: StaffSession, *, wrong: str | None = None) -> Response:
        id = _member(visit)
        with self.application.database.transaction() as connection:
            found = staff.get(connection, id)
            sessions = staff_sessions.listing(connection, id, now=visit.now, asking=session)
            events = staff.events(connection, member=id, limit=_SHOWN)
        return self.shell.render(
            visit,
            "staff/member.html",
            status=200 if wrong is None else 400,
            found=found,
            own=id == session.member.id,
            sessions=sessions,
            events=events,
            roles=list(Role),
            ticked=[f"role.{role}" for role in found.roles],
            wrong=wrong,
            done=visit.request.query_params.get("done", ""),
        )


def _member(visit: Visit) -> StaffId:
    return StaffId(parse_uuid(visit.request.path_params["member"], what="a member"))


def _roles(visit: Visit) -> frozenset[Role]:
    """The roles that are ticked; a form field each, since of a repeated field only the last is read."""
    return roles_of(
        [name.removeprefix("role.") for name, value in visit.form.items() if name.startswith("role.") and value]
    )


def _demand_other(id: StaffId, by: StaffId) -> None:
    if id == by:
        raise Denied("nobody resets their own account; ask another administrator", code="own-account")
