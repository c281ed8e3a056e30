"""
What the pages show, as frozen values without a database behind them: templates can be looked at with samples,
and the rest of Placet can change without a template noticing.
"""

from __future__ import annotations

from datetime import datetime

import attrs
from markupsafe import Markup

from placet.interfaces.web.choices import NOES, UNKNOWN, Switch
from placet.purposes.offers.surveys.handing import InApp


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
class Benefit:
    """One thing that a yes brought the person."""

    at: datetime
    text: str


@attrs.frozen
class Used:
    """How often somebody's data was used, and when last."""

    count: int
    last_at: datetime


@attrs.frozen
class Card(Question):
    """One purpose on the first page of a customer who is signed in, with where it stands."""

    decision: str = UNKNOWN
    since: datetime | None = None
    until: datetime | None = None
    brought: tuple[Benefit, ...] = ()
    used: Used | None = None


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
class UsesOf:
    """What one purpose did with somebody's data, by activity, the latest first. *purpose* None: what needs no yes."""

    purpose: str | None
    title: str | None
    activities: tuple[ActivityUses, ...]

    @property
    def count(self) -> int:
        return sum(activity.count for activity in self.activities)


@attrs.frozen
class ActivityUses:
    title: str
    count: int
    last_at: datetime


@attrs.frozen
class UseLine:
    """One use: what ran, on which data, and under what."""

    at: datetime
    title: str
    data: tuple[str, ...]
    basis: str
    checked: bool
    together: bool
    """Whether many people's data was used at once."""
    outcome: str


@attrs.frozen
class ClockPlace:
    """One place that had to stop, in words; *stopped_at* None while it has not said so."""

    kind: str
    name: str | None
    stopped_at: datetime | None
    late: bool


@attrs.frozen
class StopClock:
    """When processing ended after a no, everywhere; *stopped_at* None while a place is still to confirm."""

    record: str
    title: str
    since: datetime
    places: tuple[ClockPlace, ...]
    stopped_at: datetime | None


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


@attrs.frozen(repr=False)
class MandateLine:
    """A mandate as one of its two sides reads it; *name* is the other's."""

    id: str
    name: str | None
    kind: str
    purposes: tuple[str, ...]
    everything: bool
    since: datetime
    until: datetime | None
    holds: bool
    may_be_ended: bool


@attrs.frozen(repr=False)
class Line:
    """That somebody stands to a phone line as something."""

    number: str
    role: str
    since: datetime
    until: datetime | None


@attrs.frozen
class Paused:
    """A consent that waits to be confirmed, since something happened to a line."""

    purpose: str
    title: str
    channel: str | None
    since: datetime


@attrs.frozen(repr=False)
class RequestLine:
    """A request and where it stands; *urgency* as `rights.rules.escalation` tells it."""

    id: str
    kind: str
    state: str
    route: str
    received_at: datetime
    due: datetime
    urgency: str
    closed_at: datetime | None
    text: str | None
    outcome: str | None
    is_open: bool


@attrs.frozen(repr=False)
class RequestStep:
    kind: str
    at: datetime
    actor: str
    note: str | None


@attrs.frozen(repr=False)
class ContactLine:
    """A contact that a code can be sent to, as a form names it and as it is read."""

    alias: str
    value: str


@attrs.frozen
class Held:
    """What is held on one basis, or for one purpose; *explained* tells what happens with it now."""

    id: str
    title: str
    explained: tuple[str, ...]
    tables: tuple[HeldTable, ...]


@attrs.frozen(repr=False)
class HeldTable:
    """One kind of data: why it is held, for how long, and its first rows as names and values."""

    title: str
    why: str
    until: str
    rows: tuple[tuple[tuple[str, str], ...], ...]
    more: bool
    address: str | None
    """The page that shows these rows better."""


@attrs.frozen
class StaffOpening:
    """A member's access to the record, with its end."""

    at: datetime
    until: datetime | None
    role: str
    shop: str | None
    reason: str
    proof: str


@attrs.frozen
class StaffRead:
    """What a member looked at."""

    at: datetime
    role: str
    shop: str | None
    what: str
    reason: str


@attrs.frozen
class Stays:
    """What an erasure leaves, and for how long."""

    what: str
    until: str


@attrs.frozen
class Resting:
    """What is restricted (GDPR 18); *title* None: everything. *lifting_at*: from when on it may end."""

    id: str
    title: str | None
    ground: str
    since: datetime
    lifting_at: datetime | None


@attrs.frozen
class MessageLine:
    """A message that was meant for the customer, and what became of it; *title* is that of its activity."""

    kind: str
    title: str | None
    channel: str
    topic: str | None
    state: str
    reason: str | None
    planned_at: datetime
    changed_at: datetime
    not_before: datetime


@attrs.frozen(repr=False)
class InboxItem:
    """A text in the inbox of the app; *stop* leads to where it is ended, *survey* is what it invites to."""

    message: str
    kind: str
    topic: str | None
    title: str
    paragraphs: tuple[str, ...]
    at: datetime
    is_read: bool
    stop: str | None
    survey: InApp | None


@attrs.frozen
class TookPart:
    """A published month that somebody's consent covered, and about how many people together are in it."""

    release: str
    month: str
    public_at: datetime | None
    people: int | None
