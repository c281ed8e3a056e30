"""
Messages by the hundred thousand: planned in a few statements, paused and ended by one row, counted by state.

Who would be refused anyway is found first, as sets of numbers, one look for each reason; then every set is one INSERT.
A refusal is a row like any other, so that each person can see why nothing came.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import attrs
import numpy as np
from psycopg import Connection
from pyroaring import BitMap

from placet.delivery.model import Kind, Refusal, State
from placet.delivery.rules import Halt, Policy
from placet.kernel.errors import BadInput
from placet.kernel.ids import ActivityId, ChannelId
from placet.kernel.periods import aware
from placet.store.copying import array
from placet.store.queries import queries

SQL = queries("placet.delivery", "batches.sql")
_ALIAS: Mapping[str, str] = {"email": "email", "sms": "msisdn", "call": "msisdn"}
_SWEPT = 20_000


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


@attrs.frozen
class Count:
    """How many messages with a key are in a state, for a reason."""

    key: str
    state: State
    reason: str | None
    many: int


def plan(connection: Connection, batch: Batch, numbers: BitMap, policy: Policy, *, now: datetime) -> PlannedMany:
    """Plan *batch* for each of *numbers* in their language; who may not get it now gets a row with the reason."""
    left = BitMap(numbers)
    refused: dict[str, int] = {}
    for reason, hindered in hindrances(connection, batch, policy, now=now):
        held = left & hindered
        left -= held
        if many := _insert(connection, batch, held, State.REFUSED, reason, now):
            refused[reason] = refused.get(reason, 0) + many
    return PlannedMany(_insert(connection, batch, left, State.PLANNED, None, now), refused)


def hindrances(
    connection: Connection, batch: Batch, policy: Policy, *, now: datetime
) -> Iterator[tuple[Refusal, BitMap]]:
    """
    Who may not get *batch*, for each reason, in the order in which `rules.judge` refuses; with all that is planned or
    sent before the batch itself begins.
    """
    if batch.kind is Kind.SERVICE:
        return
    at = max(now, batch.not_before)
    about = {"kind": batch.kind, "topic": batch.topic or "", "channel": batch.channel, "at": at}
    yield Refusal.MUTED, _numbers(connection, "muted", about)
    if (alias := _ALIAS.get(batch.channel)) is not None:
        addressed = {"channel": batch.channel, "alias": alias}
        yield Refusal.NO_ADDRESS, _numbers(connection, "unreachable", addressed)
        yield Refusal.SUPPRESSED, _numbers(connection, "suppressed", addressed)
    for cap in policy.caps:
        if cap.kind is not batch.kind or cap.channel not in {None, batch.channel}:
            continue
        if cap.per_topic and not batch.topic:
            continue
        counted = {
            "kind": batch.kind, "channel": cap.channel, "topic": batch.topic if cap.per_topic else None,
            "since": at - cap.period, "most": cap.most,
        }  # fmt: skip
        yield cap.reason, _numbers(connection, "capped", counted)
    if (period := policy.slower.get(batch.kind)) is not None:
        yield Refusal.CAP_OWN, _numbers(connection, "slower", {"kind": batch.kind, "since": at - period})


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
    return connection.execute(SQL["sweep"], {"now": now, "limit": _SWEPT}).rowcount


def counts(connection: Connection, keys: Sequence[str]) -> list[Count]:
    """How many messages with each of *keys* are in each state, for which reason."""
    rows = connection.execute(SQL["counts"], {"keys": list(keys)})
    return [Count(key, State(state), reason, many) for key, state, reason, many in rows]


def recipients(connection: Connection, key: str, states: Sequence[State]) -> BitMap:
    """The numbers of those whose message with *key* is in one of *states*."""
    return _numbers(connection, "recipients", {"key": key, "states": list(states)})


def _halt(connection: Connection, keys: Sequence[str], halt: Halt, now: datetime) -> None:
    connection.execute(SQL["halt"], {"keys": list(keys), "halt": halt, "now": now})


def _insert(
    connection: Connection, batch: Batch, numbers: BitMap, state: State, reason: str | None, now: datetime
) -> int:
    if not numbers:
        return 0
    values = {
        "numbers": array(map(str, numbers)), "key": batch.key, "kind": batch.kind, "activity": batch.activity,
        "channel": batch.channel, "topic": batch.topic, "template": batch.template, "not_before": batch.not_before,
        "not_after": batch.not_after, "state": state, "reason": reason, "now": now,
    }  # fmt: skip
    return connection.execute(SQL["insert"], values).rowcount


def _numbers(connection: Connection, name: str, values: Mapping[str, object]) -> BitMap:
    """The numbers that a statement finds, sent as four bytes each."""
    row = connection.execute(SQL[name], values, binary=True).fetchone()
    assert row is not None
    return BitMap(np.frombuffer(row[0], ">i4").astype(np.uint32))
