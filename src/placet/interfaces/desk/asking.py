"""
A survey by telephone: whoever has the call in hand reads the questions and writes down what the customer says.

Only where answers stand with their person, who is told so before. What is written is the customer's, and says that a
member of staff wrote it down; it is theirs to see and to delete like any other answer.
"""

from __future__ import annotations

import attrs
from psycopg import Connection
from starlette.responses import Response

from placet.access.staff_sessions import StaffSession
from placet.bootstrap import Application
from placet.delivery.calls import InHand
from placet.delivery.model import MessageId
from placet.interfaces.portal.surveying import all_said, asked_of, said
from placet.interfaces.staff.signing_in import see_other
from placet.interfaces.web.shell import Shell, Visit
from placet.kernel.errors import BadInput, Denied, NotFound
from placet.kernel.ids import parse_uuid
from placet.purposes.offers.surveys import rules
from placet.purposes.offers.surveys.answering import Answering, Sheet
from placet.purposes.offers.surveys.model import Question


@attrs.frozen
class OnTheLine:
    """A call about a survey, in the hands of whoever looks; *token* is good for this customer and kept nowhere."""

    call: InHand
    token: str = attrs.field(repr=False)
    sheet: Sheet


@attrs.frozen
class Asking:
    """The pages under `/desk/calls/{message}/questions`."""

    application: Application
    shell: Shell

    def start(self, visit: Visit, session: StaffSession) -> Response:
        """The first question that was not answered yet."""
        return see_other(_next(visit, self._line(visit, session).sheet))

    def question(self, visit: Visit, session: StaffSession) -> Response:
        """One question, in the words and the language of the customer."""
        line = self._line(visit, session)
        asked = asked_of(line.sheet, visit)
        if not line.sheet.is_open or asked is None:
            return see_other(_call(visit))
        return self._question(visit, line, asked)

    def answer(self, visit: Visit, session: StaffSession) -> Response:
        """Write it down, and go on; *skip* passes the question over."""
        id = visit.request.path_params["question"]
        values, text = ((), "") if visit.form.get("step") == "skip" else said(visit)
        try:
            with self.application.database.transaction() as connection:
                line = self._of(connection, visit, session)
                sheet = self._answering.answer(
                    connection, line.token, id, values, text, by=session.member.id, now=visit.now
                )
        except NotFound:
            raise
        except (BadInput, Denied) as error:
            return self._wrong(visit, session, error.code)
        return see_other(_next(visit, sheet))

    def look_over(self, visit: Visit, session: StaffSession) -> Response:
        """All answers once more, to be read back."""
        line = self._line(visit, session)
        if not line.sheet.is_open:
            return see_other(_call(visit))
        if rules.next_of(line.sheet.survey.form, line.sheet.answers) is not None:
            return see_other(_next(visit, line.sheet))
        return self._render(visit, "call_answers", line, said=all_said(line.sheet, line.call.language))

    def send(self, visit: Visit, session: StaffSession) -> Response:
        """The customer has heard their answers and agrees: they count from now on."""
        try:
            with self.application.database.transaction() as connection:
                line = self._of(connection, visit, session)
                self._answering.send(connection, line.token, by=session.member.id, now=visit.now)
        except NotFound:
            raise
        except (BadInput, Denied):
            pass  # Sent before, over, or the consent was taken back: the page of the call says which.
        return see_other(_call(visit))

    def stop(self, visit: Visit, session: StaffSession) -> Response:
        """The customer wants to be asked by no survey any more; it holds at once and on every channel."""
        with self.application.database.transaction() as connection:
            line = self._of(connection, visit, session)
            self._answering.stop_asking(connection, line.token, now=visit.now)
        return see_other(f"{_call(visit)}?said=stopped")

    def sheet_of(self, connection: Connection, call: InHand, visit: Visit) -> Sheet | None:
        """The survey that *call* is about, as far as it was answered; None of a call about something else."""
        token = self.application.offers.surveys.handing.of_call(connection, call.template, call.subject)
        return None if token is None else self._answering.sheet(connection, token, now=visit.now)

    def _line(self, visit: Visit, session: StaffSession) -> OnTheLine:
        with self.application.database.transaction() as connection:
            return self._of(connection, visit, session)

    def _of(self, connection: Connection, visit: Visit, session: StaffSession) -> OnTheLine:
        """The call of the address; one that asks nothing, or is in other hands, raises `NotFound`."""
        message = MessageId(parse_uuid(visit.request.path_params["message"], what="a call"))
        held = self.application.calls.in_hand(connection, session.member.id, message=message, now=visit.now)
        if not held:
            raise NotFound("this call is not in your hands", code="not-found")
        token = self.application.offers.surveys.handing.of_call(connection, held[0].template, held[0].subject)
        if token is None:
            raise NotFound("this call asks no questions", code="not-found")
        return OnTheLine(held[0], token, self._answering.sheet(connection, token, now=visit.now))

    def _question(self, visit: Visit, line: OnTheLine, asked: Question, *, wrong: str | None = None) -> Response:
        form, answers = line.sheet.survey.form, line.sheet.answers
        earlier = rules.before(form, answers, asked.id)
        return self._render(
            visit,
            "call_question",
            line,
            status=200 if wrong is None else 400,
            question=asked,
            chosen=answers.chosen.get(asked.id, ()),
            written=visit.form.get("text", answers.written.get(asked.id, "")),
            place=rules.path(form, answers).index(asked) + 1,
            most=len(form.questions),
            back=_call(visit) if earlier is None else _call(visit, f"questions/{earlier.id}"),
            longest=rules.LONGEST_ANSWER,
            wrong=wrong,
        )

    def _wrong(self, visit: Visit, session: StaffSession, code: str) -> Response:
        """What was said cannot be kept: the question again, or the call where nothing is taken any more."""
        line = self._line(visit, session)
        asked = asked_of(line.sheet, visit)
        if not line.sheet.is_open or asked is None:
            return see_other(_call(visit))
        return self._question(visit, line, asked, wrong=code)

    def _render(self, visit: Visit, page: str, line: OnTheLine, *, status: int = 200, **values: object) -> Response:
        return self.shell.render(
            visit, f"desk/{page}.html", status=status, form=line.sheet.survey.form, sheet=line.sheet,
            language=line.call.language, here=_call(visit), **values,
        )  # fmt: skip

    @property
    def _answering(self) -> Answering:
        return self.application.offers.surveys.answering


def _next(visit: Visit, sheet: Sheet) -> str:
    """Where it goes on: the next question, all answers once more, or the call where nothing is taken any more."""
    if not sheet.is_open:
        return _call(visit)
    following = rules.next_of(sheet.survey.form, sheet.answers)
    return _call(visit, "answers" if following is None else f"questions/{following.id}")


def _call(visit: Visit, onward: str = "") -> str:
    return f"/desk/calls/{visit.request.path_params['message']}" + (f"/{onward}" if onward else "")
