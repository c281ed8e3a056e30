"""Calls to customers: an agent takes one, makes it, and says what came of it. The list does not say whose they are."""

from __future__ import annotations

from datetime import datetime, time
from urllib.parse import urlencode

import attrs
from psycopg import Connection
from starlette.responses import Response

from placet.access import openings, reads
from placet.access.staff_sessions import StaffSession
from placet.bootstrap import Application
from placet.catalogue.model import Catalogue
from placet.delivery.calls import MOST_ATTEMPTS, CallOutcome, Due, InHand, NotAtAll, Opening
from placet.delivery.model import Kind, MessageId
from placet.interfaces.desk import views
from placet.interfaces.desk.asking import Asking
from placet.interfaces.portal.messages import topic_title
from placet.interfaces.staff.signing_in import see_other
from placet.interfaces.web.languages import LANGUAGES
from placet.interfaces.web.shell import Shell, Visit
from placet.kernel.errors import BadInput, Denied, NotFound
from placet.kernel.ids import StaffId, parse_uuid
from placet.purposes.offers.topics import TopicId

PAGE = 25
OUTCOMES = tuple(CallOutcome)


@attrs.frozen
class Calling:
    application: Application
    shell: Shell
    asking: Asking

    def queue(self, visit: Visit, session: StaffSession) -> Response:
        """What is due, what this member has in hand, and what came of their calls today."""
        asked = visit.request.query_params.get("language")
        language = asked if asked in LANGUAGES else None
        calls = self.application.calls
        with self.application.database.transaction() as connection:
            catalogue = self.application.catalogue(connection)
            due = calls.due(connection, language=language, limit=PAGE, now=visit.now)
            counts = calls.due_by_language(connection, now=visit.now)
            mine = calls.in_hand(connection, session.member.id, now=visit.now)
            today = calls.made_by(connection, session.member.id, since=_midnight(visit))
        return self.shell.render(
            visit,
            "desk/calls.html",
            due=[_due(one, catalogue, visit.words.language) for one in due],
            counts={each: counts.get(each, 0) for each in LANGUAGES},
            total=sum(counts.values()),
            chosen=language,
            mine=[_in_hand(one, None, catalogue, visit.words.language) for one in mine],
            today=[(outcome.value, count) for outcome in OUTCOMES if (count := today.get(outcome))],
            refused=visit.request.query_params.get("not"),
            later=visit.request.query_params.get("later"),
            said=_said(visit),
        )

    def open(self, visit: Visit, session: StaffSession) -> Response:
        """Take one in hand; if it may not be made any more, say why."""
        message = _message(visit)
        with self.application.database.transaction() as connection:
            opened = self.application.calls.open(connection, message, staff=session.member.id, now=visit.now)
            if isinstance(opened, InHand):
                self._demand_other(connection, session.member.id, opened)
                reads.note(
                    connection, staff=session.member.id, what="call", reason="", subject=opened.subject, now=visit.now
                )
                return see_other(f"/desk/calls/{message}")
        return see_other(f"/desk/calls?{urlencode(_why(opened))}")

    def call(self, visit: Visit, session: StaffSession) -> Response:
        """The number and the words, for whoever has the call in hand."""
        with self.application.database.transaction() as connection:
            held = self.application.calls.in_hand(connection, session.member.id, message=_message(visit), now=visit.now)
            if not held:
                raise NotFound("this call is not in your hands", code="not-found")
            catalogue = self.application.catalogue(connection)
            name = self.application.subjects.profile(connection, held[0].subject).name
            survey = self.asking.sheet_of(connection, held[0], visit)
        return self.shell.render(
            visit,
            "desk/call.html",
            call=_in_hand(held[0], name, catalogue, visit.words.language),
            outcomes=[each.value for each in _outcomes(held[0])],
            most=MOST_ATTEMPTS,
            survey=survey,
            stopped=visit.request.query_params.get("said") == "stopped",
        )

    def end(self, visit: Visit, session: StaffSession) -> Response:
        """What came of it; whoever wants no more calls has withdrawn with this."""
        said = visit.form.get("outcome", "")
        if said not in {each.value for each in OUTCOMES}:
            raise BadInput("say what came of the call; nothing was changed", code="unknown-outcome")
        self.application.keeper.demand_agreement()
        with self.application.database.transaction() as connection:
            if said == CallOutcome.STOP_TOPIC:
                self._stop_topic(connection, visit, session.member.id)
            self.application.calls.end(
                connection, _message(visit), CallOutcome(said), staff=session.member.id, now=visit.now
            )
        return see_other(f"/desk/calls?{urlencode({'said': said})}")

    def _stop_topic(self, connection: Connection, visit: Visit, member: StaffId) -> None:
        """The person never wants to hear of the topic again: as if they had said so on their own page."""
        held = self.application.calls.in_hand(connection, member, message=_message(visit), now=visit.now)
        if not held or held[0].kind is not Kind.OFFER or held[0].topic is None:
            raise BadInput("this call is about no topic that could stop; nothing was changed", code="unknown-outcome")
        self.application.offers.wishes.set(
            connection, held[0].subject, TopicId(held[0].topic), "never", by="person", now=visit.now
        )

    def _demand_other(self, connection: Connection, member: StaffId, opened: InHand) -> None:
        """Nobody calls themselves: raised before the commit, so the call stays where it was."""
        if openings.customer_of(connection, member) == opened.subject:
            raise Denied("this call is to you; a colleague makes it. Nothing was changed", code="own-record")


def _outcomes(call: InHand) -> tuple[CallOutcome, ...]:
    """What may have come of it: only an offer interests or not, and has a topic to stop."""
    if call.kind is Kind.OFFER and call.topic is not None:
        return OUTCOMES
    return tuple(each for each in OUTCOMES if each not in (CallOutcome.NOT_INTERESTED, CallOutcome.STOP_TOPIC))


def _message(visit: Visit) -> MessageId:
    return MessageId(parse_uuid(visit.request.path_params["message"], what="a call"))


def _midnight(visit: Visit) -> datetime:
    return datetime.combine(visit.now.astimezone(visit.words.zone).date(), time(), visit.words.zone)


def _why(opened: Opening) -> dict[str, str]:
    """What the list says above it, of a call that was not opened."""
    if isinstance(opened, NotAtAll):
        return {"not": opened.reason or "taken"}
    return {"later": "now"}


def _said(visit: Visit) -> str | None:
    """The outcome that was just written down."""
    said = visit.request.query_params.get("said")
    return said if said in {each.value for each in OUTCOMES} else None


def _due(one: Due, catalogue: Catalogue, language: str) -> views.DueCall:
    activity = catalogue.activities.get(one.activity)
    return views.DueCall(
        message=str(one.message),
        kind=one.kind,
        title=None if activity is None else activity.titles[language],
        topic=topic_title(one.topic, language),
        language=one.language,
        attempts=one.attempts,
        not_after=one.not_after,
    )


def _in_hand(one: InHand, name: str | None, catalogue: Catalogue, language: str) -> views.CallInHand:
    activity = catalogue.activities.get(one.activity)
    return views.CallInHand(
        message=str(one.message),
        name=name,
        number=one.number,
        kind=one.kind,
        title=None if activity is None else activity.titles[language],
        topic=topic_title(one.topic, language),
        language=one.language,
        attempt=one.attempt,
        opened_at=one.opened_at,
        heading=one.text.title,
        paragraphs=one.text.paragraphs,
    )
