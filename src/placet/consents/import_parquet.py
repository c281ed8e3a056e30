"""Decisions from Parquet: text columns, and times as text or as timestamps with a zone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import BufferedReader
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from placet.consents.import_files import LONGEST_LINE, NOT_UTF8, NUL, TOO_LONG, Line, Sheet, Table, sheet_of
from placet.consents.model import Refused
from placet.kernel.errors import BadInput

_ROWS = 5_000
_BYTES = 4 * 1024 * 1024
"""At once, as far as the file tells how wide its rows are."""
_INSTANTS = ("occurred_at", "collected_at")
_UTC = pa.timestamp("us", "UTC")


def open_parquet(file: BufferedReader) -> Table:
    """The rows of a Parquet file; the first has number 1. Wrong types refuse the file, whose writer chose them."""
    try:
        # Without a buffer size a whole column of a row group would be read at once.
        opened = pq.ParquetFile(file, buffer_size=1024 * 1024, pre_buffer=False)
    except (pa.ArrowInvalid, OSError) as error:
        raise BadInput("this is not a Parquet file, or it is damaged. Nothing was imported", code="bad-file") from error
    schema = opened.schema_arrow
    for field in schema:
        _check(field.name.strip().lower(), field.type)
    return Table(schema.names, _sheets(opened, len(schema.names)))


def _check(name: str, kind: Any) -> None:
    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    if pa.types.is_string(value) or pa.types.is_large_string(value) or pa.types.is_null(value):
        return
    if name in _INSTANTS and pa.types.is_timestamp(value):
        if value.tz is not None:
            return
        raise BadInput(f"column {name} holds times without a zone. Nothing was imported", code="naive-time")
    wanted = "text or a timestamp with a zone" if name in _INSTANTS else "text"
    raise BadInput(f"column {name[:40]!r} must be {wanted}, not {kind}. Nothing was imported", code="bad-type")


def _sheets(opened: Any, width: int) -> Iterator[Sheet]:
    number, total = 1, max(opened.metadata.num_rows, 1)
    groups = [opened.metadata.row_group(index) for index in range(opened.metadata.num_row_groups)]
    widest = max((group.total_byte_size // max(group.num_rows, 1) for group in groups), default=0)
    try:
        for batch in opened.iter_batches(batch_size=max(1, min(_ROWS, _BYTES // max(widest, 1)))):
            columns = [_texts(column) for column in batch.columns]
            first, number = number, number + batch.num_rows
            yield _sheet(first, columns, width, (number - 1) / total)
    except (pa.ArrowInvalid, OSError) as error:
        raise BadInput(
            f"the file is damaged after row {number - 1}; what stands before it was imported", code="bad-file"
        ) from error


def _sheet(first: int, columns: Sequence[Sequence[str | Refused]], width: int, read: float) -> Sheet:
    lines = [_line(number, cells) for number, cells in enumerate(zip(*columns, strict=True), first)]
    return sheet_of(lines, width, read)


def _line(number: int, cells: Sequence[str | Refused]) -> Line:
    plain = [cell for cell in cells if isinstance(cell, str)]
    text = "".join(plain)
    if len(plain) < len(cells):
        return Line(number, (), NOT_UTF8)
    if "\0" in text:
        return Line(number, (), NUL, text[:LONGEST_LINE].replace("\0", "\\x00"))
    if len(text) > LONGEST_LINE:
        return Line(number, (), TOO_LONG, text[:1000])
    return Line(number, plain)


def _texts(column: Any) -> Sequence[str | Refused]:
    """A column's values as text, null as empty; what is no text is a refusal in its place."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_timestamp(column.type):
        column = column.cast(_UTC, safe=False).cast(pa.string())
    try:
        return [value or "" for value in column.to_pylist()]
    except UnicodeDecodeError:
        return [_text(value or b"") for value in column.cast(pa.binary()).to_pylist()]


def _text(value: bytes) -> str | Refused:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return NOT_UTF8
