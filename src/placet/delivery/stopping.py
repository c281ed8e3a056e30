"""
The queue as a stop (B8): after a withdrawal nothing planned under it starts, and the clock waits for what had started.

That nothing starts is the lock's doing (`actions.Delivery.claim`), at the instant of the commit. This follower takes
the rows out of the queue, with their reason, and acknowledges once nothing of the person is in `sending` any more.
Since a process that is gone starts nothing either, the stop gives signs of life like a replica (docs/decisions/0005):
when no worker runs it is retired, and closes nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import psycopg
import structlog

from placet.delivery.actions import Delivery
from placet.gate import stops
from placet.gate.stops import Owed, Stop, StopId
from placet.kernel.errors import PlacetError
from placet.kernel.ids import Number, Position
from placet.ledger.append import WAKE_UP
from placet.store.database import Database

QUEUE = StopId("queue/delivery")
LIMIT = timedelta(minutes=5)
"""Longer than a lease, so that one message on a slow wire closes nothing."""
BEAT = timedelta(seconds=10)
GONE_AFTER = timedelta(minutes=1)
BATCH = 500
AGAIN = 0.25
"""Seconds until it looks again while something is on the wire."""
POLL = 1.0
REST = 0.05
"""Seconds between two looks in any case: thousands of decisions a second are looked through in batches."""

log = structlog.get_logger()


class QueueStop:
    """Follows the withdrawals for the queue; several processes may, one at a time does."""

    def __init__(self, database: Database, delivery: Delivery) -> None:
        self._database = database
        self._delivery = delivery
        # When this process last gave a sign of life; only the thread that follows touches it.
        self._beaten: datetime | None = None

    def follow(self, stop: threading.Event, clock: Callable[[], datetime]) -> None:
        """Stop what must be stopped until *stop* is set, also after the database was away."""
        while not stop.is_set():
            try:
                self._follow(stop, clock)
            except (PlacetError, psycopg.Error) as error:
                log.warning("queue.waiting", error=type(error).__name__)
                stop.wait(AGAIN)

    def register(self, *, now: datetime) -> bool:
        """Be a stop for every purpose of the catalogue; False while there is none."""
        with self._database.transaction() as connection:
            purposes = stops.all_purposes(connection)
            if purposes:
                stop = Stop(QUEUE, "queue", purposes, LIMIT, registered_at=now, gone_after=GONE_AFTER)
                stops.register(connection, stop, now=now)
        self._beaten = now
        return bool(purposes)

    def look(self, clock: Callable[[], datetime]) -> bool:
        """One batch; whether more is left, or on the wire."""
        now = clock()
        # Registering is the sign of life: it takes in a purpose that is new, and comes back after a silence.
        if self._beaten is None or abs(now - self._beaten) >= BEAT:
            self.register(now=now)
        with self._database.transaction() as connection:
            if not stops.take(connection, QUEUE):
                return False
            owed = stops.owed(connection, QUEUE, limit=BATCH)
            if not owed:
                return False
            running = self._delivery.stop(connection, sorted({one.number for one in owed}), now=now)
            through = _through(owed, running)
            if through is not None:
                stops.acknowledge(connection, QUEUE, upto=through, at=clock())
        return bool(running) or len(owed) >= BATCH

    def _follow(self, stop: threading.Event, clock: Callable[[], datetime]) -> None:
        listener = self._database.dedicated()
        try:
            listener.execute(f"LISTEN {WAKE_UP}")
            while not stop.is_set():
                pause = AGAIN if self.look(clock) else POLL
                for _ in listener.notifies(timeout=pause, stop_after=1):
                    pass
                stop.wait(REST)
        finally:
            listener.close()


def _through(owed: list[Owed], running: set[Number]) -> Position | None:
    """The last position before the first that still has something on the wire; None when that is the first."""
    blocked = min((one.position for one in owed if one.number in running), default=None)
    done = [one.position for one in owed if blocked is None or one.position < blocked]
    return max(done, default=None)
