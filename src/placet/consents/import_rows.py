"""
Rows of an import: their columns, what they say, and why some are refused. Pure: no file, no clock, no database.

A row is judged twice. Here: can it be understood at all, does it name a subject, an instant, a provenance? Afterwards
`rules.admit` asks of it what it asks of every decision: is the purpose ours, the notice in force, the time possible?

Rows are read a column at a time, since a million of them are: what a column's cells say is worked out once for each
different cell, or by one call for all of them, and cell by cell only where one is wrong.
"""

from __future__ import annotations

import csv
import difflib
import re
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Generic, Literal, NamedTuple, TypeVar, cast

import attrs
import numpy as np
import numpy.typing as npt

from placet.consents.model import SPOKEN, Actor, Decision, Provenance, Refused, Wish
from placet.consents.rules import CLOCK_SLACK
from placet.kernel.columns import NEVER, Instants, instants, moment
from placet.kernel.errors import BadInput
from placet.kernel.ids import ChannelId, PurposeId, SubjectId, parse_uuid
from placet.kernel.periods import parse_instant
from placet.subjects.model import Alias

COLUMNS = (
    "subject", "purpose", "channel", "decision", "occurred_at", "notice_version", "language", "source", "grade",
    "collected_at", "evidence", "row_key",
)  # fmt: skip
_SHARED = ("purpose", "channel", "decision", "notice_version", "language", "source", "grade")
REQUIRED = ("subject", "purpose", "decision", "occurred_at")
REPORTED = ("refused_line", "refused_code", "refused_reason", "refused_text")
"""What a file of refused rows has before the original columns. It may be imported again: these are passed over."""

EARLIEST = datetime(1992, 1, 1, tzinfo=UTC)
"""Before there were mobile operators here nobody decided anything: such a time is some system's default value."""
LONGEST = {"source": 100, "evidence": 2_000, "row_key": 200}
"""Characters."""
KEPT = 8192
"""How many names and kinds of row a reader keeps."""

Named = Alias | SubjectId
Grade = Literal["A", "B", "C"]
V = TypeVar("V")
C = TypeVar("C", bound=Hashable)

_THE_SUBJECT = Actor("subject")
_LAST = instants([datetime.max.replace(tzinfo=UTC)])[0]
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
    """One row that was understood."""

    named: Named
    kind: Kind
    occurred_at: datetime
    provenance: Provenance | None
    evidence: bytes | None
    row_key: str | None

    @property
    def idempotency_key(self) -> bytes | None:
        """A `row_key` names a decision within its source, in whichever file it comes."""
        if self.row_key is None:
            return None
        return sha256(f"placet/import-row/v1\0{self.kind.source}\0{self.row_key}".encode()).digest()

    def wish(self, subject: SubjectId) -> Wish:
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
            idempotency_key=self.idempotency_key,
        )


