"""
Events of who withdrew or was erased, out of the lake; and who is being read meanwhile.

`forget` notes the person at once. What reads or writes events of many is a `Reading`: at each of its steps it learns
who has gone since and leaves them out from there on, so a withdrawal has stopped here within a step (G3). Afterwards
`Forgetting.round` deletes the events from the files, and the note goes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import attrs
import structlog
from psycopg import Connection
from pyroaring import BitMap

from placet.kernel.ids import Number
from placet.sources.lake import Lake
from placet.store.database import Database
from placet.store.queries import queries

SQL = queries("placet.sources")

LEASE = timedelta(minutes=2)
"""
A reading takes a step more often than that, or counts as dead. Until then who is in it and withdraws has not stopped,
and after a minute of that the gate closes.
"""
BATCH = 10_000
"""People whose events are deleted together."""

log = structlog.get_logger()


def forget(connection: Connection, number: Number, *, before: datetime, now: datetime) -> bool:
    """
    The person's events before *before* must go. Whether nothing reads or writes them any more; else ask again in a
    moment.
    """
    connection.execute(SQL["forget"], {"number": number, "before": before, "now": now})
    return number not in _going_on(connection, now)


def forgotten_before(connection: Connection, number: Number) -> datetime | None:
    """Events of this person before that instant count as gone, whether or not they are out of the files yet."""
    row = connection.execute(SQL["forgotten_before"], {"number": number}).fetchone()
    return None if row is None else row[0]


def abandon(connection: Connection, what: str) -> None:
    """End every reading of this kind: whoever says so knows that none goes on."""
    connection.execute(SQL["abandon"], {"what": what})


def epoch_of(connection: Connection) -> str:
    """Of which epoch the database is: what was taken in before a restore is nobody's any more."""
    row = connection.execute(SQL["epoch"]).fetchone()
    assert row is not None
    return str(row[0])


@attrs.define
class Reading:
    """Something that reads or writes events of *members*. For one thread."""

    database: Database
    what: str
    members: BitMap
    id: UUID = attrs.field(factory=uuid4)

    def step(self, now: datetime) -> BitMap:
        """Who has gone since the last step: they are left out of everything that comes."""
        with self.database.transaction() as connection:
            gone = self.members & BitMap(number for (number,) in connection.execute(SQL["gone"]))
            self.members = self.members - gone
            renewed = connection.execute(SQL["renew"], {"id": self.id, "until": now + LEASE}).rowcount
            if gone or not renewed:
                # One that was taken for dead begins anew.
                connection.execute(SQL["read"], self.row(now))
        return gone

    def row(self, now: datetime) -> Mapping[str, object]:
        """What stands of it in the database."""
        members = self.members.serialize()
        return {"id": self.id, "what": self.what, "members": members, "now": now, "until": now + LEASE}


@contextlib.contextmanager
def reading(database: Database, what: str, members: Iterable[int], clock: Callable[[], datetime]) -> Iterator[Reading]:
    """While it lasts, whoever of *members* withdraws has stopped here only when a step has left them out."""
    begun = Reading(database, what, BitMap(members))
    with database.transaction() as connection:
        connection.execute(SQL["read"], begun.row(clock()))
    try:
        yield begun
    finally:
        with database.transaction() as connection:
            connection.execute(SQL["end"], {"id": begun.id, "now": clock()})


@attrs.frozen
class Forgetting:
    """Deletes from the files what was noted. Several workers may: what one has deleted the other does not find."""

    database: Database
    lake: Lake

    def round(self, now: datetime) -> int:
        """Delete the events of who must go, except of those still being read; returns how many went."""
        with self.database.transaction() as connection:
            noted = dict(connection.execute(SQL["forgotten"], {"limit": BATCH}).fetchall())
            busy = _going_on(connection, now) if noted else BitMap()
        ready = {Number(number): before for number, before in noted.items() if number not in busy}
        if not ready:
            return 0
        gone = self.lake.delete({number: whole_second(before) for number, before in ready.items()})
        with self.database.transaction() as connection:
            values = {"numbers": list(ready), "befores": list(ready.values())}
            connection.execute(SQL["settled"], values)
        log.info("sources.forgotten", people=len(ready), events=gone)
        return gone


def _going_on(connection: Connection, now: datetime) -> BitMap:
    members = [BitMap.deserialize(packed) for (packed,) in connection.execute(SQL["going_on"], {"now": now})]
    return BitMap.union(BitMap(), *members)


def whole_second(before: datetime) -> int:
    """The first whole second that is not before *before*."""
    return -int(-before.timestamp() // 1)
