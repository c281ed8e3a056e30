"""
One row of an import: its columns, what it says, and why it is refused. Pure: no file, no clock, no database.

A row is judged twice. Here: can it be understood at all, does it name a subject, an instant, a provenance? Afterwards
`rules.admit` asks of it what it asks of every decision: is the purpose ours, the notice in force, the time possible?
"""

from __future__ import annotations

import csv
import difflib
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Literal, NamedTuple, TypeVar, cast

import attrs

from placet.consents.model import SPOKEN, Actor, Decision, Provenance, Refused, Wish
from placet.consents.rules import CLOCK_SLACK
from placet.kernel.errors import BadInput
from placet.kernel.ids import ChannelId, PurposeId, SubjectId, parse_uuid
from placet.kernel.periods import parse_instant
from placet.subjects.model import Alias

COLUMNS = (
    "subject", "purpose", "channel", "decision", "occurred_at", "notice_version", "language", "source", "grade",
    "collected_at", "evidence", "row_key",
)  # fmt: skip
REQUIRED = ("subject", "purpose", "decision", "occurred_at")
REPORTED = ("refused_line", "refused_code", "refused_reason", "refused_text")
"""What a file of refused rows has before the original columns. It may be imported again: these are passed over."""

EARLIEST = datetime(1992, 1, 1, tzinfo=UTC)
"""Before there were mobile operators here nobody decided anything: such a time is some system's default value."""
LONGEST = {"source": 100, "evidence": 2_000, "row_key": 200}
"""Characters."""

Named = Alias | SubjectId
Grade = Literal["A", "B", "C"]
V = TypeVar("V")

_THE_SUBJECT = Actor("subject")
_DELIMITERS = ",;\t|"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@attrs.frozen
class Defaults:
    """Provenance for rows that do not name their own (`--source`, `--grade`)."""

    source: str | None = None
    grade: Grade | None = None


class Said(NamedTuple):
    """A row that was understood. A tuple, since a million of them are made."""

    named: Named
    purpose: PurposeId
    channel: ChannelId | None
    decision: str
    occurred_at: datetime
    notice_version: str | None
    language: str | None
    provenance: Provenance | None
    evidence: bytes | None
    row_key: str | None

    def wish(self, subject: SubjectId, idempotency_key: bytes | None) -> Wish:
        """The decision as *subject*'s own: who said no here is not overruled by a representative later."""
        return Wish(
            subject=subject,
            purpose=self.purpose,
            decision=self.decision,
            route="import",
            actor=_THE_SUBJECT,
            channel=self.channel,
            language=self.language,
            notice_version=self.notice_version,
            occurred_at=self.occurred_at,
            evidence=self.evidence,
            provenance=self.provenance,
            idempotency_key=idempotency_key,
        )


@attrs.frozen
class Layout:
    """Where each column stands. `width` cells make a row; `again` tells a file of refused rows."""

    places: tuple[int, ...]
    width: int
    again: bool

    @classmethod
    def of(cls, header: Sequence[str]) -> Layout:
        """Read the header. A column we do not know refuses the file: it may be a misspelt provenance."""
        names = [name.strip().lower() for name in header]
        for name in names:
            if name not in COLUMNS and name not in REPORTED:
                close = difflib.get_close_matches(name, COLUMNS, 1)
                hint = f"; did you mean {close[0]}?" if close else f"; the columns are {', '.join(COLUMNS)}"
                raise BadInput(f"unknown column {name[:40]!r}{hint}. Nothing was imported", code="bad-header")
        if missing := [name for name in REQUIRED if name not in names]:
            raise BadInput(
                f"the first line must name the columns; missing: {', '.join(missing)}. Nothing was imported",
                code="bad-header",
            )
        if len(set(names)) < len(names):
            raise BadInput("a column is named twice. Nothing was imported", code="bad-header")
        places = tuple(names.index(name) if name in names else -1 for name in COLUMNS)
        return cls(places, len(names), "refused_line" in names)


def delimiter(header: str) -> str:
    """The sign that divides the header into most of our columns; a comma when none does."""

    def known(sign: str) -> int:
        cells = next(csv.reader([header], delimiter=sign), [])
        return sum(cell.strip().lower() in COLUMNS for cell in cells)

    return max(_DELIMITERS, key=known)


