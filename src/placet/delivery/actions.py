"""
Planning messages, starting them, and settling what became of them.

A message starts when its row becomes `sending`, which is committed before the wire. In that transaction:

1. the row is locked, and one message a person at a time is taken, in the order of their numbers;
2. what the person has given is locked, as a withdrawal must do that changes it; nothing here ever waits for a lock,
   so a decision waits for us at most, and never we for each other;
3. the gate is asked, and its yes counts only if every consent it stands on is one that step 2 locked;
4. `rules.judge` weighs the rest; whatever does not start has its reason in its row.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import attrs
import msgspec
from psycopg import Connection
from pyroaring import BitMap

from placet.config import Config
from placet.delivery import batches, rules, store
from placet.delivery.batches import Batch, PlannedMany
from placet.delivery.model import (
    POST,
    STARTABLE,
    Addressee,
    Failed,
    Filler,
    Message,
    MessageId,
    Outcome,
    Outgoing,
    Shown,
    Started,
    State,
    Unknown,
    Way,
)
from placet.delivery.policy import standard
from placet.delivery.rules import Asked, Policy, Refuse, Start, Wait
from placet.delivery.store import Row, Taken
from placet.gate import uses
from placet.gate.actions import Allowed, Answer, Gate, Permit
from placet.gate.model import Need, Reason
from placet.kernel.ids import ChannelId, Number, PurposeId, SubjectId, new_record_id
from placet.kernel.seal import MasterKey, keyed_hash
from placet.store.database import Database
from placet.subjects.actions import Subjects
from placet.subjects.model import Alias, AliasKind
from placet.subjects.vault import Hashed, open_field, seal_field

REFERENCE_LABEL = "placet/delivery-reference/v1"
_VALUES = "delivery/values"
_ALIAS: Mapping[str, AliasKind] = {"email": "email", "sms": "msisdn", "call": "msisdn"}
"""What a person is reached by, of the channels that need an address."""
_REFERENCE = 32
_KEY = 32
_MOST_EXPIRED = 500


@attrs.frozen
class Planned:
    """What planning did: *fresh* are new; *known* were planned before, or were sent; *nobody* is there for the rest."""

    fresh: tuple[MessageId, ...]
    known: int
    nobody: int


@attrs.frozen
class Claim:
    """What one look at a channel gave: messages that have started, and how many others were looked at."""

    started: tuple[Outgoing, ...] = ()
    refused: int = 0
    waiting: int = 0
    busy: int = 0
    """Somebody is deciding for these persons at this moment; their messages are looked at again."""


@attrs.frozen(repr=False)
class _Sealed:
    """What lies under the person's key: what the template is filled with, and where the message must go."""

    values: dict[str, str] = attrs.field(factory=dict)
    to: Alias | None = None


