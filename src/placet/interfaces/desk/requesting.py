"""What customers ask for: filed at the desk, worked on from a queue, answered by a letter in their language."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from urllib.parse import urlencode
from uuid import uuid4

import attrs
from psycopg import Connection
from starlette.responses import Response

from placet.access import openings, reads, staff
from placet.access.staff import Member, Role
from placet.access.staff_sessions import StaffSession
from placet.bootstrap import Application
from placet.consents.model import Actor, Recorded
from placet.interfaces.desk import views
from placet.interfaces.desk.means import Looking, means_of
from placet.interfaces.desk.reading import route_of
from placet.interfaces.desk.record_door import AtRecord, RecordDoor
from placet.interfaces.portal.reading import controller
from placet.interfaces.staff.door import DESK
from placet.interfaces.staff.signing_in import see_other
from placet.interfaces.web.languages import Words, language_of
from placet.interfaces.web.shell import Shell, Visit
from placet.kernel.errors import BadInput, Conflict, Denied, NotFound
from placet.kernel.ids import ActivityId, PurposeId, StaffId, parse_uuid
from placet.rights import objections, rules
from placet.rights.model import CLOSED, KINDS, OPEN, Request, RequestId, State, parse_kind
from placet.rights.objections import Filed, Objection
from placet.rights.requests import LONGEST
from placet.rights.restriction import GROUNDS
from placet.subjects.names import initials

PAGE = 25
_DAY = timedelta(days=1)
WORDS = {"text-too-long", "bad-text", "no-reason", "no-concern", "bad-kind", "bad-date", "in-the-future"}
"""What the page itself can ask to be put right."""
_SHOWS: Mapping[str, frozenset[State]] = {"open": OPEN, "closed": CLOSED}


@attrs.frozen
class Requesting:
    application: Application
    shell: Shell
    door: RecordDoor

    # Filing, from an open record

    def form(self, visit: Visit, at: AtRecord) -> Response:
        return self._form(visit, at)

    def file(self, visit: Visit, at: AtRecord) -> Response:
        """Write down what the customer asks for; sending the same page twice files it once."""
        form = visit.form
        if form.get("kind") == "objection" and form.get("about"):
            return self._object(visit, at, form["about"])
        concerns = form.get("concerns", "").strip() or form.get("about", "") or None
        try:
            with self.application.database.transaction() as connection:
                request = self.application.requests.file(
                    connection,
                    at.person.id,
                    parse_kind(form.get("kind", "")),
                    text=form.get("text"),
                    route=route_of(form.get("route")),
                    filed_by=Actor("agent", str(at.member.id)),
                    now=visit.now,
                    received_at=_received(visit),
                    concerns=concerns,
                    opening=at.opening.id,
                    key=_key(visit, at),
                )
        except BadInput as error:
            if error.code not in WORDS:
                raise
            return self._form(visit, at, wrong=error.code)
        return see_other(f"/desk/requests/{request.id}")

    def _object(self, visit: Visit, at: AtRecord, about: str) -> Response:
        """An objection to advertising, or to what rests on a consent, holds at once; a member answers any other."""
        self.application.keeper.demand_agreement()
        try:
            with self.application.database.transaction() as connection:
                catalogue = self.application.catalogue(connection)
                answer = objections.object_to(
                    connection,
                    Objection(at.person.id, _objected(about)),
                    catalogue=catalogue,
                    rulebook=self.application.rulebook,
                    requests=self.application.requests,
                    text=visit.form.get("text"),
                    route=route_of(visit.form.get("route")),
                    actor=self._speaker(connection, at),
                    opening=at.opening.id,
                    received_at=_received(visit),
                    key=_key(visit, at),
                    now=visit.now,
                )
                for purpose in objections.purposes_of(catalogue, about):
                    self.application.assisted.cancel(connection, at.person.number, purpose)
        except BadInput as error:
            return self._form(visit, at, wrong=error.code)
        if isinstance(answer, Filed):
            return see_other(f"/desk/requests/{answer.request.id}")
        recorded = [("r", str(one.record)) for one in answer.outcomes if isinstance(one, Recorded)]
        return see_other(f"/desk/records/{at.person.id}/done?{urlencode(recorded)}")

    def _speaker(self, connection: Connection, at: AtRecord) -> Actor:
        """Whose word it is: a representative's, else the person's, written down by the member."""
        mandates = self.application.subjects.mandates(connection, at.person.id)
        held = next((each for each in mandates if each.id == at.opening.mandate), None)
        return Actor("agent", str(at.member.id)) if held is None else Actor("representative", str(held.representative))

    def _form(self, visit: Visit, at: AtRecord, *, wrong: str | None = None) -> Response:
        language = visit.words.language
        with self.application.database.transaction() as connection:
            catalogue = self.application.catalogue(connection)
        purposes = [(purpose.id, purpose.notice(language).title) for purpose in catalogue.purposes.values()]
        weighed = [(id, catalogue.activities[id].titles[language]) for id in objections.may_object(catalogue)]
        return self.door.render(
            visit,
            at,
            "request_new",
            status=200 if wrong is None else 400,
            kinds=KINDS,
            purposes=purposes,
            weighed=weighed,
            marketing=objections.ALL_MARKETING,
            form=visit.form,
            longest=LONGEST,
            wrong=wrong,
            route=route_of(visit.form.get("route") or visit.request.query_params.get("route")),
            today=visit.now.astimezone(visit.words.zone).date().isoformat(),
            once=visit.form.get("once") or str(uuid4()),
        )

    # The queue

    def queue(self, visit: Visit, session: StaffSession) -> Response:
        """Everybody's requests, those due first at the top."""
        query = visit.request.query_params
        show, whose = query.get("show", "open"), query.get("owner", "all")
        states = _SHOWS.get(show, OPEN)
        owner = {"mine": session.member.id, "nobody": "nobody"}.get(whose)
        after = query.get("after")
        with self.application.database.transaction() as connection:
            found = self.application.requests.queue(
                connection,
                states=states,
                owner=owner,  # type: ignore[arg-type] # a member's id or the word `nobody`
                order="due" if states is OPEN else "filing",
                after=None if after is None else _request_id(after),
                limit=PAGE + 1,
            )
            names = {member.id: member.name for member in staff.listing(connection)}
            asked = [self._asked(connection, visit, request, names) for request in found[:PAGE]]
            deadlines = self.application.requests.counts_by_deadline(connection, visit.now)
        return self.shell.render(
            visit,
            "desk/requests.html",
            asked=asked,
            deadlines=deadlines,
            show=show if show in _SHOWS else "open",
            whose=whose if whose in {"mine", "nobody"} else "all",
            further=found[PAGE - 1].id if len(found) > PAGE else None,
            paged=after is not None,
        )

    # One request

    def request(self, visit: Visit, session: StaffSession) -> Response:
        return self.shown(visit, session.member)

    def step(self, visit: Visit, session: StaffSession) -> Response:
        """Take it, hand it over, extend, finish, refuse, or note that the customer wants it no more."""
        id, member = request_id(visit), session.member
        try:
            with self.application.database.transaction() as connection:
                request = self.application.requests.get(connection, id)
                openings.demand_not_own(connection, self.application.subjects, member, request.subject)
                self._take_step(connection, visit, id, member)
        except (BadInput, Conflict) as error:
            if isinstance(error, NotFound):
                raise
            return self.shown(visit, member, wrong=error.code)
        return see_other(f"/desk/requests/{id}")

    def letter(self, visit: Visit, session: StaffSession) -> Response:
        """The letter to the customer, in the customer's language, to be printed."""
        with self.application.database.transaction() as connection:
            request = self.application.requests.get(connection, request_id(visit))
            self.demand_reader(connection, session.member, request)
            self.note(connection, visit, session.member, request, "letter")
            person = self.application.subjects.get(connection, request.subject)
            name = self.application.subjects.profile(connection, person.id).name
            language = language_of(person.language) or visit.words.language
            steps = self.application.requests.steps(connection, request.id)
            who = controller(self.application.catalogue(connection), language)
            means = means_of(self.application, connection, request, Looking(session.member, language, visit.now))
        theirs = attrs.evolve(visit, words=Words(language, visit.words.zone))
        extension = next((step.note for step in reversed(steps) if step.kind == "extended"), None)
        return self.shell.render(
            theirs,
            "desk/letter.html",
            request=request,
            name=name,
            who=who,
            extension=extension,
            told=[each for each in means.resting if each.lifting_at is not None],
            today=visit.now,
        )

    def _take_step(self, connection: Connection, visit: Visit, id: RequestId, member: Member) -> None:
        requests, form, by = self.application.requests, visit.form, Actor("agent", str(member.id))
        words, now = form.get("words", ""), visit.now
        steps: Mapping[str, Callable[[], object]] = {
            "take": lambda: requests.take(connection, id, member.id, now=now),
            "release": lambda: requests.release(connection, id, by=by, now=now),
            "hand-over": lambda: requests.hand_over(connection, id, self._to(connection, visit), by=by, now=now),
            "extend": lambda: requests.extend(connection, id, reason=words, by=by, now=now),
            "finish": lambda: requests.finish(connection, id, outcome=words, by=by, now=now),
            "refuse": lambda: requests.refuse(connection, id, reason=words, by=by, now=now),
            "withdraw": lambda: requests.withdraw(connection, id, by=by, now=now),
        }
        step = steps.get(form.get("step", ""))
        if step is None:
            raise BadInput("the step is none of those on the page; nothing was changed", code="bad-form")
        step()

    def _to(self, connection: Connection, visit: Visit) -> StaffId:
        """A colleague who may work at the desk."""
        to = staff.get(connection, StaffId(parse_uuid(visit.form.get("to", ""), what="a member")))
        if to.disabled_at is not None or not to.has(*DESK, Role.DPO):
            raise BadInput("this member does not work on requests; nothing was changed", code="unknown-member")
        return to.id

    def shown(self, visit: Visit, member: Member, *, wrong: str | None = None) -> Response:
        with self.application.database.transaction() as connection:
            request = self.application.requests.get(connection, request_id(visit))
            openings.demand_not_own(connection, self.application.subjects, member, request.subject)
            readable = _may_read(member, request)
            if readable:
                self.note(connection, visit, member, request, "request")
            members = staff.listing(connection)
            names = {each.id: each.name for each in members}
            asked = self._asked(connection, visit, request, names)
            steps = self.application.requests.steps(connection, request.id)
            looking = Looking(member, visit.words.language, visit.now)
            means = means_of(self.application, connection, request, looking) if readable else views.Means()
        return self.shell.render(
            visit,
            "desk/request.html",
            status=200 if wrong is None else 400,
            request=request if readable else attrs.evolve(request, text=None, outcome=None),
            asked=asked,
            readable=readable,
            mine=request.owner == member.id,
            steps=steps if readable else [attrs.evolve(step, note=None) for step in steps],
            names={str(id): name for id, name in names.items()},
            colleagues=[each for each in members if each.disabled_at is None and each.has(*DESK, Role.DPO)],
            means=means,
            grounds=GROUNDS,
            tomorrow=(visit.now.astimezone(visit.words.zone) + _DAY).date().isoformat(),
            wrong=wrong,
            words_before=visit.form.get("words", ""),
            longest=LONGEST,
        )

    def _asked(
        self, connection: Connection, visit: Visit, request: Request, names: Mapping[StaffId, str]
    ) -> views.Asked:
        owner = None if request.owner is None else names.get(request.owner, "?")
        return views.Asked(
            id=request.id,
            kind=request.kind,
            state=request.state,
            route=request.route,
            received_at=request.received_at,
            due=request.due,
            days=(visit.now - request.received_at).days,
            escalation=rules.escalation(request, visit.now),
            owner=owner,
            initials=initials(self.application.subjects.profile(connection, request.subject).name),
        )

    def demand_reader(self, connection: Connection, member: Member, request: Request) -> None:
        openings.demand_not_own(connection, self.application.subjects, member, request.subject)
        if not _may_read(member, request):
            raise Denied("take the request before you read it", code="not-yours")

    def note(self, connection: Connection, visit: Visit, member: Member, request: Request, what: str) -> None:
        reads.note(connection, staff=member.id, what=what, reason=request.kind, subject=request.subject, now=visit.now)


