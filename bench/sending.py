"""
Sending and withdrawing at once.

How fast messages start with the gate asked again under the lock, what that lock costs who decides, and whether any of
many withdrawals that run into a sender was ever too late.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import attrs
from psycopg import Connection

from bench.ground import Ground, Place
from bench.harness import QUICK, ROUNDS, Report, Sample, timed
from placet.bootstrap import Application
from placet.consents import actions as consents
from placet.consents.model import Actor, Provenance, Recorded, Wish
from placet.delivery.actions import Claim
from placet.delivery.model import Kind, Message, MessageId, Outcome, Outgoing, Started
from placet.kernel import clock
from placet.kernel.ids import ActivityId, ChannelId, PurposeId
from placet.subjects.model import Newcomer, Subject

GATE_AGAIN = "gate again at send, with lock"
DECIDING = "withdrawal recorded, CPU of the program"
PAIRS = "withdrawals too late for a message"
OFFERS, APP = PurposeId("offers"), ChannelId("app")
ACTIVITY = ActivityId("offers.app-campaign")
MESSAGES = 500 if QUICK else 5_000
DECISIONS = 500 if QUICK else 2_000
RACES = 1_000 if QUICK else 100_000
TOWN = 1_000 if QUICK else 5_000
"""Persons of one race; the next has others."""
BATCH = 100
SENDERS = 3
_AFTERNOON = timedelta(hours=12)


@attrs.frozen
class Nowhere:
    """A channel that is claimed for and never sends."""

    id: ChannelId = APP
    width: int = BATCH
    needs_address: bool = False

    async def send(self, batch: Sequence[Outgoing]) -> Mapping[MessageId, Outcome]:
        return {}

    async def find(self, started: Sequence[Started]) -> Mapping[MessageId, Outcome]:
        return {}

    async def listen(self) -> None:
        """Nothing comes back."""

    async def close(self) -> None:
        """Nothing is open."""


def run(report: Report, here: Ground) -> None:
    place = here.place("sending")
    with place.application() as application:
        _gate_again(report, place, application)
        _deciding(report, application)
        _pairs(report, application)
    here.drop(place)


def _gate_again(report: Report, place: Place, application: Application) -> None:
    """Every message is claimed in a transaction of `BATCH`, committed to the disk."""

    def ours() -> Sample:
        at = _hour()
        _planned(application, _consenting(application, MESSAGES), at)
        _analysed(place)
        return timed(lambda: _drain(application, at), MESSAGES)

    def bare() -> Sample:
        at = _hour()
        _planned(application, _consenting(application, MESSAGES), at)
        _analysed(place)
        return timed(lambda: _claimed_blindly(application), MESSAGES)

    report.compare(
        GATE_AGAIN, ours, {}, unit="/s", n=MESSAGES, must=">= 5,000/s", shown={"an outbox that asks nobody": bare}
    )


def _deciding(report: Report, application: Application) -> None:
    """The lock is the row that a withdrawal changes: nothing is added. The peer takes one of its own."""

    def recorded(lock: str | None) -> Sample:
        people = _consenting(application, DECISIONS)

        def run() -> None:
            for some in _slices(people):
                with application.database.transaction() as connection:
                    if lock is not None:
                        connection.execute(lock, {"numbers": sorted(person.number for person in some)})
                    _withdraw(application, connection, some)

        sample = timed(run, DECISIONS)
        return attrs.evolve(sample, value=sample.seconds * 1e6 / DECISIONS)

    advisory = "SELECT pg_advisory_xact_lock(1, number) FROM unnest(%(numbers)s::int[]) AS number"
    report.compare(
        DECIDING,
        lambda: recorded(None),
        {"an advisory lock for each person": lambda: recorded(advisory)},
        unit="us",
        n=DECISIONS * ROUNDS,
    )


def _pairs(report: Report, application: Application) -> None:
    """Whoever had not started when the withdrawal was committed must never have started."""
    late = started = 0
    for _ in range(RACES // TOWN):
        more_late, more_started = _race(application)
        late, started = late + more_late, started + more_started
    report.add(PAIRS, late, "messages", n=RACES, must="= 0", started=started)
    if late:
        report.fail(PAIRS, f"{late} messages started after their withdrawal")


def _race(application: Application) -> tuple[int, int]:
    people, at, over = _consenting(application, TOWN), _hour(), threading.Event()
    _planned(application, people, at)
    random.Random(7).shuffle(people)
    had_started: set[int] = set()
    with ThreadPoolExecutor(SENDERS) as senders:
        for _ in range(SENDERS):
            senders.submit(_sending, application, at, over)
        for some in _slices(people, size=5):
            with application.database.transaction() as connection:
                _withdraw(application, connection, some)
            had_started |= _started(application, some)
        over.set()
    _drain(application, at)
    ended = _started(application, people)
    return len(ended - had_started), len(ended)


def _sending(application: Application, at: datetime, over: threading.Event) -> None:
    while not over.is_set():
        _claim(application, at, limit=8)


def _drain(application: Application, at: datetime) -> None:
    while _claim(application, at, limit=BATCH) != Claim():
        pass


def _claim(application: Application, at: datetime, *, limit: int) -> Claim:
    with application.database.transaction() as connection:
        return application.delivery.claim(connection, Nowhere(), limit=limit, now=at)


def _claimed_blindly(application: Application) -> None:
    statement = (
        "UPDATE delivery.message SET state = 'unknown', reason = 'bench', closed_at = now() WHERE id IN (SELECT id"
        " FROM delivery.message WHERE state = 'planned' ORDER BY not_before LIMIT %s FOR UPDATE SKIP LOCKED)"
    )
    while True:
        with application.database.transaction() as connection:
            if connection.execute(statement, [BATCH]).rowcount == 0:
                return


def _started(application: Application, people: Sequence[Subject]) -> set[int]:
    statement = "SELECT number FROM delivery.message WHERE number = ANY(%s) AND started_at IS NOT NULL"
    with application.database.transaction() as connection:
        return {number for (number,) in connection.execute(statement, [[person.number for person in people]])}


def _withdraw(application: Application, connection: Connection, people: Sequence[Subject]) -> None:
    wishes = [Wish(person.id, OFFERS, "withdrawn", "api", Actor("subject")) for person in people]
    outcomes = consents.record(connection, wishes, rulebook=application.rulebook, now=clock.now())
    assert all(isinstance(outcome, Recorded) for outcome in outcomes)


def _consenting(application: Application, count: int) -> list[Subject]:
    """Persons who have said yes to offers in the app, as an import writes it."""
    now = clock.now()
    provenance, found = Provenance("bench", "B", now), []
    for size in (min(1_000, count - done) for done in range(0, count, 1_000)):
        with application.database.transaction() as connection:
            people = application.subjects.add_many(connection, [Newcomer((), "lv") for _ in range(size)], now=now)
            wishes = [
                Wish(person.id, OFFERS, "given", "import", Actor("subject"), channel=channel, notice_version="1.0",
                     provenance=provenance)
                for person in people for channel in (None, APP)
            ]  # fmt: skip
            outcomes = consents.record(connection, wishes, rulebook=application.rulebook, now=now)
            assert all(isinstance(outcome, Recorded) for outcome in outcomes)
            found += people
    return found


def _planned(application: Application, people: Sequence[Subject], at: datetime) -> None:
    messages = [
        Message(
            subject=person.id, key="campaign/bench", kind=Kind.OFFER, activity=ACTIVITY, channel=APP, template="bench",
            language="lv", not_before=at - timedelta(hours=1), not_after=at + timedelta(hours=5),
        )
        for person in people
    ]  # fmt: skip
    with application.database.transaction() as connection:
        application.delivery.plan(connection, messages, now=at)


def _analysed(place: Place) -> None:
    """As autovacuum would have done since."""
    with place.owner() as connection:
        connection.execute("VACUUM ANALYZE")


def _hour() -> datetime:
    """Noon in UTC of the next Wednesday, at which offers may be sent."""
    today = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    return today + timedelta(days=(2 - today.weekday()) % 7 or 7) + _AFTERNOON


def _slices(people: Sequence[Subject], size: int = BATCH) -> Iterator[Sequence[Subject]]:
    return (people[first : first + size] for first in range(0, len(people), size))
