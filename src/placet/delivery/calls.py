"""
Calls as members of staff make them: opened one by one, each with an outcome.

A call starts when it is opened: the gate is asked then, under the lock of a withdrawal, as for every message. What the
member reads aloud, and the number, lie sealed until the outcome is said. A call that nobody ends in time is `unknown`,
like any message whose sender fell silent; its outcome still counts when it comes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import attrs
import msgspec
from psycopg import Connection

from placet.consents import actions as consents
from placet.consents.actions import Rulebook
from placet.consents.model import Actor, Decision, Recorded
from placet.delivery import model
from placet.delivery.actions import Delivery
from placet.delivery.model import Deferred, Delivered, Failed, Kind, MessageId, Outgoing, State
from placet.delivery.notes import Filled, Notes
from placet.delivery.unsubscribing import Said, closing
from placet.kernel.errors import Conflict, NotFound
from placet.kernel.ids import ActivityId, ChannelId, RecordId, StaffId, SubjectId
from placet.store.queries import queries
from placet.subjects.vault import open_field, seal_field

SQL = queries("placet.delivery", "calls.sql")

CALL = ChannelId("call")
LEASE = timedelta(minutes=4)
"""For a member to say what came of it: shorter than `stopping.LIMIT`, so that no call ever closes the gate."""
KEEP = timedelta(hours=12)
"""How long a call that was opened stays in a member's hands, so that its outcome is still taken."""
MOST_ATTEMPTS = 3
AGAIN = timedelta(hours=4)
"""After which nobody's answer is tried again."""

_FIELD = "delivery/call"


class CallOutcome(StrEnum):
    """What came of a call; the strings are stable."""

    INTERESTED = "reached-interested"
    NOT_NOW = "reached-not-now"
    NOT_INTERESTED = "reached-not-interested"
    """What the call was about does not interest them."""
    NO_ANSWER = "no-answer"
    """Tried again, up to `MOST_ATTEMPTS` in all."""
    WRONG_NUMBER = "wrong-number"
    """Somebody else answers there: the number is not called any more."""
    STOP_TOPIC = "stop-topic"
    """They never want to hear of it again, by any channel; whoever knows topics writes that down."""
    STOP_CALLING = "stop-calling"
    """The person takes back the channel, for every purpose, at once."""


@attrs.frozen
class Due:
    """A call that may be opened; it does not say whose."""

    message: MessageId
    kind: Kind
    activity: ActivityId
    topic: str | None
    language: str
    not_before: datetime
    not_after: datetime
    attempts: int
    """How often it was tried already."""
    reason: str | None


@attrs.frozen(repr=False)
class InHand:
    """A call that a member has opened: whom they call, and what they say."""

    message: MessageId
    attempt: int
    subject: SubjectId
    number: str
    text: Filled
    kind: Kind
    activity: ActivityId
    topic: str | None
    template: str
    language: str
    opened_at: datetime


@attrs.frozen
class NotNow:
    """It may not be opened at this moment; *until*: when it may be, None if somebody decides right now."""

    until: datetime | None = None


@attrs.frozen
class NotAtAll:
    """It will not be made, for *reason*; None if it is gone, or a colleague has it."""

    reason: str | None = None


Opening = InHand | NotNow | NotAtAll


@attrs.frozen
class Ended:
    """What was written down; *records* are the withdrawals of a `stop-calling`."""

    outcome: CallOutcome
    records: tuple[RecordId, ...] = ()


@attrs.frozen
class Made:
    """A call that was made, as its person sees it."""

    opened_at: datetime
    ended_at: datetime | None
    attempt: int
    outcome: CallOutcome | None
    kind: Kind
    activity: ActivityId
    topic: str | None


@attrs.frozen
class _Telephone:
    """What a claim asks of the channel."""

    id: ChannelId = CALL
    needs_address: bool = True


