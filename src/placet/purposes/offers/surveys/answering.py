"""
How answers come in by the link of an invitation: saved question by question, sent once, kept with the person or apart.

* Where answers stand with their person they are saved under the person's number, and only while the gate says that
  the consent holds; free text is sealed under the person's key.
* In an anonymous survey they are saved under the ticket of the link (`links`), without a number or a time. Once sent
  they wait until there are ten, and move, in an order drawn by lot, to where nothing leads back to a ticket. So neither
  a column nor a time nor an order joins an answer to anybody.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import attrs
import msgspec
from psycopg import Connection

from placet.consents.shares import LEAST
from placet.delivery import wishes
from placet.delivery.model import Kind
from placet.delivery.rules import Mute
from placet.gate.actions import Allowed, Gate
from placet.kernel.errors import Conflict, Denied, NotFound
from placet.kernel.ids import Number, PurposeId, StaffId, SubjectId
from placet.kernel.seal import MasterKey, seal, unseal
from placet.purposes.offers.surveys import rules, store
from placet.purposes.offers.surveys.links import Link, Links
from placet.purposes.offers.surveys.model import Answers, Question, Survey
from placet.purposes.offers.surveys.store import Kept
from placet.subjects.actions import Subjects
from placet.subjects.vault import open_field, seal_field

OFFERS = PurposeId("offers")
TEXT_LABEL = "placet/survey-texts/v1"
SURVEYS = Mute(kind=Kind.SURVEY)
"""What a person mutes who does not want to be asked any more."""


@attrs.frozen
class Sheet:
    """A survey as whoever holds its link sees it."""

    survey: Survey
    answers: Answers
    is_sent: bool
    is_over: bool
    """No answer is taken any more."""
    is_allowed: bool = True
    """Whether the person's consent holds; nobody is asked for it where answers are anonymous."""

    @property
    def is_open(self) -> bool:
        return not self.is_sent and not self.is_over and self.is_allowed


@attrs.frozen
class _Person:
    subject: SubjectId
    number: Number
    key: bytes = attrs.field(repr=False)


