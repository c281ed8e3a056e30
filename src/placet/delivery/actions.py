"""
Planning messages, starting them, and settling what became of them.

A message starts when its row becomes `sending`, which is committed before the wire: `starting` has the steps.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import attrs
from psycopg import Connection
from pyroaring import BitMap

from placet.config import Config
from placet.delivery import batches, rules, store
from placet.delivery.batches import Batch, PlannedMany
from placet.delivery.envelope import Envelope
from placet.delivery.model import (
    STARTABLE,
    Addressee,
    Failed,
    Filler,
    Message,
    MessageFiller,
    MessageId,
    Outcome,
    Shown,
    Started,
    State,
    Unknown,
    Way,
)
from placet.delivery.policy import standard
from placet.delivery.rules import Policy
from placet.delivery.starting import Claim, Starting
from placet.delivery.store import Row
from placet.gate import uses
from placet.gate.actions import Allowed, Gate
from placet.gate.model import Reason
from placet.kernel.ids import ChannelId, Number, SubjectId, new_record_id
from placet.kernel.seal import MasterKey
from placet.store.database import Database
from placet.subjects.actions import Subjects
from placet.subjects.model import Alias

REFERENCE_LABEL = "placet/delivery-reference/v1"
_KEY = 32
_MOST_EXPIRED = 500


@attrs.frozen
class Planned:
    """What planning did: *fresh* are new; *known* were planned before, or were sent; *nobody* is there for the rest."""

    fresh: tuple[MessageId, ...]
    known: int
    nobody: int


@attrs.frozen
class Delivery:
    """Every method takes the connection whose transaction it joins. Thread-safe."""

    subjects: Subjects
    gate: Gate
    reference_key: bytes = attrs.field(repr=False)
    zone: ZoneInfo
    policy: Policy = attrs.field(factory=standard, repr=False)
    fillers: dict[str, Filler] = attrs.field(factory=dict, eq=False, repr=False)
    """Who knows what a template is filled with when it starts, by the first word of its name. Whoever composes the
    application fills this before anything is sent; nobody changes it afterwards."""
    message_fillers: dict[str, MessageFiller] = attrs.field(factory=dict, eq=False, repr=False)
    """The same, of rooms whose values depend on the message."""

    @classmethod
    def of(cls, config: Config, master: MasterKey, subjects: Subjects, gate: Gate) -> Delivery:
        return cls(subjects, gate, master.derive(REFERENCE_LABEL), ZoneInfo(config.time_zone))

    # Planning

    def plan(self, connection: Connection, messages: Sequence[Message], *, now: datetime) -> Planned:
        """Plan *messages*, each once: a key that a person has already is not planned again, whatever became of it."""
        known = store.persons(connection, {message.subject for message in messages})
        reachable = [message for message in messages if message.subject in known]
        ids = [MessageId(new_record_id(now)) for _ in reachable]
        rows = [self._planned(id, message, *known[message.subject]) for id, message in zip(ids, reachable, strict=True)]
        fresh = store.plan(connection, rows, now=now) if rows else set()
        return Planned(
            tuple(id for id in ids if id in fresh), len(rows) - len(fresh), len(messages) - len(reachable)
        )  # fmt: skip

    def plan_many(self, connection: Connection, batch: Batch, numbers: BitMap, *, now: datetime) -> PlannedMany:
        """
        Plan *batch* for each of *numbers* (a million in seconds), each once; in the language of each.

        Whoever has muted it, has no good address or has had as much as may be gets a row that says so.
        """
        return batches.plan(connection, batch, numbers, self.policy, now=now)

    def plan_widely(self, database: Database, batch: Batch, numbers: BitMap, *, now: datetime) -> PlannedMany:
        """As `plan_many`, in connections and transactions of its own, for whoever has the key to themselves."""
        return batches.plan_widely(database, batch, numbers, self.policy, now=now)

    def rehearse(self, connection: Connection, message: Message, *, now: datetime) -> None:
        """The work of planning *message*, of which nothing is left: so that nobody can tell it from a planned one."""
        id, key = MessageId(new_record_id(now)), secrets.token_bytes(_KEY)
        with connection.transaction(force_rollback=True):
            store.persons(connection, {message.subject})
            row = self._row(id, message, Addressee(message.subject, Number(0)), key)
            store.plan(connection, [row], now=now)

    def cancel(self, connection: Connection, ids: Sequence[MessageId], *, now: datetime) -> int:
        """Take back what has not started; returns how many."""
        return connection.execute(store.SQL["cancel"], {"ids": list(ids), "now": now}).rowcount

    # Starting

    def claim(self, connection: Connection, channel: Way, *, limit: int, now: datetime) -> Claim:
        """
        Start up to *limit* messages of *channel*. The caller commits, and only then hands them to the wire.

        One of these in a transaction: the locks it takes are held until the commit, and keep decisions waiting.
        """
        taken = store.take(connection, channel.id, limit=limit, now=now)
        return self._starting.claim(connection, channel, taken, lease=self.policy.lease, now=now)

    def claim_these(
        self, connection: Connection, channel: Way, ids: Sequence[MessageId], *, lease: timedelta, now: datetime
    ) -> Claim:
        """As `claim`, for messages that somebody has in hand: a call that is opened, letters that are handed over."""
        taken = store.take_these(connection, channel.id, ids)
        return self._starting.claim(connection, channel, taken, lease=lease, now=now)

    @property
    def _starting(self) -> Starting:
        return Starting(
            self.subjects, self.gate, self.reference_key, self.zone, self.policy, self.fillers, self.message_fillers
        )

    # Settling

    def settle(self, connection: Connection, outcomes: Mapping[MessageId, Outcome], *, now: datetime) -> int:
        """What became of messages that were started; returns how many it was news of."""
        rows = store.rows(connection, "held", ids=list(outcomes))
        return self._settle(connection, [(row, outcomes[row.id]) for row in rows], now)

    def report(self, connection: Connection, reference: str, outcome: Outcome, *, now: datetime) -> bool:
        """What a bounce or a receipt tells of the message with this reference; False if it is no news, or of none."""
        rows = store.rows(connection, "named", reference=reference)
        return bool(self._settle(connection, [(row, outcome) for row in rows], now))

    def report_carried(
        self, connection: Connection, channel: ChannelId, outcomes: Mapping[str, Outcome], *, now: datetime
    ) -> set[str]:
        """As `report`, for many, by the carrier's own names for them; returns those that name a message of ours."""
        found = store.carried(connection, channel, list(outcomes))
        self._settle(connection, [(row, outcomes[name]) for name, row in found.items()], now)
        return set(found)

    def report_numbered(
        self, connection: Connection, channel: ChannelId, number: int, outcome: Outcome, *, now: datetime
    ) -> bool:
        """As `report`, by the first sixteen bits of the reference, of what has no name of the carrier's yet."""
        rows = store.rows(connection, "numbered", channel=channel, start=f"{number:04x}")
        if len(rows) != 1:
            # Of two with the same bits nobody knows which one is meant.
            return False
        return bool(self._settle(connection, [(rows[0], outcome)], now))

    def expire(self, connection: Connection, *, now: datetime) -> int:
        """What was left in `sending` past its lease becomes `unknown`: perhaps it was taken, so it stays unsent."""
        rows = store.rows(connection, "expired", now=now, limit=_MOST_EXPIRED)
        return self._settle(connection, [(row, Unknown("no-answer")) for row in rows], now)

    def unknown(self, connection: Connection, channel: ChannelId, *, limit: int = 100) -> list[Started]:
        """What to ask the carrier about (`Channel.find`); what it knows goes to `settle`."""
        return store.unknown(connection, channel, limit=limit)

    def close(self, connection: Connection, *, now: datetime) -> int:
        """Stop looking for what has been unknown too long: a lost message is better than one sent twice."""
        values = {"before": now - self.policy.reconcile, "now": now}
        return connection.execute(store.SQL["close"], values).rowcount

    # The stop

    def stop(self, connection: Connection, numbers: Sequence[Number], *, now: datetime) -> set[Number]:
        """
        Refuse what is planned for these persons and the gate allows no more; returns who has something in `sending`
        that it would not allow: started before the withdrawal, it ends by itself.
        """
        reasons: dict[MessageId, str] = {}
        running: set[Number] = set()
        for message in store.live(connection, numbers):
            answer = self.gate.check(connection, message.subject, message.activity, channel=message.channel, now=now)
            # A place that does not answer closes the gate for a time; the person has said nothing.
            if isinstance(answer, Allowed) or answer.reason is Reason.STOP_SILENT:
                continue
            if message.state in STARTABLE:
                reasons[message.id] = answer.reason
            else:
                running.add(message.number)
        store.refuse(connection, reasons, now=now)
        return running

    # What a person sees, and is forgotten of

    def of_subject(
        self,
        connection: Connection,
        subject: SubjectId,
        *,
        before: MessageId | None = None,
        limit: int = 50,
        states: Collection[State] | None = None,
    ) -> list[Shown]:
        """What the person was sent and was not sent, and why; newest first, of *states* or of all."""
        return store.of_subject(connection, subject, before=before, limit=limit, states=states)

    def forget(self, connection: Connection, number: Number, aliases: Sequence[Alias]) -> None:
        """Delete what is held of a person (GDPR 17); what is on the wire ends, and nothing of it is written down."""
        addresses = [self.subjects.vault.alias_hash(alias) for alias in aliases]
        connection.execute(store.SQL["forget"], {"number": number, "addresses": addresses})

    # Inside

    def _planned(self, id: MessageId, message: Message, whose: Addressee, wrapped: bytes) -> dict[str, object]:
        return self._row(id, message, whose, self.subjects.key_of(wrapped, whose.subject))

    def _row(self, id: MessageId, message: Message, whose: Addressee, key: bytes) -> dict[str, object]:
        sealed = None
        if message.values or message.to is not None:
            sealed = Envelope(dict(message.values), message.to).seal(key, whose.subject).hex()
        return {
            "id": id, "number": whose.number, "key": message.key, "kind": message.kind, "activity": message.activity,
            "channel": message.channel, "topic": message.topic, "template": message.template,
            "language": message.language, "sealed": sealed, "addressed": message.to is not None,
            "not_before": message.not_before, "not_after": message.not_after, "zone": message.zone,
        }  # fmt: skip

    def _settle(self, connection: Connection, news: Sequence[tuple[Row, Outcome]], now: datetime) -> int:
        settled, done = [], []
        for row, outcome in news:
            to = rules.settle(row.state, row.attempt, outcome, self.policy)
            if to is None:
                continue
            settled.append(
                {"id": row.id, "state": to.state, "reason": to.reason, "carrier_id": to.carrier_id,
                 "not_before": to.not_before}
            )  # fmt: skip
            if row.state is State.SENDING:
                done.append(self._use(row, to))
            if isinstance(outcome, Failed) and outcome.suppress and row.address is not None:
                store.suppress(connection, row.channel, row.address, "bounce", now=now)
        store.settle(connection, settled, now=now)
        if done:
            uses.record_uses(connection, done)
        return len(settled)

    def _use(self, row: Row, to: rules.Settled) -> uses.Told:
        """The person sees it as a use of their data, under the permit it was started with (B7)."""
        assert row.permit is not None
        assert row.started_at is not None
        outcome = to.state if to.reason is None else f"{to.state}: {to.reason}"
        return uses.under_permit(self.gate.read_permit(row.permit), outcome=outcome, at=row.started_at)
