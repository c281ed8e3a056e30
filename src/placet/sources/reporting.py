"""The report of refused rows: line, kind, reason. No cell of the row: who mends a delivery has the delivery."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from placet.sources.cells import Wrong
from placet.sources.deliveries import Refused
from placet.sources.model import REASONS


class RefusedRows:
    """Written beside its place and moved there when it is complete; without refused rows there is no file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self._draft = path.with_name(path.name + ".part")
        self._stream: TextIO | None = None
        self._writer: Any = None

    def __enter__(self) -> RefusedRows:
        self._draft.unlink(missing_ok=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._stream is None:
            if error is None:
                # Of an earlier try, which said otherwise.
                self.path.unlink(missing_ok=True)
            return
        self._stream.close()
        if error is None:
            self._draft.replace(self.path)
        else:
            self._draft.unlink(missing_ok=True)

    def write(self, refused: Sequence[Refused]) -> None:
        self._rows((one.line, one.fault.value, REASONS[one.fault]) for one in refused)

    def write_wrong(self, wrong: Sequence[Wrong]) -> None:
        self._rows(wrong)

    def _rows(self, rows: Iterable[Sequence[Any]]) -> None:
        for row in rows:
            if self._stream is None:
                self._stream = self._draft.open("w", encoding="utf-8", newline="")
                self._writer = csv.writer(self._stream, lineterminator="\n")
                self._writer.writerow(["line", "code", "reason"])
            self._writer.writerow(row)
            self.count += 1
