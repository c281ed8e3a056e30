"""
Is each row what was hashed? A slice of the ledger, read by COPY as raw bytes and recomputed without the database.

1. positions follow each other without a gap;
2. the body is JSON of our shape, and the columns repeat it;
3. the commitment is the body's under its subject's key (an erased subject has none: counted apart);
4. `recorded_at` strictly increases.

Stored bytes are hashed as they are, never encoded again. Runs in a process of its own for big ledgers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import attrs
import msgspec
from psycopg import Connection

from placet.kernel.errors import Tampered
from placet.ledger.entries import commitment_of, event_entry, leaf_hash
from placet.store.queries import queries

SubjectKeys = Callable[[list[UUID]], dict[UUID, bytes | None]]
"""The keys of subjects: None for an erased one; an unknown one is missing."""

_SQL = queries("placet.ledger")
_TYPES = ["int8", "bytea", "int8", "bytea", "text", "text", "text", "int8", "bytea", "bytea"]
"""Raw: UUIDs as 16 bytes, instants as microseconds since 2000, as the wire carries them."""
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_BATCH = 8_192


@attrs.frozen
class Finding:
    """Something that is not as it was signed. `last` is set when only a range is known."""

    kind: str
    position: int
    detail: str
    last: int | None = None
    hash: bytes | None = attrs.field(default=None, repr=False)


class _Body(msgspec.Struct):
    """What the columns repeat of a body."""

    id: str
    recorded_at: str
    type: str | None = None
    subject: str | None = None
    purpose: str | None = None
    channel: str | None = None
    decision: str | None = None
    occurred_at: str | None = None


@attrs.define
class RowsReport:
    """What one slice holds."""

    leaves: bytearray = attrs.field(factory=bytearray, repr=False)
    times: list[int] = attrs.field(factory=list, repr=False)
    findings: list[Finding] = attrs.field(factory=list)
    erased_rows: int = 0
    keyless: dict[UUID, int] = attrs.field(factory=dict)
    """Subjects without a key, with the first position that needed it."""
    erasures: set[UUID] = attrs.field(factory=set)
    """Subjects of whom an `erased` event stands in this slice."""


def check_rows(connection: Connection, first: int, last: int, subject_keys: SubjectKeys) -> RowsReport:
    """Judge positions *first* to *last*. A missing row leaves 32 zero bytes in `leaves`, so that places stay places."""
    report = RowsReport()
    expected = first
    with connection.cursor() as cursor, cursor.copy(_SQL["rows"], {"first": first, "last": last}) as copy:
        copy.set_types(_TYPES)
        for batch in _batches(copy.rows()):
            named = {row[3] for row in batch if row[3] is not None and row[9] is not None}
            by_bytes = _keys(subject_keys, [UUID(bytes=id) for id in named])
            for row in batch:
                while expected < row[0]:
                    _miss(report, expected)
                    expected += 1
                _check_row(report, row, by_bytes)
                expected += 1
    while expected <= last:
        _miss(report, expected)
        expected += 1
    return report


def microseconds(text: str) -> int:
    """An instant as the wire carries it; raises `ValueError` for anything else."""
    return (datetime.fromisoformat(text) - _EPOCH) // _MICROSECOND


def _microseconds_or_none(text: str | None) -> int | None:
    return None if text is None else microseconds(text)


def instant(microseconds: int) -> datetime:
    """The instant of a wire value."""
    return _EPOCH + microseconds * _MICROSECOND


def _keys(subject_keys: SubjectKeys, ids: list[UUID]) -> dict[bytes, bytes | None]:
    """The keys by the ids' bytes; one that was tampered with is empty, and must not hide the others."""
    try:
        return {id.bytes: key for id, key in subject_keys(ids).items()}
    except Tampered:
        if len(ids) == 1:
            return {ids[0].bytes: b""}
        half = len(ids) // 2
        return {**_keys(subject_keys, ids[:half]), **_keys(subject_keys, ids[half:])}


def _check_row(report: RowsReport, row: tuple[Any, ...], keys: dict[bytes, bytes | None]) -> None:
    position, id, recorded_at, subject, _, _, _, _, body, entry = row
    if report.times and recorded_at <= report.times[-1]:
        report.findings.append(Finding("back-dated", position, "recorded before the row in front of it"))
    report.times.append(recorded_at)
    report.leaves += leaf_hash(event_entry(body) if entry is None else entry)
    if (wrong := _unlike_body(row, body, is_event=entry is None)) is not None:
        kind = "back-dated" if wrong == "recorded_at" else "edited"
        report.findings.append(Finding(kind, position, f"column {wrong} does not repeat the body"))
    elif entry is None:
        if row[6] == "erased" and subject is not None:
            report.erasures.add(UUID(bytes=subject))
    else:
        _check_commitment(report, position, subject, keys, id, body, entry)


def _check_commitment(
    report: RowsReport,
    position: int,
    subject: bytes | None,
    keys: dict[bytes, bytes | None],
    id: bytes,
    body: bytes,
    entry: bytes,
) -> None:
    if subject is None or subject not in keys:
        report.findings.append(Finding("edited", position, "the record is of a subject that does not exist"))
    elif (key := keys[subject]) is None:
        report.erased_rows += 1
        report.keyless.setdefault(UUID(bytes=subject), position)
    elif not key:
        report.findings.append(Finding("key", position, "the subject's key does not open: it was changed or exchanged"))
    elif commitment_of(key, id, body) != entry:
        report.findings.append(Finding("edited", position, "the body is not the one that was committed to"))


def _unlike_body(row: tuple[Any, ...], raw: bytes, *, is_event: bool) -> str | None:
    """The first column that does not repeat the body; None when all do."""
    _, id, recorded_at, subject, purpose, channel, decision, occurred_at, _, _ = row
    try:
        body = _decode(raw)
        stamped = microseconds(body.recorded_at)
        occurred = stamped if body.occurred_at == body.recorded_at else _microseconds_or_none(body.occurred_at)
        named = None if body.subject is None else bytes.fromhex(body.subject.replace("-", ""))
        if bytes.fromhex(body.id.replace("-", "")) != id:
            return "id"
    except (msgspec.MsgspecError, ValueError):
        return "body"
    if stamped != recorded_at:
        return "recorded_at"
    said: tuple[Any, ...] = (named, body.purpose, body.channel, body.decision, occurred)
    if is_event:
        said = (named, None, None, "erased", None) if body.type == "erased" else (None, None, None, None, None)
    for name, column, value in zip(_COLUMNS, (subject, purpose, channel, decision, occurred_at), said, strict=True):
        if column != value:
            return name
    return None


_COLUMNS = ("subject", "purpose", "channel", "decision", "occurred_at")
_decode = msgspec.json.Decoder(_Body).decode


def _miss(report: RowsReport, position: int) -> None:
    report.findings.append(Finding("removed", position, "there is no row at this position"))
    report.leaves += bytes(32)
    report.times.append(report.times[-1] if report.times else -(2**62))


def _batches(rows: Iterator[tuple[Any, ...]]) -> Iterator[Sequence[tuple[Any, ...]]]:
    batch = []
    for row in rows:
        batch.append(row)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
