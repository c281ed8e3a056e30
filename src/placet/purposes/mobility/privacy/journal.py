"""
Debits and draws outside the database, so that no restored backup can forget what was paid and draw its noise again.

A file of JSON lines that only grows: {"debit": …} for each debit with its months' caps, {"draw": …} for each draw.
There is no personal data in it. A line is written after its row has committed; what a crash left out is written the
next time.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import attrs
from psycopg import Connection, errors

from placet.kernel.errors import Tampered, Unavailable
from placet.store.queries import queries

SQL = queries("placet.purposes.mobility.privacy", "journal.sql")
ADVICE = "put back the newest copy of the database, or of data_dir/mobility/debits.jsonl"


@attrs.frozen
class Journal:
    """The file `data_dir/mobility/debits.jsonl`."""

    path: Path

    def agree(self, connection: Connection, *, now: datetime) -> None:
        """
        Tell the database what it has forgotten and the file what it lacks; one process at a time.

        In a transaction of its own: what another has not committed is not written. Raises `Tampered`
        (`budget-journal`) when the two contradict each other.
        """
        with self._opened() as file:
            known = _lines(file)
            self._recall(connection, known, now)
            self._remember(connection, file, known)

    def _recall(self, connection: Connection, known: Sequence[Mapping[str, Any]], now: datetime) -> None:
        debits = [line["debit"] for line in known if "debit" in line]
        draws = [line["draw"] for line in known if "draw" in line]
        try:
            for name, rows in (("recall_accounts", debits), ("recall_debits", debits), ("recall_draws", draws)):
                connection.execute(SQL[name], {"rows": json.dumps(rows), "now": now})
        except errors.CheckViolation as error:
            raise Tampered(f"more was paid for than a month's cap; {ADVICE}", code="budget-journal") from error
        held = self._held(connection)
        if any(held[kind].get(_key(row)) != row for line in known for kind, row in line.items()):
            raise Tampered(f"the database has other debits than {self.path.name}; {ADVICE}", code="budget-journal")

    def _remember(self, connection: Connection, file: BinaryIO, known: Sequence[Mapping[str, Any]]) -> None:
        written = {(kind, _key(row)) for line in known for kind, row in line.items()}
        held = self._held(connection)
        new = [
            {kind: row} for kind in ("debit", "draw") for key, row in held[kind].items() if (kind, key) not in written
        ]
        if new:
            file.write(b"".join(json.dumps(line, sort_keys=True).encode() + b"\n" for line in new))
            file.flush()
            os.fsync(file.fileno())

    def _held(self, connection: Connection) -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
        """Every debit and every draw of the database as a line holds it, by its key, in order."""
        return {kind: {_key(row): row for (row,) in connection.execute(SQL[f"{kind}s"])} for kind in ("debit", "draw")}

    @contextmanager
    def _opened(self) -> Iterator[BinaryIO]:
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.fdopen(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "r+b") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                yield file
        except OSError as error:
            raise Unavailable(
                f"the journal of debits cannot be written ({error.strerror}); make room and try again", code="disk"
            ) from error


def _key(row: Mapping[str, Any]) -> str:
    """A debit has its own id, a draw the one of its debit."""
    return str(row["id"] if "id" in row else row["debit"])


def _lines(file: BinaryIO) -> list[Mapping[str, Any]]:
    """All whole lines; the rest of one that was cut off by a crash is cut off for good."""
    content = file.read()
    whole = content[: content.rfind(b"\n") + 1]
    if len(whole) < len(content):
        file.truncate(len(whole))
        file.seek(0, os.SEEK_END)
    try:
        return [json.loads(line) for line in whole.splitlines()]
    except ValueError as error:
        raise Tampered(f"debits.jsonl cannot be read; {ADVICE}", code="budget-journal") from error
