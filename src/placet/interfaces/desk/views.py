"""What the desk's pages show, as frozen values without a database behind them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import attrs
from markupsafe import Markup

from placet.access.openings import Opening
from placet.consents.halves import Half
from placet.interfaces.web.choices import NOES, Switch
from placet.subjects.model import Alias


@attrs.frozen(repr=False)
class Result:
    """Somebody who fits a search, as far as a stranger may see them."""

    subject: UUID
    initials: str
    contacts: tuple[str, ...]
    open_until: datetime | None = None
    """Until when this member has the record open, if they have."""


@attrs.frozen(repr=False)
class Held:
    """A record that this member has open."""

    subject: UUID
    initials: str
    contacts: tuple[str, ...]
    until: datetime


@attrs.frozen(repr=False)
class Mandated:
    """Somebody who may decide for the person at present."""

    id: UUID
    kind: str
    initials: str


@attrs.frozen(repr=False)
class Panel:
    """The left column: who it is, how that is known, for how long, and who else looks."""

    subject: UUID
    name: str | None
    contacts: tuple[Alias, ...]
    language: str
    born: str | None
    opening: Opening
    until: datetime
    minutes: int
    others: tuple[Opening, ...]
    representative: str | None


@attrs.frozen
class Row:
    """One purpose of the record."""

    purpose: str
    title: str
    decision: str
    since: datetime | None
    switches: tuple[Switch, ...]
    waits: bool
    """Whether a first half waits for it."""
    rests_until: datetime | None = None
    """After a no: until when the person is not asked again, unless they speak of it themselves."""

    @property
    def is_given(self) -> bool:
        return self.decision == "given"

    @property
    def is_no(self) -> bool:
        return self.decision in NOES


@attrs.frozen
class Paper:
    """A text that a letter may carry; *fingerprint* begins its SHA-256."""

    shown: str
    version: str

    @property
    def fingerprint(self) -> str:
        return self.shown[:8]


@attrs.frozen
class Script:
    """A text to read aloud with its answers: all of it from the document whose SHA-256 is *shown*."""

    purpose: str
    title: str
    language: str
    route: str
    html: Markup
    offered: Markup
    """The answers as a letter offers them, to be marked with a pen."""
    version: str
    shown: str
    question: str
    give: str
    refuse: str
    channels_question: str | None
    switches: tuple[Switch, ...]
    is_given: bool
    rests_until: datetime | None = None
    """After a no: until when the person is not asked again, unless they speak of it themselves."""
    papers: tuple[Paper, ...] = ()

    @property
    def fingerprint(self) -> str:
        """How the SHA-256 begins: enough to tell papers apart."""
        return self.shown[:8]


@attrs.frozen(repr=False)
class Waiting:
    """A first half, and what it is about."""

    half: Half
    title: str
    channels: tuple[str, ...]
    """Titles of the channels; empty when the purpose alone is granted."""
    with_purpose: bool
    first_by: str
    initials: str = ""
    contacts: tuple[str, ...] = ()
    text: Markup | None = None


@attrs.frozen
class Letter:
    """What the demonstration would have sent."""

    contact: str
    code: str
    sent_at: datetime


@attrs.frozen(repr=False)
class Line:
    """One record of the history."""

    record: str
    position: int
    title: str
    channel: str | None
    decision: str
    occurred_at: datetime
    recorded_at: datetime
    route: str
    actor: str
    version: str | None
    sha256: str | None
    text: Markup | None = None


@attrs.frozen(repr=False)
class Asked:
    """A request in the queue."""

    id: UUID
    kind: str
    state: str
    route: str
    received_at: datetime
    due: datetime
    days: int
    """Since it was received."""
    escalation: str
    owner: str | None
    initials: str


@attrs.frozen
class Resting:
    """A restriction that lasts (GDPR 18); *title* None: of all purposes."""

    id: str
    title: str | None
    ground: str
    since: datetime
    lifting_at: datetime | None
    is_due: bool
    """Whether the customer was told, and the day named has come."""


@attrs.frozen
class Stays:
    """What an erasure leaves, why, until when, and by which law."""

    what: str
    until: str
    law: str | None


@attrs.frozen
class Means:
    """What a request's page offers so that what is asked can be done there."""

    purposes: tuple[tuple[str, str], ...] = ()
    resting: tuple[Resting, ...] = ()
    ends: tuple[str, ...] = ()
    """Titles of what the objection ends at once; empty where it must be weighed."""
    erases: bool = False
    """Whether this member may carry the erasure out."""
    is_erased: bool = False


@attrs.frozen
class Rate:
    """A member or shop beside its peers."""

    who: str
    asked: int
    given: int
    rate: float
    low: float
    high: float
    peers_asked: int
    peers_given: int
    peers_rate: float
    standing: str


@attrs.frozen
class DueCall:
    """A call that may be made; it does not say whose."""

    message: str
    kind: str
    title: str | None
    topic: str | None
    language: str
    attempts: int
    not_after: datetime


@attrs.frozen(repr=False)
class CallInHand:
    """A call that a member has opened: whom they call, and what they read out, in *language*."""

    message: str
    name: str | None
    number: str
    kind: str
    title: str | None
    topic: str | None
    language: str
    attempt: int
    opened_at: datetime
    heading: str
    paragraphs: tuple[str, ...]
