"""What lies in the lake, what was wrong with what arrived, and what may be read of it: frozen values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import attrs

from placet.gate.model import Token

if TYPE_CHECKING:
    import pyarrow as pa

SHARDS = 16
"""A day's events lie in so many files: a person's are in the one of `number % SHARDS`."""


class Fault(StrEnum):
    """Why a row was not taken in. The strings are stable: reports and docs/how-to/mobility-events.md use them."""

    SYNTAX = "syntax"
    NO_ZONE = "no-zone"
    BAD_TIME = "bad-time"
    FUTURE = "future"
    OTHER_DAY = "other-day"
    UNKNOWN_SUBJECT = "unknown-subject"
    NO_CONSENT = "no-consent"
    UNKNOWN_CELL = "unknown-cell"
    DUPLICATE = "duplicate"


REASONS: Mapping[Fault, str] = {
    Fault.SYNTAX: "the row cannot be read: it needs subject, at, cell, and load as bytes, a whole number from 0",
    Fault.NO_ZONE: "the time has no zone: write it with its offset, as 2026-10-05T08:00:03+03:00, or in UTC with Z",
    Fault.BAD_TIME: "the time cannot be read: write it as 2026-10-05T08:00:03+03:00",
    Fault.FUTURE: "the time lies in the future: check the clock and the zone of what wrote it",
    Fault.OTHER_DAY: "the time lies on another local day than the one that is delivered",
    Fault.UNKNOWN_SUBJECT: "nobody is known by this subject, or it was somebody else's at that time",
    Fault.UNKNOWN_CELL: "no such cell stood at that time: deliver the table of cells first",
    Fault.DUPLICATE: "the same event stands in the delivery before",
}
"""For whoever mends the delivery. Rows without consent are counted and not listed: the list would tell of them."""


@attrs.frozen
class Suspect:
    """A cell whose events fit their people's other events only if its clock is set right by *shift* seconds."""

    cell: str
    shift: int
    events: int


@attrs.frozen
class Part:
    """One file of a day: how many rows it has, and its SHA-256 (hex)."""

    rows: int
    sha256: str


@attrs.frozen
class Manifest:
    """
    What stands of a day, and what became of the rows that were delivered for it. It is written last, in one step, and
    names the folder of the files: what it does not name is not there.
    """

    day: date
    zone: str
    epoch: str
    """Of the database. One that is restored may give dense numbers again, so a day of another epoch tells nothing."""
    version: str
    source: str
    """SHA-256 (hex) of the file that was delivered."""
    read: int
    rows: int
    parts: Mapping[str, Part]
    """By shard, two digits; an empty one has no file."""
    faults: Mapping[str, int]
    ingested_at: datetime
    suspects: Sequence[Suspect] = ()
    deleted: int = 0
    """Rows that were deleted since: of people who withdrew or were erased."""


@attrs.frozen
class Under:
    """The audience that something was read under: the gate's yes for many (`Audience`)."""

    id: UUID
    sha256: bytes
    token: Token
    as_of: datetime


@attrs.frozen(eq=False)
class Scan:
    """
    Events that may be read, and of whom: `Lake.scan` makes it. Whoever reads keeps to `participants`: an event counts
    only if its number is among them and its time lies in the span.
    """

    days: Sequence[date]
    """The days that were asked for, in order, whether or not anything stands of them."""
    participants: pa.Table = attrs.field(repr=False)
    """number int32 · since int64 · until int64 (UTC seconds, half-open): members of the audience only, one row each."""
    audience: Under
    files: Mapping[tuple[date, int], Path] = attrs.field(repr=False)
    shards: Sequence[int] = tuple(range(SHARDS))
    missing: Sequence[date] = ()
    """The days that were asked for and of which nothing was delivered."""

    def paths(self, day: date, shard: int) -> Path | None:
        """
        The file of one shard of one day; None when nothing stands there.

        number int32 · at int64 (UTC seconds) · cell int32 · load int64 (bytes), sorted by number, at, cell.
        """
        return self.files.get((day, shard))
