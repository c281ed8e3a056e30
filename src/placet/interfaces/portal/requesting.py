"""What a person may ask for (GDPR 15 to 22): filed, followed to its deadline, withdrawn."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping

import attrs
from psycopg import Connection
from starlette.responses import Response

from placet.bootstrap import Application
from placet.catalogue.model import Catalogue
from placet.consents.model import Actor, Recorded
from placet.interfaces.portal import reading, views
from placet.interfaces.portal.restricting import Restricting
from placet.interfaces.portal.signing_in import see_other
from placet.interfaces.portal.whom import Whom, show
from placet.interfaces.web.shell import Shell, Visit
from placet.kernel.errors import BadInput, NotFound
from placet.kernel.ids import ActivityId, PurposeId, parse_uuid
from placet.rights import erasure, objections, rules
from placet.rights.model import KINDS, Kind, Request, RequestId
from placet.rights.objections import Objection
from placet.rights.requests import LONGEST
from placet.rights.restriction import GROUNDS

PAGE = 20
"""Requests on one page."""
_ONCE = b"placet/portal-request/v1\0"
MARKETING = "marketing"
"""What the form calls an objection to all advertising."""
_NAMED = frozenset({"objection", "human-review", "restriction"})
"""What a person asks about something that was done, and names it."""


@attrs.frozen
class Requesting:
    """The pages of a person's requests; each is about the one who is signed in."""

    application: Application
    shell: Shell
    restricting: Restricting

    def overview(self, visit: Visit, whom: Whom) -> Response:
        before = _id(visit.request.query_params.get("before"))
        with self.application.database.transaction() as connection:
            found = self.application.requests.of_subject(connection, whom.subject, before=before, limit=PAGE + 1)
            resting = self.restricting.lasting(connection, visit, whom)
        lines = [_line(request, visit) for request in found[:PAGE]]
        older = str(found[PAGE - 1].id) if len(found) > PAGE else None
        return show(
            self.shell,
            visit,
            whom,
            "requests",
            requests=lines,
            resting=resting,
            kinds=KINDS,
            older=older,
            newer=before is not None,
        )

    def form(self, visit: Visit, whom: Whom) -> Response:
        return self._form(visit, whom, _kind(visit))

    def file(self, visit: Visit, whom: Whom) -> Response:
        """Write it down; an erasure is asked a second time first, in plain words of what goes and what stays."""
        kind, form = _kind(visit), visit.form
        if kind == "objection" and form.get("concerns"):
            return self._object(visit, whom, form["concerns"])
        if kind == "erasure" and form.get("sure") != "yes":
            return self._ask_again(visit, whom)
        try:
            with self.application.database.transaction() as connection:
                request = self.application.requests.file(
                    connection,
                    whom.subject,
                    kind,
                    text=form.get("text"),
                    concerns=form.get("concerns") or None,
                    route="portal",
                    filed_by=Actor("subject", str(whom.subject)),
                    now=visit.now,
                    # The same form sent twice is one request.
                    key=hashlib.sha256(_ONCE + whom.subject.bytes + _once(form).encode()).digest(),
                )
                if kind == "restriction":
                    self.restricting.begin(connection, visit, whom, request)
        except BadInput as error:
            return self._form(visit, whom, kind, wrong=error.code)
        return see_other(f"/requests/{request.id}")

    def _object(self, visit: Visit, whom: Whom, concerns: str) -> Response:
        """An objection to advertising, or to what rests on a consent, holds at once; a member answers any other."""
        target = None if concerns == MARKETING else PurposeId(concerns)
        self.application.keeper.demand_agreement()
        try:
            with self.application.database.transaction() as connection:
                answer = objections.object_to(
                    connection,
                    Objection(whom.subject, target),
                    catalogue=self.application.catalogue(connection),
                    rulebook=self.application.rulebook,
                    requests=self.application.requests,
                    text=visit.form.get("text"),
                    route="portal",
                    actor=whom.actor,
                    now=visit.now,
                )
        except BadInput as error:
            return self._form(visit, whom, "objection", wrong=error.code)
        if isinstance(answer, objections.Filed):
            return see_other(f"/requests/{answer.request.id}")
        recorded = [outcome for outcome in answer.outcomes if isinstance(outcome, Recorded)]
        # One page of a result is about one purpose; of all advertising the history tells.
        return see_other(f"/done?r={recorded[0].record}" if len(recorded) == 1 else "/history")

    def one(self, visit: Visit, whom: Whom) -> Response:
        with self.application.database.transaction() as connection:
            request = self._own(connection, visit, whom)
            steps = self.application.requests.steps(connection, request.id)
            catalogue = self.application.catalogue(connection)
        return show(
            self.shell,
            visit,
            whom,
            "request",
            request=_line(request, visit),
            concerns=None if request.concerns is None else _named(catalogue, request.concerns, visit.words.language),
            steps=[views.RequestStep(step.kind, step.at, step.actor.kind, step.note) for step in steps],
        )

    def withdraw(self, visit: Visit, whom: Whom) -> Response:
        """The person does not want it any more, also while somebody works on it; twice is once."""
        with self.application.database.transaction() as connection:
            request = self._own(connection, visit, whom)
            if request.is_open:
                self.application.requests.withdraw(connection, request.id, now=visit.now)
        return see_other(f"/requests/{request.id}")

    def _ask_again(self, visit: Visit, whom: Whom) -> Response:
        """What goes and what stays, before anything is asked for."""
        with self.application.database.transaction() as connection:
            kept = erasure.outlook(self.application, connection, whom.subject)
        language = visit.words.language
        stays = [views.Stays(each.why[language], each.until[language]) for each in kept]
        return show(
            self.shell, visit, whom, "erasure", text=visit.form.get("text", ""), once=_once(visit.form), stays=stays
        )

    def _form(self, visit: Visit, whom: Whom, kind: Kind, *, wrong: str | None = None) -> Response:
        with self.application.database.transaction() as connection:
            catalogue = self.application.catalogue(connection)
        return show(
            self.shell,
            visit,
            whom,
            "request_form",
            status=200 if wrong is None else 400,
            kind=kind,
            options=_options(catalogue, kind, visit.words.language),
            grounds=GROUNDS if kind == "restriction" else (),
            ground=visit.form.get("ground"),
            chosen=visit.form.get("concerns") or visit.request.query_params.get("about", ""),
            text=visit.form.get("text", ""),
            once=_once(visit.form),
            longest=LONGEST,
            wrong=wrong,
        )

    def _own(self, connection: Connection, visit: Visit, whom: Whom) -> Request:
        """The person's own request; another's does not exist for them."""
        id = _id(visit.request.path_params["request"])
        assert id is not None
        return self.application.requests.get(connection, id, subject=whom.subject)


