"""
What one sample customer has lived through, so that the demonstration's pages have something to tell: a child to
decide for, a line, answers given and taken back, what was done with the data, what offers may be about, and a birthday
today. All of it by the real ways, once.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

import attrs
from psycopg import Connection
from pyroaring import BitMap

from placet.bootstrap import Application
from placet.catalogue import store as catalogue_store
from placet.catalogue.render import render
from placet.consents import actions as consents
from placet.consents.model import Actor, Wish
from placet.delivery.batches import Batch
from placet.delivery.model import Kind
from placet.gate.actions import Allowed
from placet.gate.uses import record_uses, under_permit
from placet.kernel.ids import ActivityId, ChannelId, PurposeId, SubjectId
from placet.purposes.offers.learning.actions import NOT_INTERESTED
from placet.purposes.offers.topics import TopicId
from placet.purposes.offers.wishes import State
from placet.subjects.model import Alias, Subject

LANGUAGE = "ru"
CHILD = "Лев Соколов"
_CHILD_BORN = timedelta(days=11 * 365)
_SAID = (
    ("offers", None, "given"),
    ("offers", "email", "given"),
    ("offers", "app", "given"),
    ("offers", "sms", "refused"),
    ("credit", None, "given"),
    ("profiling", None, "refused"),
    ("location", None, "given"),
    ("location", None, "withdrawn"),
    ("loyalty", None, "given"),
)
_SAID_FOR_CHILD = (("loyalty", None, "given"), ("offers", None, "refused"), ("mobility", None, "refused"))
_WANTED: tuple[tuple[str, State], ...] = (("tariffs", "want"), ("family", "want"), ("gaming", "never"))
_ENDED = "accessories"
"""A topic that did not interest them, so that the learner stopped it."""
_AGE = 40
"""A number of years that every day has, also 29 February."""
_DONE = (
    ("offers.email-campaign", "sent"),
    ("offers.email-campaign", "sent"),
    ("credit.check", "affordable"),
    ("loyalty.keep", "kept"),
)


def live(application: Application, connection: Connection, customer: Alias, *, now: datetime) -> None:
    """Give *customer* a child, a line, answers and uses, unless they have a mandate already."""
    parent = application.subjects.find(connection, customer)
    if parent is None or application.subjects.mandates(connection, parent.id):
        return
    child = _family(application, connection, parent, now)
    _line(application, connection, parent, customer, now)
    _say(application, connection, parent.id, _SAID, now)
    _say(application, connection, child.id, _SAID_FOR_CHILD, now, by=parent.id)
    _use(application, connection, parent.id, now)
    _celebrate(application, connection, parent.id, now)
    _leave_alone(application, connection, parent, now)


def _family(application: Application, connection: Connection, parent: Subject, now: datetime) -> Subject:
    people, born = application.subjects, (now - _CHILD_BORN).date()
    child = people.add(
        connection, aliases=(), language=parent.language, name=CHILD, birth_date=_first_of_month(born), now=now
    )
    people.add_mandate(
        connection,
        representative=parent.id,
        subject=child.id,
        kind="parent",
        purposes=list(application.catalogue(connection).purposes),
        proof="birth certificate (invented)",
        since=now,
    )
    return child


def _line(application: Application, connection: Connection, holder: Subject, number: Alias, now: datetime) -> None:
    application.subjects.add_line(connection, number, since=now)
    application.subjects.add_role(connection, number, holder.id, "holder", since=now)


def _say(
    application: Application,
    connection: Connection,
    subject: SubjectId,
    said: tuple[tuple[str, str | None, str], ...],
    now: datetime,
    *,
    by: SubjectId | None = None,
) -> None:
    """Record answers under the text that the portal would have shown."""
    mandates = application.subjects.mandates(connection, subject) if by is not None else []
    mandate = next((held.id for held in mandates if held.representative == by), None)
    wishes = []
    for purpose, channel, decision in said:
        shown = render(application.catalogue(connection), purpose=purpose, language=LANGUAGE, route="portal")
        catalogue_store.remember_shown(connection, shown, now)
        wishes.append(
            Wish(
                subject,
                PurposeId(purpose),
                decision,
                "portal",
                Actor("subject", str(subject)) if by is None else Actor("representative", str(by)),
                channel=None if channel is None else ChannelId(channel),
                shown=shown.sha256,
                mandate=mandate,
            )
        )
    consents.record(connection, wishes, rulebook=application.rulebook, now=now)


def _use(application: Application, connection: Connection, subject: SubjectId, now: datetime) -> None:
    """Report what was done, each under the permit that the gate gave for it."""
    told = []
    for activity, outcome in _DONE:
        answer = application.gate.check(connection, subject, ActivityId(activity), now=now)
        if isinstance(answer, Allowed) and answer.permit is not None:
            told.append(under_permit(answer.permit, outcome=outcome, at=now))
    record_uses(connection, told)


def _celebrate(application: Application, connection: Connection, subject: SubjectId, now: datetime) -> None:
    """What offers may be about; and the birthday for which the worker sends a greeting, at the hours for it."""
    for topic, state in _WANTED:
        application.offers.wishes.set(connection, subject, TopicId(topic), state, by="person", now=now)
    application.offers.wishes.set(
        connection, subject, TopicId(_ENDED), "never", by="learner", reason=NOT_INTERESTED, now=now
    )
    today = now.astimezone(application.delivery.zone).date()
    known = application.subjects.profile(connection, subject)
    born = attrs.evolve(known, birth_date=today.replace(year=today.year - _AGE))
    application.subjects.rectify(connection, subject, born, now=now)


def _leave_alone(application: Application, connection: Connection, subject: Subject, now: datetime) -> None:
    """An offer that is not sent: its topic is one of those that they never want to hear about."""
    unwanted = Batch(
        key="sample/games", kind=Kind.OFFER, activity=ActivityId("offers.email-campaign"), channel=ChannelId("email"),
        template="campaign/sample", topic="gaming", not_before=now, not_after=now + timedelta(days=7),
    )  # fmt: skip
    application.delivery.plan_many(connection, unwanted, BitMap([subject.number]), now=now)


def _first_of_month(day: date) -> date:
    return day.replace(day=1)
