"""The desk's first page and its search. What is searched for travels in the body and is kept nowhere."""

from __future__ import annotations

import attrs
from psycopg import Connection
from starlette.responses import Response

from placet.access import openings, reads
from placet.access.staff import Member, Role
from placet.access.staff_sessions import StaffSession
from placet.bootstrap import Application
from placet.consents import agents
from placet.interfaces.desk import views
from placet.interfaces.staff.signing_in import see_other
from placet.interfaces.web.shell import Shell, Visit
from placet.kernel.errors import BadInput, Conflict
from placet.subjects.model import Alias
from placet.subjects.names import initials
from placet.subjects.search import Found, Search, masked

WATCH = (Role.REVIEWER, Role.DPO)


@attrs.frozen
class Finding:
    application: Application
    shell: Shell

    def start(self, visit: Visit, session: StaffSession) -> Response:
        return self._start(visit, session)

    def find(self, visit: Visit, session: StaffSession) -> Response:
        """Who fits what was typed."""
        text = visit.form.get("text", "")
        with self.application.database.transaction() as connection:
            openings.count_search(connection, session.member.id, now=visit.now)
        with self.application.database.transaction() as connection:
            try:
                search = self.application.subjects.search(connection, text)
            except BadInput as error:
                return self._start(visit, session, wrong=error.code)
            reads.note(connection, staff=session.member.id, what="find", reason=search.by, subject=None, now=visit.now)
            results = self._results(connection, visit, session.member, search)
        return self._start(visit, session, search=search, results=results)

    def keys(self, visit: Visit, session: StaffSession) -> Response:
        """What each key does."""
        return self.shell.render(visit, "desk/keys.html", session=session)

    def own(self, visit: Visit, session: StaffSession) -> Response:
        """A member says which customer they are: that record stays closed to them. Once; then an administrator."""
        contact = visit.form.get("contact", "")
        with self.application.database.transaction() as connection:
            if openings.customer_of(connection, session.member.id) is not None:
                raise Conflict("your own record is known already; ask an administrator to change it", code="own-known")
            try:
                alias = Alias.email(contact) if "@" in contact else Alias.msisdn(contact)
            except BadInput:
                return self._start(visit, session, wrong="bad-own")
            person = self.application.subjects.find(connection, alias)
            if person is None:
                return self._start(visit, session, wrong="bad-own")
            openings.tie(connection, session.member.id, person.id)
        return see_other("/desk")

    def _start(
        self,
        visit: Visit,
        session: StaffSession,
        *,
        search: Search | None = None,
        results: tuple[views.Result, ...] = (),
        wrong: str | None = None,
    ) -> Response:
        member = session.member
        with self.application.database.transaction() as connection:
            values = {
                "held": self._held(connection, visit, member),
                "waiting": self.application.assisted.count_waiting(connection, member.id, now=visit.now),
                "deadlines": self.application.requests.counts_by_deadline(connection, visit.now),
                "far_off": agents.far_off(connection, now=visit.now) if member.has(*WATCH) else 0,
                "watches": member.has(*WATCH),
                "own_known": openings.customer_of(connection, member.id) is not None,
            }
        status = 400 if wrong is not None else 200
        return self.shell.render(
            visit, "desk/start.html", status=status, search=search, results=results, wrong=wrong, **values
        )

    def _held(self, connection: Connection, visit: Visit, member: Member) -> tuple[views.Held, ...]:
        subjects = self.application.subjects
        found = []
        for opening in openings.of_member(connection, member.id, now=visit.now):
            assert opening.until is not None
            name = subjects.profile(connection, opening.subject).name
            contacts = masked(subjects.contacts(connection, opening.subject))
            found.append(views.Held(opening.subject, initials(name), contacts, opening.until))
        return tuple(found)

    def _results(
        self, connection: Connection, visit: Visit, member: Member, search: Search
    ) -> tuple[views.Result, ...]:
        until = {each.subject: each.until for each in openings.of_member(connection, member.id, now=visit.now)}

        def shown(found: Found) -> views.Result:
            return views.Result(found.subject, found.initials, found.contacts, until.get(found.subject))

        return tuple(map(shown, search.found))
