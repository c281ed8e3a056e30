"""
Group commit: what queued while the last commit ran becomes the next transaction; no timer.

One thread of the process owns the connection. A commit whose answer was lost is settled, not guessed: a second
connection takes the head row's lock, so the first transaction has ended one way or the other, and looks.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import datetime

import attrs
import psycopg
from psycopg import Connection

from placet.consents import store
from placet.consents.actions import Rulebook, record
from placet.consents.model import Outcome, Recorded, Wish
from placet.kernel.errors import PlacetError, Unavailable
from placet.ledger.append import lock_head
from placet.store.database import Database, translated

BATCH = 100
"""Most wishes in one transaction: beyond this, waiting grows faster than throughput."""
BACKLOG = 10_000
"""Most submissions that may wait; more answer `Unavailable` at once."""


@attrs.frozen(eq=False)
class _Submission:
    """`future` belongs to a waiting thread, or, when `loop` is set, to that event loop."""

    wishes: Sequence[Wish]
    future: Future[list[Outcome]] | asyncio.Future[list[Outcome]]
    loop: asyncio.AbstractEventLoop | None = None


_Answers = list[tuple[_Submission, list[Outcome] | Exception]]


class Sequencer:
    """Records wishes from many threads in few transactions. `start` it, `submit` to it, `stop` it."""

    def __init__(
        self,
        database: Database,
        rulebook: Rulebook,
        clock: Callable[[], datetime],
        *,
        demand: Callable[[], None] = lambda: None,
    ) -> None:
        """*demand* is asked before each transaction; what it raises is everybody's answer."""
        self._demand = demand
        self._database = database
        self._rulebook = rulebook
        self._clock = clock
        self._queue: queue.SimpleQueue[_Submission | None] = queue.SimpleQueue()
        self._connection: Connection | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._work, name="sequencer", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish what is queued, then end."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()
            self._thread = None

    def submit(self, wishes: Sequence[Wish]) -> Future[list[Outcome]]:
        """Queue *wishes* as one unit; the future answers after the commit, or raises `Unavailable`."""
        future: Future[list[Outcome]] = Future()
        self._enqueue(_Submission(wishes, future))
        return future

    def submit_async(self, wishes: Sequence[Wish]) -> asyncio.Future[list[Outcome]]:
        """As `submit`, for a coroutine of the running event loop."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[list[Outcome]] = loop.create_future()
        self._enqueue(_Submission(wishes, future, loop))
        return future

    def record(self, wishes: Sequence[Wish]) -> list[Outcome]:
        """As `submit`, waiting for the answer."""
        return self.submit(wishes).result()

    def _enqueue(self, submission: _Submission) -> None:
        if self._thread is None:
            raise RuntimeError("the sequencer was not started")
        if self._queue.qsize() >= BACKLOG:
            raise Unavailable("too many decisions are waiting; nothing was recorded, try again", retry_after=1)
        self._queue.put(submission)

    def _work(self) -> None:
        running = True
        while running:
            batch, running = self._next()
            if batch:
                self._commit(batch)
        self._disconnect()

    def _next(self) -> tuple[list[_Submission], bool]:
        """Wait for a first submission, then take what else is there, up to `BATCH` wishes."""
        first = self._queue.get()
        if first is None:
            return [], False
        batch, size = [first], len(first.wishes)
        while size < BATCH:
            try:
                more = self._queue.get_nowait()
            except queue.Empty:
                break
            if more is None:
                return batch, False
            batch.append(more)
            size += len(more.wishes)
        return batch, True

    def _commit(self, batch: list[_Submission]) -> None:
        wishes = [wish for submission in batch for wish in submission.wishes]
        try:
            outcomes = self._transaction(wishes)
        except Exception as error:  # noqa: BLE001 - the boundary of a request: whoever waits must be told
            self._failed(batch, error)
            return
        answers: _Answers = []
        start = 0
        for submission in batch:
            end = start + len(submission.wishes)
            answers.append((submission, outcomes[start:end]))
            start = end
        _answer(answers)

    def _failed(self, batch: list[_Submission], error: Exception) -> None:
        """One that breaks a transaction must not take the others with it: try them one by one."""
        if isinstance(error, Unavailable) or len(batch) == 1:
            _answer([(submission, error) for submission in batch])
            return
        for submission in batch:
            self._commit([submission])

    def _transaction(self, wishes: Sequence[Wish]) -> list[Outcome]:
        outcomes: list[Outcome] | None = None
        self._demand()
        connection = self._connected()
        try:
            # Statements go out without a wait for each answer: one for what is read, one for what is written.
            with translated(), connection.pipeline(), connection.transaction():
                outcomes = record(connection, wishes, rulebook=self._rulebook, now=self._clock())
        except (psycopg.Error, PlacetError) as error:
            self._disconnect()
            if outcomes is None or not isinstance(error, Unavailable):
                raise
            return self._settle(outcomes)
        return outcomes

    def _settle(self, outcomes: list[Outcome]) -> list[Outcome]:
        """The commit was sent and its answer lost: find out what became of it."""
        ids = [outcome.record for outcome in outcomes if isinstance(outcome, Recorded) and not outcome.replayed]
        with self._database.transaction() as connection:
            lock_head(connection)
            found = store.persisted(connection, ids)
        if len(found) == len(ids):
            return outcomes
        raise Unavailable("the database went away before the decision was stored; nothing was recorded, try again")

    def _connected(self) -> Connection:
        if self._connection is None or self._connection.closed:
            self._connection = self._database.dedicated(autocommit=True)
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _answer(answers: _Answers) -> None:
    """Wake those who wait; an event loop is woken once for all of its own, not once for each."""
    by_loop: dict[asyncio.AbstractEventLoop, _Answers] = {}
    for submission, answer in answers:
        if submission.loop is None:
            _deliver([(submission, answer)])
        else:
            by_loop.setdefault(submission.loop, []).append((submission, answer))
    for loop, its_own in by_loop.items():
        # A loop that has ended has nobody waiting in it any more.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(_deliver, its_own)


def _deliver(answers: _Answers) -> None:
    for submission, answer in answers:
        if submission.future.done():  # whoever waited has gone away; the decision stands
            continue
        if isinstance(answer, Exception):
            submission.future.set_exception(answer)
        else:
            submission.future.set_result(answer)
