"""
Campaigns: what is offered to whom, through which channels, in which words. Frozen values.

    draft → submitted → approved → running ⇄ paused → finished
              └→ draft                └─────┴─────────→ stopped

A draft is edited freely; whoever else than its submitter approves it, approves exactly that version, and nothing of it
changes afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Literal, NewType
from uuid import UUID

import attrs

from placet.delivery.layout import Words
from placet.delivery.notes import Source as NoteSource
from placet.kernel.errors import BadInput
from placet.kernel.ids import ActivityId, ChannelId
from placet.kernel.periods import aware
from placet.purposes.offers.topics import TopicId

CampaignId = NewType("CampaignId", UUID)

CHANNELS = tuple(ChannelId(id) for id in ("email", "sms", "call", "post", "app"))
ACTIVITIES: Mapping[ChannelId, ActivityId] = {id: ActivityId(f"offers.{id}-campaign") for id in CHANNELS}
"""What a campaign does in each channel, by the catalogue's name."""
HOLDOUT = 5
"""Percent of the audience that is sent nothing, to compare with."""
_MOST_HOLDOUT = 50
_LONGEST_NAME = 120

Kind = Literal["plain", "smart"]
"""Of the smart ones that run at the same time, the learner chooses one for each person, or none."""


class State(StrEnum):
    DRAFT = "draft"
    SUBMITTED = "submitted"
    """Waits for a second person; nothing can be edited."""
    APPROVED = "approved"
    """Starts when its time comes."""
    RUNNING = "running"
    PAUSED = "paused"
    """Nothing of it starts until it is resumed."""
    FINISHED = "finished"
    """Its time is over."""
    STOPPED = "stopped"
    """Ended before its time, with the reason; what had not started never does."""


ENDED = frozenset({State.FINISHED, State.STOPPED})
LIVE = frozenset({State.APPROVED, State.RUNNING, State.PAUSED})


@attrs.frozen
class Condition:
    """One thing that must hold of a person: *attribute* has one of *values*; with *negated*, none of them."""

    attribute: str
    """`language`, `line`, `wish`, or a fact that another purpose tells (`usage.data-abroad`); see rules.ATTRIBUTES."""
    values: tuple[str, ...]
    negated: bool = False


@attrs.frozen
class Texts:
    """What a campaign says in one language; a channel that it does not use has nothing here."""

    email: Words | None = None
    sms: str | None = None
    call: NoteSource | None = None
    """What the agent says: a title for the list, and the text."""
    post: NoteSource | None = None
    app: NoteSource | None = None

    def of(self, channel: ChannelId) -> Words | NoteSource | str | None:
        """What is said through *channel*."""
        found: Words | NoteSource | str | None = getattr(self, channel)
        return found


@attrs.frozen(kw_only=True)
class Brief:
    """What a marketer writes of a campaign: all that can be edited, and all that is approved."""

    name: str = attrs.field()
    topic: TopicId
    kind: Kind = "plain"
    criteria: tuple[Condition, ...] = ()
    """All must hold; none: everyone whom the gate allows."""
    channels: tuple[ChannelId, ...] = ()
    """In the order of preference: each person gets it once, through the first that they allow."""
    texts: Mapping[str, Texts] = attrs.field(factory=dict)
    """By language."""
    fold_sms: bool = True
    """Whether the Latvian letters of an SMS give way to what they are built on, to cost less."""
    holdout: int = attrs.field(default=HOLDOUT)
    starts_at: datetime = attrs.field(converter=aware)
    ends_at: datetime = attrs.field(converter=aware)
    """No message of it starts later."""

    @name.validator
    def _named(self, _attribute: object, value: str) -> None:
        if not 0 < len(value.strip()) <= _LONGEST_NAME:
            raise BadInput(f"a campaign's name has 1 to {_LONGEST_NAME} characters", code="bad-campaign")

    @holdout.validator
    def _some_left(self, _attribute: object, value: int) -> None:
        if not 0 <= value <= _MOST_HOLDOUT:
            raise BadInput(f"from 0 to {_MOST_HOLDOUT} percent can be held out", code="bad-campaign")

    def __attrs_post_init__(self) -> None:
        if self.ends_at <= self.starts_at:
            raise BadInput("a campaign must end after it starts", code="bad-campaign")


