"""
Surveys, as the rest of the program reaches them: what they answer with, what their messages say, what is due.

Retention: what was begun and not sent goes when a survey closes; the answers go a year later, and only counts stay.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

import attrs
from psycopg import Connection

from placet.delivery.letters import Letter
from placet.delivery.notes import Note
from placet.delivery.sms import Text
from placet.kernel.ids import ChannelId
from placet.purposes.offers.ground import Ground
from placet.purposes.offers.surveys import authoring, results, store
from placet.purposes.offers.surveys.answering import Answering
from placet.purposes.offers.surveys.duties import SurveyDuties
from placet.purposes.offers.surveys.handing import Handing
from placet.purposes.offers.surveys.inviting import Inviting
from placet.purposes.offers.surveys.model import Answers, QuestionId, Survey, SurveyId
from placet.purposes.offers.surveys.printed import Codes
from placet.purposes.offers.surveys.results import Results
from placet.store.database import Database
from placet.subjects.actions import Subjects

KEEP_ANSWERS = timedelta(days=365)
_MOST = 1_000


@attrs.frozen
class Surveys:
    """Thread-safe. Changes to a survey are made by `authoring`."""

    database: Database
    subjects: Subjects
    answering: Answering
    inviting: Inviting
    handing: Handing

    @classmethod
    def of(cls, ground: Ground) -> Surveys:
        answering = Answering(ground.master, ground.subjects, ground.gate)
        inviting = Inviting(ground.config, ground.database, ground.in_force, ground.gate, ground.delivery)
        handing = Handing(ground.config.url, answering.links, Codes(ground.master))
        return cls(ground.database, ground.subjects, answering, inviting, handing)

    @property
    def duties(self) -> SurveyDuties:
        """What surveys owe a person."""
        return SurveyDuties(self.subjects, self.answering)

    # Messages

    def letter(self, template: str, language: str) -> Letter | None:
        found = self.inviting.invitation(template)
        return None if found is None else found.letters.get(language)

    def text(self, template: str, language: str) -> Text | None:
        found = self.inviting.invitation(template)
        return None if found is None else found.texts.get(language)

    def note(self, channel: ChannelId, template: str, language: str) -> Note | None:
        found = self.inviting.invitation(template)
        return None if found is None else found.notes[channel].get(language)

    # Results

    def results(self, connection: Connection, survey: Survey) -> Results:
        """What was answered so far, or what is left of it."""
        kept = store.counts(connection, survey.id)
        if kept is not None:
            return results.restored(survey.form, kept)
        return results.counted(survey.form, store.said(connection, survey.id))

    def written(
        self, connection: Connection, survey: Survey, question: QuestionId, *, page: int = 0, limit: int = _MOST
    ) -> Iterator[str]:
        """What was written to *question* in a page of answers, without a name and in an order that says nothing."""
        for answers in self.every(connection, survey, page=page, limit=limit):
            if question in answers.written:
                yield answers.written[question]

    def every(self, connection: Connection, survey: Survey, *, page: int = 0, limit: int = _MOST) -> Iterator[Answers]:
        """A page of answers as they were given, without names; of an anonymous survey only what was written."""
        if survey.plan.anonymous:
            for sealed in store.written_in_answers(connection, survey.id, offset=page * limit, limit=limit):
                yield Answers({}, _ids(self.answering.opened(survey, sealed)))
            return
        for kept, subject, wrapped in store.sent_replies(connection, survey.id, offset=page * limit, limit=limit):
            key = self.subjects.key_of(wrapped, subject)
            yield kept.answers(self.answering.opened_of(survey, subject, key, kept.sealed))

    # What is due

    def round(self, now: datetime) -> None:
        """Choose whom open surveys are sent to, close those whose day has come, delete what is old."""
        with self.database.transaction() as connection:
            store.forget_due(connection, now)
            self._forget_old(connection, now)
        with self.database.transaction() as connection:
            running = store.running(connection)
        for survey in running:
            if survey.plan.closes_at is not None and now >= survey.plan.closes_at:
                self._close(survey.id, now)
            elif survey.invited_at is None:
                self.inviting.invite(survey.id, now=now)

    def _close(self, id: SurveyId, now: datetime) -> None:
        with self.database.transaction() as connection:
            authoring.close_in_time(connection, id, now=now)

    def _forget_old(self, connection: Connection, now: datetime) -> None:
        for survey in store.over(connection, now - KEEP_ANSWERS):
            store.keep_counts(connection, survey.id, results.kept(self.results(connection, survey)))


def _ids(written: Mapping[str, str]) -> dict[QuestionId, str]:
    return {QuestionId(id): text for id, text in written.items()}
