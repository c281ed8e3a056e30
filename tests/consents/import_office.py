"""What the tests of imports share: rows, files of them, and what the ledger holds afterwards."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import attrs
from consents_support import PlainRulebook

from placet.consents.import_answers import Desk
from placet.consents.import_model import Options, Report
from placet.consents.import_rows import COLUMNS
from placet.consents.imports import import_file, rehearse_file
from placet.store.database import Database
from placet.subjects.actions import Subjects
from placet.subjects.model import Alias, Newcomer

YES = {
    "subject": "crm:C-1",
    "purpose": "offers",
    "channel": "",
    "decision": "given",
    "occurred_at": "2026-01-10T09:00:00+02:00",
    "notice_version": "1.0",
    "language": "lv",
    "source": "crm-2019",
    "grade": "B",
    "collected_at": "2026-02-01T00:00:00Z",
    "evidence": "",
}


def row(**more: str) -> dict[str, str]:
    return {**YES, **more}


def table(rows: Iterable[Mapping[str, str]], *, columns: Sequence[str] = COLUMNS[:-1], sign: str = ",") -> str:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, columns, delimiter=sign, lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


@attrs.frozen
class Office:
    """A desk with customers C-1, C-2, …, and a folder for files."""

    desk: Desk
    folder: Path

    def file(self, content: str | bytes, name: str = "decisions.csv") -> Path:
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    @property
    def refused(self) -> Path:
        return self.folder / "refused.csv"

    def run(self, content: str | bytes | Path, **options: Any) -> Report:
        path = content if isinstance(content, Path) else self.file(content)
        return import_file(self.desk, path, Options(**options), refused=self.refused)

    def rehearse(self, content: str | bytes | Path, **options: Any) -> Report:
        path = content if isinstance(content, Path) else self.file(content)
        return rehearse_file(self.desk, path, Options(**options), refused=self.refused)

    def refusals(self) -> list[dict[str, str]]:
        if not self.refused.exists():
            return []
        with self.refused.open(encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream))

    def codes(self) -> dict[int, str]:
        """What was refused, by line."""
        return {int(each["refused_line"]): each["refused_code"] for each in self.refusals()}

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.desk.database.transaction() as connection:
            return connection.execute(query.encode()).fetchall()

    def states(self) -> list[tuple[Any, ...]]:
        return self.rows("SELECT number, purpose, channel, decision FROM consents.state ORDER BY 1, 2, 3")

    def count(self) -> int:
        return int(self.rows("SELECT count(*) FROM ledger.entered")[0][0])


def office(database: Database, subjects: Subjects, folder: Path, now: datetime, *, customers: int = 5) -> Office:
    with database.transaction() as connection:
        newcomers = [
            Newcomer([Alias.crm(f"C-{n}"), Alias.msisdn(f"2000{n:04}")], "lv") for n in range(1, customers + 1)
        ]
        subjects.add_many(connection, newcomers, now=now)
    return Office(Desk(database, subjects, PlainRulebook(subjects), lambda: now), folder)
