"""What came of a survey: a chart for each question, what was written, and both as data; nothing tells of one person."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs
from starlette.responses import Response

from placet.access.staff import Role
from placet.access.staff_sessions import StaffSession
from placet.consents.shares import Release, Released
from placet.interfaces.console.figures import Shown
from placet.interfaces.console.office import Office, dated, download, release_for
from placet.interfaces.console.surveying import survey_id
from placet.interfaces.web.charts import Bar
from placet.interfaces.web.languages import Words
from placet.interfaces.web.shell import Visit
from placet.kernel.errors import NotFound
from placet.purposes.offers.surveys import results, store
from placet.purposes.offers.surveys.model import Answers, Form, Kind, Question, Survey
from placet.purposes.offers.surveys.results import Result
from placet.rights.sheets import Sheet

READERS = (Role.MARKETER, Role.ANALYST, Role.DPO)
"""Who reads what people wrote, and answers one by one."""
_A_PAGE = 50
_CSV = "text/csv; charset=utf-8"


@attrs.frozen
class Told:
    """One question as it may be shown: each answer with its share, the most given first where there is no scale."""

    id: str
    title: str
    kind: Kind
    asked: Released
    answered: Released
    skipped: Shown
    answers: Sequence[tuple[str, Shown]]
    mean: float | None
    low: float | None
    high: float | None
    has_texts: bool

    @property
    def most(self) -> tuple[str, Shown] | None:
        """The answer that was given most often; None where no share may be told."""
        told = [(title, shown) for title, shown in self.answers if shown.value is not None]
        return max(told, key=lambda one: one[1].value or 0.0, default=None)

    def bars(self, words: Words) -> list[Bar]:
        return [_bar(title, shown, words) for title, shown in self.answers]


@attrs.frozen
class SurveyResults:
    """The pages below `/console/surveys/{survey}/results`."""

    office: Office

    def page(self, visit: Visit, session: StaffSession) -> Response:
        survey, found = self._found(visit)
        release = results.release_of(survey.plan, release_for(session))
        is_told = results.is_told(survey.plan, found)
        language = visit.words.language
        return self.office.render(
            visit,
            session,
            "survey_results",
            survey=survey,
            language=language,
            sent=release(found.sent),
            nobody=found.sent == 0 and not survey.plan.anonymous,
            told=[_told(survey, each, release, language) for each in found.results] if is_told else None,
            reads=session.member.has(*READERS),
        )

    def texts(self, visit: Visit, session: StaffSession) -> Response:
        """What was written to one question, without names, in an order that says nothing."""
        survey, found = self._found(visit)
        asked = visit.request.path_params["question"]
        result = next((each for each in found.results if each.question.id == asked), None)
        if result is None or not results.texts_are_told(survey.plan, result):
            raise NotFound("there is nothing to read here, or not yet", code="not-found")
        page = _page(visit.request.query_params.get("page"))
        surveys = self.office.application.offers.surveys
        with self.office.application.database.transaction() as connection:
            texts = list(surveys.written(connection, survey, result.question.id, page=page, limit=_A_PAGE))
            more = bool(list(surveys.every(connection, survey, page=page + 1, limit=_A_PAGE)))
        return self.office.render(
            visit,
            session,
            "survey_texts",
            survey=survey,
            question=result.question,
            language=visit.words.language,
            texts=texts,
            newest="?" if page else None,
            older=f"?page={page + 1}" if more else None,
        )

    def counts(self, visit: Visit, session: StaffSession) -> Response:
        """The counts behind the charts."""
        survey, found = self._found(visit)
        release = results.release_of(survey.plan, release_for(session))
        rows = (
            _rows(survey, found.results, release, visit.words.language) if results.is_told(survey.plan, found) else ()
        )
        columns = ("question", "answer", "chosen", "answered", "share", "low", "high")
        return _sheet(columns, rows, name=dated("survey", visit.now, "csv"))

    def answers(self, visit: Visit, session: StaffSession) -> Response:  # noqa: ARG002 - the door asked for the role
        """A row for each who answered, without a name; none of an anonymous survey: a row might tell who it was."""
        survey, _ = self._found(visit)
        if survey.plan.anonymous:
            raise NotFound("anonymous answers are given out as counts only", code="not-found")
        surveys, language = self.office.application.offers.surveys, visit.words.language
        rows: list[dict[str, Any]] = []
        with self.office.application.database.transaction() as connection:
            page = 0
            while some := list(surveys.every(connection, survey, page=page)):
                rows += [_row(survey.form, answers, language) for answers in some]
                page += 1
        columns = [_column(question, language) for question in survey.form.questions]
        return _sheet(columns, rows, name=dated("answers", visit.now, "csv"))

    def _found(self, visit: Visit) -> tuple[Survey, results.Results]:
        with self.office.application.database.transaction() as connection:
            survey = store.get(connection, survey_id(visit))
            return survey, self.office.application.offers.surveys.results(connection, survey)


def _told(survey: Survey, result: Result, release: Release, language: str) -> Told:
    question = result.question
    answers = [
        (question.title_of(value, language), Shown.of(result.share(value), release)) for value in question.values
    ]
    if question.kind is not Kind.SCALE:
        answers.sort(key=lambda one: -(one[1].value or 0.0))
    interval = result.interval
    return Told(
        id=question.id,
        title=question.titles[language],
        kind=question.kind,
        asked=release(result.asked),
        answered=release(result.answered),
        skipped=Shown.of(result.skipped, release),
        answers=answers,
        mean=result.mean,
        low=None if interval is None else interval.low,
        high=None if interval is None else interval.high,
        has_texts=results.texts_are_told(survey.plan, result) and result.answered > 0,
    )


def _bar(title: str, shown: Shown, words: Words) -> Bar:
    if shown.value is None or shown.interval is None:
        return Bar(title, None, "–")
    text = f"{words.percent(shown.value)} · {words.number(shown.part.shown)}"
    return Bar(title, shown.value, text, shown.interval.low, shown.interval.high)


def _rows(survey: Survey, found: Iterable[Result], release: Release, language: str) -> Iterable[dict[str, Any]]:
    for result in found:
        told = _told(survey, result, release, language)
        for title, shown in told.answers:
            interval = shown.interval
            yield {
                "question": told.title,
                "answer": title,
                "chosen": _number(shown.part),
                "answered": _number(shown.whole),
                "share": _decimal(shown.value),
                "low": _decimal(None if interval is None else interval.low),
                "high": _decimal(None if interval is None else interval.high),
            }


def _row(form: Form, answers: Answers, language: str) -> dict[str, Any]:
    return {
        _column(question, language): answers.written.get(question.id)
        or "; ".join(question.title_of(value, language) for value in answers.chosen.get(question.id, ()))
        for question in form.questions
    }


def _column(question: Question, language: str) -> str:
    """The id before the words, so that no two columns have one name."""
    return f"{question.id} {question.titles[language]}"


def _sheet(columns: Sequence[str], rows: Iterable[Mapping[str, Any]], *, name: str) -> Response:
    file = io.BytesIO()
    sheet = Sheet(file, columns)
    for row in rows:
        sheet.write(row)
    sheet.close()
    return download(file.getvalue(), name=name, media_type=_CSV)


def _number(count: Released) -> int | None:
    """A count as it may be told; nothing for few."""
    return None if count.is_small else count.shown


def _decimal(share: float | None) -> str | None:
    return None if share is None else f"{share:.3f}"


def _page(text: str | None) -> int:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 6 else 0
