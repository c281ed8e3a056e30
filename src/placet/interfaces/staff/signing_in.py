"""
Signing in of staff, and out: a local account by password and second factor, another by the identity provider.

Whether a login is known is never told, neither by words nor by time (OWASP ASVS 5.0 6.3.8).
"""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import urlencode

import attrs
from starlette.responses import RedirectResponse, Response

from placet.access import federation, staff, staff_sessions
from placet.access.staff import Member
from placet.access.staff_sessions import StaffSession
from placet.bootstrap import Application
from placet.interfaces.staff.door import SESSION, Door
from placet.interfaces.web.provider import ByProvider
from placet.interfaces.web.shell import Shell, Visit
from placet.kernel.errors import Denied, NotFound, Unavailable
from placet.kernel.ids import StaffId, parse_uuid

STEP, BROWSER = "placet_staff_step", "placet_staff_browser"
STEP_KIND = "staff-step"
STEP_VALID = timedelta(minutes=10)
_BROWSER_SECONDS = 90 * 86_400
_OWN_ADDRESS = re.compile(r"/(staff|desk|console)(/[A-Za-z0-9/_-]*)?", re.ASCII)


@attrs.frozen
class SigningIn:
    """The pages before a session of staff, and the ones on which it begins and ends."""

    application: Application
    shell: Shell
    door: Door

    def start(self, visit: Visit, session: StaffSession) -> Response:
        return self.shell.render(visit, "staff/start.html", session=session)

    def ask(self, visit: Visit) -> Response:
        return see_other("/staff") if self.door.session(visit) is not None else self._ask(visit)

    def enter(self, visit: Visit) -> Response:
        """The first step: login and password."""
        login = visit.form.get("login", "")
        member = self.application.accounts.password_fits(
            login,
            visit.form.get("password", ""),
            address=visit.address,
            browser=self.shell.cookie(visit.request, BROWSER),
            now=visit.now,
        )
        if member is None:
            return self._ask(visit, login=login, wrong=True)
        content = {"member": str(member), "next": after(visit)}
        with self.application.database.transaction() as connection:
            token = self.application.ceremonies.begin(connection, STEP_KIND, content, valid=STEP_VALID, now=visit.now)
        response = see_other("/staff/sign-in/code")
        self.shell.set_cookie(response, STEP, token, seconds=int(STEP_VALID.total_seconds()))
        return response

    def ask_code(self, visit: Visit) -> Response:
        token = self.shell.cookie(visit.request, STEP)
        with self.application.database.transaction() as connection:
            begun = self.application.ceremonies.look(connection, STEP_KIND, token, now=visit.now)
        return see_other("/staff/sign-in") if begun is None else self._ask_code(visit)

    def enter_code(self, visit: Visit) -> Response:
        """The second step: a one-time code, or a recovery code."""
        token = self.shell.cookie(visit.request, STEP)
        with self.application.database.transaction() as connection:
            begun = self.application.ceremonies.attempt(connection, STEP_KIND, token, now=visit.now)
        if begun is None:
            return see_other("/staff/sign-in")
        id = StaffId(parse_uuid(begun["member"], what="a member"))
        if not self.application.accounts.factor_fits(id, visit.form.get("code", ""), now=visit.now):
            return self._ask_code(visit, wrong=True)
        with self.application.database.transaction() as connection:
            if self.application.ceremonies.finish(connection, STEP_KIND, token, now=visit.now) is None:
                return see_other("/staff/sign-in")
            member = staff.get(connection, id)
        response = self.open(visit, member, "password", address=begun["next"])
        self.shell.drop_cookie(response, STEP)
        mark = self.application.accounts.mark(member, now=visit.now)
        self.shell.set_cookie(response, BROWSER, mark, seconds=_BROWSER_SECONDS)
        return response

    def enter_demo(self, visit: Visit) -> Response:
        """Demo mode only: one of the sample accounts, without proof."""
        with self.application.database.transaction() as connection:
            member = staff.by_login(connection, visit.form.get("login", ""))
        if member.source != "demo" or member.disabled_at is not None:
            raise NotFound("there is no such sample account", code="unknown-member")
        return self.open(visit, member, "demo", address=after(visit))

    def to_provider(self, visit: Visit) -> Response:
        """By the company's account; while its provider is away, the other way stays open."""
        try:
            return self._by_provider().leave(visit, after=after(visit))
        except (Denied, Unavailable) as error:
            return self._told(visit, error)

    def from_provider(self, visit: Visit) -> Response:
        config, way = self.application.config, self._by_provider()
        try:
            claims, wanted = way.back(visit)
        except (Denied, Unavailable) as error:
            return self._told(visit, error)
        groups = federation.groups_of(config.oidc_groups)
        roles = federation.roles_of(claims, groups, claim=config.oidc_groups_claim)
        with self.application.database.transaction() as connection:
            member = federation.member_of(connection, claims, roles, now=visit.now)
        if member is None:
            return self._told(visit, Denied("none of your groups opens anything here", code="no-role"))
        response = self.open(visit, member, "oidc", address=wanted)
        way.forget(response)
        return response

    def leave(self, visit: Visit) -> Response:
        if (session := self.door.session(visit)) is not None:
            with self.application.database.transaction() as connection:
                staff_sessions.end(connection, session, now=visit.now)
        response = see_other("/staff/sign-in")
        self.shell.drop_cookie(response, SESSION)
        self.shell.new_seed(response)
        return response

    def open(self, visit: Visit, member: Member, method: str, *, address: str = "/staff") -> Response:
        """A new session of *member*, and the page at *address*."""
        response = see_other(address)
        self.seat(visit, response, member, method)
        return response

    def seat(self, visit: Visit, response: Response, member: Member, method: str) -> None:
        """Let *response* carry a new session; the one this browser had before ends."""
        before = self.door.session(visit)
        with self.application.database.transaction() as connection:
            if before is not None:
                staff_sessions.end(connection, before, now=visit.now)
            session = staff_sessions.open_session(connection, member, method=method, place=visit.place, now=visit.now)
        self.shell.set_cookie(response, SESSION, session.token)
        self.shell.new_seed(response)

    def _by_provider(self) -> ByProvider:
        if self.application.staff_provider is None:
            raise NotFound("no identity provider is set up", code="not-found")
        return ByProvider(self.application, self.shell, self.application.staff_provider, "staff-oidc")

    def _told(self, visit: Visit, error: Denied | Unavailable) -> Response:
        """The page of signing in again, with what went wrong at the provider."""
        return self._ask(visit, told=error.code, status=503 if isinstance(error, Unavailable) else 403)

    def _ask(
        self, visit: Visit, *, login: str = "", wrong: bool = False, told: str | None = None, status: int = 200
    ) -> Response:
        to = after(visit)
        provider = f"/staff/sign-in/oidc?{urlencode({'next': to})}" if self.application.staff_provider else None
        return self.shell.render(
            visit,
            "staff/sign_in.html",
            status=400 if wrong else status,
            samples=self._samples(),
            after=to,
            provider=provider,
            login=login,
            wrong=wrong,
            told=told,
        )

    def _ask_code(self, visit: Visit, *, wrong: bool = False) -> Response:
        return self.shell.render(visit, "staff/code.html", status=400 if wrong else 200, wrong=wrong)

    def _samples(self) -> list[Member]:
        if self.shell.mode != "demo":
            return []
        with self.application.database.transaction() as connection:
            everybody = staff.listing(connection)
        return [member for member in everybody if member.source == "demo" and member.disabled_at is None]


def see_other(address: str) -> RedirectResponse:
    """After a form, a page that can be loaded again (RFC 9110 §15.4.4)."""
    return RedirectResponse(address, status_code=303)


def after(visit: Visit) -> str:
    """The page that was wanted before the sign-in, if it is one of ours; never another site's (CWE-601)."""
    wanted = visit.form.get("next") or visit.request.query_params.get("next", "")
    return wanted if _OWN_ADDRESS.fullmatch(wanted) else "/staff"
