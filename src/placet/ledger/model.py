"""What the ledger holds. It knows purposes, channels and decisions as words only."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import attrs

from placet.kernel.ids import Position, SubjectId
from placet.ledger.entries import event_entry


# Frozen values without slots are made in half the time, and of these an import makes a million.
@attrs.frozen(slots=False)
class Head:
    """Where the ledger ends. Valid as long as the transaction that locked it."""

    epoch: str
    position: Position
    recorded_at: datetime


@attrs.frozen(slots=False)
class Row:
    """One place in the ledger: a record (`entry` is its commitment) or an event in clear (`entry` is None)."""

    position: Position
    id: UUID
    recorded_at: datetime
    body: bytes
    entry: bytes | None
    subject: SubjectId | None = None
    purpose: str | None = None
    channel: str | None = None
    decision: str | None = None
    occurred_at: datetime | None = None

    @property
    def logged(self) -> bytes:
        """The bytes that stand in the public log: 33 for a record, `0x02 ‖ body` for an event."""
        return event_entry(self.body) if self.entry is None else self.entry
