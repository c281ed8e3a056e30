"""Identifiers, each its own type. Random ids are UUIDs; a subject also has a dense number for bitmaps."""

from __future__ import annotations

import os
from datetime import datetime
from typing import NewType
from uuid import UUID

from placet.kernel.errors import BadInput

SubjectId = NewType("SubjectId", UUID)
"""Random (UUID version 4): it tells nothing about the person."""

Number = NewType("Number", int)
"""Dense number of a subject, from 1, for bitmaps; never reused, never shown outside."""

RecordId = NewType("RecordId", UUID)
"""Identifier of a ledger record (UUID version 7, so that an index grows at its end)."""

_FIXED = 0x7000_8000_0000_0000_0000
_FREE = 0x0FFF_3FFF_FFFF_FFFF_FFFF

PurposeId = NewType("PurposeId", str)
ChannelId = NewType("ChannelId", str)
ActivityId = NewType("ActivityId", str)
"""`purpose.name`: an activity always has a dot, a purpose never (design: *Activities*)."""

LineId = NewType("LineId", UUID)
MandateId = NewType("MandateId", UUID)
StaffId = NewType("StaffId", UUID)
"""A member of the operator's staff."""

Position = NewType("Position", int)
"""Place in the ledger, from 1; the leaf index of the tree is `position - 1`."""


def new_subject_id() -> SubjectId:
    return SubjectId(UUID(bytes=os.urandom(16), version=4))


def new_record_id(now: datetime) -> RecordId:
    """A fresh UUID version 7 (RFC 9562 §5.7) whose time field is *now*."""
    # 48 bits of time in milliseconds, the version (7), 12 random bits, the variant (0b10), 62 random bits.
    milliseconds = int(now.timestamp() * 1000)
    return RecordId(UUID(int=milliseconds << 80 | _FIXED | int.from_bytes(os.urandom(10), "big") & _FREE))


def parse_uuid(text: str, *, what: str) -> UUID:
    """Read a UUID that a caller sent; *what* names it in the error."""
    try:
        return UUID(text)
    except (ValueError, AttributeError, TypeError):
        raise BadInput(f"{what} must be a UUID such as 3f8a1c2e-…; nothing was changed", code="bad-id") from None
