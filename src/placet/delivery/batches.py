"""
Messages by the hundred thousand: planned as sets, paused and ended by one row, counted by state.

Who would be refused anyway is found first, as sets of numbers, one look for each reason; then the rows are copied in. A
refusal is a row like any other, so that each person can see why nothing came.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial, reduce
from itertools import chain
from typing import TypeVar

import attrs
import numpy as np
import numpy.typing as npt
from psycopg import Connection
from pyroaring import BitMap

from placet.delivery.batch_rows import Languages, Row, copy_in
from placet.delivery.model import POST, Kind, Refusal, State
from placet.delivery.rules import Cap, Halt, Policy
from placet.kernel.errors import BadInput
from placet.kernel.ids import ActivityId, ChannelId
from placet.kernel.periods import aware
from placet.store.database import Database
from placet.store.queries import queries

SQL = queries("placet.delivery", "batches.sql")
_ALIAS: Mapping[str, str] = {"email": "email", "sms": "msisdn", "call": "msisdn"}
_NUMBERS = 1 << 31
"""Numbers of people are smaller."""
_CAPS = {Refusal.CAP_CHANNEL: "since_channel", Refusal.CAP_TOPIC: "since_topic", Refusal.CAP_ALL: "since_all"}
"""What one pass over the messages counts, in the order of the columns of `counted`, and since when."""
_SWEPT = 100_000
"""Rows that one `sweep` writes at most."""
_SLICE = 50_000
"""People of one transaction."""
MANY = 1_000
"""From here on the planner is told how many rows there are now: its next look may be a minute away."""

_T = TypeVar("_T")


@attrs.frozen(kw_only=True)
class Batch:
    """The same message for many. *key* is unique for each person: who has it already is not planned for again."""

    key: str
    kind: Kind
    activity: ActivityId
    channel: ChannelId
    template: str
    topic: str | None
    not_before: datetime = attrs.field(converter=aware)
    not_after: datetime = attrs.field(converter=aware)

    def __attrs_post_init__(self) -> None:
        if self.not_after <= self.not_before:
            raise BadInput("a message must have some time in which it may be sent", code="bad-message")


@attrs.frozen
class PlannedMany:
    """What planning did: *planned* are new, *refused* are new rows that will not be sent, by reason; the rest were
    planned before, or are nobody."""

    planned: int
    refused: Mapping[str, int]

    @property
    def rows(self) -> int:
        return self.planned + sum(self.refused.values())

    def with_more(self, other: PlannedMany) -> PlannedMany:
        """Both together."""
        return PlannedMany(self.planned + other.planned, Counter(self.refused) + Counter(other.refused))


@attrs.frozen(eq=False)
class Part:
    """Those of whom the same is written."""

    state: State
    reason: Refusal | None
    numbers: BitMap


Look = Callable[[Connection], Iterable[tuple[Refusal, BitMap]]]
"""One look for people who may not get a message, and why."""


@attrs.frozen
class Count:
    """How many messages with a key are in a state, for a reason."""

    key: str
    state: State
    reason: str | None
    many: int


def plan(connection: Connection, batch: Batch, numbers: BitMap, policy: Policy, *, now: datetime) -> PlannedMany:
    """Plan *batch* for each of *numbers* in their language; who may not get it now gets a row with the reason."""
    connection.execute(SQL["alone"], {"key": batch.key})
    parts = partition(numbers, hindrances(connection, batch, policy, now=now))
    return written(connection, batch, parts, spoken(connection), now=now)


def plan_widely(
    database: Database, batch: Batch, numbers: BitMap, policy: Policy, *, now: datetime, lanes: int = 2
) -> PlannedMany:
    """
    As `plan`, in several connections at once and a transaction for every slice: a million in seconds, in no long
    transaction. What is broken off is planned to the end by doing it again. The caller sees to it that nobody else
    plans under the same key.
    """
    with ThreadPoolExecutor(lanes) as pool:
        languages = pool.submit(_apart, database, spoken)
        looks = [pool.submit(_apart, database, look) for look in _looks(batch, policy, now)]
        parts = partition(numbers, chain.from_iterable(look.result() for look in looks))
        slices = _slices(parts, numbers)
        said = languages.result()
        done = [
            pool.submit(_apart, database, partial(written, batch=batch, parts=some, languages=said, now=now))
            for some in slices
        ]
        planned = reduce(PlannedMany.with_more, (one.result() for one in done), PlannedMany(0, {}))
    if len(numbers) >= MANY:
        database.look_again("delivery")
    return planned


def partition(numbers: BitMap, hindered: Iterable[tuple[Refusal, BitMap]]) -> list[Part]:
    """*numbers* by what is written of each: refused for the first reason that hinders them, or planned."""
    left, parts = BitMap(numbers), []
    for reason, some in hindered:
        parts.append(Part(State.REFUSED, reason, left & some))
        left -= some
    return [*parts, Part(State.PLANNED, None, left)]


def written(
    connection: Connection, batch: Batch, parts: Sequence[Part], languages: Languages, *, now: datetime
) -> PlannedMany:
    """Copy the rows of *parts* in; who has the key already, or is nobody, is left out."""
    everyone = BitMap().union(*(part.numbers for part in parts))
    if not everyone:
        return PlannedMany(0, {})
    between = {"key": batch.key, "first": everyone.min(), "last": everyone.max()}
    fresh = languages.everyone - _numbers(connection, "known", between)
    planned, refused = 0, Counter[str]()
    for part in parts:
        numbers = part.numbers & fresh
        row = Row(**attrs.asdict(batch), state=part.state, reason=part.reason)
        copy_in(connection, SQL["copy"], row, numbers, languages, now=now)
        if part.reason is None:
            planned += len(numbers)
        else:
            refused[part.reason] += len(numbers)
    return PlannedMany(planned, +refused)


def spoken(connection: Connection) -> Languages:
    """All living persons, with the language that each wants to be spoken to in."""
    found = connection.execute(SQL["spoken"], binary=True)
    return Languages.of({language: _places(numbers) for language, numbers in found})


def hindrances(
    connection: Connection, batch: Batch, policy: Policy, *, now: datetime
) -> Iterator[tuple[Refusal, BitMap]]:
    """
    Who may not get *batch*, for each reason, in the order in which `rules.judge` refuses; as far as that is known
    before the batch begins.
    """
    for look in _looks(batch, policy, now):
        yield from look(connection)


def _looks(batch: Batch, policy: Policy, now: datetime) -> Iterator[Look]:
    if batch.kind is Kind.SERVICE:
        return
    at = max(now, batch.not_before)
    about = {"kind": batch.kind, "topic": batch.topic or "", "channel": batch.channel, "at": at}
    yield partial(_look, reason=Refusal.MUTED, name="muted", values=about)
    if batch.channel == POST:
        yield partial(_look, reason=Refusal.NO_ADDRESS, name="unhoused", values={})
    if (alias := _ALIAS.get(batch.channel)) is not None:
        addressed = {"channel": batch.channel, "alias": alias}
        yield partial(_unreachable, alias=alias)
        yield partial(_look, reason=Refusal.SUPPRESSED, name="suppressed", values=addressed)
    if caps := [cap for cap in policy.caps if _concerns(cap, batch)]:
        yield partial(_capped, batch=batch, caps=caps, at=at)
    if (period := policy.slower.get(batch.kind)) is not None:
        slow = {"kind": batch.kind, "since": at - period}
        yield partial(_look, reason=Refusal.CAP_OWN, name="slower", values=slow)


def pause(connection: Connection, keys: Sequence[str], *, now: datetime) -> None:
    """Nothing with one of these keys starts until `resume`; binds at once, and is one row for each key."""
    _halt(connection, keys, Halt.PAUSED, now)


def end(connection: Connection, keys: Sequence[str], *, now: datetime) -> None:
    """Nothing with one of these keys ever starts again; `sweep` writes that into the rows."""
    _halt(connection, keys, Halt.ENDED, now)


def resume(connection: Connection, keys: Sequence[str], *, now: datetime) -> None:
    """End a pause; what was ended stays so. What was looked at meanwhile waits no longer."""
    connection.execute(SQL["resume"], {"keys": list(keys)})
    connection.execute(SQL["hurry"], {"keys": list(keys), "now": now})


def sweep(connection: Connection, *, now: datetime) -> int:
    """Refuse some of what was ended and is planned still; returns how many."""
    row = connection.execute(SQL["sweep"], {"now": now, "limit": _SWEPT}).fetchone()
    return 0 if row is None else int(row[0])


def counts(connection: Connection, keys: Sequence[str]) -> list[Count]:
    """How many messages with each of *keys* are in each state, for which reason."""
    rows = connection.execute(SQL["counts"], {"keys": list(keys)})
    return [Count(key, State(state), reason, many) for key, state, reason, many in rows]


def recipients(connection: Connection, key: str, states: Sequence[State]) -> BitMap:
    """The numbers of those whose message with *key* is in one of *states*."""
    return _numbers(connection, "recipients", {"key": key, "states": list(states)})


def _halt(connection: Connection, keys: Sequence[str], halt: Halt, now: datetime) -> None:
    connection.execute(SQL["halt"], {"keys": list(keys), "halt": halt, "now": now})


def _look(
    connection: Connection, *, reason: Refusal, name: str, values: Mapping[str, object]
) -> Sequence[tuple[Refusal, BitMap]]:
    return [(reason, _numbers(connection, name, values))]


def _unreachable(connection: Connection, *, alias: str) -> Sequence[tuple[Refusal, BitMap]]:
    """All but those who are reached: to look for nobody's address costs thrice as much."""
    return [(Refusal.NO_ADDRESS, BitMap(range(_NUMBERS)) - _numbers(connection, "reached", {"alias": alias}))]


