"""
A replica as a stop (B8): it registers when its process starts, gives signs of life, acknowledges a withdrawal once the
view that holds it has been swapped in, and retires when its process ends.

A process that was killed cannot retire. Its memory answers nothing past the staleness bound, so when it has given no
sign for longer than that it is retired by whoever watches, before its limit: it closes nothing for ever.
See docs/decisions/0005-a-replica-that-is-gone.md.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import uuid4

import attrs
import psycopg
import structlog

from placet.gate import stops
from placet.gate.stops import Stop, StopId, Watched
from placet.kernel.errors import PlacetError
from placet.kernel.ids import Position
from placet.store.database import Database

GONE = 4
"""Signs of life that may be missed (one each staleness bound) before a process is taken for gone."""
LIMIT = 10
"""Staleness bounds within which a replica acknowledges; longer than `GONE`, so that a dead one is not waited for."""

log = structlog.get_logger()


@attrs.frozen
class Seen:
    """The view holds everything up to *position* since *at*."""

    position: Position
    at: datetime


class Acknowledger:
    """One thread beside the feed: writing must not keep the feed from looking. Its connections are the pool's."""

    def __init__(self, database: Database, *, bound: float, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._bound = timedelta(seconds=bound)
        self._clock = clock
        self._id = _new_id()
        self._registered = False
        self._beaten: datetime | None = None
        # What is not acknowledged yet; the feed's thread replaces it, this one takes it.
        self._seen: Seen | None = None
        self._wake = threading.Event()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="replica-stop", daemon=True)

    @property
    def id(self) -> StopId:
        return self._id

    def start(self) -> None:
        """Be a stop from now on: before the first answer."""
        self.look(self._clock())
        self._thread.start()

    def swapped(self, position: Position) -> None:
        """For the feed: the view that answers now holds everything up to *position*. Does not wait."""
        self._seen = Seen(position, self._clock())
        self._wake.set()

    def stop(self) -> None:
        """For the clean end of the process, when the replica answers no more."""
        self._end.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)
        try:
            with self._database.transaction() as connection:
                stops.retire(connection, self._id, now=self._clock())
        except PlacetError as error:
            log.warning("replica.not-retired", code=error.code)

    def look(self, now: datetime) -> None:
        """Acknowledge what was swapped in; each staleness bound also a sign of life, and a look at all stops."""
        seen, watched = self._seen, Watched()
        with self._database.transaction() as connection:
            if beats := self._beaten is None or abs(now - self._beaten) >= self._bound:
                self._beat(connection, now)
            if seen is not None and self._registered:
                stops.acknowledge(connection, self._id, upto=seen.position, at=seen.at)
            if beats:
                watched = stops.watch(connection, now=now)
        self._beaten = now if beats else self._beaten
        if self._registered and self._seen is seen:
            self._seen = None
        stops.alarm(watched)

    def _run(self) -> None:
        while not self._end.is_set():
            self._wake.wait(self._bound.total_seconds())
            self._wake.clear()
            try:
                self.look(self._clock())
            except (PlacetError, psycopg.Error) as error:
                log.warning("replica.unheard", error=type(error).__name__)
                self._end.wait(0.25)
                self._wake.set()

    def _beat(self, connection: psycopg.Connection, now: datetime) -> None:
        if self._registered and stops.beat(connection, self._id, now=now):
            return
        if self._registered:
            # Taken for gone while we could not write: what we had is closed, and we are another stop.
            self._id = _new_id()
        purposes = stops.all_purposes(connection)
        self._registered = bool(purposes)
        if purposes:
            limit, gone_after = LIMIT * self._bound, GONE * self._bound
            stop = Stop(self._id, "replica", purposes, limit, registered_at=now, gone_after=gone_after)
            stops.register(connection, stop, now=now)


def _new_id() -> StopId:
    return StopId(f"replica/{uuid4().hex[:12]}")
