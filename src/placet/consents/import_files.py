"""
Reading files of decisions in bounded memory. Here CSV as systems write it; Parquet in import_parquet.py.

In CSV one line is one row. RFC 4180 lets a quoted cell run over lines, we do not: a quote left open would swallow the
rows behind it, and one of them may be somebody's no. So a broken line is refused by itself, and the next is read anew.
"""

from __future__ import annotations

import csv
import itertools
from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
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
_BLOCK = 1024 * 1024
_BOM = b"\xef\xbb\xbf"
TOO_LONG = Refused("too-long", f"the line has more than {LONGEST_LINE // 1024} KB; here is how it begins")
NUL = Refused("nul", "the line contains a NUL character")
NOT_UTF8 = Refused("not-utf8", "the line is not UTF-8: save the file in that encoding")
_QUOTES = Refused("broken-quotes", "a quote is not closed, or text follows it; one line is one row")


class Line(NamedTuple):
    """A row that comes back: its cells, or why it has none, with its text as far as it can be shown."""

    number: int
    cells: Sequence[str]
    broken: Refused | None = None
    text: str = ""


class Sheet(NamedTuple):
    """Neighbouring rows: the sound ones cell by cell in columns, the others as the lines they are."""

    numbers: Sequence[int]
    """Of the sound rows; the number of a row names it in its file."""
    columns: Sequence[Sequence[str]]
    odd: Sequence[Line]
    read: float
    """How much of the file was read with them (0 to 1)."""

    @property
    def first(self) -> int:
        """The number of the first row; 0 when there is none."""
        firsts = [*self.numbers[:1], *(line.number for line in self.odd[:1])]
        return min(firsts, default=0)

    @property
    def last(self) -> int:
        """The number of the last row; 0 when there is none."""
        return max(self.numbers[-1] if self.numbers else 0, self.odd[-1].number if self.odd else 0)

    def split(self, line: int) -> tuple[Sheet, Sheet]:
        """The rows up to the one with number *line*, and those behind it."""
        at, odd = bisect_right(self.numbers, line), sum(each.number <= line for each in self.odd)
        past = Sheet(self.numbers[:at], [cells[:at] for cells in self.columns], self.odd[:odd], self.read)
        return past, Sheet(self.numbers[at:], [cells[at:] for cells in self.columns], self.odd[odd:], self.read)

    def slices(self, most: int) -> Iterator[Sheet]:
        """The same in pieces of at most *most* sound rows."""
        rest = self
        while len(rest.numbers) > most:
            piece, rest = rest.split(rest.numbers[most - 1])
            yield piece
        if rest.last:
            yield rest

    def lines(self, numbers: Collection[int]) -> list[Line]:
        """The rows with these numbers, in order."""
        sound = [
            Line(number, [cells[at] for cells in self.columns])
            for at, number in enumerate(self.numbers)
            if number in numbers
        ]
        return sorted([*sound, *(line for line in self.odd if line.number in numbers)])


@attrs.frozen
class Table:
    """An opened file: the names of its columns and its rows in order."""

    header: Sequence[str]
    sheets: Iterator[Sheet]


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
                form = _Form(delimiter(header), header)
                rest = _Block(
                    block.first + index + 1,
                    block.lines[index + 1 :],
                    frozenset(at - index - 1 for at in block.cut),
                    block.read,
                )
                return Table(form.names, (form.sheet(each, size) for each in itertools.chain([rest], blocks)))
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


class _Form:
    """How the lines of one file are divided into cells: by which sign, into how many."""

    def __init__(self, sign: str, header: str) -> None:
        self.names = next(csv.reader([header], delimiter=sign))
        self._sign, self._width = sign, len(self.names)
        self._blank = sign.encode() * (self._width - 1)

    def sheet(self, block: _Block, size: int) -> Sheet:
        """The rows of a block at once if nothing is odd about any; else line by line. Empty lines are no rows."""
        columns = None if block.cut else self._plain(block.lines)
        if columns is not None:
            return Sheet(range(block.first, block.first + len(block.lines)), columns, (), block.read / size)
        rows = None if block.cut else self._rows(block.lines)
        if rows is not None:
            lines = [Line(number, row) for number, row in enumerate(rows, block.first)]
        else:
            lines = [self._line(block.first + at, raw, cut=at in block.cut) for at, raw in enumerate(block.lines)]
        found = [line for line in lines if line.broken is not None or any(line.cells)]
        return sheet_of(found, self._width, block.read / size)

    def _plain(self, lines: list[bytes]) -> list[list[str]] | None:
        """The cells of plain lines by column; None when a line has quotes, a NUL, more or fewer cells, or is blank."""
        block = b"\n".join(lines)
        signs = self._sign.encode()
        if b'"' in block or b"\0" in block or self._blank in lines:
            return None
        if any(map((self._width - 1).__ne__, map(bytes.count, lines, itertools.repeat(signs)))):
            return None
        try:
            cells = block.replace(b"\n", signs).decode().split(self._sign)
        except UnicodeDecodeError:
            return None
        return [cells[at :: self._width] for at in range(self._width)] if lines else None

    def _rows(self, lines: list[bytes]) -> list[list[str]] | None:
        """Every line's cells; None if one is not UTF-8, has a NUL or broken quotes, or does not end with its row."""
        try:
            text = b"\n".join(lines).decode()
            rows = list(csv.reader(text.split("\n"), delimiter=self._sign, strict=True))
        except (UnicodeDecodeError, csv.Error):
            return None
        return rows if len(rows) == len(lines) and "\0" not in text else None

    def _line(self, number: int, raw: bytes, *, cut: bool) -> Line:
        shown = raw[:KEPT].decode(errors="backslashreplace") if cut else raw.decode(errors="backslashreplace")
        if cut:
            return Line(number, (), TOO_LONG, shown.replace("\0", "\\x00"))
        if b"\0" in raw:
            return Line(number, (), NUL, shown.replace("\0", "\\x00"))
        if (rows := self._rows([raw])) is not None:
            return Line(number, rows[0])
        try:
            raw.decode()
        except UnicodeDecodeError:
            return Line(number, (), NOT_UTF8, shown)
        return Line(number, (), _QUOTES, shown)


def sheet_of(lines: Sequence[Line], width: int, read: float) -> Sheet:
    """*lines* as a sheet: those with *width* cells are sound, the others odd."""
    sound = [line for line in lines if line.broken is None and len(line.cells) == width]
    odd = [
        line if line.broken is not None else line._replace(broken=_wrong_width(width, len(line.cells)))
        for line in lines
        if line.broken is not None or len(line.cells) != width
    ]
    columns = list(zip(*(line.cells for line in sound), strict=True)) if sound else [()] * width
    return Sheet([line.number for line in sound], columns, odd, read)


def _wrong_width(width: int, found: int) -> Refused:
    return Refused("columns", f"the header has {width} columns and this row {found}")
