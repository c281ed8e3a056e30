"""People who have said yes to offers, and offers planned for them: for crashes here and for the figures in bench."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from psycopg import Connection

from placet.bootstrap import Application
from placet.consents import actions as consents
from placet.consents.model import Actor, Provenance, Recorded, Wish
from placet.delivery.model import Kind, Message
from placet.delivery.policy import standard
from placet.delivery.rules import window
from placet.kernel import clock
from placet.kernel.ids import ActivityId, ChannelId, PurposeId
from placet.subjects.model import Alias, Newcomer, Subject

OFFERS = PurposeId("offers")
TEMPLATE = "spring"
BATCH = 1_000
One = TypeVar("One")


def email(place: int) -> Alias:
    """A valid address for each *place*."""
    return Alias.email(f"p{place}@example.lv")


def mobile(place: int) -> Alias:
    """A mobile number for each of ten million places."""
    return Alias.msisdn(f"+3712{place:07d}")


def daytime() -> datetime:
    """Two hours into the next day on which offers may be sent; hours of it are left."""
    zone = ZoneInfo("Europe/Riga")
    tomorrow = clock.now() + timedelta(days=1)
    hours = window(standard().calendars[Kind.OFFER], zone, tomorrow.replace(hour=0, minute=0, second=0, microsecond=0))
    assert hours is not None
    return hours.start + timedelta(hours=2)


def consenting(
    application: Application, count: int, channel: str, *, alias: Callable[[int], Alias] | None = None, first: int = 0
) -> list[Subject]:
    """*count* persons who have said yes to offers on *channel*, as an import writes it, with an *alias* each."""
    found: list[Subject] = []
    for places in slices(range(first, first + count), BATCH):
        newcomers = [Newcomer(() if alias is None else (alias(place),), "lv") for place in places]
        with application.database.transaction() as connection:
            people = application.subjects.add_many(connection, newcomers, now=clock.now())
            _given(application, connection, people, ChannelId(channel))
        found += people
    return found


def plan(application: Application, people: Sequence[Subject], channel: str, at: datetime, *, key: str) -> None:
    """An offer for each of *people*, due at *at*."""
    messages = [
        Message(
            subject=person.id, key=key, kind=Kind.OFFER, activity=ActivityId(f"offers.{channel}-campaign"),
            channel=ChannelId(channel), template=TEMPLATE, language="lv", not_before=at - timedelta(hours=1),
            not_after=at + timedelta(hours=5),
        )
        for person in people
    ]  # fmt: skip
    with application.database.transaction() as connection:
        application.delivery.plan(connection, messages, now=at)


def withdraw(application: Application, connection: Connection, people: Sequence[Subject]) -> None:
    """All of *people* take their yes to offers back."""
    wishes = [Wish(person.id, OFFERS, "withdrawn", "api", Actor("subject")) for person in people]
    _record(application, connection, wishes)


def started(application: Application, people: Sequence[Subject]) -> set[int]:
    """The numbers of those of *people* for whom a message has started."""
    statement = "SELECT number FROM delivery.message WHERE number = ANY(%s) AND started_at IS NOT NULL"
    with application.database.transaction() as connection:
        return {number for (number,) in connection.execute(statement, [[person.number for person in people]])}


def slices(whole: Sequence[One], size: int) -> Iterator[Sequence[One]]:
    return (whole[first : first + size] for first in range(0, len(whole), size))


def _given(application: Application, connection: Connection, people: Sequence[Subject], channel: ChannelId) -> None:
    provenance = Provenance("bench", "B", clock.now())
    wishes = [
        Wish(person.id, OFFERS, "given", "import", Actor("subject"), channel=asked, notice_version="1.0",
             provenance=provenance)
        for person in people for asked in (None, channel)
    ]  # fmt: skip
    _record(application, connection, wishes)


def _record(application: Application, connection: Connection, wishes: Sequence[Wish]) -> None:
    outcomes = consents.record(connection, wishes, rulebook=application.rulebook, now=clock.now())
    assert all(isinstance(outcome, Recorded) for outcome in outcomes), outcomes[:3]
