"""
Two surveys of the demonstration, so that their pages have something to show: one is open, anonymous and has answers,
the other waits for a second person. Made once, by the real ways.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from random import Random
from typing import Any

import msgspec
import yaml
from psycopg import Connection

from placet.access.staff import Member
from placet.bootstrap import Application
from placet.kernel.ids import ChannelId
from placet.purposes.offers.surveys import authoring, store
from placet.purposes.offers.surveys.model import Form, Plan, Survey
from placet.subjects.model import Subject

_CHANNELS = (ChannelId("email"), ChannelId("sms"))
_RUNS = timedelta(days=30)
_ANSWERS = 124
"""Enough to tell most shares, and four that still wait for six more."""


def ask(
    application: Application, connection: Connection, writer: Member, opener: Member, reader: Subject, *, now: datetime
) -> str:
    """Make the surveys that are missing; returns a link by which *reader* can open the first."""
    found = {survey.form.titles["en"]: survey for survey in store.newest(connection)}
    travel, shops = _form("travel"), _form("shops")
    if shops.titles["en"] not in found:
        waiting = authoring.create(connection, shops, _plan(now, anonymous=False), by=writer.id, now=now)
        authoring.submit(connection, waiting.id, by=writer.id, now=now)
    survey = found.get(travel.titles["en"])
    if survey is None:
        survey = _opened(connection, travel, writer, opener, now)
        _answer(application, connection, survey, reader, now)
    token = application.offers.surveys.answering.links.make(survey.serial, reader.number)
    return f"{application.config.url}/s/{token}"


def _opened(connection: Connection, form: Form, writer: Member, opener: Member, now: datetime) -> Survey:
    survey = authoring.create(connection, form, _plan(now, anonymous=True), by=writer.id, now=now)
    authoring.submit(connection, survey.id, by=writer.id, now=now)
    return authoring.open_survey(connection, survey.id, by=opener.id, now=now)


def _answer(application: Application, connection: Connection, survey: Survey, reader: Subject, now: datetime) -> None:
    """More people answer than the sample has: an anonymous answer is nobody's, whoever's link it came by."""
    answering, lot = application.offers.surveys.answering, Random(46)  # noqa: S311 - a sample, the same each time
    for place in range(_ANSWERS):
        token = answering.links.make(survey.serial, reader.number)
        used = lot.choices("abcd", weights=(22, 9, 6, 7))[0]
        answering.answer(connection, token, "q1", (used,), now=now)
        if used in "bc":
            answering.answer(connection, token, "q2", (lot.choices("abcd", weights=(6, 4, 5, 2))[0],), now=now)
        happy = lot.choices(("1", "2", "3", "4", "5", ""), weights=(1, 2, 7, 18, 13, 3))[0]
        answering.answer(connection, token, "q3", (happy,) if happy else (), now=now)
        answering.answer(connection, token, "q4", (), _texts()[place % 12] if place % 2 else "", now=now)
        answering.send(connection, token, now=now)


def _plan(now: datetime, *, anonymous: bool) -> Plan:
    return Plan(anonymous=anonymous, topic="travel" if anonymous else None, channels=_CHANNELS, closes_at=now + _RUNS)


def _form(name: str) -> Form:
    said = {key: value for key, value in _read()[name].items() if key != "said"}
    return msgspec.convert(said, Form)


def _texts() -> list[str]:
    texts: list[str] = _read()["travel"]["said"]
    return texts


@cache
def _read() -> dict[str, Any]:
    text = files("placet.interfaces.cli").joinpath("sample_surveys.yaml").read_text("utf-8")
    found: dict[str, Any] = yaml.safe_load(text)
    return found
