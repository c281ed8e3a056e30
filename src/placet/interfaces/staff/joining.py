"""An invited member sets a password and a second factor; so does who changes the second factor later."""

from __future__ import annotations

from datetime import timedelta

import attrs
from starlette.responses import Response

from placet.access import staff, totp
from placet.access.ceremonies import Content
from placet.access.staff import Member
from placet.bootstrap import Application
from placet.interfaces.staff.signing_in import SigningIn, see_other
from placet.interfaces.web.shell import Page, Shell, Visit
from placet.kernel.errors import BadInput, Conflict
from placet.kernel.ids import StaffId, parse_uuid

JOIN = "placet_staff_join"
JOIN_KIND = "staff-join"
JOIN_VALID = timedelta(minutes=30)


@attrs.frozen
class Joining:
    """From the link of an invitation to the first session."""

    application: Application
    shell: Shell
    signing_in: SigningIn

    def while_open(self, page: Page) -> Page:
        """*page*, or the one that says that the link is over and what to do."""

        def guarded(visit: Visit) -> Response:
            try:
                return page(visit)
            except Conflict as error:
                if error.code != "invitation-over":
                    raise
                return self.shell.render(visit, "staff/over.html", status=410)

        return guarded

    def ask(self, visit: Visit) -> Response:
        return self._ask(visit, self._invited(visit))

    def choose(self, visit: Visit) -> Response:
        """The password; what follows is the second factor, and only then is either of them kept."""
        member = self._invited(visit)
        try:
            password = self.application.accounts.prepared(member, visit.form.get("password", ""))
        except BadInput as error:
            return self._ask(visit, member, wrong=error.code)
        invitation = visit.request.path_params["token"]
        return self.begin(visit, member, {"invitation": invitation, "password": password})

    def begin(self, visit: Visit, member: Member, content: Content) -> Response:
        """Enrol a new second factor of *member*."""
        content = {"member": str(member.id), "login": member.login, "secret": totp.new_secret(), **content}
        with self.application.database.transaction() as connection:
            token = self.application.ceremonies.begin(connection, JOIN_KIND, content, valid=JOIN_VALID, now=visit.now)
        response = see_other("/staff/second-factor")
        self.shell.set_cookie(response, JOIN, token, seconds=int(JOIN_VALID.total_seconds()))
        return response

    def show(self, visit: Visit) -> Response:
        return self._show(visit, self._begun(visit))

    def picture(self, visit: Visit) -> Response:
        """The QR code; an address of its own, since no page may hold inline pictures."""
        begun = self._begun(visit)
        text = totp.address(begun["secret"], login=begun["login"], issuer="Placet")
        return Response(totp.picture(text), media_type="image/svg+xml")

    def confirm(self, visit: Visit) -> Response:
        """A code of the new second factor: it works, so it is kept, and the recovery codes are shown once."""
        token = self.shell.cookie(visit.request, JOIN)
        with self.application.database.transaction() as connection:
            begun = self.application.ceremonies.attempt(connection, JOIN_KIND, token, now=visit.now)
        if begun is None:
            raise _over()
        member = StaffId(parse_uuid(begun["member"], what="a member"))
        codes = self._keep(visit, begun, member, token)
        if codes is None:
            return self._show(visit, begun, wrong=True)
        with self.application.database.transaction() as connection:
            found = staff.get(connection, member)
        response = self.shell.render(visit, "staff/recovery_codes.html", codes=codes)
        self.shell.drop_cookie(response, JOIN)
        self.signing_in.seat(visit, response, found, "password")
        return response

    def _keep(self, visit: Visit, begun: Content, member: StaffId, token: str | None) -> list[str] | None:
        accounts, secret, code = self.application.accounts, begun["secret"], visit.form.get("code", "")
        with self.application.database.transaction() as connection:
            if "invitation" in begun:
                codes = accounts.accept(
                    connection,
                    begun["invitation"],
                    member,
                    password=begun["password"],
                    secret=secret,
                    code=code,
                    now=visit.now,
                )
            else:
                codes = accounts.change_factor(connection, member, secret=secret, code=code, now=visit.now)
            if codes is not None:
                self.application.ceremonies.finish(connection, JOIN_KIND, token, now=visit.now)
        return codes

    def _invited(self, visit: Visit) -> Member:
        with self.application.database.transaction() as connection:
            member = self.application.accounts.invited(connection, visit.request.path_params["token"], now=visit.now)
        if member is None:
            raise _over()
        return member

    def _begun(self, visit: Visit) -> Content:
        token = self.shell.cookie(visit.request, JOIN)
        with self.application.database.transaction() as connection:
            begun = self.application.ceremonies.look(connection, JOIN_KIND, token, now=visit.now)
        if begun is None:
            raise _over()
        return begun

    def _ask(self, visit: Visit, member: Member, *, wrong: str | None = None) -> Response:
        status = 200 if wrong is None else 400
        token = visit.request.path_params["token"]
        return self.shell.render(visit, "staff/welcome.html", status=status, invited=member, wrong=wrong, token=token)

    def _show(self, visit: Visit, begun: Content, *, wrong: bool = False) -> Response:
        secret = begun["secret"]
        groups = " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))
        return self.shell.render(
            visit, "staff/second_factor.html", status=400 if wrong else 200, secret=groups, wrong=wrong
        )


def _over() -> Conflict:
    return Conflict("this link was used or is too old; ask an administrator for a new one", code="invitation-over")
