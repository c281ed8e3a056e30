"""A house with people who may be asked, and surveys that are open."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from uuid import uuid4

import attrs
import psycopg
import pytest

from console.conftest import pages, replica, sit  # noqa: F401 - the console's own fixtures
from delivery.delivery_house import House
from placet.bootstrap import Application
from placet.kernel.ids import StaffId
from placet.purposes.offers.surveys import authoring
from placet.purposes.offers.surveys.actions import Surveys
from placet.purposes.offers.surveys.answering import Sheet
from placet.purposes.offers.surveys.model import Form, Survey
from placet.subjects.model import Subject
from surveys.survey_forms import FORM, plan

MARTA, ANDRIS = StaffId(uuid4()), StaffId(uuid4())


@attrs.define
class Office:
    """Surveys with shortcuts; each call is a transaction of its own."""

    house: House
    surveys: Surveys
    now: datetime

    def opened(self, form: Form = FORM, *, anonymous: bool = False, **changes: object) -> Survey:
        """A survey that one member submitted and another opened."""
        planned = attrs.evolve(plan(self.now, anonymous=anonymous), **changes)
        with self.house.placet.database.transaction() as connection:
            survey = authoring.create(connection, form, planned, by=MARTA, now=self.now)
            authoring.submit(connection, survey.id, by=MARTA, now=self.now)
            return authoring.open_survey(connection, survey.id, by=ANDRIS, now=self.now)

    def link(self, survey: Survey, person: Subject) -> str:
        return self.surveys.answering.links.make(survey.serial, person.number)

    def sheet(self, token: str) -> Sheet:
        with self.house.placet.database.transaction() as connection:
            return self.surveys.answering.sheet(connection, token, now=self.now)

    def answer(self, token: str, question: str, *values: str, text: str = "") -> Sheet:
        with self.house.placet.database.transaction() as connection:
            return self.surveys.answering.answer(connection, token, question, values, text, now=self.now)

    def send(self, token: str) -> Sheet:
        with self.house.placet.database.transaction() as connection:
            return self.surveys.answering.send(connection, token, now=self.now)

    def close(self, survey: Survey) -> Survey:
        with self.house.placet.database.transaction() as connection:
            return authoring.close(connection, survey.id, by=MARTA, now=self.now)


@pytest.fixture
def office(placet: Application, now: datetime) -> Office:
    return Office(House(placet, now), placet.offers.surveys, now)


@pytest.fixture
def admin_connection(placet: Application) -> Iterator[psycopg.Connection]:
    """The whole database, as whoever owns it sees it."""
    url = placet.config.database_url
    assert url is not None
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def anna(office: Office) -> Subject:
    return office.house.person("anna")


@pytest.fixture
def crowd(office: Office) -> Callable[[int], list[Subject]]:
    """So many people who said yes, in the order of their numbers."""
    return lambda many: [office.house.person(f"person{number:03}") for number in range(many)]