class Reader:
    """Reads the rows of one file. What many rows share (times, provenances) is read once and kept, within bounds."""

    def __init__(self, layout: Layout, defaults: Defaults, now: datetime) -> None:
        self._layout = layout
        self._defaults = defaults
        self._latest = now + CLOCK_SLACK
        self._named = lru_cache(8192)(_caught(_named))
        self._instant = lru_cache(8192)(_caught(parse_instant))
        self._provenance = lru_cache(8192)(self._provenance_of)

    def read(self, cells: Sequence[str]) -> Said | Refused:
        """What a row says, or why it cannot be understood. No message repeats what may be personal."""
        if len(cells) != self._layout.width:
            return Refused("columns", f"the header has {self._layout.width} columns and this row {len(cells)}")
        row = [cells[place].strip() if place >= 0 else "" for place in self._layout.places]
        if self._layout.again:
            row = [_plain(cell) for cell in row]
        subject, purpose, channel, decision, occurred, version, language, source, grade, collected, evidence, key = row
        decision = decision.lower()
        for check in (
            named := self._named(subject),
            occurred_at := self._instant(occurred),
            provenance := self._provenance(source, grade, collected),
            _words(decision, version, evidence, key),
        ):
            if isinstance(check, Refused):
                return check
        assert isinstance(occurred_at, datetime)
        if occurred_at < EARLIEST:
            return Refused("implausible-time", f"occurred_at lies before {EARLIEST.year}: a default value, not a time")
        if decision == Decision.GIVEN and (provenance is None or not version):
            return Refused("no-provenance", "an imported yes needs source, grade, collected_at and notice_version")
        return Said(
            cast(Named, named),
            PurposeId(purpose.lower()),
            ChannelId(channel.lower()) if channel else None,
            decision,
            occurred_at,
            version or None,
            language.lower() or None,
            cast(Provenance | None, provenance),
            evidence.encode() or None,
            key or None,
        )

    def _provenance_of(self, source: str, grade: str, collected: str) -> Provenance | Refused | None:
        """Where the row comes from. Incomplete is none: enough for a no, never for a yes."""
        source, grade = source or self._defaults.source or "", grade.upper() or self._defaults.grade or ""
        if len(source) > LONGEST["source"] or not source.isprintable():
            return Refused("too-long", f"source has at most {LONGEST['source']} printable characters")
        if grade not in {"", "A", "B", "C"}:
            return Refused("unknown-grade", "grade is A (signed), B (a system's log) or C (asserted)")
        if not (source and grade and collected):
            return None
        collected_at = self._instant(collected)
        if isinstance(collected_at, Refused):
            return Refused(collected_at.code, f"collected_at: {collected_at.message}")
        if not EARLIEST <= collected_at <= self._latest:
            return Refused("implausible-time", "collected_at lies in the future or before there were mobile operators")
        return Provenance(source, cast(Grade, grade), collected_at)


def neutral(cell: str) -> str:
    """*cell* as a spreadsheet shows it without running it: what could be a formula gets an apostrophe before it."""
    return "'" + cell if cell.startswith(_FORMULA) else cell


def _plain(cell: str) -> str:
    """The cell as it was before `neutral`."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell


def _named(text: str) -> Named:
    return Alias.parse(text) if ":" in text else SubjectId(parse_uuid(text, what="a subject without a prefix"))


def _words(decision: str, version: str, evidence: str, key: str) -> Refused | None:
    if decision not in SPOKEN:
        return Refused("unknown-decision", f"the decision must be one of {', '.join(sorted(SPOKEN))}")
    if version and not re.fullmatch(r"[0-9]{1,6}\.[0-9]{1,6}", version):
        return Refused("bad-version", "notice_version looks like 1.0")
    for name, value in (("evidence", evidence), ("row_key", key)):
        if len(value) > LONGEST[name]:
            return Refused("too-long", f"{name} has at most {LONGEST[name]} characters")
    return None


def _caught(read: Callable[[str], V]) -> Callable[[str], V | Refused]:
    """*read*, with what it raises as a value."""

    def caught(text: str) -> V | Refused:
        try:
            return read(text)
        except BadInput as error:
            return Refused(error.code, error.message.removesuffix("; nothing was changed"))

    return caught
