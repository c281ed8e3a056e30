"""
Surveys by the link of an invitation: a question a page, saved as one goes, sent in the end; or "do not ask me again".

The link is the key: no sign-in, and nothing of a session is looked at. GET changes nothing, for programs that look at
mail follow links.
"""

from __future__ import annotations

import attrs
from starlette.responses import Response

from placet.bootstrap import Application
from placet.interfaces.portal.signing_in import see_other
from placet.interfaces.web.languages import language_of
from placet.interfaces.web.shell import Shell, Visit
from placet.kernel.errors import BadInput, Denied, NotFound
from placet.purposes.offers.surveys import rules
from placet.purposes.offers.surveys.answering import Answering, Sheet
from placet.purposes.offers.surveys.model import Question

PICKED = "pick."
"""Before the id of an answer of which several may be ticked: a form of ours has each name once."""


@attrs.frozen
class Said:
    """A question and what was answered to it, in words; None: passed over."""

    id: str
    title: str
    answer: str | None


@attrs.frozen
class Surveying:
    """The pages under `/s/{token}`."""

    application: Application
    shell: Shell

    def start(self, visit: Visit) -> Response:
        """What it is about and whose the answers will be, before anything is asked; or how it ended."""
        return self._start(visit, self._sheet(visit))

    def from_paper(self, visit: Visit) -> Response:
        """The short address of a letter leads to the link that it stands for; nothing is written down."""
        with self.application.database.transaction() as connection:
            handing = self.application.offers.surveys.handing
            token = handing.typed(connection, str(visit.request.path_params["code"]))
        language = language_of(visit.request.query_params.get("lang"))
        return see_other(f"/s/{token}" + (f"?lang={language}" if language else ""))

    def question(self, visit: Visit) -> Response:
        """One question; one that is not asked leads on to the first that is."""
        sheet = self._sheet(visit)
        asked = asked_of(sheet, visit)
        if not sheet.is_open or asked is None:
            return see_other(self._address(visit))
        return self._question(visit, sheet, asked)

    def answer(self, visit: Visit) -> Response:
        """Save it, and go on; *skip* passes the question over."""
        id = visit.request.path_params["question"]
        values, text = ((), "") if visit.form.get("step") == "skip" else said(visit)
        try:
            with self.application.database.transaction() as connection:
                sheet = self._answering.answer(connection, self._token(visit), id, values, text, now=visit.now)
        except NotFound:
            raise
        except (BadInput, Denied) as error:
            return self._wrong(visit, error.code)
        # Whoever changed an answer is asked what that newly asks, and then sees all answers again.
        following = rules.next_of(sheet.survey.form, sheet.answers)
        return see_other(self._address(visit, "send" if following is None else f"questions/{following.id}"))

    def look_over(self, visit: Visit) -> Response:
        """All answers once more, before they are sent."""
        sheet = self._sheet(visit)
        if not sheet.is_open:
            return see_other(self._address(visit))
        if (missing := rules.next_of(sheet.survey.form, sheet.answers)) is not None:
            return see_other(self._address(visit, f"questions/{missing.id}"))
        return self._render(visit, "survey_send", sheet, said=all_said(sheet, visit.words.language))

    def send(self, visit: Visit) -> Response:
        """The answers count from now on. A second press finds them sent."""
        try:
            with self.application.database.transaction() as connection:
                self._answering.send(connection, self._token(visit), now=visit.now)
        except NotFound:
            raise
        except (BadInput, Denied):
            pass  # Sent before, over, or the consent was taken back: the page says which.
        return see_other(self._address(visit))

    def asking(self, visit: Visit) -> Response:
        """`stop`: they are asked by no survey any more. `again`: they are."""
        wish = visit.form.get("wish")
        if wish not in ("stop", "again"):
            raise BadInput("the form says neither stop nor again; nothing was changed", code="bad-form")
        with self.application.database.transaction() as connection:
            if wish == "stop":
                self._answering.stop_asking(connection, self._token(visit), now=visit.now)
            else:
                self._answering.ask_again(connection, self._token(visit))
            sheet = self._answering.sheet(connection, self._token(visit), now=visit.now)
        return self._render(visit, "survey_asking", sheet, wish=wish)

    def _start(self, visit: Visit, sheet: Sheet) -> Response:
        first = rules.next_of(sheet.survey.form, sheet.answers)
        onward = "send" if first is None else f"questions/{first.id}"
        begun = any(sheet.answers.has(question.id) for question in sheet.survey.form.questions)
        return self._render(visit, "survey", sheet, onward=self._address(visit, onward), begun=begun)

    def _question(self, visit: Visit, sheet: Sheet, asked: Question, *, wrong: str | None = None) -> Response:
        form, answers = sheet.survey.form, sheet.answers
        path = rules.path(form, answers)
        earlier = rules.before(form, answers, asked.id)
        return self._render(
            visit,
            "survey_question",
            sheet,
            status=200 if wrong is None else 400,
            question=asked,
            chosen=answers.chosen.get(asked.id, ()),
            written=visit.form.get("text", answers.written.get(asked.id, "")),
            place=path.index(asked) + 1,
            most=len(form.questions),
            back=self._address(visit, "" if earlier is None else f"questions/{earlier.id}"),
            longest=rules.LONGEST_ANSWER,
            wrong=wrong,
        )

    def _wrong(self, visit: Visit, code: str) -> Response:
        """What was said cannot be kept: the question again, or how the survey ended meanwhile."""
        sheet = self._sheet(visit)
        asked = asked_of(sheet, visit)
        if not sheet.is_open or asked is None:
            return see_other(self._address(visit))
        return self._question(visit, sheet, asked, wrong=code)

    def _render(self, visit: Visit, template: str, sheet: Sheet, *, status: int = 200, **values: object) -> Response:
        here = self._address(visit)
        return self.shell.render(
            visit, f"portal/{template}.html", status=status, sheet=sheet, form=sheet.survey.form,
            language=visit.words.language, here=here, **values,
        )  # fmt: skip

    def _sheet(self, visit: Visit) -> Sheet:
        with self.application.database.transaction() as connection:
            return self._answering.sheet(connection, self._token(visit), now=visit.now)

    @staticmethod
    def _token(visit: Visit) -> str:
        return str(visit.request.path_params["token"])

    def _address(self, visit: Visit, onward: str = "") -> str:
        return f"/s/{self._token(visit)}" + (f"/{onward}" if onward else "")

    @property
    def _answering(self) -> Answering:
        return self.application.offers.surveys.answering


def asked_of(sheet: Sheet, visit: Visit) -> Question | None:
    """The question of the address, if this survey asks it, given the answers so far."""
    id = visit.request.path_params["question"]
    return next((one for one in rules.path(sheet.survey.form, sheet.answers) if one.id == id), None)


def said(visit: Visit) -> tuple[tuple[str, ...], str]:
    """What a form says: one answer, or those that are ticked; and a text."""
    ticked = tuple(name.removeprefix(PICKED) for name in visit.form if name.startswith(PICKED))
    one = visit.form.get("answer")
    return (*ticked, *(() if one is None else (one,))), visit.form.get("text", "")


def all_said(sheet: Sheet, language: str) -> list[Said]:
    answers = sheet.answers
    found = []
    for question in rules.path(sheet.survey.form, answers):
        chosen = answers.chosen.get(question.id, ())
        words = answers.written.get(question.id) or ", ".join(question.title_of(value, language) for value in chosen)
        found.append(Said(question.id, question.titles[language], words or None))
    return found
