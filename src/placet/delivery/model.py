"""Messages, the states they pass through, why one is not sent, and what a channel is: frozen values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import NewType, Protocol
from uuid import UUID

import attrs
from psycopg import Connection

from placet.kernel.errors import BadInput
from placet.kernel.ids import ActivityId, ChannelId, Number, SubjectId
from placet.kernel.periods import aware
from placet.subjects.model import Alias

Filler = Callable[[Connection, str, Sequence[SubjectId]], Mapping[SubjectId, Mapping[str, str]]]
"""The values of a template for each of these persons: a first name, a link; whatever is not kept with the message."""

MessageFiller = Callable[[Connection, "Filling"], Mapping[SubjectId, Mapping[str, str]]]
"""As a `Filler`, for what depends on the very message: a link that is known again."""

POST = ChannelId("post")

MessageId = NewType("MessageId", UUID)
"""Random (UUID version 7, so that an index grows at its end)."""

_MOST_KEY = 200


@attrs.frozen
class Filling:
    """What starts *now* of one template, in the transaction that makes it `sending`: each person has one message."""

    template: str
    messages: Mapping[SubjectId, MessageId]
    now: datetime


class Kind(StrEnum):
    """What a message is to the person; each has caps and hours of its own."""

    SERVICE = "service"
    """Contract or law ask for it: no consent, no cap, no quiet hours, and never an offer inside."""
    OFFER = "offer"
    GREETING = "greeting"
    SURVEY = "survey"


class State(StrEnum):
    """Where a message is. It starts when it becomes `sending`, which is committed before the wire."""

    PLANNED = "planned"
    SENDING = "sending"
    SENT = "sent"
    """The next carrier has it."""
    DELIVERED = "delivered"
    FAILED = "failed"
    DEFERRED = "deferred"
    """Not taken for now: it may start again, and is asked about again then."""
    UNKNOWN = "unknown"
    """Whether the carrier has it cannot be known; it is reconciled, and never sent again."""
    REFUSED = "refused"
    """It never started, or may not start again; the reason stands beside it."""


STARTABLE = frozenset({State.PLANNED, State.DEFERRED})
STARTED = frozenset({State.SENDING, State.SENT, State.DELIVERED, State.UNKNOWN})
"""What counts against a cap: each of them may have reached the person."""


class Refusal(StrEnum):
    """Why a message is not sent, besides the gate's own reasons (`gate.model.Reason`). The strings are stable."""

    WRONG_BASIS = "wrong-basis"
    """A service message under an activity that needs consent, or an offer under one that needs none."""
    MUTED = "muted"
    SUPPRESSED = "suppressed"
    NO_ADDRESS = "no-address"
    CAP_CHANNEL = "cap-channel"
    CAP_TOPIC = "cap-topic"
    CAP_ALL = "cap-all"
    CAP_OWN = "cap-own"
    """The person wants fewer than we would send."""
    TOO_LATE = "too-late"
    """Its time passed before an allowed hour came."""
    TOO_OFTEN = "too-often"
    """It was deferred as often as it may be."""
    TWICE = "twice"
    """The person has it under another identity that was theirs, too."""
    CANCELLED = "cancelled"
    """Whoever planned it took it back."""
    ERASED = "erased"


@attrs.frozen(kw_only=True)
class Message:
    """A message to plan. *key* is unique for the person: planning it again plans nothing."""

    subject: SubjectId
    key: str = attrs.field()
    """`campaign/…`, `birthday/2026/email`: ids and words of the trade, nothing of the person."""
    kind: Kind
    activity: ActivityId
    channel: ChannelId
    template: str
    language: str
    values: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    """What the template is filled with; sealed under the person's key until the message has ended."""
    to: Alias | None = attrs.field(default=None, repr=False)
    """Where it must go, sealed as the values are; None: the person's newest address of the channel."""
    topic: str | None = None
    not_before: datetime = attrs.field(converter=aware)
    not_after: datetime = attrs.field(converter=aware)
    zone: str | None = None
    """The person's time zone, if it is not the operator's."""

    @key.validator
    def _short(self, _attribute: object, value: str) -> None:
        if not 0 < len(value) <= _MOST_KEY:
            raise BadInput(f"a message's key has 1 to {_MOST_KEY} characters", code="bad-message")

    def __attrs_post_init__(self) -> None:
        if self.not_after <= self.not_before:
            raise BadInput("a message must have some time in which it may be sent", code="bad-message")


