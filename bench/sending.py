"""
Sending and withdrawing at once.

How fast messages start with the gate asked again under the lock, what that lock costs who decides, and whether any of
many withdrawals that run into a sender was ever too late.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import attrs

from bench.borrowed import addressees
from bench.ground import Ground, Place
from bench.harness import QUICK, ROUNDS, Report, Sample, timed
from placet.bootstrap import Application
from placet.delivery.model import MessageId, Outcome, Outgoing, Started
from placet.delivery.sending import LANES
from placet.delivery.starting import Claim
from placet.kernel.ids import ChannelId
from placet.subjects.model import Subject

GATE_AGAIN = "gate again at send, with lock"
DECIDING = "withdrawal recorded, CPU of the program"
PAIRS = "withdrawals too late for a message"
APP = ChannelId("app")
MESSAGES = 500 if QUICK else 5_000
DECISIONS = 500 if QUICK else 2_000
RACES = 1_000 if QUICK else 100_000
TOWN = 1_000 if QUICK else 5_000
"""Persons of one race; the next has others."""
BATCH = 100
SENDERS = 3


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
    """In transactions of `BATCH`, committed to the disk, in as many lanes as a sender has."""

    def ours() -> Sample:
        at = addressees.daytime()
        _planned(application, _consenting(application, MESSAGES), at)
        _analysed(place)
        return timed(lambda: _in_lanes(lambda: _drain(application, at)), MESSAGES)

    def bare() -> Sample:
        at = addressees.daytime()
        _planned(application, _consenting(application, MESSAGES), at)
        _analysed(place)
        return timed(lambda: _in_lanes(lambda: _claimed_blindly(application)), MESSAGES)

    report.compare(
        GATE_AGAIN, ours, {}, unit="/s", n=MESSAGES, must=">= 5,000/s", shown={"an outbox that asks nobody": bare}
    )


def _deciding(report: Report, application: Application) -> None:
    """The lock is the row that a withdrawal changes: nothing is added. The peer takes one of its own."""

    def recorded(lock: str | None) -> Sample:
        people = _consenting(application, DECISIONS)

        def run() -> None:
            for some in addressees.slices(people, BATCH):
                with application.database.transaction() as connection:
                    if lock is not None:
                        connection.execute(lock, {"numbers": sorted(person.number for person in some)})
                    addressees.withdraw(application, connection, some)

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
    people, at, over = _consenting(application, TOWN), addressees.daytime(), threading.Event()
    _planned(application, people, at)
    random.Random(7).shuffle(people)
    had_started: set[int] = set()
    with ThreadPoolExecutor(SENDERS) as senders:
        for _ in range(SENDERS):
            senders.submit(_sending, application, at, over)
        for some in addressees.slices(people, 5):
            with application.database.transaction() as connection:
                addressees.withdraw(application, connection, some)
            had_started |= addressees.started(application, some)
        over.set()
    _drain(application, at)
    ended = addressees.started(application, people)
    return len(ended - had_started), len(ended)


def _sending(application: Application, at: datetime, over: threading.Event) -> None:
    while not over.is_set():
        _claim(application, at, limit=8)


def _in_lanes(work: Callable[[], None]) -> None:
    with ThreadPoolExecutor(LANES) as lanes:
        for lane in [lanes.submit(work) for _ in range(LANES)]:
            lane.result()


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


def _consenting(application: Application, count: int) -> list[Subject]:
    return addressees.consenting(application, count, APP)


def _planned(application: Application, people: Sequence[Subject], at: datetime) -> None:
    addressees.plan(application, people, APP, at, key="campaign/bench")


def _analysed(place: Place) -> None:
    """As autovacuum would have done since."""
    with place.owner() as connection:
        connection.execute("VACUUM ANALYZE")
