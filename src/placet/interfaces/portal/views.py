"""
What the pages show, as frozen values without a database behind them: templates can be looked at with samples,
and the rest of Placet can change without a template noticing.
"""

from __future__ import annotations

from datetime import datetime

import attrs
from markupsafe import Markup

UNKNOWN = "unknown"
NOES = frozenset({"refused", "withdrawn", "objected"})


@attrs.frozen
class Controller:
    """Who asks, in the reader's language."""

    name: str
    brand: str
    registration: str
    address: str
    email: str
    phone: str
    website: str
    privacy_policy: str
    authority: str
    authority_website: str

    @property
    def phone_link(self) -> str:
        return "".join(character for character in self.phone if character in "+0123456789")

    @property
    def website_name(self) -> str:
        return self.website.removeprefix("https://").removeprefix("www.").rstrip("/")


@attrs.frozen
class NoticeView:
    """One purpose as anyone may read it."""

    purpose: str
    title: str
    summary: str
    html: Markup


@attrs.frozen
class Switch:
    """One channel of a purpose. Nothing is ticked while the person has not said anything."""

    id: str
    title: str
    yes: str
    no: str
    decision: str = UNKNOWN

    @property
    def is_no(self) -> bool:
        return self.decision in NOES


@attrs.frozen
class Answer:
    """One of the two answers, in the words of the rendered form."""

    value: str
    label: str


@attrs.frozen
class Question:
    """One purpose as it is asked. *shown* is the SHA-256 (hex) of the document that *html* and all labels come from."""

    purpose: str
    title: str
    summary: str
    html: Markup
    shown: str
    question: str
    answers: tuple[Answer, ...]
    channels_question: str | None
    switches: tuple[Switch, ...]
    later: str = "/"


@attrs.frozen
class Card(Question):
    """One purpose on the first page of a customer who is signed in, with where it stands."""

    decision: str = UNKNOWN
    since: datetime | None = None
    until: datetime | None = None


@attrs.frozen
class Tally:
    given: int
    closed: int
    undecided: int
    to_confirm: int

    @classmethod
    def of(cls, cards: tuple[Card, ...]) -> Tally:
        decisions = [card.decision for card in cards]
        given = decisions.count("given")
        closed = sum(decision in NOES for decision in decisions)
        undecided = decisions.count(UNKNOWN)
        return cls(given, closed, undecided, len(decisions) - given - closed - undecided)


@attrs.frozen
class Proof:
    """The checkpoint that covers an entry."""

    size: int


@attrs.frozen
class Entry:
    """One record of the history. *text* is what was shown then; None where the list leaves it out or none exists."""

    record: str
    position: int
    title: str
    channel: str | None
    decision: str
    occurred_at: datetime
    recorded_at: datetime
    route: str
    actor: str
    language: str | None
    notice_version: str | None
    sha256: str | None
    text: Markup | None = None
    proof: Proof | None = None


@attrs.frozen
class ReceiptLink:
    record: str
    title: str


@attrs.frozen
class Result:
    """What a decision led to. *html* and *shown* are for giving (again) from the same page."""

    purpose: str
    title: str
    decision: str
    since: datetime
    switches: tuple[Switch, ...]
    receipts: tuple[ReceiptLink, ...]
    html: Markup
    shown: str


@attrs.frozen
class Sample:
    """An invented customer of the demonstration."""

    name: str
    contact: str


@attrs.frozen
class Letter:
    """What the demonstration would have sent."""

    contact: str
    code: str
    sent_at: datetime