def _concerns(cap: Cap, batch: Batch) -> bool:
    return (
        cap.kind is batch.kind and cap.channel in {None, batch.channel} and not (cap.per_topic and not batch.topic)
    )  # fmt: skip


def _capped(
    connection: Connection, *, batch: Batch, caps: Sequence[Cap], at: datetime
) -> Sequence[tuple[Refusal, BitMap]]:
    """Who has reached each of *caps*. A pass over the messages counts for one cap of each reason."""
    reached: dict[Cap, BitMap] = {}
    while left := [cap for cap in caps if cap not in reached]:
        counted = {cap.reason: cap for cap in reversed(left)}
        since = dict.fromkeys(_CAPS.values()) | {_CAPS[why]: at - cap.period for why, cap in counted.items()}
        about = {"kind": batch.kind, "channel": batch.channel, "topic": batch.topic}
        row = connection.execute(SQL["counted"], {**about, **since}, binary=True).fetchone()
        assert row is not None
        sent = dict(zip(_CAPS, row, strict=True))
        reached |= {cap: _often(sent[reason], cap.most) for reason, cap in counted.items()}
    return [(cap.reason, reached[cap]) for cap in caps]


def _often(sent: bytes, most: int) -> BitMap:
    """The numbers that are there as often as that, or more often."""
    return BitMap(np.flatnonzero(np.bincount(_places(sent)) >= most).astype(np.uint32))


def _apart(database: Database, work: Callable[[Connection], _T]) -> _T:
    """Do *work* in a transaction of its own."""
    with database.transaction() as connection:
        return work(connection)


def _slices(parts: Sequence[Part], numbers: BitMap) -> Iterator[list[Part]]:
    """*parts* cut at the same numbers, so that each slice is a range of people."""
    for start in range(0, len(numbers), _SLICE):
        first, last = numbers[start], numbers[min(start + _SLICE, len(numbers)) - 1]
        people = BitMap(range(first, last + 1))
        yield [attrs.evolve(part, numbers=part.numbers & people) for part in parts]


def _numbers(connection: Connection, name: str, values: Mapping[str, object]) -> BitMap:
    """The numbers that a statement finds, sent as four bytes each."""
    row = connection.execute(SQL[name], values, binary=True).fetchone()
    assert row is not None
    return _bitmap(row[0])


def _bitmap(sent: bytes) -> BitMap:
    return BitMap(_places(sent).astype(np.uint32))


def _places(sent: bytes) -> npt.NDArray[np.int32]:
    return np.frombuffer(sent, ">i4").astype(np.int32)
