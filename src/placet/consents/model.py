"""Decisions, records and states. Terms follow the W3C Data Privacy Vocabulary's consent status."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, Literal
from uuid import UUID

import attrs

from placet.kernel import jcs
from placet.kernel.ids import ChannelId, MandateId, Number, Position, PurposeId, RecordId, SubjectId
from placet.kernel.periods import aware, format_instant


class Decision(StrEnum):
    """What a record says. The first four are said by people, the others follow from events."""

    GIVEN = "given"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    OBJECTED = "objected"
    REQUESTED = "requested"
    EXPIRED = "expired"
    INVALIDATED = "invalidated"
    SUSPENDED = "suspended"


CLOSING = frozenset({Decision.REFUSED, Decision.WITHDRAWN, Decision.OBJECTED})
"""A person's no."""
LAPSED = frozenset({Decision.EXPIRED, Decision.INVALIDATED, Decision.SUSPENDED})
"""A yes that holds no longer although nobody took it back."""
SPOKEN = CLOSING | {Decision.GIVEN}
"""What people say."""

Route = Literal["portal", "desk", "phone", "sms", "post", "api", "import"]
ROUTES: frozenset[str] = frozenset({"portal", "desk", "phone", "sms", "post", "api", "import"})
DATED_ROUTES: frozenset[str] = frozenset({"import", "post", "phone", "desk"})
"""The routes on which a decision is written down later than it was said, so they may supply `occurred_at`."""

ActorKind = Literal["subject", "representative", "agent", "client", "system"]


@attrs.frozen
class Actor:
    """Who acted. *id* is a pseudonym: a subject's, an agent's or an API client's id, never a name."""

    kind: ActorKind
    id: str | None = None


@attrs.frozen
class Provenance:
    """Where an imported decision comes from. Grade A: signed by the person; B: a system's log; C: asserted."""

    source: str
    grade: Literal["A", "B", "C"]
    collected_at: datetime = attrs.field(converter=aware)


# Frozen values without slots are made in half the time, and of these an import makes a million.
@attrs.frozen(slots=False)
class Wish:
    """A decision as it arrives, before any rule has seen it. Words are as the caller wrote them."""

    subject: SubjectId
    purpose: PurposeId
    decision: str
    route: str
    actor: Actor
    channel: ChannelId | None = None
    language: str | None = None
    shown: bytes | None = None
    """SHA-256 of the text that was shown (`catalogue.render`); a yes needs it."""
    notice_version: str | None = None
    """For imports: the version of the notice the yes was said on."""
    occurred_at: datetime | None = None
    mandate: MandateId | None = None
    evidence: bytes | None = None
    """Reference of a recording, a letter, a signature; kept sealed, only its keyed hash enters the record."""
    provenance: Provenance | None = None
    reason: str | None = None
    """Why a state lapsed: the line event, the expiry (records of the system only)."""
    idempotency_key: bytes | None = None
    """Hash of the client and its key."""


@attrs.frozen
class Notice:
    """Which text a decision was said on: *sha256* (hex) commits to what was rendered."""

    version: str
    sha256: str | None

    @property
    def major(self) -> int:
        return _major(self.version)


@lru_cache(1024)
def _major(version: str) -> int:
    return int(version.partition(".")[0])


@attrs.frozen(slots=False)
class Record:
    """One decision in the ledger."""

    id: RecordId
    subject: SubjectId
    purpose: PurposeId
    channel: ChannelId | None
    decision: Decision
    route: str
    actor: Actor
    occurred_at: datetime
    recorded_at: datetime
    language: str | None = None
    notice: Notice | None = None
    mandate: MandateId | None = None
    evidence: str | None = None
    """Hex of the keyed hash of the sealed evidence."""
    provenance: Provenance | None = None
    reason: str | None = None
    position: Position | None = None
    """Not part of the body: the inclusion proof tells the place."""

    @property
    def body(self) -> bytes:
        """The canonical JSON (RFC 8785) that is committed to."""
        return jcs.canonical(as_json(self))


