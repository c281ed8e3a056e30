"""
Doing what a request asks for, and answering it in the same transaction: restriction, objection, erasure.

A correction is made under an opening of the record (`correcting`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time

import attrs
from psycopg import Connection
from starlette.responses import Response

from placet.access import openings
from placet.access.staff import Member
from placet.access.staff_sessions import StaffSession
from placet.bootstrap import Application
from placet.consents.model import Actor
from placet.interfaces.desk import views
from placet.interfaces.desk.requesting import Requesting, request_id
from placet.interfaces.portal.reading import controller
from placet.interfaces.staff.signing_in import see_other
from placet.interfaces.web.languages import Words, language_of
from placet.interfaces.web.shell import Shell, Visit
from placet.kernel.errors import BadInput, Conflict, Denied, NotFound
from placet.kernel.ids import PurposeId, parse_uuid
from placet.rights import answering, erasure, objections, restriction
from placet.rights.erasure import Kept
from placet.rights.model import Kind, Request
from placet.rights.objections import ALL_MARKETING, Filed, Objection
from placet.rights.restriction import GROUNDS, RestrictionId

WORD = {"lv": "DZĒST", "ru": "СТЕРЕТЬ", "en": "ERASE"}
"""What is typed before somebody is erased: in the member's own language."""


@attrs.frozen
class CarryingOut:
    application: Application
    shell: Shell
    requesting: Requesting

    # Restriction

    def restrict(self, visit: Visit, session: StaffSession) -> Response:
        """All of it rests, or one purpose; the request is answered with that."""
        return self._carried_out(visit, session.member, "restriction", self._restrict)

    def lifting(self, visit: Visit, session: StaffSession) -> Response:
        """Say when a restriction will be lifted, so that the customer is told; and lift it, not before that day."""
        return self._carried_out(visit, session.member, "restriction", self._lifting)

    def _restrict(self, connection: Connection, visit: Visit, member: Member, request: Request) -> None:
        ground = next((ground for ground in GROUNDS if ground == visit.form.get("ground")), None)
        if ground is None:
            raise BadInput("a restriction has one of the grounds of the law; nothing was changed", code="bad-ground")
        catalogue, chosen = self.application.catalogue(connection), visit.form.get("purpose", "")
        purpose = catalogue.purpose(chosen) if chosen else None
        by, requests = Actor("agent", str(member.id)), self.application.requests
        requests.take(connection, request.id, member.id, now=visit.now)
        restriction.restrict(
            connection,
            self.application.subjects,
            request.subject,
            None if purpose is None else purpose.id,
            ground=ground,
            by=by,
            request=request.id,
            now=visit.now,
        )
        theirs = self._theirs(connection, visit, request)
        title = None if purpose is None else purpose.notice(theirs.language).title
        outcome = self.shell.text(theirs, "desk/outcome_restriction.html", title=title, today=visit.now)
        requests.finish(connection, request.id, outcome=outcome, by=by, now=visit.now)

    def _lifting(self, connection: Connection, visit: Visit, member: Member, request: Request) -> None:
        self.requesting.demand_reader(connection, member, request)
        id = RestrictionId(parse_uuid(visit.request.path_params["restriction"], what="a restriction"))
        if restriction.get(connection, id).subject != request.subject:
            raise NotFound("there is no such restriction in force; nothing was changed", code="unknown-restriction")
        if visit.form.get("step") == "tell":
            restriction.tell(connection, id, lifting_at=_morning(visit), now=visit.now)
        else:
            by = Actor("agent", str(member.id))
            restriction.lift(connection, self.application.subjects, id, by=by, now=visit.now)

    # Objection

    def object(self, visit: Visit, session: StaffSession) -> Response:
        """An objection that a member has nothing to weigh in: it holds now."""
        self.application.keeper.demand_agreement()
        return self._carried_out(visit, session.member, "objection", self._object)

    def _object(self, connection: Connection, visit: Visit, member: Member, request: Request) -> None:
        catalogue, concerns = self.application.catalogue(connection), request.concerns or ""
        ended = objections.purposes_of(catalogue, concerns)
        if not ended:
            raise BadInput("this objection must be weighed and answered; nothing was recorded", code="no-objection")
        by = Actor("agent", str(member.id))
        target = None if concerns == ALL_MARKETING else PurposeId(concerns)
        answer = objections.object_to(
            connection,
            Objection(request.subject, target),
            catalogue=catalogue,
            rulebook=self.application.rulebook,
            requests=self.application.requests,
            route=request.route,
            actor=by,
            now=visit.now,
        )
        assert not isinstance(answer, Filed)
        number = self.application.subjects.get(connection, request.subject).number
        for purpose in ended:
            self.application.assisted.cancel(connection, number, purpose)
        theirs = self._theirs(connection, visit, request)
        titles = [catalogue.purpose(purpose).notice(theirs.language).title for purpose in ended]
        outcome = self.shell.text(theirs, "desk/outcome_objection.html", titles=titles, today=visit.now)
        self.application.requests.finish(connection, request.id, outcome=outcome, by=by, now=visit.now)

    # Erasure

    def ask_erasure(self, visit: Visit, session: StaffSession) -> Response:
        """What goes and what stays, with its law and its end; and the word to type."""
        return self._ask_erasure(visit, session.member)

    def erase(self, visit: Visit, session: StaffSession) -> Response:
        """
        Forget the customer for good; the answer is the letter to print, now or never.

        The letter is made before the key is destroyed, and shown after the commit only.
        """
        member = session.member
        if visit.form.get("word", "").strip().casefold() != WORD[visit.words.language].casefold():
            return self._ask_erasure(visit, member, wrong="other-word")
        try:
            with self.application.database.transaction() as connection:
                request = self._second(connection, visit, member)
                self.requesting.note(connection, visit, member, request, "erasure")
                letter, outcome = self._last_letter(connection, visit, request)
                answering.erase(self.application, connection, request.id, by=member, outcome=outcome, now=visit.now)
        except Conflict as error:
            if isinstance(error, NotFound):
                raise
            return self.requesting.shown(visit, member, wrong=error.code)
        return letter

    def _ask_erasure(self, visit: Visit, member: Member, *, wrong: str | None = None) -> Response:
        with self.application.database.transaction() as connection:
            request = self._second(connection, visit, member)
            self.requesting.note(connection, visit, member, request, "erasure")
            kept = erasure.outlook(self.application, connection, request.subject)
            name = self.application.subjects.profile(connection, request.subject).name
            lines = self.application.subjects.lines(connection, request.subject)
        return self.shell.render(
            visit,
            "desk/erasure.html",
            status=200 if wrong is None else 400,
            request=request,
            name=name,
            stays=_stays(kept, visit.words.language),
            lines=[alias.value for alias, role in lines if role.period.end is None],
            word=WORD[visit.words.language],
            wrong=wrong,
        )

    def _second(self, connection: Connection, visit: Visit, member: Member) -> Request:
        """The open request, if *member* may carry it out: they did not file it, and it is not about them."""
        request = self.application.requests.get(connection, request_id(visit))
        openings.demand_not_own(connection, self.application.subjects, member, request.subject)
        answering.demand_second(request, member)
        if not request.is_open:
            raise NotFound("this request was answered already; nothing was erased", code="unknown-request")
        return request

    def _last_letter(self, connection: Connection, visit: Visit, request: Request) -> tuple[Response, str]:
        """The letter and its words, in the customer's language."""
        theirs = self._theirs(connection, visit, request)
        kept = erasure.outlook(self.application, connection, request.subject)
        stays = _stays(kept, theirs.language)
        letter = self.shell.render(
            attrs.evolve(visit, words=theirs),
            "desk/erasure_letter.html",
            request=request,
            name=self.application.subjects.profile(connection, request.subject).name,
            who=controller(self.application.catalogue(connection), theirs.language),
            stays=stays,
            today=visit.now,
        )
        return letter, self.shell.text(theirs, "desk/outcome_erasure.html", stays=stays, today=visit.now)

    # Within

    def _carried_out(
        self,
        visit: Visit,
        member: Member,
        kind: Kind,
        act: Callable[[Connection, Visit, Member, Request], None],
    ) -> Response:
        """Let *act* do it in one transaction; what the page itself can ask to be put right is said on the page."""
        try:
            with self.application.database.transaction() as connection:
                request = self.application.requests.get(connection, request_id(visit))
                openings.demand_not_own(connection, self.application.subjects, member, request.subject)
                if request.kind != kind:
                    raise Conflict("this request asks for something else; nothing was changed", code="other-request")
                act(connection, visit, member, request)
                self.requesting.note(connection, visit, member, request, f"{kind}-made")
        except (BadInput, Denied) as error:
            if isinstance(error, NotFound) or error.code == "own-record":
                raise
            return self.requesting.shown(visit, member, wrong=error.code)
        return see_other(f"/desk/requests/{request.id}")

    def _theirs(self, connection: Connection, visit: Visit, request: Request) -> Words:
        """The customer's own words."""
        language = language_of(self.application.subjects.get(connection, request.subject).language)
        return Words(language or visit.words.language, visit.words.zone)


def _stays(kept: tuple[Kept, ...], language: str) -> list[views.Stays]:
    return [views.Stays(each.why[language], each.until[language], each.law) for each in kept]


def _morning(visit: Visit) -> datetime:
    """The beginning of the day from which on it may be lifted."""
    try:
        day = date.fromisoformat(visit.form.get("lifting", "").strip())
    except ValueError:
        raise BadInput("write the day as 2026-03-12; nothing was changed", code="bad-date") from None
    return datetime.combine(day, time(), visit.words.zone).astimezone(UTC)