@attrs.frozen(eq=False)
class Rows:
    """What many rows say, in columns. `who` and `kind` are places in `names` and `kinds`."""

    numbers: npt.NDArray[np.int64]
    """Of the rows in their file."""
    names: Sequence[Named]
    who: npt.NDArray[np.int64]
    kinds: Sequence[Kind]
    kind: npt.NDArray[np.int64]
    occurred: Instants
    collected: Instants
    """`NEVER` where a row has no provenance."""
    evidence: Mapping[int, bytes]
    """Of the few rows that have one, by their place here."""
    keys: Mapping[int, str]
    """As above: the `row_key`."""

    def __len__(self) -> int:
        return len(self.numbers)

    def said(self, row: int) -> Said:
        """What one of them says."""
        kind, collected, provenance = self.kinds[self.kind[row]], self.collected[row], None
        if collected != NEVER:
            assert kind.grade is not None
            provenance = Provenance(kind.source, kind.grade, moment(collected))
        named, occurred = self.names[self.who[row]], moment(self.occurred[row])
        return Said(named, kind, occurred, provenance, self.evidence.get(row), self.keys.get(row))


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
        self._earliest, self._latest = instants([EARLIEST, now + CLOCK_SLACK])
        self._named: Callable[[str], Named | Refused] = lru_cache(KEPT)(_caught(_named))
        self._kind = lru_cache(KEPT)(self._kind_of)

    def read(self, numbers: Sequence[int], columns: Sequence[Sequence[str]]) -> tuple[Rows, dict[int, Refused]]:
        """What rows say; those that cannot be understood are refused, by their number in the file."""
        cells = self._cells(columns, len(numbers))
        who: _Distinct[Named] = _Distinct.of(cells["subject"], self._named)
        kind = _Distinct.of(list(zip(*(cells[name] for name in _SHARED), strict=True)), self._kind)
        occurred, badly_dated = self._occurred(cells["occurred_at"])
        collected, badly_collected = self._collected(cells["collected_at"], kind)
        wrong: dict[int, Refused] = {}
        # Of several faults the first in this order is told.
        for faults in (who.refused, badly_dated, kind.refused, badly_collected, _unproven(kind, collected)):
            wrong = {**faults, **wrong}
        evidence, keys = _filled(cells["evidence"]), _filled(cells["row_key"])
        for name, given in (("evidence", evidence), ("row_key", keys)):
            wrong = {**_too_long(name, given), **wrong}
        good = np.delete(np.arange(len(numbers)), list(wrong))
        rows = Rows(
            numbers=np.asarray(numbers, np.int64)[good],
            names=who.values,
            who=who.place[good],
            kinds=kind.values,
            kind=kind.place[good],
            occurred=occurred[good],
            collected=collected[good],
            evidence={at: text.encode() for at, text in _moved(evidence, good)},
            keys=dict(_moved(keys, good)),
        )
        return rows, {numbers[at]: wrong[at] for at in sorted(wrong)}

    def _cells(self, columns: Sequence[Sequence[str]], count: int) -> dict[str, Sequence[str]]:
        """The cells by the name of their column; empty ones for a column that the file does not have."""
        absent = [""] * count
        found = {name: columns[at] for name, at in self._layout.places.items()}
        if self._layout.again:
            found = {name: list(map(_plain, cells)) for name, cells in found.items()}
        return {name: found.get(name, absent) for name in COLUMNS}

    def _occurred(self, cells: Sequence[str]) -> tuple[Instants, dict[int, Refused]]:
        found, wrong = _instants(cells)
        for at in np.flatnonzero(found < self._earliest).tolist():
            wrong.setdefault(
                at,
                Refused("implausible-time", f"occurred_at lies before {EARLIEST.year}: a default value, not a time"),
            )
        return found, wrong

    def _collected(self, cells: Sequence[str], kind: _Distinct[Kind]) -> tuple[Instants, dict[int, Refused]]:
        """When rows were taken down. Incomplete provenance is none: enough for a no, never for a yes."""
        found = np.full(len(cells), NEVER)
        stated = np.fromiter(map(bool, map(str.strip, cells)), bool, len(cells))
        stated &= kind.where(lambda each: bool(each.source and each.grade))
        where = np.flatnonzero(stated)
        found[where], wrong = _instants(cells if len(where) == len(cells) else [cells[at] for at in where.tolist()])
        refused = {int(where[at]): Refused(each.code, f"collected_at: {each.message}") for at, each in wrong.items()}
        for at in np.flatnonzero(stated & ((found < self._earliest) | (found > self._latest))).tolist():
            refused.setdefault(
                at,
                Refused("implausible-time", "collected_at lies in the future or before there were mobile operators"),
            )
        return found, refused

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


