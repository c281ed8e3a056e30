"""How one signs in, and where one is signed in: passkeys and sessions of the customer who looks."""

from __future__ import annotations

from datetime import timedelta

import attrs
from psycopg import Connection
from starlette.responses import Response

from placet.access import passkeys, sessions
from placet.access.passkeys import ADD
from placet.access.sessions import Session
from placet.bootstrap import Application
from placet.delivery.service import News, What
from placet.interfaces.portal.by_passkey import ByPasskey
from placet.interfaces.portal.signing_in import see_other
from placet.interfaces.portal.whom import Whom
from placet.interfaces.web.shell import Shell, Visit
from placet.kernel.errors import BadInput, Denied
from placet.kernel.ids import new_record_id, parse_uuid

HERE = "/signing-in"
RECENT = timedelta(minutes=15)
"""What opens the account later is added only soon after a sign-in (OWASP ASVS 5.0 7.5.1)."""


@attrs.frozen
class WaysIn:
    """The customer's own passkeys and sessions; of anybody else's there is none."""

    application: Application
    shell: Shell
    by_passkey: ByPasskey

    def show(self, visit: Visit, whom: Whom) -> Response:
        return self._show(visit, whom)

    def ask_passkey(self, visit: Visit, whom: Whom) -> Response:
        """What the authenticator is asked, for the script."""
        self._demand_recent(visit, whom.session)
        subject = whom.session.subject
        with self.application.database.transaction() as connection:
            name = self.application.subjects.profile(connection, subject).name
            asked = self.by_passkey.keys(visit).ask_new(connection, subject, label=name or "–", now=visit.now)
        return self.by_passkey.asked(ADD, asked)

    def add_passkey(self, visit: Visit, whom: Whom) -> Response:
        self._demand_recent(visit, whom.session)
        token, name = self.by_passkey.token(visit, ADD), visit.form.get("name", "").strip() or visit.place.browser
        keys, answer = self.by_passkey.keys(visit), visit.form.get("answer", "")
        try:
            with self.application.database.transaction() as connection:
                added = keys.add(connection, whom.session.subject, token, answer, name=name, now=visit.now)
                if added:
                    self._tell(connection, visit, whom, What.PASSKEY_ADDED)
        except BadInput as error:
            return self._show(visit, whom, wrong=error.code)
        return see_other(f"{HERE}?done=added") if added else self._show(visit, whom, wrong="passkey")

    def change_passkey(self, visit: Visit, whom: Whom) -> Response:
        """Rename it, or remove it, as the button that was pressed says."""
        id = parse_uuid(visit.request.path_params["passkey"], what="a passkey")
        subject = whom.session.subject
        try:
            with self.application.database.transaction() as connection:
                if visit.form.get("change") == "remove":
                    passkeys.remove(connection, subject, id)
                    self._tell(connection, visit, whom, What.PASSKEY_REMOVED)
                    return see_other(f"{HERE}?done=removed")
                passkeys.rename(connection, subject, id, visit.form.get("name", ""))
        except BadInput as error:
            if error.code != "bad-name":
                raise
            return self._show(visit, whom, wrong=error.code)
        return see_other(f"{HERE}?done=renamed")

    def end_session(self, visit: Visit, whom: Whom) -> Response:
        id = parse_uuid(visit.request.path_params["session"], what="a session")
        with self.application.database.transaction() as connection:
            sessions.revoke_one(connection, whom.session.subject, id, now=visit.now)
        return see_other(f"{HERE}?done=ended")

    def end_others(self, visit: Visit, whom: Whom) -> Response:
        with self.application.database.transaction() as connection:
            sessions.revoke_others(connection, whom.session, now=visit.now)
        return see_other(f"{HERE}?done=ended")

    def _tell(self, connection: Connection, visit: Visit, whom: Whom, what: What) -> None:
        """Whoever owns the account hears of it, also when it was not they who did it (OWASP ASVS 5.0 6.3.7)."""
        news = News(what=what, key=f"passkey/{new_record_id(visit.now)}", path=HERE, at=visit.now)
        self.application.service.tell(connection, whom.session.subject, news, now=visit.now)

    def _show(self, visit: Visit, whom: Whom, *, wrong: str | None = None) -> Response:
        with self.application.database.transaction() as connection:
            found = passkeys.listing(connection, whom.session.subject)
            places = sessions.listing(connection, whom.session, now=visit.now)
        return self.shell.render(
            visit,
            "portal/ways_in.html",
            status=200 if wrong is None else 400,
            signed_in=True,
            whom=whom,
            passkeys=found,
            sessions=places,
            offered=self.by_passkey.offered(visit),
            elsewhere=self.application.config.passkey_origin,
            recent=_recent(visit, whom.session),
            suggested=visit.place.browser,
            wrong=wrong,
            done=visit.request.query_params.get("done", ""),
        )

    def _demand_recent(self, visit: Visit, session: Session) -> None:
        if not _recent(visit, session):
            raise Denied("sign in again, then add the passkey within fifteen minutes", code="sign-in-again")


def _recent(visit: Visit, session: Session) -> bool:
    return session.opened_at is not None and visit.now - session.opened_at < RECENT
