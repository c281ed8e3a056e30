"""
One row of an import: its columns, what it says, and why it is refused. Pure: no file, no clock, no database.

A row is judged twice. Here: can it be understood at all, does it name a subject, an instant, a provenance? Afterwards
`rules.admit` asks of it what it asks of every decision: is the purpose ours, the notice in force, the time possible?
"""

from __future__ import annotations

import csv
import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from operator import itemgetter
from typing import Any, Literal, NamedTuple, TypeVar, cast

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
_SHARED = ("purpose", "channel", "decision", "notice_version", "language", "source", "grade")
_OWN = ("subject", "occurred_at", "collected_at", "evidence", "row_key")
REQUIRED = ("subject", "purpose", "decision", "occurred_at")
REPORTED = ("refused_line", "refused_code", "refused_reason", "refused_text")
"""What a file of refused rows has before the original columns. It may be imported again: these are passed over."""

EARLIEST = datetime(1992, 1, 1, tzinfo=UTC)
"""Before there were mobile operators here nobody decided anything: such a time is some system's default value."""
LONGEST = {"source": 100, "evidence": 2_000, "row_key": 200}
"""Characters."""
KEPT = 8192
"""How many of each a reader keeps: names, times, provenances, kinds of row."""

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


@attrs.frozen
class Kind:
    """What many rows have in common: all but who, when, and the row's own evidence and key."""

    purpose: PurposeId
    channel: ChannelId | None
    decision: str
    notice_version: str | None
    language: str | None
    source: str
    grade: Grade | None


class Said(NamedTuple):
    """A row that was understood. A tuple, since a million of them are made."""

    named: Named
    kind: Kind
    occurred_at: datetime
    provenance: Provenance | None
    evidence: bytes | None
    row_key: str | None

    def wish(self, subject: SubjectId, idempotency_key: bytes | None) -> Wish:
        """The decision as *subject*'s own: who said no here is not overruled by a representative later."""
        kind = self.kind
        return Wish(
            subject=subject,
            purpose=kind.purpose,
            decision=kind.decision,
            route="import",
            actor=_THE_SUBJECT,
            channel=kind.channel,
            language=kind.language,
            notice_version=kind.notice_version,
            occurred_at=self.occurred_at,
            evidence=self.evidence,
            provenance=self.provenance,
            idempotency_key=idempotency_key,
        )


@attrs.frozen
class Layout:
    """Where each column stands. `width` cells make a row; `again` tells a file of refused rows."""

    places: Mapping[str, int]
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
        places = {name: names.index(name) for name in COLUMNS if name in names}
        return cls(places, len(names), "refused_line" in names)

    def picks(self) -> tuple[Callable[[Sequence[str]], Any], Callable[[Sequence[str]], Any]]:
        """What picks the cells of `_SHARED` and `_OWN` from a row; an empty cell behind it for what is absent."""
        shared, own = ([self.places.get(name, self.width) for name in names] for names in (_SHARED, _OWN))
        return itemgetter(*shared), itemgetter(*own)


def delimiter(header: str) -> str:
    """The sign that divides the header into most of our columns; a comma when none does."""

    def known(sign: str) -> int:
        cells = next(csv.reader([header], delimiter=sign), [])
        return sum(cell.strip().lower() in COLUMNS for cell in cells)

    return max(_DELIMITERS, key=known)