@attrs.frozen(eq=False)
class _Distinct(Generic[V]):
    """A column by its different values: where each row's stands among them, -1 for the refused ones."""

    values: Sequence[V]
    place: npt.NDArray[np.int64]
    refused: dict[int, Refused]

    @classmethod
    def of(cls, cells: Sequence[C], read: Callable[[C], V | Refused]) -> _Distinct[V]:
        """*cells*, each different one read once."""
        said = {cell: read(cell) for cell in dict.fromkeys(cells)}
        values: dict[V, int] = {}
        place = {
            cell: -1 if isinstance(value, Refused) else values.setdefault(value, len(values))
            for cell, value in said.items()
        }
        faults = {cell: value for cell, value in said.items() if isinstance(value, Refused)}
        refused = {at: faults[cell] for at, cell in enumerate(cells) if cell in faults} if faults else {}
        return cls(list(values), np.fromiter(map(place.__getitem__, cells), np.int64, len(cells)), refused)

    def where(self, holds: Callable[[V], bool]) -> npt.NDArray[np.bool_]:
        """For which rows *holds* is true; for no refused one."""
        return np.array([*map(holds, self.values), False])[self.place]


def _instants(cells: Sequence[str]) -> tuple[Instants, dict[int, Refused]]:
    """The instants that *cells* say; `NEVER` for what is none, and why not."""
    wrong: dict[int, Refused] = {}
    try:
        found = _all_instants(cells)
    except (ValueError, TypeError):
        found = np.full(len(cells), NEVER)
        for at, cell in enumerate(cells):
            if (why := _refusal(cell)) is not None:
                wrong[at] = why
            else:
                found[at : at + 1] = _all_instants([cell])
    for at in np.flatnonzero(found > _LAST).tolist():
        wrong[at] = Refused("implausible-time", "a time must lie within the years 1 to 9999 in UTC")
    return found, wrong


def _all_instants(cells: Sequence[str]) -> Instants:
    """Raises `ValueError` or `TypeError` when one is not an instant with its zone."""
    return instants(list(map(datetime.fromisoformat, map(str.strip, cells))))


def _refusal(cell: str) -> Refused | None:
    """Why *cell* is no instant, in the words of `periods.parse_instant`."""
    try:
        parse_instant(cell.strip())
    except BadInput as error:
        return Refused(error.code, error.message)
    except OverflowError:  # an instant, in the first or last hours of the calendar
        return None
    return None


def _unproven(kind: _Distinct[Kind], collected: Instants) -> dict[int, Refused]:
    given = kind.where(lambda each: each.decision == Decision.GIVEN)
    noticed = kind.where(lambda each: each.notice_version is not None)
    lacking = given & (~noticed | (collected == NEVER))
    return {
        at: Refused("no-provenance", "an imported yes needs source, grade, collected_at and notice_version")
        for at in np.flatnonzero(lacking).tolist()
    }


def _filled(cells: Sequence[str]) -> dict[int, str]:
    """The cells in which something stands, by their place."""
    return {at: cell for at, cell in enumerate(cells) if cell} if any(cells) else {}


def _too_long(name: str, given: Mapping[int, str]) -> dict[int, Refused]:
    most = LONGEST[name]
    why = Refused("too-long", f"{name} has at most {most} characters")
    return {at: why for at, cell in given.items() if len(cell) > most}


def _moved(given: Mapping[int, str], good: npt.NDArray[np.int64]) -> Iterator[tuple[int, str]]:
    """*given* without blanks, by its place among the *good* rows."""
    if given:
        for at, row in enumerate(good.tolist()):
            if text := given.get(row, "").strip():
                yield at, text


def neutral(cell: str) -> str:
    """*cell* as a spreadsheet shows it without running it: what could be a formula gets an apostrophe before it."""
    return "'" + cell if cell.startswith(_FORMULA) else cell


def _plain(cell: str) -> str:
    """The cell as it was before `neutral`."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell


def _named(text: str) -> Named:
    return Alias.parse(text) if ":" in text else SubjectId(parse_uuid(text.strip(), what="a subject without a prefix"))


def _caught(read: Callable[[str], V]) -> Callable[[str], V | Refused]:
    """*read*, with what it raises as a value."""

    def caught(text: str) -> V | Refused:
        try:
            return read(text)
        except BadInput as error:
            return Refused(error.code, error.message.removesuffix("; nothing was changed"))

    return caught
