"""
How a link comes into the hands of whoever is asked; each channel has its way, and none keeps it.

* E-mail and SMS carry it, made when the message starts.
* A letter carries the short address that is `printed`, also as a QR code.
* The app's inbox keeps what it shows, so it shows no link: one is made when the person asks for it. Of an anonymous
  survey that is once; where answers stand with the person, one link is as good as another.
* On the telephone nobody is given one: who has the call in hand writes the answers down, and no survey that is
  anonymous is asked by telephone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import attrs
from psycopg import Connection

from placet.delivery.notes import LINK
from placet.kernel.errors import Conflict, NotFound
from placet.kernel.ids import ChannelId, SubjectId
from placet.purposes.offers.surveys import store
from placet.purposes.offers.surveys.invitations import PRINTED
from placet.purposes.offers.surveys.links import Links
from placet.purposes.offers.surveys.model import Survey, SurveyId
from placet.purposes.offers.surveys.printed import Codes
from placet.purposes.offers.surveys.rules import APP, CALL, POST

_WORD = "survey"


@attrs.frozen
class InApp:
    """A survey as the app's inbox offers it to one person."""

    is_over: bool
    is_once: bool
    """It is anonymous: the link is given once."""
    is_taken: bool

    @property
    def can_take(self) -> bool:
        return not self.is_over and not self.is_taken


@attrs.frozen
class Handing:
    """Every method takes the connection whose transaction it joins. Thread-safe."""

    url: str
    links: Links = attrs.field(repr=False)
    codes: Codes = attrs.field(repr=False)

    def fill(
        self, connection: Connection, template: str, subjects: Sequence[SubjectId]
    ) -> Mapping[SubjectId, Mapping[str, str]]:
        """The link of each message that starts now (`delivery.model.Filler`): a new one, kept nowhere."""
        id, channel = _named(template)
        if channel in (APP, CALL):
            return {}
        survey = store.get(connection, id)
        tokens = {
            subject: self.links.make(survey.serial, number)
            for subject, number in store.numbers(connection, subjects).items()
        }
        if channel == POST:
            return {subject: self._printed(connection, survey, token) for subject, token in tokens.items()}
        return {subject: {LINK: self._address(token)} for subject, token in tokens.items()}

    def in_app(self, connection: Connection, template: str, subject: SubjectId, *, now: datetime) -> InApp | None:
        """How the survey of a text in the inbox stands for *subject*; None of a text about something else."""
        if template.partition("/")[0] != _WORD:
            return None
        survey = store.get(connection, _named(template)[0])
        is_once, number = survey.plan.anonymous, store.number(connection, subject)
        return InApp(survey.is_over(now), is_once, is_once and store.has_taken(connection, survey.id, number))

    def take(self, connection: Connection, template: str, subject: SubjectId, *, now: datetime) -> str:
        """The address of the link that *subject* takes out of the app; `Conflict` where there is none to take."""
        if template.partition("/")[0] != _WORD:
            raise NotFound("this text asks nothing; nothing was changed", code="unknown-survey")
        survey, number = store.get(connection, _named(template)[0]), store.number(connection, subject)
        if survey.is_over(now):
            raise Conflict("this survey takes no answers any more; nothing was saved", code="survey-over")
        if survey.plan.anonymous and not store.take(connection, survey.id, number):
            raise Conflict("the link was given already, and is kept nowhere; use that one", code="survey-taken")
        return self._address(self.links.make(survey.serial, number))

    def of_call(self, connection: Connection, template: str, subject: SubjectId) -> str | None:
        """The token under which an agent writes down what *subject* answers; None where the call asks nothing."""
        if template.partition("/")[0] != _WORD:
            return None
        survey = store.get(connection, _named(template)[0])
        return None if survey.plan.anonymous else self.links.make(survey.serial, store.number(connection, subject))

    def typed(self, connection: Connection, code: str) -> str:
        """The token that a printed address leads to."""
        return self.codes.read(connection, code)

    def _printed(self, connection: Connection, survey: Survey, token: str) -> Mapping[str, str]:
        address = f"{self.url}/q/{self.codes.make(connection, survey.id, token)}"
        return {LINK: address, PRINTED: address.partition("://")[2]}

    def _address(self, token: str) -> str:
        return f"{self.url}/s/{token}"


def template(id: SurveyId, channel: ChannelId) -> str:
    """What the queue calls the invitation to a survey through *channel*."""
    return f"{_WORD}/{id}/{channel}"


def survey_of(template: str) -> SurveyId:
    """The survey of a template."""
    return _named(template)[0]


def _named(template: str) -> tuple[SurveyId, ChannelId]:
    _, id, channel = template.split("/")
    return SurveyId(UUID(id)), ChannelId(channel)
