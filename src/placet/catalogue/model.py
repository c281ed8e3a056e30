"""
What an operator asks its customers, as frozen values: controller, purposes with their notices, activities.

Every word a person sees comes from here; `render` turns it into the one text that is shown and hashed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import timedelta
from functools import cached_property
from types import MappingProxyType
from typing import Literal, TypeVar

import attrs

from placet.kernel.errors import BadInput
from placet.kernel.ids import ActivityId, ChannelId, PurposeId

Route = Literal["portal", "desk", "phone", "sms", "post", "api"]
ROUTES: tuple[Route, ...] = ("portal", "desk", "phone", "sms", "post", "api")
"""How a text can reach a person. An import shows none: its records name the text of their source."""

LegalBasis = Literal["consent", "contract", "legal-obligation", "legitimate-interest"]
"""GDPR 6(1)(a), (b), (c), (f)."""

ByLanguage = Mapping[str, str]

K = TypeVar("K")
V = TypeVar("V")


@attrs.frozen(order=True)
class Version:
    """`major.minor`: a new major changes what is agreed to, a new minor only how it is worded."""

    major: int
    minor: int

    @classmethod
    def parse(cls, text: str) -> Version:
        match = re.fullmatch(r"([1-9]\d{0,5})\.(0|[1-9]\d{0,5})", text)
        if match is None:
            raise BadInput(f"a version looks like 1.0 or 2.3, not {text!r}", code="bad-version")
        return cls(int(match[1]), int(match[2]))

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


@attrs.frozen
class Controller:
    """Who answers for the processing (GDPR 13(1)(a)); `brand` is the name customers know."""

    name: str
    brand: str
    registration: str
    address: ByLanguage
    email: str
    phone: str
    website: str
    privacy_policy: ByLanguage
    authority: ByLanguage
    authority_website: str


@attrs.frozen
class Channel:
    """A way to reach a person. `line_tied`: it ends with the phone line, so a recycled number suspends it."""

    id: ChannelId
    line_tied: bool
    titles: ByLanguage


@attrs.frozen
class DataCategory:
    """A kind of data, named once, so that rules and notices cannot tell it differently."""

    id: str
    dpv: str
    titles: ByLanguage


@attrs.frozen
class Recipient:
    """Who else gets to see data (GDPR 13(1)(e))."""

    id: str
    titles: ByLanguage


@attrs.frozen
class Retention:
    """How long data is kept, counted from `after`; zero days means it is deleted at once."""

    days: int
    after: Literal["collection", "withdrawal", "contract-end", "use"]


@attrs.frozen
class Notice:
    """The text of one purpose in one language; what is common to all purposes stands in `Wording`."""

    title: str
    summary: str
    opens: tuple[str, ...]
    examples: tuple[str, ...]
    never: tuple[str, ...]
    retention: str
    refused: str
    sms: str


@attrs.frozen
class Purpose:
    """One of the decisions a customer makes. `valid_for` None: the consent holds until it is withdrawn."""

    id: PurposeId
    version: Version
    channels: tuple[ChannelId, ...]
    line_tied: bool
    valid_for: timedelta | None
    dpv: tuple[str, ...]
    data: tuple[str, ...]
    recipients: tuple[str, ...]
    retention: Retention
    automated: bool
    notices: Mapping[str, Notice]

    def notice(self, language: str) -> Notice:
        if (notice := self.notices.get(language)) is None:
            known = ", ".join(self.notices)
            raise BadInput(f"{self.id} has no text in {language!r}; choose one of {known}", code="unknown-language")
        return notice


@attrs.frozen
class Officer:
    """The data-protection officer, as the operator published the contact (GDPR 37(7))."""

    name: str | None
    email: str
    phone: str | None


@attrs.frozen
class ProcessingTerms:
    """What the record of processing says of every activity (GDPR 30(1)); an empty text is not stated yet."""

    officer: Officer | None = None
    subjects: ByLanguage = attrs.field(factory=dict)
    transfers: ByLanguage = attrs.field(factory=dict)
    security: ByLanguage = attrs.field(factory=dict)


@attrs.frozen
class Activity:
    """
    A processing activity (GDPR 30): all of `needs` must be given, over `channel` where it sends.

    `recipients` are its own, beside those of its purposes.
    """

    id: ActivityId
    needs: tuple[PurposeId, ...]
    channel: ChannelId | None
    data: tuple[str, ...]
    legal_basis: LegalBasis | None
    law: str | None
    retention: Retention
    mission: tuple[str, ...]
    titles: ByLanguage
    recipients: tuple[str, ...] = ()


@attrs.frozen
class Wording:
    """What every notice of one language shares: headings, answers, the sentences on rights, the scripts."""

    headings: Mapping[str, str]
    question: str
    give: str
    refuse: str
    channels_question: str
    yes: str
    no: str
    free: str
    withdrawal: str
    past: str
    again: str
    rights: str
    complaint: str
    controller: str
    privacy_policy: str
    phone: tuple[str, ...]
    desk: tuple[str, ...]
    sms: str
    post_opening: tuple[str, ...]
    post_closing: tuple[str, ...]


@attrs.frozen(eq=False)
class Catalogue:
    """
    Everything an operator publishes at once. `document` is the canonical JSON it was read from;
    two catalogues are equal when their documents are, byte for byte.
    """

    id: str
    version: Version
    languages: tuple[str, ...]
    controller: Controller
    variables: Mapping[str, Mapping[str, str]]
    channels: Mapping[ChannelId, Channel]
    data: Mapping[str, DataCategory]
    recipients: Mapping[str, Recipient]
    purposes: Mapping[PurposeId, Purpose]
    activities: Mapping[ActivityId, Activity]
    wording: Mapping[str, Wording]
    document: bytes = attrs.field(repr=False)
    processing: ProcessingTerms = ProcessingTerms()

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 of `document`."""
        return hashlib.sha256(self.document).digest()

    @cached_property
    def tied(self) -> tuple[tuple[PurposeId, ChannelId | None], ...]:
        """What stands and falls with a phone line: whole purposes, and single channels of the others."""
        whole = [(purpose.id, None) for purpose in self.purposes.values() if purpose.line_tied]
        single = [
            (purpose.id, channel)
            for purpose in self.purposes.values()
            for channel in purpose.channels
            if channel in self.channels and self.channels[channel].line_tied
        ]
        return (*whole, *single)

    def purpose(self, id: str) -> Purpose:
        if (purpose := self.purposes.get(PurposeId(id))) is None:
            known = ", ".join(self.purposes)
            raise BadInput(f"there is no purpose {id!r}; the catalogue has {known}", code="unknown-purpose")
        return purpose

    def activity(self, id: str) -> Activity:
        if (activity := self.activities.get(ActivityId(id))) is None:
            raise BadInput(f"there is no activity {id!r} in the catalogue", code="unknown-activity")
        return activity

    def needs_of(self, activity: Activity) -> tuple[tuple[PurposeId, ChannelId | None], ...]:
        """Each purpose that *activity* needs, with the channel where the purpose has that channel."""
        channel = activity.channel
        return tuple((need, channel if channel in self.purposes[need].channels else None) for need in activity.needs)

    def __eq__(self, other: object) -> bool:
        return self.document == other.document if isinstance(other, Catalogue) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.digest)


def frozen_mapping(items: Mapping[K, V]) -> Mapping[K, V]:
    """A read-only copy that keeps the order."""
    return MappingProxyType(dict(items))