class Answering:
    """Every method takes the connection whose transaction it joins. Thread-safe."""

    def __init__(self, master: MasterKey, subjects: Subjects, gate: Gate) -> None:
        self._subjects, self._gate = subjects, gate
        self._links, self._texts = Links(master), master.derive(TEXT_LABEL)

    @property
    def links(self) -> Links:
        return self._links

    def sheet(self, connection: Connection, token: str, *, now: datetime) -> Sheet:
        """What the link opens; one that leads nowhere raises `NotFound`."""
        link = self._links.read(token)
        return self._sheet(connection, store.by_serial(connection, link.serial), link, now)

    def answer(
        self,
        connection: Connection,
        token: str,
        question: str,
        values: tuple[str, ...],
        text: str = "",
        *,
        by: StaffId | None = None,
        now: datetime,
    ) -> Sheet:
        """Save what was said to a question; nothing said passes it over. *by*: who writes it down for the person."""
        sheet, link = self._writable(connection, token, now)
        asked = _asked(sheet, question)
        answers = rules.answered(sheet.answers, asked, values, text)
        return self._saved(connection, attrs.evolve(sheet, answers=answers), link, by, now)

    def send(self, connection: Connection, token: str, *, by: StaffId | None = None, now: datetime) -> Sheet:
        """The answers count from now on, and stay as they are; the link is used up."""
        sheet, link = self._writable(connection, token, now)
        answers = rules.settled(sheet.survey.form, sheet.answers)
        return self._saved(connection, attrs.evolve(sheet, answers=answers, is_sent=True), link, by, now)

    def stop_asking(self, connection: Connection, token: str, *, now: datetime) -> None:
        """Whoever was sent the link is asked by no survey any more."""
        wishes.mute(connection, self._whose(connection, token), SURVEYS, now=now)

    def ask_again(self, connection: Connection, token: str) -> None:
        """They want to be asked again."""
        wishes.unmute(connection, self._whose(connection, token), SURVEYS)

    # What was written

    def opened(self, survey: Survey, sealed: bytes | None) -> Mapping[str, str]:
        """What was written in an anonymous answer."""
        return {} if sealed is None else _texts(unseal(self._texts, sealed, context=survey.id.bytes))

    def opened_of(self, survey: Survey, subject: SubjectId, key: bytes, sealed: bytes | None) -> Mapping[str, str]:
        """What a person wrote."""
        return {} if sealed is None else _texts(open_field(key, subject, _field(survey), sealed).encode())

    # Inside

    def _writable(self, connection: Connection, token: str, now: datetime) -> tuple[Sheet, Link]:
        """The sheet, of a survey that does not close meanwhile; `Conflict` or `Denied` when nothing is taken."""
        link = self._links.read(token)
        sheet = self._sheet(connection, store.hold(connection, link.serial), link, now)
        if sheet.is_sent:
            raise Conflict("the answers were sent already; nothing was changed", code="survey-answered")
        if sheet.is_over:
            raise Conflict("this survey takes no answers any more; nothing was saved", code="survey-over")
        if not sheet.is_allowed:
            raise Denied("the consent to be asked was taken back; nothing was saved", code="survey-consent")
        return sheet, link

    def _sheet(self, connection: Connection, survey: Survey, link: Link, now: datetime) -> Sheet:
        is_over = survey.is_over(now)
        if survey.plan.anonymous:
            kept = store.ballot(connection, link.ticket)
            answers = Answers() if kept is None else kept.answers(self.opened(survey, kept.sealed))
            return Sheet(survey, answers, kept is not None and kept.is_sent, is_over)
        person = self._person(connection, link.number)
        answers, is_sent = self._replied(connection, survey, person)
        allowed = isinstance(self._gate.check(connection, person.subject, OFFERS, now=now), Allowed)
        return Sheet(survey, answers, is_sent, is_over, allowed)

    def _replied(self, connection: Connection, survey: Survey, person: _Person) -> tuple[Answers, bool]:
        """What the person has answered, and whether it was sent."""
        found = store.reply(connection, survey.id, person.number)
        if found is None:
            return Answers(), False
        kept, subject, wrapped = found
        key = self._subjects.key_of(wrapped, subject)
        return kept.answers(self.opened_of(survey, subject, key, kept.sealed)), kept.is_sent

    def _saved(self, connection: Connection, sheet: Sheet, link: Link, by: StaffId | None, now: datetime) -> Sheet:
        survey, answers = sheet.survey, sheet.answers
        written = msgspec.json.encode(answers.written) if answers.written else None
        if survey.plan.anonymous:
            sealed = None if written is None else seal(self._texts, written, context=survey.id.bytes)
            kept = Kept.of(answers, sealed, is_sent=sheet.is_sent)
            saved = store.save_ballot(connection, survey.id, link.ticket, kept)
            if sheet.is_sent:
                store.mix(connection, survey.id, least=LEAST)
        else:
            person = self._person(connection, link.number)
            sealed = (
                None if written is None else seal_field(person.key, person.subject, _field(survey), written.decode())
            )
            kept = Kept.of(answers, sealed, is_sent=sheet.is_sent)
            saved = store.save_reply(connection, survey.id, person.number, kept, by=by, now=now)
        if not saved:
            raise Conflict("the answers were sent already; nothing was changed", code="survey-answered")
        return sheet

    def _whose(self, connection: Connection, token: str) -> SubjectId:
        return self._person(connection, self._links.read(token).number).subject

    def _person(self, connection: Connection, number: Number) -> _Person:
        """Who has the number today; somebody who was erased raises `NotFound`."""
        found = store.person(connection, number)
        if found is None:
            raise NotFound("this link leads nowhere any more", code="unknown-survey")
        subject, current, wrapped = found
        return _Person(subject, current, self._subjects.key_of(wrapped, subject))


def gather(connection: Connection, survey: Survey) -> None:
    """At the end of *survey*: the last anonymous answers join the others; what was only begun goes, and links."""
    if survey.plan.anonymous:
        store.mix_rest(connection, survey.id)
    store.drop_begun(connection, survey.id)
    store.drop_links(connection, survey.id)


def _asked(sheet: Sheet, id: str) -> Question:
    question = sheet.survey.form.question(id)
    if question is None or question not in rules.path(sheet.survey.form, sheet.answers):
        raise NotFound("this survey does not ask that; nothing was saved", code="unknown-question")
    return question


def _field(survey: Survey) -> str:
    return f"survey/{survey.id}"


def _texts(plain: bytes) -> Mapping[str, str]:
    return msgspec.json.decode(plain, type=dict[str, str])
