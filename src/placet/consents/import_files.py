"""
Reading files of decisions in bounded memory. Here CSV as systems write it; Parquet in import_parquet.py.

In CSV one line is one row. RFC 4180 lets a quoted cell run over lines, we do not: a quote left open would swallow the
rows behind it, and one of them may be somebody's no. So a broken line is refused by itself, and the next is read anew.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from io import BufferedReader
from pathlib import Path
from typing import NamedTuple

import attrs

from placet.consents.import_rows import delimiter
from placet.consents.model import Refused
from placet.kernel.errors import BadInput

LONGEST_LINE = 64 * 1024
"""Bytes; no decision is longer, and a file without line ends must not fill the memory."""
KEPT = 1_000
"""Bytes of a too long line that come back with its refusal."""
_BLOCK = 256 * 1024
_BOM = b"\xef\xbb\xbf"
TOO_LONG = Refused("too-long", f"the line has more than {LONGEST_LINE // 1024} KB; here is how it begins")
NUL = Refused("nul", "the line contains a NUL character")
NOT_UTF8 = Refused("not-utf8", "the line is not UTF-8: save the file in that encoding")
_QUOTES = Refused("broken-quotes", "a quote is not closed, or text follows it; one line is one row")


class Line(NamedTuple):
    """One row as it stands in the file: its cells, or why it has none, with its text as far as it can be shown."""

    number: int
    cells: Sequence[str]
    broken: Refused | None = None
    text: str = ""


class Batch(NamedTuple):
    """Neighbouring lines, their size in bytes, and how much of the file was read with them (0 to 1)."""

    lines: list[Line]
    size: int
    read: float


@attrs.frozen
class Table:
    """An opened file: the names of its columns and its lines in order."""

    header: Sequence[str]
    batches: Iterator[Batch]


class _Block(NamedTuple):
    """Neighbouring lines as bytes. Of those whose index is in *cut* only the beginning is here."""

    first: int
    lines: list[bytes]
    cut: frozenset[int]
    read: int


def open_table(path: Path, file: BufferedReader) -> Table:
    """Open *file* as what the name of *path* says; raises `BadInput` when it is not such a file."""
    if path.suffix.lower() == ".parquet":
        from placet.consents.import_parquet import open_parquet  # it loads 60 MB that CSV does not need

        return open_parquet(file)
    return _open_csv(file, path.stat().st_size)


def _open_csv(file: BufferedReader, size: int) -> Table:
    if file.peek(2)[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        raise BadInput("the file is UTF-16: save it as CSV in UTF-8. Nothing was imported", code="not-utf8")
    if file.peek(3)[:3] == _BOM:
        file.seek(3)
    blocks = _blocks(file)
    for block in blocks:
        for index, raw in enumerate(block.lines):
            if raw.strip():
                header = _header(raw, cut=index in block.cut)
                sign = delimiter(header)
                rest = _Block(
                    block.first + index + 1,
                    block.lines[index + 1 :],
                    frozenset(at - index - 1 for at in block.cut),
                    block.read,
                )
                return Table(next(csv.reader([header], delimiter=sign)), _batches(rest, blocks, sign, size))
    raise BadInput("the file is empty. Nothing was imported", code="empty-file")


def _header(raw: bytes, *, cut: bool) -> str:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = "\0"
    if cut or "\0" in text:
        raise BadInput(
            "the first line must name the columns; it is too long or not text. Nothing was imported", code="bad-header"
        )
    return text


def _batches(first: _Block, others: Iterator[_Block], sign: str, size: int) -> Iterator[Batch]:
    yield Batch(_parsed(first, sign), _BLOCK, first.read / size)
    for block in others:
        yield Batch(_parsed(block, sign), _BLOCK, block.read / size)


def _blocks(file: BufferedReader) -> Iterator[_Block]:
    """The lines of *file* from where it stands, whichever way they end: LF, CR LF or CR."""
    number, tail, tail_cut, ended = 1, b"", False, False
    while not ended:
        block = file.read(_BLOCK)
        if block.endswith(b"\r") and file.peek(1)[:1] == b"\n":
            block += file.read(1)
        *lines, tail = (tail + block).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        if ended := not block:
            lines, tail = [*lines, tail], b""
        cut = {index for index, line in enumerate(lines) if len(line) > LONGEST_LINE}
        if tail_cut and lines:
            cut.add(0)
            tail_cut = False
        if len(tail) > LONGEST_LINE:
            tail, tail_cut = tail[:KEPT], True
        yield _Block(number, lines, frozenset(cut), file.tell())
        number += len(lines)


def _parsed(block: _Block, sign: str) -> list[Line]:
    """The rows of a block at once if nothing is wrong with any; else line by line. Empty lines are no rows."""
    rows = None if block.cut else _rows(block.lines, sign)
    if rows is not None:
        return [Line(number, row) for number, row in enumerate(rows, block.first) if any(row)]
    lines = (_line(block.first + index, raw, sign, cut=index in block.cut) for index, raw in enumerate(block.lines))
    return [line for line in lines if line.broken is not None or any(line.cells)]


def _rows(lines: list[bytes], sign: str) -> list[list[str]] | None:
    """Every line's cells; None if one is not UTF-8, has a NUL or broken quotes, or does not end where its row ends."""
    try:
        text = b"\n".join(lines).decode()
        rows = list(csv.reader(text.split("\n"), delimiter=sign, strict=True))
    except (UnicodeDecodeError, csv.Error):
        return None
    return rows if len(rows) == len(lines) and "\0" not in text else None


def _line(number: int, raw: bytes, sign: str, *, cut: bool) -> Line:
    shown = raw[:KEPT].decode(errors="backslashreplace") if cut else raw.decode(errors="backslashreplace")
    if cut:
        return Line(number, (), TOO_LONG, shown.replace("\0", "\\x00"))
    if b"\0" in raw:
        return Line(number, (), NUL, shown.replace("\0", "\\x00"))
    if (rows := _rows([raw], sign)) is not None:
        return Line(number, rows[0])
    try:
        raw.decode()
    except UnicodeDecodeError:
        return Line(number, (), NOT_UTF8, shown)
    return Line(number, (), _QUOTES, shown)