@attrs.frozen
class Calls:
    """Every method joins the transaction of its connection."""

    delivery: Delivery
    rulebook: Rulebook
    notes: Notes

    def due(self, connection: Connection, *, language: str | None = None, limit: int, now: datetime) -> list[Due]:
        """Calls whose time has come, the longest waiting first."""
        rows = connection.execute(SQL["due_calls"], {"language": language, "limit": limit, "now": now})
        return [Due(MessageId(id), Kind(kind), *rest) for id, kind, *rest in rows]

    def due_by_language(self, connection: Connection, *, now: datetime) -> Mapping[str, int]:
        return dict(connection.execute(SQL["due_by_language"], {"now": now}).fetchall())

    def open(self, connection: Connection, message: MessageId, *, staff: StaffId, now: datetime) -> Opening:
        """Take *message* in hand, if it may be made now; whatever speaks against it has its reason in its row."""
        claim = self.delivery.claim_these(connection, _Telephone(), [message], lease=LEASE, now=now)
        if not claim.started:
            return NotNow() if claim.busy else self._not_started(connection, message)
        (outgoing,) = claim.started
        filled = self._filled(outgoing)
        if isinstance(filled, Failed):
            self.delivery.settle(connection, {message: filled}, now=now)
            return NotAtAll(filled.why)
        self._keep(connection, outgoing, filled, staff, now)
        return self.in_hand(connection, staff, message=message, now=now)[0]

    def in_hand(
        self, connection: Connection, staff: StaffId, *, message: MessageId | None = None, now: datetime
    ) -> list[InHand]:
        """What *staff* has opened and said nothing of; all, or one."""
        values = {"staff": staff, "message": message, "since": now - KEEP}
        return [self._opened(*row) for row in connection.execute(SQL["calls_in_hand"], values)]

    def end(
        self, connection: Connection, message: MessageId, outcome: CallOutcome, *, staff: StaffId, now: datetime
    ) -> Ended:
        """Write down what came of a call; one that *staff* has not in hand raises `Conflict`."""
        values = {"message": message, "staff": staff, "outcome": outcome, "now": now}
        row = connection.execute(SQL["end_call"], values).fetchone()
        if row is None:
            raise Conflict("this call is not in your hands any more; nothing was changed", code="not-in-hand")
        attempt, subject = row
        became = _became(outcome, attempt, now)
        if not self.delivery.settle(connection, {message: became}, now=now) and isinstance(became, Deferred):
            # Its time ran out meanwhile, and what may have started is never started again.
            self.delivery.settle(connection, {message: Failed(outcome)}, now=now)
        stopped = outcome is CallOutcome.STOP_CALLING
        return Ended(outcome, self._stop(connection, SubjectId(subject), message, staff, now) if stopped else ())

    def outcomes(self, connection: Connection, key: str) -> Mapping[CallOutcome, int]:
        """What came of the calls planned under *key*, each person's last."""
        return {CallOutcome(word): count for word, count in connection.execute(SQL["outcomes_of_key"], {"key": key})}

    def made_by(self, connection: Connection, staff: StaffId, *, since: datetime) -> Mapping[CallOutcome, int]:
        """What came of a member's calls since an instant."""
        rows = connection.execute(SQL["outcomes_of_staff"], {"staff": staff, "since": since})
        return {CallOutcome(word): count for word, count in rows}

    def sweep(self, connection: Connection, *, now: datetime) -> int:
        """Forget the texts of calls that nobody ended."""
        return connection.execute(SQL["drop_call_texts"], {"before": now - KEEP}).rowcount

    def _not_started(self, connection: Connection, message: MessageId) -> NotNow | NotAtAll:
        row = connection.execute(SQL["not_started"], {"message": message}).fetchone()
        if row is None:
            raise NotFound("there is no such call", code="unknown-message")
        state, reason, not_before = row
        if state in model.STARTABLE:
            return NotNow(not_before)
        return NotAtAll(reason if state == State.REFUSED else None)

    def _filled(self, outgoing: Outgoing) -> Filled | Failed:
        note = self.notes(CALL, outgoing.template, outgoing.language)
        if note is None:
            return Failed("no-template")
        try:
            return note.fill(outgoing.values)
        except KeyError:
            return Failed("no-value")

    def _keep(self, connection: Connection, outgoing: Outgoing, filled: Filled, staff: StaffId, now: datetime) -> None:
        said = msgspec.json.encode((outgoing.address, filled.title, filled.paragraphs)).decode()
        key = self.delivery.subjects.key(connection, outgoing.subject)
        values = {
            "message": outgoing.id, "attempt": outgoing.attempt, "subject": outgoing.subject, "staff": staff,
            "now": now, "sealed": seal_field(key, outgoing.subject, _FIELD, said),
        }  # fmt: skip
        connection.execute(SQL["open_call"], values)

    def _opened(
        self, message: MessageId, attempt: int, owner: SubjectId, wrapped: bytes, sealed: bytes, kind: str,
        activity: ActivityId, topic: str | None, template: str, language: str, opened_at: datetime,
    ) -> InHand:  # fmt: skip
        said = open_field(self.delivery.subjects.key_of(wrapped, owner), owner, _FIELD, sealed)
        number, title, paragraphs = msgspec.json.decode(said, type=tuple[str, str, tuple[str, ...]])
        text = Filled(title, paragraphs)
        return InHand(message, attempt, owner, number, text, Kind(kind), activity, topic, template, language, opened_at)

    def _stop(
        self, connection: Connection, subject: SubjectId, message: MessageId, staff: StaffId, now: datetime
    ) -> tuple[RecordId, ...]:
        """The person said it to the member: the channel of every purpose is withdrawn."""
        person = self.delivery.subjects.get(connection, subject)
        said = Said(Decision.WITHDRAWN, "phone", f"call {message}")
        actor = Actor("agent", str(staff))
        noes = [
            attrs.evolve(wish, actor=actor)
            for wish in closing(connection, person.id, person.number, CALL, among=None, said=said)
        ]
        outcomes = consents.record(connection, noes, rulebook=self.rulebook, now=now) if noes else []
        return tuple(one.record for one in outcomes if isinstance(one, Recorded))


def calls_of(connection: Connection, subject: SubjectId) -> Sequence[Made]:
    """The calls that were made to a person, newest first."""
    return [
        Made(opened_at, ended_at, attempt, None if word is None else CallOutcome(word), Kind(kind), *rest)
        for opened_at, ended_at, attempt, word, kind, *rest in connection.execute(SQL["calls_of"], {"subject": subject})
    ]


def _became(outcome: CallOutcome, attempt: int, now: datetime) -> model.Outcome:
    match outcome:
        case CallOutcome.NO_ANSWER if attempt < MOST_ATTEMPTS:
            return Deferred(outcome, now + AGAIN)
        case CallOutcome.NO_ANSWER:
            return Failed(outcome)
        case CallOutcome.WRONG_NUMBER:
            return Failed(outcome, suppress=True)
        case _:
            return Delivered()