def _may_read(member: Member, request: Request) -> bool:
    """Whoever works on it, and whoever answers for how it is worked on, reads what the customer wrote."""
    return request.owner == member.id or member.has(Role.REVIEWER, Role.DPO)


def _objected(about: str) -> PurposeId | ActivityId | None:
    """What is objected to: None is all direct marketing; an activity's id has a dot in it."""
    if about == objections.ALL_MARKETING:
        return None
    return ActivityId(about) if "." in about else PurposeId(about)


def _received(visit: Visit) -> datetime | None:
    """The day a letter or call came in: the law's month begins there. Today, or nothing: now."""
    text = visit.form.get("received", "").strip()
    if not text or text == visit.now.astimezone(visit.words.zone).date().isoformat():
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise BadInput("write the day as 2026-03-12; nothing was filed", code="bad-date") from None
    return datetime.combine(day, time(), visit.words.zone).astimezone(UTC)


def _key(visit: Visit, at: AtRecord) -> bytes | None:
    """The page's own number, so that sending it twice files the request once."""
    once = visit.form.get("once", "")
    return sha256(f"desk/{at.opening.id}/{once}".encode()).digest() if once else None


def request_id(visit: Visit) -> RequestId:
    try:
        return _request_id(visit.request.path_params["request"])
    except BadInput:
        raise NotFound("no such request", code="unknown-request") from None


def _request_id(text: str) -> RequestId:
    return RequestId(parse_uuid(text, what="a request"))