def as_json(record: Record) -> dict[str, Any]:
    """The record's closed shape: every key is always there, absent values are null."""
    notice, provenance = record.notice, record.provenance
    return {
        "actor": {"id": record.actor.id, "kind": record.actor.kind},
        "channel": record.channel,
        "decision": record.decision.value,
        "evidence": record.evidence,
        "id": str(record.id),
        "language": record.language,
        "mandate": None if record.mandate is None else str(record.mandate),
        "notice": None if notice is None else {"sha256": notice.sha256, "version": notice.version},
        "occurred_at": format_instant(record.occurred_at),
        "provenance": None
        if provenance is None
        else {
            "collected_at": format_instant(provenance.collected_at),
            "grade": provenance.grade,
            "source": provenance.source,
        },
        "purpose": record.purpose,
        "reason": record.reason,
        "recorded_at": format_instant(record.recorded_at),
        "route": record.route,
        "subject": str(record.subject),
        "type": "record",
    }


def from_json(body: Mapping[str, Any], position: Position | None = None) -> Record:
    """Read what `as_json` wrote."""
    notice, provenance, mandate = body["notice"], body["provenance"], body["mandate"]
    return Record(
        id=RecordId(UUID(body["id"])),
        subject=SubjectId(UUID(body["subject"])),
        purpose=PurposeId(body["purpose"]),
        channel=None if body["channel"] is None else ChannelId(body["channel"]),
        decision=Decision(body["decision"]),
        route=body["route"],
        actor=Actor(**body["actor"]),
        occurred_at=datetime.fromisoformat(body["occurred_at"]),
        recorded_at=datetime.fromisoformat(body["recorded_at"]),
        language=body["language"],
        notice=None if notice is None else Notice(**notice),
        mandate=None if mandate is None else MandateId(UUID(mandate)),
        evidence=body["evidence"],
        provenance=None
        if provenance is None
        else Provenance(provenance["source"], provenance["grade"], datetime.fromisoformat(provenance["collected_at"])),
        reason=body["reason"],
        position=position,
    )


@attrs.frozen(slots=False)
class State:
    """Where a subject stands on one purpose (or one of its channels)."""

    decision: Decision
    position: Position
    occurred_at: datetime
    recorded_at: datetime
    closed_at: datetime | None = None
    """`occurred_at` of the latest no (or suspension): a yes that is not later than it is kept and ignored."""
    closed_by_self: bool = False
    """Whether that no was the subject's own: then no representative's yes opens it again."""
    notice_major: int | None = None
    expires_at: datetime | None = None

    def seen_at(self, at: datetime, *, major_in_force: int | None) -> Decision:
        """The state as it counts at *at*: an expiry or a new major version binds before any worker has written it."""
        if self.decision is not Decision.GIVEN:
            return self.decision
        if self.expires_at is not None and at >= self.expires_at:
            return Decision.EXPIRED
        if major_in_force is not None and self.notice_major is not None and self.notice_major < major_in_force:
            return Decision.INVALIDATED
        return Decision.GIVEN


Standing = Mapping[ChannelId | None, State]
"""A subject's states for one purpose; None is the purpose itself."""


@attrs.frozen
class Effect:
    """What one record changed: the states it wrote. Empty when it was kept and ignored."""

    number: Number
    purpose: PurposeId
    changed: Mapping[ChannelId | None, State]


@attrs.frozen(slots=False)
class Recorded:
    """A wish that is in the ledger."""

    record: RecordId
    position: Position
    epoch: str
    ignored: bool = False
    """Kept as evidence, but an older yes does not override a newer no."""
    replayed: bool = False
    """The same idempotency key was answered before; nothing was written again."""

    @property
    def token(self) -> str:
        return f"{self.epoch}.{self.position}"


@attrs.frozen
class Refused:
    """A wish that was not recorded. *message* says what to do; it holds no personal data."""

    code: str
    message: str


Outcome = Recorded | Refused
