"""
Whose choices the pages show: one's own, or those of a person one may decide for.

The browser keeps the id of a mandate, which opens nothing by itself: every request asks again whether the mandate is
in force and held by who is signed in. One that has ended is refused with a page that says so.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import attrs
from psycopg import Connection
from starlette.responses import Response

from placet.access.sessions import Session
from placet.bootstrap import Application
from placet.consents.model import Actor
from placet.interfaces.portal.signing_in import FOR, SigningIn
from placet.interfaces.web.shell import Page, Shell, Visit
from placet.kernel.errors import BadInput
from placet.kernel.ids import MandateId, PurposeId, SubjectId, parse_uuid
from placet.subjects.model import Mandate


@attrs.frozen
class Whom:
    """Who is signed in, and for whom they look and decide: for themselves, unless there is a *mandate*."""

    session: Session
    mandate: Mandate | None = None
    name: str | None = attrs.field(default=None, repr=False)
    """How the person decided for is called, as far as it is known."""

    @property
    def subject(self) -> SubjectId:
        """Whose choices these are."""
        return self.session.subject if self.mandate is None else self.mandate.subject

    @property
    def actor(self) -> Actor:
        return Actor("subject" if self.mandate is None else "representative", str(self.session.subject))

    @property
    def form_value(self) -> str:
        """What a form carries, so that it is not sent for another person than it was opened for."""
        return "" if self.mandate is None else str(self.mandate.id)

    def sees(self, purpose: PurposeId) -> bool:
        """A mandate opens the purposes it names, and nothing else of the person."""
        return self.mandate is None or purpose in self.mandate.purposes


WhomPage = Callable[[Visit, Whom], Response]


@attrs.frozen
class Door:
    """What lies behind the sign-in: pages for whoever is decided for, and pages for oneself alone."""

    application: Application
    shell: Shell
    signing_in: SigningIn

    def choices(self, page: WhomPage) -> Page:
        """*page* for who is signed in, or for whom they have chosen to decide."""

        def guarded(visit: Visit) -> Response:
            session = self.signing_in.session(visit)
            if session is None:
                return self.signing_in.lead_in(visit)
            whom = self.whom(visit, session)
            return page(visit, whom) if isinstance(whom, Whom) else whom

        return guarded

    def own(self, page: WhomPage) -> Page:
        """*page* is about the one who is signed in; whoever decides for somebody else is told so first."""

        def guarded(visit: Visit, whom: Whom) -> Response:
            if whom.mandate is None:
                return page(visit, whom)
            return show(self.shell, visit, whom, "for_oneself", status=403)

        return self.choices(guarded)

    def whom(self, visit: Visit, session: Session) -> Whom | Response:
        """Whom this visit is about, or the page that says that the mandate is over."""
        chosen = self.shell.cookie(visit.request, FOR)
        if chosen is None:
            return Whom(session)
        with self.application.database.transaction() as connection:
            found = self.held(connection, session, chosen, visit.now)
            name = None if found is None else self.application.subjects.profile(connection, found.subject).name
        if found is None:
            return self.over(visit, session)
        return Whom(session, found, name)

    def held(self, connection: Connection, session: Session, id: str, now: datetime) -> Mandate | None:
        """The mandate *id*, if who is signed in holds it and it is in force."""
        try:
            asked = MandateId(parse_uuid(id, what="a mandate"))
        except BadInput:
            return None
        people = self.application.subjects
        mine = (held for held in people.mandates(connection, session.subject) if held.representative == session.subject)
        mandate = next((held for held in mine if held.id == asked), None)
        return mandate if mandate is not None and now in mandate.period else None

    def over(self, visit: Visit, session: Session) -> Response:
        """The mandate holds no longer: say so, and show one's own pages from now on."""
        response = show(self.shell, visit, Whom(session), "mandate_over", status=403)
        self.shell.drop_cookie(response, FOR)
        return response


def show(shell: Shell, visit: Visit, whom: Whom, page: str, *, status: int = 200, **values: object) -> Response:
    """The page *page* of whoever is signed in; for whom they decide stands above it."""
    return shell.render(visit, f"portal/{page}.html", status=status, signed_in=True, whom=whom, **values)