class Reader:
    """Reads the rows of one file. What many rows share is read once and kept, within bounds."""

    def __init__(self, layout: Layout, defaults: Defaults, now: datetime) -> None:
        self._layout = layout
        self._defaults = defaults
        self._latest = now + CLOCK_SLACK
        self._kind_cells, self._own_cells = layout.picks()
        self._named = lru_cache(KEPT)(_caught(_named))
        self._said_at = lru_cache(KEPT)(_said_at)
        self._kind = lru_cache(KEPT)(self._kind_of)
        self._provenance = lru_cache(KEPT)(self._provenance_of)

    def read(self, cells: Sequence[str]) -> Said | Refused:
        """What a row says, or why it cannot be understood. No message repeats what may be personal."""
        if len(cells) != self._layout.width:
            return Refused("columns", f"the header has {self._layout.width} columns and this row {len(cells)}")
        row = [*cells, ""] if not self._layout.again else [*map(_plain, cells), ""]
        subject, occurred, collected, evidence, key = self._own_cells(row)
        if isinstance(named := self._named(subject), Refused):
            return named
        if isinstance(occurred_at := self._said_at(occurred), Refused):
            return occurred_at
        if isinstance(kind := self._kind(self._kind_cells(row)), Refused):
            return kind
        if isinstance(provenance := self._provenance(kind.source, kind.grade, collected), Refused):
            return provenance
        if kind.decision == Decision.GIVEN and (provenance is None or kind.notice_version is None):
            return Refused("no-provenance", "an imported yes needs source, grade, collected_at and notice_version")
        if not (evidence or key):
            return Said(named, kind, occurred_at, provenance, None, None)
        for name, value in (("evidence", evidence), ("row_key", key)):
            if len(value) > LONGEST[name]:
                return Refused("too-long", f"{name} has at most {LONGEST[name]} characters")
        return Said(named, kind, occurred_at, provenance, evidence.strip().encode() or None, key.strip() or None)

    def _kind_of(self, cells: tuple[str, ...]) -> Kind | Refused:
        purpose, channel, decision, version, language, source, grade = map(str.strip, cells)
        source, grade = source or self._defaults.source or "", grade.upper() or self._defaults.grade or ""
        if (decision := decision.lower()) not in SPOKEN:
            return Refused("unknown-decision", f"the decision must be one of {', '.join(sorted(SPOKEN))}")
        if version and not re.fullmatch(r"[0-9]{1,6}\.[0-9]{1,6}", version):
            return Refused("bad-version", "notice_version looks like 1.0")
        if len(source) > LONGEST["source"] or not source.isprintable():
            return Refused("too-long", f"source has at most {LONGEST['source']} printable characters")
        if grade not in {"", "A", "B", "C"}:
            return Refused("unknown-grade", "grade is A (signed), B (a system's log) or C (asserted)")
        return Kind(
            PurposeId(purpose.lower()),
            ChannelId(channel.lower()) if channel else None,
            decision,
            version or None,
            language.lower() or None,
            source,
            cast(Grade, grade) if grade else None,
        )

    def _provenance_of(self, source: str, grade: Grade | None, collected: str) -> Provenance | Refused | None:
        """Where the row comes from. Incomplete is none: enough for a no, never for a yes."""
        if not (source and grade and collected.strip()):
            return None
        collected_at = _instant(collected)
        if isinstance(collected_at, Refused):
            return Refused(collected_at.code, f"collected_at: {collected_at.message}")
        if not EARLIEST <= collected_at <= self._latest:
            return Refused("implausible-time", "collected_at lies in the future or before there were mobile operators")
        return Provenance(source, grade, collected_at)


def neutral(cell: str) -> str:
    """*cell* as a spreadsheet shows it without running it: what could be a formula gets an apostrophe before it."""
    return "'" + cell if cell.startswith(_FORMULA) else cell


def _plain(cell: str) -> str:
    """The cell as it was before `neutral`."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell


def _named(text: str) -> Named:
    return Alias.parse(text) if ":" in text else SubjectId(parse_uuid(text.strip(), what="a subject without a prefix"))


def _said_at(text: str) -> datetime | Refused:
    moment = _instant(text)
    if isinstance(moment, Refused) or moment >= EARLIEST:
        return moment
    return Refused("implausible-time", f"occurred_at lies before {EARLIEST.year}: a default value, not a time")


def _caught(read: Callable[[str], V]) -> Callable[[str], V | Refused]:
    """*read*, with what it raises as a value."""

    def caught(text: str) -> V | Refused:
        try:
            return read(text)
        except BadInput as error:
            return Refused(error.code, error.message.removesuffix("; nothing was changed"))

    return caught


_instant = _caught(lambda text: parse_instant(text.strip()))
