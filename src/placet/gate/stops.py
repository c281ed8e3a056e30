"""
The stop clock (B8): every place that must stop after a withdrawal acknowledges, and one that stays silent past its
limit closes the gate for its purposes until it answers.

A stop follows `consents.change` in order, so what it has acknowledged is a position. It writes a row only for a batch
that held something of its purposes; what it owes is derived from the changes, never from its own word.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Literal, NewType

import attrs
import structlog
from psycopg import Connection

from placet.kernel.errors import NotFound, Unavailable
from placet.kernel.ids import ChannelId, Number, Position, PurposeId, SubjectId
from placet.kernel.periods import aware
from placet.store.queries import queries

SQL = queries("placet.gate", "stops.sql")

StopId = NewType("StopId", str)
"""`purpose/offers`, `replica/…`, `subscriber/…`: random or of the catalogue, never of a person."""
Kind = Literal["purpose", "queue", "replica", "subscriber"]

MOST_MEASURED = 2_000
"""Percentiles look at the newest so many withdrawals of the time asked for: a p99 still stands on twenty of them."""
_FAR = 1_000
"""Positions that a stop may lie behind before the watch notes that it owes nothing of them."""
_NOTHING = timedelta(0)

log = structlog.get_logger()


@attrs.frozen
class Stop:
    """A place that must stop after a withdrawal of one of *purposes*, within *limit*."""

    id: StopId
    kind: Kind
    purposes: frozenset[PurposeId] = attrs.field(validator=attrs.validators.min_len(1))
    limit: timedelta = attrs.field(validator=attrs.validators.gt(_NOTHING))
    registered_at: datetime = attrs.field(converter=aware)
    retired_at: datetime | None = None
    gone_after: timedelta | None = None
    """Of a process that gives signs of life: without one for so long it is gone, and says no by itself."""


@attrs.frozen
class Following:
    """How a stop keeps up: nothing is owed up to *upto*; *owes* is the first change it has not acknowledged."""

    stop: Stop
    upto: Position
    acknowledged_at: datetime | None
    owes: Position | None
    owed_since: datetime | None
    closed: frozenset[PurposeId]
    """What it keeps closed."""

    def lag(self, now: datetime) -> timedelta:
        """How long it owes an answer by now; nothing if it owes none."""
        return _NOTHING if self.owed_since is None else max(_NOTHING, now - self.owed_since)

    def silent(self, now: datetime) -> bool:
        """Whether it has owed an answer, and given none at all, for longer than its limit."""
        if self.owed_since is None:
            return False
        heard = max(self.owed_since, self.stop.registered_at, self.acknowledged_at or self.owed_since)
        return now - heard > self.stop.limit


@attrs.frozen
class Owed:
    """Something that ended for a person and that a stop has not acknowledged; *channel* None: all of the purpose."""

    position: Position
    number: Number
    subject: SubjectId
    channel: ChannelId | None


@attrs.frozen
class Place:
    """One place on the clock of a withdrawal. *retired_at*: it has ended, which stops it too."""

    stop: StopId
    kind: Kind
    limit: timedelta
    stopped_at: datetime | None
    retired_at: datetime | None
    late: bool
    """It took longer than its limit, or has not stopped and is past it."""

    @property
    def ended_at(self) -> datetime | None:
        """When nothing ran there any more."""
        return self.retired_at if self.stopped_at is None else self.stopped_at


@attrs.frozen
class Clock:
    """Where a withdrawal had to stop things, and when it had. No places: nothing had to, or nothing was there."""

    position: Position
    recorded_at: datetime
    places: tuple[Place, ...]

    @property
    def stopped_everywhere_at(self) -> datetime | None:
        """When the last place had stopped; None while one has not, and when there is none."""
        ends = [place.ended_at for place in self.places]
        return None if None in ends else max((end for end in ends if end is not None), default=None)


@attrs.frozen
class Figures:
    """How long stopping took, in milliseconds."""

    count: int
    p50: float
    p95: float
    p99: float
    slowest: float


@attrs.frozen
class Percentiles:
    """*everywhere*: until the last place of each withdrawal had stopped; None when nothing was withdrawn."""

    everywhere: Figures | None
    stops: Mapping[StopId, Figures]


@attrs.frozen
class Closure:
    """The gate is closed for *purpose* since *stop* does not answer; *until* is when it answered again."""

    purpose: PurposeId
    stop: StopId
    since: datetime
    until: datetime | None


@attrs.frozen
class Watched:
    """What one look has changed."""

    closed: tuple[tuple[StopId, frozenset[PurposeId]], ...] = ()
    reopened: tuple[tuple[StopId, frozenset[PurposeId]], ...] = ()
    gone: tuple[StopId, ...] = ()


def all_purposes(connection: Connection) -> frozenset[PurposeId]:
    """The purposes of the catalogue in force, for a stop that is told of everything."""
    return frozenset(PurposeId(purpose) for (purpose,) in connection.execute(SQL["purposes"]))


def register(connection: Connection, stop: Stop, *, now: datetime) -> None:
    """
    From now on *stop* must acknowledge. Again: its purposes and limit are as said now.

    A retired one is back, and owes what it missed.
    """
    values = {
        "id": stop.id,
        "kind": stop.kind,
        "purposes": sorted(stop.purposes),
        "limit": stop.limit,
        "gone_after": stop.gone_after,
        "now": now,
    }
    connection.execute(SQL["register"], values)


def retire(connection: Connection, id: StopId, *, now: datetime) -> None:
    """The place is no more: it owes nothing, and keeps nothing closed."""
    connection.execute(SQL["retire"], {"id": id, "now": now})


def beat(connection: Connection, id: StopId, *, now: datetime) -> bool:
    """A sign of life; False if the stop was taken for gone and retired meanwhile: register it anew."""
    return connection.execute(SQL["beat"], {"id": id, "now": now}).fetchone() is not None


def acknowledge(connection: Connection, id: StopId, *, upto: Position, at: datetime) -> None:
    """Everything up to *upto* has stopped at *at*. What concerns the stop is looked up here, not believed."""
    connection.execute(SQL["acknowledge"], {"id": id, "upto": upto, "at": at})


def take(connection: Connection, id: StopId) -> bool:
    """Work for this stop until the transaction ends; False while another process does, or when it was retired."""
    return connection.execute(SQL["take"], {"id": id}).fetchone() is not None


def owed(connection: Connection, id: StopId, *, limit: int) -> list[Owed]:
    """The first *limit* things that it owes an answer for, in order; a few more where one record ended several."""
    return [Owed(*row) for row in connection.execute(SQL["owed"], {"id": id, "limit": limit})]


def listing(connection: Connection) -> list[Following]:
    """Every stop that is there, with how it keeps up."""
    return [_following(*row) for row in connection.execute(SQL["following"])]


def silent(connection: Connection, *, now: datetime) -> list[Following]:
    """The stops that do not answer, whether or not the watch has closed anything yet."""
    return [following for following in listing(connection) if following.silent(now)]


def clock(connection: Connection, position: Position, *, now: datetime) -> Clock:
    """The stop clock of the record at *position*; `late` as of *now*. One index look-up a stop."""
    row = connection.execute(SQL["ended"], {"position": position}).fetchone()
    if row is None:
        raise NotFound("there is no record at this position", code="unknown-record")
    recorded_at, purposes, everything = row
    asked = {"position": position, "purposes": purposes, "everything": everything}
    places = [_place(place, recorded_at, now) for place in connection.execute(SQL["places"], asked)]
    return Clock(position, recorded_at, tuple(places))


def percentiles(connection: Connection, *, since: datetime, until: datetime) -> Percentiles:
    """How long the withdrawals recorded in the half-open time took to stop, the newest `MOST_MEASURED` of them."""
    span = {"first": _before(connection, since), "last": _before(connection, until), "most": MOST_MEASURED}
    rows = connection.execute(SQL["percentiles"], span).fetchall()
    figures = {id: Figures(count, p50, p95, p99, slowest) for id, count, (p50, p95, p99), slowest in rows}
    return Percentiles(figures.pop(None, None), figures)


def closures(connection: Connection) -> list[Closure]:
    """What is closed now."""
    return [Closure(*row) for row in connection.execute(SQL["closures"])]


def demand_open(connection: Connection, purpose: PurposeId) -> None:
    """`Unavailable` while *purpose* is closed: its audiences are empty then, which is not that nobody said yes."""
    if any(closure.purpose == purpose for closure in closures(connection)):
        raise Unavailable(
            f"{purpose} is closed: a place that must stop after a withdrawal does not answer (`placet stops`); "
            "nothing was changed, try again when it does",
            code="stop-silent",
        )


def past_closures(connection: Connection, *, limit: int = 100) -> list[Closure]:
    """What was ever closed, the newest first."""
    return [Closure(*row) for row in connection.execute(SQL["past_closures"], {"limit": limit})]


def watch(connection: Connection, *, now: datetime) -> Watched:
    """
    One look at all stops: retire those whose process is gone, close for the silent, reopen for those that answer.

    Whoever serves or works looks every second; one at a time does the work, the others go on.
    """
    row = connection.execute(SQL["take_watch"]).fetchone()
    if row is None or not row[0]:
        return Watched()
    gone = {StopId(id): since for id, since in connection.execute(SQL["gone"], {"now": now}).fetchall()}
    for id, since in gone.items():
        retire(connection, id, now=since)
    connection.execute(SQL["widen"])
    connection.execute(SQL["clear"], {"far": _FAR})
    closed, reopened = [], []
    for following in listing(connection):
        id = following.stop.id
        if following.silent(now):
            if shut := _purposes(connection, "close", id, now):
                closed.append((id, shut))
        elif following.closed:
            reopened.append((id, _purposes(connection, "reopen", id, now)))
    return Watched(tuple(closed), tuple(reopened), tuple(gone))


def alarm(watched: Watched) -> None:
    """Tell the operator, after the commit, what a look has changed."""
    for stop, purposes in watched.closed:
        log.error("stop.silent", stop=stop, closed=sorted(purposes))
    for stop, purposes in watched.reopened:
        log.warning("stop.answers", stop=stop, reopened=sorted(purposes))
    for stop in watched.gone:
        log.info("stop.gone", stop=stop)


def _purposes(connection: Connection, name: str, id: StopId, now: datetime) -> frozenset[PurposeId]:
    return frozenset(PurposeId(purpose) for (purpose,) in connection.execute(SQL[name], {"id": id, "now": now}))


def _following(
    id: str,
    kind: Kind,
    purposes: list[str],
    limit: timedelta,
    registered_at: datetime,
    gone_after: timedelta | None,
    *rest: Any,
) -> Following:
    stop = Stop(StopId(id), kind, frozenset(map(PurposeId, purposes)), limit, registered_at, None, gone_after)
    upto, acknowledged_at, owes, owed_since, closed = rest
    return Following(stop, Position(upto), acknowledged_at, owes, owed_since, frozenset(map(PurposeId, closed)))


def _place(row: tuple[Any, ...], recorded_at: datetime, now: datetime) -> Place:
    id, kind, limit, stopped_at, retired_at = row
    # A process that was found gone may have been so before the withdrawal.
    retired_at = None if retired_at is None else max(retired_at, recorded_at)
    ended = retired_at if stopped_at is None else stopped_at
    late = (now if ended is None else ended) - recorded_at > limit
    return Place(StopId(id), kind, limit, stopped_at, retired_at, late)


def _before(connection: Connection, instant: datetime) -> int:
    """The last position recorded before *instant*: instants increase with positions, so halving finds it."""
    row = connection.execute(SQL["ending"]).fetchone()
    low, high = 0, 0 if row is None else int(row[0])
    while low < high:
        middle = (low + high + 1) // 2
        found = connection.execute(SQL["recorded_at"], {"position": middle}).fetchone()
        if found is not None and found[0] < instant:
            low = middle
        else:
            high = middle - 1
    return low
