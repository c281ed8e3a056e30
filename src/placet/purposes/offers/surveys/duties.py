"""What surveys owe a person: their answers shown, and deleted. Anonymous answers are nobody's: none are found here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

import attrs
import yaml
from psycopg import Connection

from placet.duties import Brought, Correction, Holding, Json, Person, Withdrawn
from placet.purposes.offers.surveys import store
from placet.purposes.offers.surveys.answering import Answering
from placet.purposes.offers.surveys.model import Answers, Question
from placet.purposes.offers.surveys.store import HeldReply
from placet.subjects.actions import Subjects

ANSWERS = "offers.survey-answers"
AFTER_WITHDRAWAL = timedelta(days=30)
"""How long answers stay after the consent was taken back, as the catalogue says of the activity."""


@attrs.frozen
class SurveyDuties:
    """A part of the duties of `offers`."""

    subjects: Subjects
    answering: Answering

    def stop(self, connection: Connection, withdrawn: Withdrawn, *, now: datetime) -> bool:
        """What was begun goes at once, what was sent after a while. A channel that closes touches no answer."""
        if withdrawn.channel is None:
            store.forget_later(connection, withdrawn.person.number, now + AFTER_WITHDRAWAL)
        return True

    def export(self, connection: Connection, person: Person) -> Sequence[Holding]:
        said = _said()["answers"]
        return [
            Holding(
                ANSWERS, "consent", said["why"], said["until"], self._rows(connection, person),
                title=said["title"], columns=said["columns"], origin="provided",
            )
        ]  # fmt: skip

    def rectify(self, connection: Connection, person: Person, correction: Correction, *, now: datetime) -> int:  # noqa: ARG002 - the Protocol's
        """An answer is what the person said then: it is deleted on request, and never rewritten."""
        return 0

    def erase(self, connection: Connection, person: Person, *, now: datetime) -> int:  # noqa: ARG002 - the Protocol's
        return store.forget(connection, person.number)

    def explain(self, connection: Connection, person: Person, language: str) -> Sequence[str]:  # noqa: ARG002 - the Protocol's
        return [str(sentence) for sentence in _said()["explain"][language]]

    def brought(self, connection: Connection, person: Person, *, limit: int) -> Sequence[Brought]:  # noqa: ARG002 - the Protocol's
        """An answer is what the person brought us."""
        return []

    def _rows(self, connection: Connection, person: Person) -> list[Json]:
        rows: list[Json] = []
        for reply in store.of_person(connection, person.number):
            key = self.subjects.key_of(reply.wrapped_key, reply.subject)
            written = self.answering.opened_of(reply.survey, reply.subject, key, reply.kept.sealed)
            rows += _answers(reply, reply.kept.answers(written), reply.language)
        return rows


def _answers(reply: HeldReply, answers: Answers, language: str) -> Iterator[Json]:
    """A row for each question that was reached, in the survey's order."""
    form = reply.survey.form
    for question in form.questions:
        if answers.has(question.id):
            yield {
                "survey": form.titles[language],
                "question": question.titles[language],
                "answer": _answer(question, answers, language),
                "way": _said()["ways"]["staff" if reply.is_written_down else "self"][language],
                "started_at": reply.started_at,
                "sent_at": reply.sent_at,
            }


def _answer(question: Question, answers: Answers, language: str) -> str | None:
    """What was answered, in words; None: it was passed over."""
    if question.id in answers.written:
        return answers.written[question.id]
    chosen = answers.chosen[question.id]
    return "; ".join(question.title_of(value, language) for value in chosen) or None


@cache
def _said() -> Mapping[str, Any]:
    text = files("placet.purposes.offers.surveys").joinpath("words.yaml").read_text("utf-8")
    found: Mapping[str, Any] = yaml.safe_load(text)
    return found
