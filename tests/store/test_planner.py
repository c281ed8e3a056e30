"""After many rows the planner knows of them at once, though the application's role owns no table."""

from __future__ import annotations

from datetime import datetime

from placet.bootstrap import Application
from placet.subjects.model import Newcomer


def test_the_planner_knows_many_new_rows_as_soon_as_it_has_looked_again(placet: Application, now: datetime) -> None:
    with placet.database.transaction() as connection:
        placet.subjects.add_many(connection, [Newcomer((), "lv") for _ in range(300)], now=now)
    assert _believed(placet) <= 0
    placet.database.look_again("subjects")
    assert _believed(placet) == 300


def _believed(placet: Application) -> int:
    with placet.database.transaction() as connection:
        row = connection.execute("SELECT reltuples FROM pg_class WHERE oid = 'subjects.person'::regclass").fetchone()
    assert row is not None
    return int(row[0])