@attrs.frozen(kw_only=True)
class Outgoing:
    """A message that has started: its row is `sending`, and whoever holds it sends it exactly once or not at all."""

    id: MessageId
    attempt: int
    reference: str
    """What it is found by again: opaque, of the message and its attempt; the left part of an e-mail's Message-ID."""
    subject: SubjectId
    kind: Kind
    activity: ActivityId
    channel: ChannelId
    topic: str | None
    template: str
    language: str
    values: Mapping[str, str] = attrs.field(repr=False)
    address: str = attrs.field(repr=False)
    """An e-mail address, a number in E.164; empty for a channel that needs none."""
    until: datetime
    """The carrier must not deliver it later (the SMPP validity period)."""
    lease_until: datetime
    """Past this, the message is taken for `unknown`: a channel gives up before."""


@attrs.frozen
class Sent:
    """The carrier has taken it; *carrier_id* is its own name for it, if it told one."""

    carrier_id: str | None = None


@attrs.frozen
class Delivered:
    """It has reached the person's device or mailbox."""


@attrs.frozen
class Failed:
    """It has not been sent and never will be; *why* is a stable word. *suppress*: the address is at fault."""

    why: str
    suppress: bool = False


@attrs.frozen
class Deferred:
    """Nothing was taken; it may be tried again not before *until*."""

    why: str
    until: datetime = attrs.field(converter=aware)


@attrs.frozen
class Unknown:
    """It may or may not have been taken: the answer was lost after the last byte (RFC 1047)."""

    why: str


Outcome = Sent | Delivered | Failed | Deferred | Unknown


class Way(Protocol):
    """What starting a message asks of the channel that it goes by."""

    @property
    def id(self) -> ChannelId: ...

    @property
    def needs_address(self) -> bool: ...


class Channel(Protocol):
    """
    A way to reach people. Plain to build: it knows no database, no consent and no person beside the address.

    `send` is called with messages whose rows are `sending` already. It answers for each of them by its id, raises
    nothing that the wire may cause, and ends before the earliest `lease_until`; a message without an answer becomes
    `unknown`.
    """

    @property
    def id(self) -> ChannelId: ...

    @property
    def width(self) -> int:
        """How many messages may be under way at a time: after a crash so many are `unknown` at most."""
        ...

    @property
    def needs_address(self) -> bool: ...

    async def send(self, batch: Sequence[Outgoing]) -> Mapping[MessageId, Outcome]: ...

    async def find(self, started: Sequence[Started]) -> Mapping[MessageId, Outcome]:
        """What became of messages that are `unknown`, as far as the carrier can tell; the others are left out."""
        ...

    async def listen(self) -> None:
        """Be there for what comes back; `ConnectionError` while the carrier is away."""
        ...

    async def close(self) -> None:
        """Take leave of the carrier."""
        ...


@attrs.frozen
class Started:
    """A message that was started earlier, as a channel can look for it at its carrier."""

    id: MessageId
    attempt: int
    reference: str
    started_at: datetime
    carrier_id: str | None = None


@attrs.frozen
class Shown:
    """A message as its person sees it: what was sent and what was not, and why."""

    id: MessageId
    kind: Kind
    activity: ActivityId
    channel: ChannelId
    topic: str | None
    state: State
    reason: str | None
    planned_at: datetime
    changed_at: datetime
    not_before: datetime


@attrs.frozen
class Belonging:
    """What the link in a message belongs to: whose it is today, and what it was sent for."""

    message: MessageId
    subject: SubjectId
    number: Number
    kind: Kind
    activity: ActivityId
    channel: ChannelId
    topic: str | None
    language: str
    at: datetime
    """When it was sent; when it was planned, if it was not."""


@attrs.frozen
class Addressee:
    """Whom a message is for when it starts; a merged identity stands as the one that remains."""

    subject: SubjectId
    number: Number