@attrs.frozen(kw_only=True)
class Campaign:
    """A campaign as it stands. *version* counts its changes; who changes it names the one they saw."""

    id: CampaignId
    brief: Brief
    state: State
    version: int
    reason: str | None
    written_by: str
    """A member's id, or `cli`: who wrote what stands in the brief."""
    submitted_by: str | None
    approved_by: str | None
    created_at: datetime
    changed_at: datetime

    @property
    def is_braked(self) -> bool:
        """It was paused by itself; nobody who pauses one has to say why."""
        return self.state is State.PAUSED and self.reason is not None

    @property
    def template(self) -> str:
        """What the queue calls its words."""
        return f"campaign/{self.id}"

    def key(self, channel: ChannelId) -> str:
        """What the queue calls its messages through *channel*, each unique for its person."""
        return f"campaign/{self.id}/{channel}"


@attrs.frozen
class Change:
    """One change of a campaign; *by* is a member's id, `cli` or `worker`."""

    version: int
    what: str
    by: str
    at: datetime
    reason: str | None


@attrs.frozen
class Problem:
    """Why a campaign cannot be submitted: a stable *code*, what is wrong in English, and where."""

    code: str
    message: str
    channel: ChannelId | None = None
    language: str | None = None


@attrs.frozen
class Counted:
    """Whom a campaign would reach through one channel, and how many it would not, by reason."""

    channel: ChannelId
    count: int
    """Those who would be sent something, those held out taken away."""
    held_out: int
    """About so many: who they are is decided when it starts."""
    excluded: Mapping[str, int]
    """`criteria`, `earlier-channel`, the gate's reasons, and those of the queue (`muted`, `no-address`, `cap-…`)."""


@attrs.frozen
class Selection:
    """Whom a campaign was planned for through one channel."""

    channel: ChannelId
    audience: UUID
    excluded: Mapping[str, int]
    planned: int
    refused: int
    held_out: int
    at: datetime


@attrs.frozen
class Progress:
    """Where the messages of one channel are: how many in each state, and why those that were not sent were not."""

    channel: ChannelId
    states: Mapping[str, int]
    reasons: Mapping[str, int]

    @property
    def total(self) -> int:
        return sum(self.states.values())


@attrs.frozen
class Limits:
    """What share of a campaign's mail may come back, and from how many messages on that is judged."""

    complaints: float
    bounces: float
    judged_from: int


@attrs.frozen
class CameBack:
    """What has come back of a campaign: *complaints* of mails *taken*, and *nobody* there among those that *ended*."""

    complaints: int
    taken: int
    nobody: int
    ended: int


@attrs.frozen
class TooMany:
    """Why a campaign is paused by itself: *part* of *whole* messages came back, credibly more than *at_most* of all."""

    what: Literal["complaints", "no-such-mailbox"]
    part: int
    whole: int
    at_most: float


@attrs.frozen
class Share:
    """*part* of *whole*, with a 95 % interval (Wilson)."""

    part: int
    whole: int
    low: float
    high: float

    @property
    def value(self) -> float:
        return self.part / self.whole if self.whole else 0.0


@attrs.frozen
class Effect:
    """How often something happened among those who were sent something and those held out, and the difference with
    its 95 % interval (Newcombe's hybrid score)."""

    what: str
    """`topic-stopped`, `topic-wanted`, `withdrawn`."""
    sent: Share
    held_out: Share
    difference: float
    low: float
    high: float


@attrs.frozen
class Results:
    """What came of a campaign, by channel; counts only, never who."""

    channel: ChannelId
    progress: Progress
    effects: tuple[Effect, ...]
