"""
`withdrawal to no`: from the moment a withdrawal is handed in until another process says no.

Two processes watch the same persons: one with the replica, one that looks into the database every 50 ms. Afterwards
the feed's connection is frozen, and the replica must stop saying yes within its bound.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection as Pipe

import attrs

from bench.ground import Ground
from bench.harness import QUICK, ROUNDS, Report, Sample
from placet.bootstrap import Application, build
from placet.config import Config
from placet.consents import actions
from placet.consents.model import Actor, Provenance, Recorded, Wish
from placet.gate.replica import Replica
from placet.kernel import clock
from placet.kernel.ids import PurposeId
from placet.store.database import Database
from placet.subjects.model import Newcomer, Subject

LATENCY = "withdrawal to no in another process, p99"
MEDIAN = "withdrawal to no in another process, median"
SILENCE = "withdrawal to no: fails closed after the feed falls silent"
OFFERS = PurposeId("offers")
EACH_ROUND = 20 if QUICK else 100
POLL = 0.05
WATCHED = "placet-bench-watched"

Watch = Callable[[Config, Sequence[int], Pipe], None]


@attrs.frozen
class Seen:
    """When each withdrawal was handed in, acknowledged, and seen by each watcher (monotonic seconds, one clock)."""

    asked: list[float]
    watched: dict[str, list[float]]

    def latencies(self, watcher: str) -> list[float]:
        return [(seen - asked) * 1e3 for asked, seen in zip(self.asked, self.watched[watcher], strict=True)]


def run(report: Report, ground: Ground) -> None:
    place = ground.place("withdrawals")
    with place.application() as application:
        application.sequencer.start()
        people = _consenting(application, EACH_ROUND * ROUNDS)
        rounds = [
            _round(application, people[first : first + EACH_ROUND]) for first in range(0, len(people), EACH_ROUND)
        ]
        _tell(report, LATENCY, rounds, _p99, must="<= 50 ms")
        _tell(report, MEDIAN, rounds, statistics.median)
        _silence(report, application)
    ground.drop(place)


def _tell(
    report: Report, what: str, rounds: list[Seen], of: Callable[[list[float]], float], must: str | None = None
) -> None:
    samples = {
        watcher: iter([Sample(EACH_ROUND, 0.0, value=of(seen.latencies(watcher))) for seen in rounds])
        for watcher in ("replica", "poll")
    }
    report.compare(
        what,
        lambda: next(samples["replica"]),
        {"polling the database every 50 ms": lambda: next(samples["poll"])},
        unit="ms",
        n=EACH_ROUND * len(rounds),
        must=must,
    )


def _p99(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.99)]


def _consenting(application: Application, count: int) -> list[Subject]:
    """Persons who have said yes to offers, as an import writes it."""
    now = clock.now()
    with application.database.transaction() as connection:
        people = application.subjects.add_many(connection, [Newcomer((), "lv") for _ in range(count)], now=now)
        provenance = Provenance("bench", "B", now)
        wishes = [
            Wish(person.id, OFFERS, "given", "import", Actor("subject"), notice_version="1.0", provenance=provenance)
            for person in people
        ]
        outcomes = actions.record(connection, wishes, rulebook=application.rulebook, now=now)
    assert all(isinstance(outcome, Recorded) for outcome in outcomes)
    return people


def _round(application: Application, people: list[Subject]) -> Seen:
    numbers = [person.number for person in people]
    with (
        _watching(application.config, numbers, _by_replica) as replica,
        _watching(application.config, numbers, _by_poll) as poll,
    ):
        asked = []
        for person in people:
            time.sleep(random.uniform(0.03, 0.09))
            asked.append(time.monotonic())
            (outcome,) = application.sequencer.record(
                [Wish(person.id, OFFERS, "withdrawn", "portal", Actor("subject"))]
            )
            assert isinstance(outcome, Recorded)
        return Seen(asked, {"replica": _answer(replica), "poll": _answer(poll)})


@contextmanager
def _watching(config: Config, numbers: Sequence[int], watch: Watch) -> Iterator[Pipe]:
    """A process that watches *numbers* in their order; ready when this yields."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=watch, args=(config, numbers, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        assert _answer(ours) == "ready"
        yield ours
    finally:
        process.join(timeout=10)
        if process.is_alive():
            process.terminate()


def _answer(pipe: Pipe) -> object:
    if not pipe.poll(60):
        raise TimeoutError("the watching process said nothing for 60 s")
    return pipe.recv()


def _by_replica(config: Config, numbers: Sequence[int], pipe: Pipe) -> None:
    with _replica(config) as replica:
        pipe.send("ready")
        seen = []
        for number in numbers:
            while replica.check(number, OFFERS, None, replica.now()).allowed:
                time.sleep(0.0005)
            seen.append(time.monotonic())
        pipe.send(seen)


def _by_poll(config: Config, numbers: Sequence[int], pipe: Pipe) -> None:
    application = build(config)
    connection = application.database.dedicated()
    query = "SELECT decision FROM consents.current WHERE number = %s AND purpose = 'offers' AND channel = ''"
    pipe.send("ready")
    seen = []
    for number in numbers:
        while connection.execute(query, [number]).fetchone() == ("given",):
            time.sleep(POLL)
        seen.append(time.monotonic())
    pipe.send(seen)
    connection.close()
    application.close()


@contextmanager
def _replica(config: Config) -> Iterator[Replica]:
    """A replica that has caught up and follows, on connections that can be told from others."""
    application = build(config)
    database = Database(f"{application.database.url}&application_name={WATCHED}", size=1)
    replica = Replica.of(database, attrs.evolve(config, data_dir=config.data_dir / str(os.getpid())))
    replica.start()
    try:
        while replica.check(1, OFFERS, None, replica.now()) is replica.memory.view.stale:
            time.sleep(0.01)
        yield replica
    finally:
        replica.stop()
        database.close()
        application.close()


def _silence(report: Report, application: Application) -> None:
    """Freeze the server's side of the feed: nothing is closed, nothing answers."""
    (person,) = _consenting(application, 1)
    bound = application.config.staleness_bound
    samples = iter([_silenced(application, person) for _ in range(ROUNDS)])
    report.compare(SILENCE, lambda: next(samples), {}, unit="s", n=ROUNDS, must=f"<= {bound:g} s")


def _silenced(application: Application, person: Subject) -> Sample:
    with _watching(application.config, [person.number], _last_yes) as pipe:
        frozen = _backends(application)
        assert frozen
        start = time.monotonic()
        for backend in frozen:
            os.kill(backend, signal.SIGSTOP)
        try:
            last = _answer(pipe)
        finally:
            for backend in frozen:
                os.kill(backend, signal.SIGCONT)
    assert isinstance(last, float)
    return Sample(1, last - start)


def _last_yes(config: Config, numbers: Sequence[int], pipe: Pipe) -> None:
    """Tells when the last yes was given."""
    with _replica(config) as replica:
        (number,) = numbers
        pipe.send("ready")
        last, end = 0.0, time.monotonic() + 30
        while time.monotonic() < end:
            now = replica.now()
            told = replica.check(number, OFFERS, None, now)
            if not told.allowed:
                break
            last = now
            time.sleep(0.0005)
        pipe.send(last)
        threading.Event().wait(0.5)


def _backends(application: Application) -> list[int]:
    """The server processes of the watched connections; only the application's own role sees their names."""
    with application.database.transaction() as connection:
        rows = connection.execute("SELECT pid FROM pg_stat_activity WHERE application_name = %s", [WATCHED])
        return [pid for (pid,) in rows]
