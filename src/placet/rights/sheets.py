"""
Tables as CSV for spreadsheets (RFC 4180): UTF-8 with a byte order mark, so that every program reads the letters.

A cell that a spreadsheet would run as a formula is disarmed as OWASP recommends (*CSV Injection*): each is quoted,
and an apostrophe stands before the sign that would begin a formula, also behind a separator inside the cell, since a
program that splits at another separator would see a cell begin there. The JSON beside it has the text as it is.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from typing import IO, Any

from placet.kernel import jcs

_FORMULA = re.compile(r"(^|[;,|\t\r\n])([\s\"']*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])")
_BOM = "\ufeff"


class Sheet:
    """One table being written to a binary *file*."""

    def __init__(self, file: IO[bytes], columns: Sequence[str]) -> None:
        self._columns = columns
        self._text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
        self._text.write(_BOM)
        self._writer = csv.writer(self._text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
        self._writer.writerow(columns)

    def write(self, row: Mapping[str, Any]) -> None:
        self._writer.writerow([cell(row.get(column)) for column in self._columns])

    def close(self) -> None:
        """Give the file back to whoever owns it."""
        self._text.flush()
        self._text.detach()


def cell(value: object) -> str:
    """*value* as the text of a cell: nothing is empty, a list of words is joined, anything deeper is its JSON."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return disarmed(value)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return disarmed("; ".join(value))
    return disarmed(jcs.canonical(value).decode())


def disarmed(text: str) -> str:
    """*text* with an apostrophe before each sign that a spreadsheet would take for the beginning of a formula."""
    return _FORMULA.sub(r"\1\2'", text)
