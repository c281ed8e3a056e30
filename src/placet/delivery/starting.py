"""
Starting messages: each one's row becomes `sending`, which is committed before the wire. In that transaction:

1. the row is locked, and one message a person at a time is taken, in the order of their numbers (`store.take`);
2. what the person has given is locked, as a withdrawal must do that changes it; nothing here ever waits for a lock,
   so a decision waits for us at most, and never we for each other;
3. the gate is asked, and its yes counts only if every consent it stands on is one that step 2 locked;
4. `rules.judge` weighs the rest; whatever does not start has its reason in its row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import attrs
from psycopg import Connection

from placet.delivery import rules, store
from placet.delivery.envelope import Envelope
from placet.delivery.model import POST, Filler, Filling, MessageFiller, MessageId, Outgoing, Way
from placet.delivery.rules import Asked, Policy, Refuse, Start, Wait
from placet.delivery.store import Taken
from placet.gate.actions import Allowed, Answer, Gate, Permit
from placet.gate.model import Need
from placet.kernel.ids import ChannelId, PurposeId, SubjectId
from placet.kernel.seal import keyed_hash
from placet.subjects.actions import Subjects
from placet.subjects.model import AliasKind
from placet.subjects.vault import Hashed

_ALIAS: Mapping[str, AliasKind] = {"email": "email", "sms": "msisdn", "call": "msisdn"}
"""What a person is reached by, of the channels that need an address."""
_REFERENCE = 32


@attrs.frozen
class Claim:
    """What one look at a channel gave: messages that have started, and how many others were looked at."""

    started: tuple[Outgoing, ...] = ()
    refused: int = 0
    waiting: int = 0
    busy: int = 0
    """Somebody is deciding for these persons at this moment; their messages are looked at again."""


@attrs.frozen
class _Candidate:
    """A message on its way through the steps: what the gate said, and where it would go."""

    taken: Taken
    permit: Permit | None
    refusal: str | None
    address: str | None = attrs.field(repr=False)
    hashed: bytes | None


@attrs.frozen
class Starting:
    """What a start is decided by; `Delivery` has the same."""

    subjects: Subjects
    gate: Gate
    reference_key: bytes = attrs.field(repr=False)
    zone: ZoneInfo
    policy: Policy = attrs.field(repr=False)
    fillers: Mapping[str, Filler] = attrs.field(repr=False)
    message_fillers: Mapping[str, MessageFiller] = attrs.field(repr=False)

    def claim(
        self, connection: Connection, channel: Way, taken: Sequence[Taken], *, lease: timedelta, now: datetime
    ) -> Claim:
        """Steps 2 to 4 for messages whose rows are locked; the caller commits before the wire."""
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
        filled = self._filled(connection, [one.taken for one, _ in starting], now)
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

    def _filled(
        self, connection: Connection, starting: Sequence[Taken], now: datetime
    ) -> dict[MessageId, Mapping[str, str]]:
        """What is put into messages only now, so that it is not kept: asked once for each template."""
        found: dict[MessageId, Mapping[str, str]] = {}
        for template in {taken.template for taken in starting}:
            messages = {taken.addressee.subject: taken.id for taken in starting if taken.template == template}
            values = self._values(connection, Filling(template, messages, now))
            found |= {id: values.get(subject, {}) for subject, id in messages.items()}
        return found

    def _values(self, connection: Connection, filling: Filling) -> Mapping[SubjectId, Mapping[str, str]]:
        room = filling.template.partition("/")[0]
        if (fill := self.fillers.get(room)) is not None:
            return fill(connection, filling.template, list(filling.messages))
        fill_each = self.message_fillers.get(room)
        return {} if fill_each is None else fill_each(connection, filling)

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

    def _opened(self, connection: Connection, taken: Taken) -> Envelope:
        if taken.sealed is None:
            return Envelope()
        # Whoever was merged into another since has still the key that it was sealed under.
        return Envelope.open(self.subjects.key(connection, taken.planned_for), taken.planned_for, taken.sealed)

    def _reference(self, id: MessageId, attempt: int) -> str:
        return keyed_hash(self.reference_key, id.bytes + attempt.to_bytes(4, "big")).hex()[:_REFERENCE]


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
