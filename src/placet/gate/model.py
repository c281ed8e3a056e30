"""Questions to the gate, what it knows when it answers, and its verdicts: frozen values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Self
from uuid import UUID

import attrs

from placet.kernel.errors import BadInput
from placet.kernel.ids import ActivityId, ChannelId, Number, PurposeId, SubjectId
from placet.kernel.periods import aware

CONSENT = "consent"
"""The legal basis of an activity that needs purposes (GDPR Art. 6(1)(a))."""

NOBODY = SubjectId(UUID(int=0))
"""For questions about everyone: no person has this id."""


class Reason(StrEnum):
    """Why the gate says no. The strings are stable: callers, audiences and docs/explanation/gate.md use them."""

    STALE = "stale"
    UNKNOWN_ACTIVITY = "unknown-activity"
    UNKNOWN_SUBJECT = "unknown-subject"
    ERASED = "erased"
    RESTRICTED = "restricted"
    NO_DECISION = "no-decision"
    REQUESTED = "requested"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    OBJECTED = "objected"
    EXPIRED = "expired"
    INVALIDATED = "invalidated"
    SUSPENDED = "suspended"
    NO_CHANNEL = "no-channel"
    CHANNEL_REQUESTED = "channel-requested"
    CHANNEL_REFUSED = "channel-refused"
    CHANNEL_WITHDRAWN = "channel-withdrawn"
    CHANNEL_OBJECTED = "channel-objected"
    CHANNEL_EXPIRED = "channel-expired"
    CHANNEL_INVALIDATED = "channel-invalidated"
    CHANNEL_SUSPENDED = "channel-suspended"
    STOP_SILENT = "stop-silent"
    # The replica keeps a few bits a person, so it names the group and not the word.
    CLOSED = "closed"
    LAPSED = "lapsed"


@attrs.frozen(order=False)
class Token:
    """`epoch.position`: an answer that honours it is never older than that position of that epoch."""

    epoch: str
    position: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a token that a caller sent back; anything else raises `BadInput`."""
        if (match := _TOKEN.fullmatch(text)) is None:
            raise BadInput("a token looks like 1a2b3c4d.57; send back what an answer gave you", code="bad-token")
        return cls(match["epoch"], int(match["position"]))

    def __str__(self) -> str:
        return f"{self.epoch}.{self.position}"


_TOKEN = re.compile(r"(?P<epoch>[0-9a-f]{8})\.(?P<position>0|[1-9][0-9]{0,17})", re.ASCII)


@attrs.frozen
class Question:
    """May *asked* (an activity, or a purpose by itself) happen for *subject* at the instant *at*?"""

    subject: SubjectId
    asked: ActivityId | PurposeId
    at: datetime = attrs.field(converter=aware)
    channel: ChannelId | None = None
    token: Token | None = None


@attrs.frozen
class Standing:
    """Where one purpose (or one channel of it) stands for one person."""

    decision: str
    notice_major: int | None = None
    expires_at: datetime | None = None


@attrs.frozen
class Need:
    """One purpose that an activity needs, with the channel it is sent through, if it sends."""

    purpose: PurposeId
    channel: ChannelId | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `str` writes."""
        purpose, _, channel = text.partition("/")
        return cls(PurposeId(purpose), ChannelId(channel) if channel else None)

    def __str__(self) -> str:
        return self.purpose if self.channel is None else f"{self.purpose}/{self.channel}"


@attrs.frozen
class Terms:
    """What the catalogue in force asks for; no needs means that *basis* names another legal basis than consent."""

    basis: str | None
    needs: tuple[Need, ...] = ()
    channel: ChannelId | None = None
    """What the activity is sent through; at least one of its needs must have that channel."""


@attrs.frozen
class Person:
    """A known person; *number* addresses the bitmaps and never leaves the house."""

    number: Number
    erased: bool = False
    restricted: bool = False
    """Every processing that rests on consent or legitimate interest is (GDPR 18)."""


Standings = Mapping[tuple[PurposeId, ChannelId | None], Standing]


@attrs.frozen
class Facts:
    """All that an answer depends on, read in one snapshot that ends at *ending*."""

    ending: Token
    terms: Terms | None = None
    person: Person | None = None
    standings: Standings = attrs.field(factory=dict)
    majors: Mapping[PurposeId, int] = attrs.field(factory=dict)
    restricted: frozenset[PurposeId] = frozenset()
    """Needs whose processing is restricted for this person."""
    closed: frozenset[PurposeId] = frozenset()
    """Needs that are closed for everyone: a place that must stop for them does not answer."""
    recorded_at: datetime | None = None
    """Of the record at *ending*."""


@attrs.frozen
class Yes:
    """It may happen, on *basis*, standing on the consents *needs*; *until* is when the first of them ends."""

    basis: str
    needs: tuple[Need, ...] = ()
    until: datetime | None = None


@attrs.frozen
class No:
    reason: Reason


Verdict = Yes | No
