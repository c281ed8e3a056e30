"""
A grant that a member of staff writes down has two halves, and nobody completes both alone. Pure: no clock, no database.

- At the desk the second half is the person's own: a code that came to a contact known before, or their signature.
- By phone and by letter it is another member's, who has heard the recording or seen the scan.
- A no needs no second half.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import attrs

from placet.consents.model import Actor, Refused
from placet.kernel import jcs
from placet.kernel.ids import ChannelId, MandateId, Number, PurposeId, RecordId, StaffId, SubjectId
from placet.kernel.periods import format_instant

HalfRoute = Literal["desk", "phone", "post"]
Way = Literal["code", "signature", "recording", "scan"]
HalfState = Literal["pending", "recorded", "not-admitted", "rejected", "cancelled"]

LASTS: dict[HalfRoute, timedelta] = {
    "desk": timedelta(minutes=30),
    "phone": timedelta(days=7),
    "post": timedelta(days=14),
}
"""How long a first half waits for the second."""

WAYS: dict[HalfRoute, frozenset[Way]] = {
    "desk": frozenset({"code", "signature"}),
    "phone": frozenset({"recording"}),
    "post": frozenset({"scan"}),
}
PERSONAL: frozenset[Way] = frozenset({"code", "signature"})
"""Ways in which the person completes the grant; the others are a second member's."""

EVIDENCE_TYPE = "placet/assisted/v1"


@attrs.frozen
class FirstHalf:
    """What a member wrote down. *grants*: channels that were given, None the purpose itself."""

    subject: SubjectId
    purpose: PurposeId
    grants: tuple[ChannelId | None, ...]
    route: HalfRoute
    language: str
    shown: bytes
    by: StaffId
    opening: UUID
    reference: str | None = attrs.field(default=None, repr=False)
    """Of the recording or the scan."""
    said_at: datetime | None = None
    """When it was said or written; None: it is said with the second half."""
    representative: SubjectId | None = None
    mandate: MandateId | None = None

    @property
    def actor(self) -> Actor:
        """Whose word it is: a representative's, else the person's, written down by a member."""
        if self.representative is not None:
            return Actor("representative", str(self.representative))
        return Actor("agent", str(self.by))


@attrs.frozen
class Half:
    """A first half as it is kept, with what became of it."""

    id: UUID
    number: Number
    first: FirstHalf
    first_at: datetime
    expires_at: datetime
    challenge: UUID | None = None
    state: HalfState = "pending"
    way: Way | None = None
    second_by: StaffId | None = None
    second_at: datetime | None = None
    records: tuple[RecordId, ...] = ()
    told: str | None = None

    def waits(self, now: datetime) -> bool:
        """Does it still wait for its second half at *now*?"""
        return self.state == "pending" and now < self.expires_at


@attrs.frozen
class SecondHalf:
    """Who completes it and how; *by* None: the person. *image*: the keyed hash of a signature (hex)."""

    way: Way
    at: datetime
    by: StaffId | None = None
    image: str | None = None


def may_complete(half: Half, second: SecondHalf) -> Refused | None:
    """None when *second* completes *half*; else why not, in this order."""
    if half.state != "pending":
        return Refused("half-settled", "this grant was settled already; nothing more was recorded")
    if second.at >= half.expires_at:
        return Refused("half-expired", "this grant waited too long for its second half; ask the customer again")
    if second.way not in WAYS[half.first.route]:
        return Refused("other-way", "a grant by this route is completed in another way; nothing was recorded")
    if (second.way in PERSONAL) is (second.by is not None):
        return Refused("other-way", "a code or signature is the customer's, a check is a colleague's")
    if second.by == half.first.by:
        return Refused("same-person", "whoever wrote the grant down cannot complete it; a colleague must")
    return None


def evidence(half: Half, second: SecondHalf | None) -> bytes:
    """Both halves as they stand in the record's evidence: canonical JSON (RFC 8785), to be sealed."""
    first = half.first
    return jcs.canonical(
        {
            "type": EVIDENCE_TYPE,
            "route": first.route,
            "reference": first.reference,
            "first": {"by": str(first.by), "at": format_instant(half.first_at), "opening": str(first.opening)},
            "second": None if second is None else _second(second),
        }
    )


def _second(second: SecondHalf) -> dict[str, str | None]:
    return {
        "by": "customer" if second.by is None else str(second.by),
        "at": format_instant(second.at),
        "way": second.way,
        "image": second.image,
    }
