"""Before a record opens: a reason, and an identity check. And its end."""

from __future__ import annotations

from uuid import UUID

import attrs
from psycopg import Connection
from starlette.responses import Response

from placet.access import opening_checks, openings
from placet.access.codes import demo_messages
from placet.access.opening_checks import CheckFailed, Opened
from placet.access.openings import DOCUMENTS, REASONS, Asked, Reason
from placet.access.staff import Member
from placet.access.staff_sessions import StaffSession
from placet.bootstrap import Application
from placet.interfaces.desk import views
from placet.interfaces.desk.record_door import AtRecord, person_of
from placet.interfaces.staff.signing_in import see_other
from placet.interfaces.web.shell import Shell, Visit
from placet.kernel.errors import BadInput
from placet.kernel.ids import MandateId, SubjectId, parse_uuid
from placet.subjects.model import Subject
from placet.subjects.names import initials
from placet.subjects.search import mask, masked

_MINE_TO_CORRECT = frozenset({"bad-reason", "bad-document", "unknown-contact", "bad-id"})
"""What the page itself can ask to be put right."""


@attrs.frozen
class OpeningPages:
    application: Application
    shell: Shell

    def ask(self, visit: Visit, session: StaffSession) -> Response:
        with self.application.database.transaction() as connection:
            person = person_of(self.application, connection, visit.request)
        return self._ask(visit, session.member, person)

    def check(self, visit: Visit, session: StaffSession) -> Response:
        """Try the check that was chosen."""
        with self.application.database.transaction() as connection:
            person = person_of(self.application, connection, visit.request)
        try:
            asked = Asked(session.member, person.id, _reason(visit), visit.form.get("words", ""))
            return self._try(visit, session.member, person, asked)
        except BadInput as error:
            if error.code not in _MINE_TO_CORRECT:
                raise
            return self._ask(visit, session.member, person, wrong=error.code)

    def code(self, visit: Visit, session: StaffSession) -> Response:
        with self.application.database.transaction() as connection:
            person = person_of(self.application, connection, visit.request)
        return self._code(visit, session.member, person)

    def enter_code(self, visit: Visit, session: StaffSession) -> Response:
        with self.application.database.transaction() as connection:
            person = person_of(self.application, connection, visit.request)
        told = "".join(visit.form.get("code", "").split())
        outcome = opening_checks.enter_code(
            self.application.database, self.application.codes, session.member, person.id, told, now=visit.now
        )
        if isinstance(outcome, CheckFailed):
            return self._code(visit, session.member, person, wrong=True)
        return see_other(f"/desk/records/{person.id}")

    def close(self, visit: Visit, at: AtRecord) -> Response:
        """The member is done before the time is up."""
        with self.application.database.transaction() as connection:
            openings.end(connection, at.opening, now=visit.now)
        return see_other("/desk")

    def _try(self, visit: Visit, member: Member, person: Subject, asked: Asked) -> Response:
        form, subjects = visit.form, self.application.subjects
        whose = "their_" if form.get("proof") == "mandate" else ""
        document, digits = form.get(f"{whose}document", ""), form.get(f"{whose}digits", "")
        outcome: Opened | CheckFailed
        if form.get("proof") == "code":
            told = form.get("contact", "")
            place = int(told) if told.isdecimal() and len(told) < 4 else -1
            opening_checks.ask_code(
                self.application.database, subjects, self.application.codes, asked, contact=place, now=visit.now
            )
            return see_other(f"/desk/records/{person.id}/open/code")
        with self.application.database.transaction() as connection:
            if form.get("proof") == "mandate":
                mandate = MandateId(parse_uuid(form.get("mandate", ""), what="a mandate"))
                outcome = opening_checks.by_mandate(
                    connection, subjects, asked, mandate=mandate, document=document, digits=digits, now=visit.now
                )
            else:
                outcome = opening_checks.by_document(
                    connection, subjects, asked, document=document, digits=digits, now=visit.now
                )
        if isinstance(outcome, CheckFailed):
            return self._ask(visit, member, person, wrong=outcome.why)
        return see_other(f"/desk/records/{person.id}")

    def _ask(self, visit: Visit, member: Member, person: Subject, *, wrong: str | None = None) -> Response:
        subjects = self.application.subjects
        with self.application.database.transaction() as connection:
            flagged = openings.demand_not_own(connection, subjects, member, person.id)
            values = {
                "initials": initials(subjects.profile(connection, person.id).name),
                "masked": masked(subjects.contacts(connection, person.id)),
                "reachable": [mask(alias) for alias in openings.reachable(connection, subjects, person.id)],
                "mandates": self._mandates(connection, visit, person.id),
                "live": openings.live(connection, subjects, member.id, person.id, now=visit.now),
            }
        return self.shell.render(
            visit,
            "desk/open.html",
            status=200 if wrong is None else 400,
            subject=person.id,
            flagged=flagged,
            wrong=wrong,
            reasons=REASONS,
            documents=DOCUMENTS,
            form=visit.form,
            **values,
        )

    def _code(self, visit: Visit, member: Member, person: Subject, *, wrong: bool = False) -> Response:
        with self.application.database.transaction() as connection:
            opening = openings.awaited(connection, member.id, person.id, now=visit.now)
            outbox = None if opening is None else demo_outbox(self.shell, connection, opening.challenge)
        if opening is None and not wrong:
            return see_other(f"/desk/records/{person.id}/open")
        status = 400 if wrong else 200
        return self.shell.render(
            visit, "desk/open_code.html", status=status, subject=person.id, wrong=wrong, outbox=outbox
        )

    def _mandates(self, connection: Connection, visit: Visit, subject: SubjectId) -> list[views.Mandated]:
        subjects = self.application.subjects
        return [
            views.Mandated(
                mandate.id, mandate.kind, initials(subjects.profile(connection, mandate.representative).name)
            )
            for mandate in openings.in_force(connection, subjects, subject, visit.now)
        ]


def demo_outbox(shell: Shell, connection: Connection, challenge: UUID | None) -> list[views.Letter] | None:
    """Demo mode: what was sent for this one challenge."""
    if shell.mode != "demo" or challenge is None:
        return None
    return [
        views.Letter(message.contact.partition(":")[2], message.code, message.created_at)
        for message in demo_messages(connection)
        if message.challenge == challenge
    ]


def _reason(visit: Visit) -> Reason:
    found = next((reason for reason in REASONS if reason == visit.form.get("reason")), None)
    if found is None:
        raise BadInput("choose a reason from the list; nothing was opened", code="bad-reason")
    return found