def _kind(visit: Visit) -> Kind:
    found = next((kind for kind in KINDS if kind == visit.request.path_params["kind"]), None)
    if found is None:
        raise NotFound("there is no such request", code="not-found")
    return found


def _id(text: str | None) -> RequestId | None:
    if text is None:
        return None
    try:
        return RequestId(parse_uuid(text, what="a request"))
    except BadInput:
        raise NotFound("no such request of yours", code="unknown-request") from None


def _once(form: Mapping[str, str]) -> str:
    """What makes one filled-in form one request, however often it is sent."""
    return form.get("once", "")[:64] or secrets.token_urlsafe(16)


def _line(request: Request, visit: Visit) -> views.RequestLine:
    return views.RequestLine(
        id=str(request.id),
        kind=request.kind,
        state=request.state,
        route=request.route,
        received_at=request.received_at,
        due=request.due,
        urgency=rules.escalation(request, visit.now),
        closed_at=request.closed_at,
        text=request.text,
        outcome=request.outcome,
        is_open=request.is_open,
    )


def _options(catalogue: Catalogue, kind: Kind, language: str) -> list[tuple[str, str]]:
    """What may be objected to (GDPR 21) or restricted (18), or was decided by a machine (22)."""
    if kind not in _NAMED:
        return []
    automated, restricted = kind == "human-review", kind == "restriction"
    purposes = [purpose for purpose in catalogue.purposes.values() if purpose.automated or not automated]
    weighed = [] if automated or restricted else [catalogue.activities[id] for id in objections.may_object(catalogue)]
    return [
        *([(MARKETING, "")] if kind == "objection" else []),
        *((str(activity.id), activity.titles[language]) for activity in weighed),
        *((str(purpose.id), purpose.notice(language).title) for purpose in purposes),
    ]


def _named(catalogue: Catalogue, concerns: str, language: str) -> str:
    if concerns in catalogue.purposes or ActivityId(concerns) in catalogue.activities:
        return reading.activity_title(catalogue, PurposeId(concerns), language)
    return concerns
