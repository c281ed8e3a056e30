"""
Withdrawals, carried to every purpose (G3, B8): each registered purpose is a stop that follows the changes in order.

For everything that ended, `duties.stop` is asked, in one transaction with the acknowledgement; while something runs it
is asked again in a moment. What was acknowledged is kept in the database, so a crash goes on where it stood, and asks
again for what it had not acknowledged: stopping is idempotent.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import groupby

import attrs
import psycopg
import structlog
from psycopg import Connection

from placet.duties import Duties, Person, Withdrawn
from placet.gate import stops
from placet.gate.stops import Owed, Stop, StopId
from placet.kernel.errors import PlacetError
from placet.kernel.ids import ChannelId, Position
from placet.ledger.append import WAKE_UP
from placet.store.database import Database

LIMIT = timedelta(minutes=1)
"""A purpose that answers nothing for so long closes its gate."""
BATCH = 500
"""Changes that a purpose is asked about in one transaction."""
AGAIN = 0.25
"""Seconds until a purpose that still runs something is asked again."""
POLL = 1.0
"""Seconds between two looks when nobody wakes us."""
REST = 0.05
"""Seconds between two looks in any case: thousands of decisions a second are looked through in batches."""

REGISTER = timedelta(minutes=1)
"""How often a worker says again which purposes are installed."""

log = structlog.get_logger()


@attrs.define
class _Course:
    """One purpose on its way through the changes; belongs to the thread that propagates."""

    duties: Duties
    stopped: frozenset[tuple[Position, ChannelId | None]] = frozenset()
    """What has stopped behind something that still runs: it is not asked again."""

    @property
    def stop(self) -> StopId:
        return stop_of(self.duties)


class Propagation:
    """Carries withdrawals to *duties*; several processes may do so, one at a time for each purpose."""

    def __init__(self, database: Database, duties: Sequence[Duties]) -> None:
        self._database = database
        self._courses = [_Course(each) for each in duties]

    def follow(self, stop: threading.Event, clock: Callable[[], datetime]) -> None:
        """Propagate until *stop* is set, also after the database was away; nothing to do without a purpose."""
        ended = False
        while not ended and not stop.is_set():
            try:
                self._follow(stop, clock)
                ended = True
            except (PlacetError, psycopg.Error) as error:
                log.warning("propagation.waiting", error=type(error).__name__)
                stop.wait(AGAIN)

    def register(self, *, now: datetime) -> None:
        """The purposes that are installed are stops; those that are no more owe nothing."""
        installed = {course.stop for course in self._courses}
        with self._database.transaction() as connection:
            for course in self._courses:
                purposes = frozenset({course.duties.purpose})
                stop = Stop(course.stop, "purpose", purposes, limit=LIMIT, registered_at=now)
                stops.register(connection, stop, now=now)
            for following in stops.listing(connection):
                if following.stop.kind == "purpose" and following.stop.id not in installed:
                    stops.retire(connection, following.stop.id, now=now)

    def look(self, clock: Callable[[], datetime]) -> bool:
        """Ask every purpose to stop what it owes; whether one must be asked again in a moment."""
        left = [self._advance(course, clock) for course in self._courses]
        return any(left)

    def _follow(self, stop: threading.Event, clock: Callable[[], datetime]) -> None:
        with contextlib.closing(self._database.dedicated()) as listener:
            listener.execute(f"LISTEN {WAKE_UP}")
            self.register(now=(registered := clock()))
            while self._courses and not stop.is_set():
                # A process with other purposes may have retired ours: then they owe what they missed meanwhile.
                if abs(clock() - registered) >= REGISTER:
                    self.register(now=(registered := clock()))
                pause = AGAIN if self.look(clock) else POLL
                for _ in listener.notifies(timeout=pause, stop_after=1):
                    pass
                stop.wait(REST)

    def _advance(self, course: _Course, clock: Callable[[], datetime]) -> bool:
        """One batch of one purpose; whether anything is left of it."""
        done, through, left = set(course.stopped), None, False
        with self._database.transaction() as connection:
            if not stops.take(connection, course.stop):
                return False
            found = stops.owed(connection, course.stop, limit=BATCH)
            for position, ended in groupby(found, key=lambda one: one.position):
                parts = _whole(list(ended))
                done |= {one for one in parts if one in done or _stop(connection, course, parts[one], clock())}
                left = left or not done.issuperset(parts)
                through = through if left else position
            if through is not None:
                stops.acknowledge(connection, course.stop, upto=through, at=clock())
        # Only what was committed is remembered, and only what is not acknowledged yet.
        course.stopped = frozenset(one for one in done if through is None or one[0] > through)
        return left or len(found) >= BATCH


def stop_of(duties: Duties) -> StopId:
    """The stop that a purpose is."""
    return StopId(f"purpose/{duties.purpose}")


def _whole(ended: Sequence[Owed]) -> dict[tuple[Position, ChannelId | None], Owed]:
    """What one record ended, by channel; if it ended the purpose itself, that holds its channels too."""
    parts = {(one.position, one.channel): one for one in ended}
    return {key: one for key, one in parts.items() if key[1] is None} or parts


def _stop(connection: Connection, course: _Course, owed: Owed, now: datetime) -> bool:
    """Whether nothing runs any more. A purpose that breaks has not stopped; the others go on."""
    person = Person(owed.subject, owed.number)
    withdrawn = Withdrawn(person, course.duties.purpose, owed.channel, owed.position)
    try:
        with connection.transaction():
            return course.duties.stop(connection, withdrawn, now=now)
    except Exception as error:  # noqa: BLE001 - the worker's loop: report, and ask again
        log.error("duty.failed", purpose=withdrawn.purpose, position=owed.position, error=type(error).__name__)
        return False
