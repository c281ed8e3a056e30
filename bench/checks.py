"""`check in process`: the replica's answer to one question and to many, beside what others would ask instead."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import attrs
import numpy as np
import redis
from psycopg import Connection

from bench.engines import casbin_check, cedar_check
from bench.harness import QUICK, Report, Sample, timed
from bench.redis_peer import KEY, redis_with
from bench.town import ACTIVITY
from placet.bootstrap import Application
from placet.gate.actions import Allowed
from placet.gate.replica import Replica
from placet.kernel import clock
from placet.kernel.ids import ActivityId, Number, SubjectId

SINGLE = "check in process, one at a time by number"
BATCH = "check in process, batches of 100,000 with reason codes"
BY_ID = "check in process, by subject id"
CALLS = 50_000 if QUICK else 400_000
SLOW_CALLS = 300 if QUICK else 3_000
BATCH_SIZE = 100_000

_LOOK_UP = (
    "SELECT decision, notice_major, expires_at FROM consents.current"
    " WHERE number = %s AND purpose = 'profiling' AND channel = ''"
)
_LOOK_UP_MANY = (
    "SELECT number, decision, notice_major, expires_at FROM consents.current"
    " WHERE number = ANY(%s) AND purpose = 'profiling' AND channel = ''"
)


@attrs.frozen
class Asked:
    """Whom the questions are about: random persons, the same for ours and every peer."""

    numbers: list[int]
    batch: np.ndarray

    @classmethod
    def among(cls, people: int) -> Asked:
        draw = random.Random(5)
        batch = np.random.default_rng(5).integers(1, people + 1, BATCH_SIZE, dtype=np.int32)
        return cls([draw.randint(1, people) for _ in range(CALLS)], batch)


def run(report: Report, application: Application, replica: Replica, people: int, folder: Path) -> None:
    """All rows of the theme at one size."""
    asked = Asked.among(people)
    given = _given(replica)
    with redis_with(folder, given) as store, _plain(application) as connection:
        consenting = frozenset(given)
        report.compare(
            SINGLE,
            lambda: _single(replica, asked.numbers),
            {
                "PostgreSQL key look-up": lambda: _each(_postgres(connection), asked.numbers),
                "Redis SISMEMBER": lambda: _each(_redis(store), asked.numbers),
                "casbin": lambda: _each(casbin_check(ACTIVITY, consenting), asked.numbers),
                "cedarpy": lambda: _each(cedar_check(ACTIVITY, consenting), asked.numbers),
            },
            unit="checks/s",
            n=people,
            must=">= 1,000,000/s and >= 10x the best",
        )
        report.compare(
            BATCH,
            lambda: _batch(replica, asked.batch),
            {},
            shown={
                "PostgreSQL = ANY(array)": lambda: _postgres_many(connection, asked.batch),
                "Redis SMISMEMBER": lambda: _redis_many(store, asked.batch),
            },
            unit="checks/s",
            n=people,
            must=">= 20,000,000/s",
        )
    _by_id(report, application, replica, asked, people)
    _memory(report, replica, people)


def _given(replica: Replica) -> list[int]:
    columns = replica.memory.columns("profiling", lambda plan: [("given", bit) for bit in plan.purposes])
    assert columns is not None
    return columns[2][0].to_array().tolist()


@contextmanager
def _plain(application: Application) -> Iterator[Connection]:
    connection = application.database.dedicated()
    connection.prepare_threshold = 0
    try:
        yield connection
    finally:
        connection.close()


def _single(replica: Replica, numbers: Sequence[int]) -> Sample:
    """With the token of a decision that was just made, and the clock read for each: as a caller does it."""
    check, monotonic, token = replica.check, replica.now, replica.memory.view.token

    def ask() -> None:
        for number in numbers:
            told = check(number, ACTIVITY, token, monotonic())
            told.allowed  # noqa: B018 - read, as a caller does

    assert check(numbers[0], ACTIVITY, token, monotonic()) is not replica.memory.view.stale
    return timed(ask, len(numbers))


def _batch(replica: Replica, numbers: np.ndarray) -> Sample:
    times = 10 if QUICK else 100
    token = replica.memory.view.token

    def ask() -> None:
        for _ in range(times):
            replica.check_many(numbers, ACTIVITY, token, replica.now())

    return timed(ask, times * len(numbers))


def _each(check: Callable[[int], object], numbers: Sequence[int]) -> Sample:
    some = numbers[:SLOW_CALLS]
    check(some[0])
    return timed(lambda: [check(number) for number in some], len(some))


def _postgres(connection: Connection) -> Callable[[int], object]:
    cursor = connection.cursor(binary=True)
    return lambda number: cursor.execute(_LOOK_UP, [number]).fetchone()


def _postgres_many(connection: Connection, numbers: np.ndarray) -> Sample:
    some = numbers[:10_000].tolist()
    return timed(lambda: connection.execute(_LOOK_UP_MANY, [some]).fetchall(), len(some))


def _redis(store: redis.Redis) -> Callable[[int], object]:
    return lambda number: store.sismember(KEY, number)


def _redis_many(store: redis.Redis, numbers: np.ndarray) -> Sample:
    some = numbers[:20_000].tolist()
    return timed(lambda: store.smismember(KEY, some), len(some))


def _by_id(report: Report, application: Application, replica: Replica, asked: Asked, people: int) -> None:
    """Shown without a bar: the number is remembered per process, and a yes is a signed permit."""
    subjects = [SubjectId(UUID(int=number)) for number in asked.numbers[:50_000]]
    for subject in subjects:
        replica.remember(subject, Number(subject.int))

    def by_id() -> None:
        for subject in subjects:
            number = replica.number_of(subject)
            assert number is not None
            replica.check(number, ACTIVITY, None, replica.now())

    def with_permit() -> None:
        now = clock.now()
        for subject in subjects:
            application.gate.check_quickly(replica, subject, ActivityId(ACTIVITY), now=now)

    report.compare(
        BY_ID,
        lambda: timed(by_id, len(subjects)),
        {},
        shown={"ours, a yes as a signed permit": lambda: timed(with_permit, len(subjects))},
        unit="checks/s",
        n=people,
    )
    answer = application.gate.check_quickly(replica, subjects[0], ActivityId(ACTIVITY), now=clock.now())
    assert answer is not None
    if isinstance(answer, Allowed):
        assert answer.permit is not None


def _memory(report: Report, replica: Replica, people: int) -> None:
    """What the state takes: the arrays every check reads, and all 44 bitmaps that audiences could ever ask for."""
    bits = replica.memory.copy()
    arrays = sum(array.nbytes for array in (bits.mask, bits.closed, bits.lapsed))
    keys = [("given", bit) for bit in range(28)] + [(kind, bit) for kind in ("closed", "lapsed") for bit in range(8)]
    columns = sum(len(bits.column(key).serialize()) for key in keys)
    more = {"bitmaps_mb": columns / 1e6, "must": "<= 100 MB"}
    report.add("check in process, memory of the state", (arrays + columns) / 1e6, "MB", n=people, **more)


def hold(replica: Replica, seconds: float = 30.0) -> None:
    """Wait until the replica that was started answers."""
    end = time.monotonic() + seconds
    while replica.memory.view.stale is replica.check(1, "offers", None, replica.now()):
        if time.monotonic() > end:
            raise TimeoutError("the replica did not become ready")
        time.sleep(0.05)