@attrs.frozen
class _Candidate:
    """A message on its way through the steps: what the gate said, and where it would go."""

    taken: Taken
    permit: Permit | None
    refusal: str | None
    address: str | None = attrs.field(repr=False)
    hashed: bytes | None


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
        return self._claim(connection, channel, taken, self.policy.lease, now)

    def claim_these(
        self, connection: Connection, channel: Way, ids: Sequence[MessageId], *, lease: timedelta, now: datetime
    ) -> Claim:
        """As `claim`, for messages that somebody has in hand: a call that is opened, letters that are handed over."""
        return self._claim(connection, channel, store.take_these(connection, channel.id, ids), lease, now)

    def _claim(
        self, connection: Connection, channel: Way, taken: Sequence[Taken], lease: timedelta, now: datetime
    ) -> Claim:
        if not taken:
            return Claim()
        numbers = [message.addressee.number for message in taken]
        held = store.hold(connection, numbers)
        answers = self._answers(connection, taken, channel, now)
        addresses = self._addresses(connection, taken, channel)
        named = {message.id: self._opened(connection, message).to for message in taken if message.addressed}
        candidates, busy = [], 0
        for message in taken:
            address = named[message.id] if message.addressed else addresses.get(message.addressee.subject)
            candidate = self._candidate(message, channel, answers[message.id], address)
            if candidate.permit is None or _covered(candidate.permit, held.get(message.addressee.number, frozenset())):
                candidates.append(candidate)
            else:
                busy += 1
        return self._start(connection, channel, candidates, busy, lease, now)

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
            said = msgspec.json.encode(_Sealed(dict(message.values), message.to)).decode()
            sealed = seal_field(key, whose.subject, _VALUES, said).hex()
        return {
            "id": id, "number": whose.number, "key": message.key, "kind": message.kind, "activity": message.activity,
            "channel": message.channel, "topic": message.topic, "template": message.template,
            "language": message.language, "sealed": sealed, "addressed": message.to is not None,
            "not_before": message.not_before, "not_after": message.not_after, "zone": message.zone,
        }  # fmt: skip

    def _answers(
        self, connection: Connection, taken: Sequence[Taken], channel: Way, now: datetime
    ) -> dict[MessageId, Answer]:
        """Step 3: what the gate says to each, one statement an activity."""
        found: dict[MessageId, Answer] = {}
        for activity in {message.activity for message in taken}:
            asked = [message for message in taken if message.activity == activity]
            people = [message.addressee.subject for message in asked]
            told = self.gate.check_each(connection, people, activity, channel=channel.id, now=now)
            found |= {message.id: told[message.addressee.subject] for message in asked}
        return found

    def _candidate(self, message: Taken, channel: Way, answer: Answer, address: Hashed | None) -> _Candidate:
        """What the gate said, and where the message would go."""
        if not isinstance(answer, Allowed):
            return _Candidate(message, None, answer.reason, None, None)
        if address is None:
            return _Candidate(message, answer.permit, None, None if channel.needs_address else "", None)
        return _Candidate(message, answer.permit, None, address.value, self.subjects.vault.alias_hash(address))

    def _addresses(self, connection: Connection, taken: Sequence[Taken], channel: Way) -> Mapping[SubjectId, Hashed]:
        """Where each person is reached by the channel: the newest address that it can use."""
        people = [message.addressee.subject for message in taken]
        if channel.id == POST:
            return {id: lives.address for id, lives in self.subjects.residences(connection, people).items()}
        kind = _ALIAS.get(channel.id)
        return {} if kind is None or not channel.needs_address else self.subjects.newest(connection, people, kind)

    def _start(
        self,
        connection: Connection,
        channel: Way,
        candidates: Sequence[_Candidate],
        busy: int,
        lease: timedelta,
        now: datetime,
    ) -> Claim:
        """Step 4, and the rows."""
        verdicts = self._judged(connection, channel, candidates, now)
        refused = {one.taken.id: verdict.reason for one, verdict in verdicts if isinstance(verdict, Refuse)}
        waiting = {one.taken.id: verdict.until for one, verdict in verdicts if isinstance(verdict, Wait)}
        store.refuse(connection, refused, now=now)
        store.wait(connection, waiting, now=now)
        lease_until = now + lease
        starting = [(one, verdict.until) for one, verdict in verdicts if isinstance(verdict, Start)]
        filled = self._filled(connection, [one.taken for one, _ in starting])
        out = [
            (one, self._outgoing(connection, one, until, lease_until, filled.get(one.taken.id, {})))
            for one, until in starting
        ]
        rows = [_started(one, outgoing) for one, outgoing in out]
        started = store.start(connection, rows, lease_until=lease_until, now=now) if rows else set()
        on_wire = tuple(outgoing for _, outgoing in out if outgoing.id in started)
        return Claim(on_wire, len(refused), len(waiting), busy + len(out) - len(on_wire))

    def _judged(
        self, connection: Connection, channel: Way, candidates: Sequence[_Candidate], now: datetime
    ) -> list[tuple[_Candidate, rules.Verdict]]:
        numbers = [one.taken.addressee.number for one in candidates]
        hashes = [one.hashed for one in candidates if one.hashed is not None]
        earlier = store.before(connection, numbers, now - self.policy.memory)
        mutes = store.mutes(connection, numbers)
        suppressed = store.suppressions(connection, channel.id, hashes)
        slowed = store.slowed(connection, numbers)
        halts = store.halts(connection, [one.taken.id for one in candidates])
        judged = []
        for one in candidates:
            number, taken = one.taken.addressee.number, one.taken
            asked = Asked(
                kind=taken.kind,
                channel=channel.id,
                topic=taken.topic,
                not_after=taken.not_after,
                zone=self.zone if taken.zone is None else ZoneInfo(taken.zone),
                basis=None if one.permit is None else one.permit.basis,
                refusal=one.refusal,
                addressed=one.address is not None,
                suppressed=frozenset() if one.hashed is None else suppressed.get(one.hashed, frozenset()),
                mutes=mutes.get(number, ()),
                earlier=earlier.get(number, ()),
                slowed=(number, taken.kind) in slowed,
                halt=halts.get(taken.id),
            )
            judged.append((one, rules.judge(asked, self.policy, now)))
        return judged

    def _filled(self, connection: Connection, starting: Sequence[Taken]) -> dict[MessageId, Mapping[str, str]]:
        """What is put into messages only now, so that it is not kept: asked once for each template."""
        found: dict[MessageId, Mapping[str, str]] = {}
        for template in {taken.template for taken in starting}:
            if (fill := self.fillers.get(template.partition("/")[0])) is None:
                continue
            asked = [taken for taken in starting if taken.template == template]
            values = fill(connection, template, [taken.addressee.subject for taken in asked])
            found |= {taken.id: values.get(taken.addressee.subject, {}) for taken in asked}
        return found

    def _outgoing(
        self,
        connection: Connection,
        one: _Candidate,
        until: datetime,
        lease_until: datetime,
        filled: Mapping[str, str],
    ) -> Outgoing:
        taken = one.taken
        assert one.address is not None
        return Outgoing(
            id=taken.id, attempt=taken.attempt + 1, reference=self._reference(taken.id, taken.attempt + 1),
            subject=taken.addressee.subject, kind=taken.kind, activity=taken.activity, channel=taken.channel,
            topic=taken.topic, template=taken.template, language=taken.language,
            values={**filled, **self._opened(connection, taken).values}, address=one.address, until=until,
            lease_until=lease_until,
        )  # fmt: skip

    def _opened(self, connection: Connection, taken: Taken) -> _Sealed:
        if taken.sealed is None:
            return _Sealed()
        # Whoever was merged into another since has still the key that it was sealed under.
        key = self.subjects.key(connection, taken.planned_for)
        text = open_field(key, taken.planned_for, _VALUES, taken.sealed)
        return msgspec.json.decode(text, type=_Sealed)

    def _reference(self, id: MessageId, attempt: int) -> str:
        return keyed_hash(self.reference_key, id.bytes + attempt.to_bytes(4, "big")).hex()[:_REFERENCE]

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


def _covered(permit: Permit, held: frozenset[tuple[str, ChannelId | None]]) -> bool:
    """Whether each consent that the permit stands on, and the channel of it, is locked by us."""
    return _locks(permit.needs) <= held


@lru_cache(maxsize=64)
def _locks(needs: tuple[str, ...]) -> frozenset[tuple[PurposeId, ChannelId | None]]:
    """What must be locked for a permit that stands on *needs*."""
    parsed = [Need.parse(text) for text in needs]
    return frozenset((need.purpose, channel) for need in parsed for channel in (None, need.channel))


def _started(one: _Candidate, outgoing: Outgoing) -> dict[str, object]:
    assert one.permit is not None
    return {
        "id": outgoing.id, "subject": outgoing.subject, "reference": outgoing.reference,
        "address": None if one.hashed is None else one.hashed.hex(), "basis": one.permit.basis,
        "permit": one.permit.text,
    }  # fmt: skip
