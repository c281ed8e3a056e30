"""What a person answered about counted links, and what an opening of one was: frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Literal
from uuid import UUID

import attrs

from placet.consents.model import Decision
from placet.delivery.model import MessageId
from placet.kernel.ids import Number, SubjectId

Said = Literal["portal", "with-consent"]
"""How an answer came; the last: the consent to offers by e-mail was withdrawn, and the permission with it."""


class Verdict(StrEnum):
    """What the opening of a counted link is taken for. The strings are stable."""

    PRESSED = "pressed"
    AGAIN = "again"
    """It was pressed before; that is noted once."""
    PROGRAM = "program"
    """A program, by its own word or by how it asks."""
    TOO_SOON = "too-soon"
    TOO_LATE = "too-late"
    BURST = "burst"
    """Another link of the same message was opened a moment ago: neither was a person."""


@attrs.frozen
class Table:
    """The numbers and words of `clicks.yaml`."""

    too_soon: timedelta
    within: timedelta
    burst: timedelta
    kept: timedelta
    hit_kept: timedelta
    prefetch: Mapping[str, frozenset[str]]
    programs: tuple[str, ...]


@attrs.frozen
class Question:
    """What is asked, in one language, as it is shown: `document` is what an answer commits to."""

    language: str
    title: str
    text: tuple[str, ...]
    yes: str
    no: str
    document: bytes = attrs.field(repr=False)

    @property
    def sha256(self) -> bytes:
        return sha256(self.document).digest()


@attrs.frozen
class Answer:
    """What a person said last."""

    decision: Decision
    said: Said
    at: datetime

    @property
    def allows(self) -> bool:
        return self.decision is Decision.GIVEN


@attrs.frozen
class Opening:
    """One opening of a link: its *place* in the letter, how it was asked for, by whom by their own word."""

    place: int
    method: str
    headers: Mapping[str, str] = attrs.field(repr=False)
    """With names in lower case; looked at, and kept nowhere."""
    at: datetime


@attrs.frozen
class Counted:
    """A message whose links are counted, and what is known of it."""

    message: MessageId
    subject: SubjectId
    number: Number
    at: datetime
    """When it started."""
    hit_at: datetime | None = None
    hit_place: int | None = None
    pressed_at: datetime | None = None


@attrs.frozen
class Pressed:
    """What the person pressed, as they see it."""

    message: MessageId
    campaign: UUID
    topic: str
    sent_at: datetime
    pressed_at: datetime
