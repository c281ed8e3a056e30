"""The file in which refused rows come back: line, code and reason before the original columns."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from placet.consents.import_files import Line, Sheet
from placet.consents.import_rows import REPORTED, neutral
from placet.consents.model import Refused


class RefusedFile:
    """
    Written beside its place and moved there when it is complete; without refused rows there is no file.

    Cells that a spreadsheet would run as formulas are neutralised; the file can be mended and imported.
    """

    def __init__(self, path: Path, header: Sequence[str]) -> None:
        self._path = path
        self._draft = path.with_name(path.name + ".part")
        self._kept = [place for place, name in enumerate(header) if name.strip().lower() not in REPORTED]
        self._header = [header[place] for place in self._kept]
        self._stream: TextIO | None = None
        self._writer: Any = None

    def __enter__(self) -> RefusedFile:
        self._draft.unlink(missing_ok=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._stream is None:
            return
        self._stream.close()
        if error is None:
            self._draft.replace(self._path)

    def write(self, sheet: Sheet, refusals: Mapping[int, Refused]) -> None:
        """Add those rows of *sheet* that were refused."""
        if not refusals:
            return
        for line in sheet.lines(refusals):
            self._open().writerow(self._row(line, refusals[line.number]))
        assert self._stream is not None
        self._stream.flush()

    def _row(self, line: Line, refused: Refused) -> list[str]:
        whole = bool(self._kept) and len(line.cells) > self._kept[-1]
        cells = [neutral(line.cells[place]) for place in self._kept] if whole else [""] * len(self._kept)
        text = line.text if whole or line.text else "\t".join(line.cells)[:1000]
        return [str(line.number), refused.code, refused.message, neutral(text), *cells]

    def _open(self) -> Any:
        if self._stream is None:
            self._stream = self._draft.open("w", encoding="utf-8", newline="")
            self._writer = csv.writer(self._stream, lineterminator="\n")
            self._writer.writerow([*REPORTED, *map(neutral, self._header)])
        return self._writer
