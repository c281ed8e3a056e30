"""
The door to one person's record: every page behind it demands an opening that holds now (`access.openings`).

    record = RecordDoor(application, shell)
    Route("/desk/records/{subject}", shell.page(door.needs(*DESK)(record.open("record")(overview))))
    def overview(visit: Visit, at: AtRecord) -> Response: ...
"""

from __future__ import annotations

from collections.abc import Callable

import attrs
from psycopg import Connection
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from placet.access import openings, reads
from placet.access.openings import Opening
from placet.access.staff import Member
from placet.access.staff_sessions import StaffSession
from placet.bootstrap import Application
from placet.interfaces.desk import views
from placet.interfaces.staff.door import StaffPage
from placet.interfaces.web.shell import Shell, Visit
from placet.kernel.errors import BadInput, NotFound
from placet.kernel.ids import SubjectId, parse_uuid
from placet.subjects.model import Subject
from placet.subjects.names import initials


@attrs.frozen
class AtRecord:
    """A member before an open record."""

    member: Member
    opening: Opening
    person: Subject


RecordPage = Callable[[Visit, AtRecord], Response]


@attrs.frozen
class RecordDoor:
    """Lets a member through to a record that they have open; writes the first look at each kind of page down."""

    application: Application
    shell: Shell

    def open(self, what: str) -> Callable[[RecordPage], StaffPage]:
        """A page of the record; *what* is the word for it in the log of reads."""
        return lambda page: self._guarded(page, what)

    def panel(self, connection: Connection, visit: Visit, at: AtRecord) -> views.Panel:
        """The left column."""
        subjects = self.application.subjects
        profile = subjects.profile(connection, at.person.id)
        until = at.opening.until
        assert until is not None
        return views.Panel(
            subject=at.person.id,
            name=profile.name,
            contacts=tuple(
                contact.alias
                for contact in subjects.contacts(connection, at.person.id)
                if contact.period.end is None and contact.alias.kind != "personal-code"
            ),
            language=at.person.language,
            born=None if profile.birth_date is None else visit.words.day(profile.birth_date),
            opening=at.opening,
            until=until,
            minutes=max(1, round((until - visit.now).total_seconds() / 60)),
            others=tuple(openings.others(connection, at.opening, now=visit.now)),
            representative=self._representative(connection, at),
        )

    def render(self, visit: Visit, at: AtRecord, page: str, *, status: int = 200, **values: object) -> Response:
        with self.application.database.transaction() as connection:
            panel = self.panel(connection, visit, at)
        return self.shell.render(visit, f"desk/{page}.html", status=status, panel=panel, **values)

    def _guarded(self, page: RecordPage, what: str) -> StaffPage:
        def guarded(visit: Visit, session: StaffSession) -> Response:
            with self.application.database.transaction() as connection:
                person = person_of(self.application, connection, visit.request)
                opening = openings.live(
                    connection, self.application.subjects, session.member.id, person.id, now=visit.now
                )
                if opening is not None:
                    self._note(connection, visit, opening, what)
            if opening is None:
                return self._ended(visit, person.id)
            return page(visit, AtRecord(session.member, opening, person))

        return guarded

    def _ended(self, visit: Visit, subject: SubjectId) -> Response:
        """Nothing that is sent after the end is recorded: the page says so, and how to go on."""
        if visit.request.method == "GET":
            return RedirectResponse(f"/desk/records/{subject}/open", status_code=303)
        return self.shell.render(visit, "desk/ended.html", status=403, subject=subject)

    def _note(self, connection: Connection, visit: Visit, opening: Opening, what: str) -> None:
        if openings.first_sight(connection, opening, what):
            reads.note(
                connection,
                staff=opening.member,
                what=what,
                reason=opening.reason,
                subject=opening.subject,
                now=visit.now,
            )

    def _representative(self, connection: Connection, at: AtRecord) -> str | None:
        """Whoever stands at the desk for the person, by initials."""
        if at.opening.mandate is None:
            return None
        subjects = self.application.subjects
        held = next(each for each in subjects.mandates(connection, at.person.id) if each.id == at.opening.mandate)
        return initials(subjects.profile(connection, held.representative).name) or "?"


def person_of(application: Application, connection: Connection, request: Request) -> Subject:
    """The living person whose record the address names; a merged identity leads onward."""
    try:
        id = SubjectId(parse_uuid(request.path_params["subject"], what="a record"))
    except BadInput:
        raise NotFound("no such record", code="unknown-subject") from None
    person = application.subjects.get(connection, id)
    if person.erased_at is not None:
        raise NotFound("this person was erased; there is no record to open", code="erased")
    return person
