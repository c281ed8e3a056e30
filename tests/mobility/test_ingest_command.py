"""`placet mobility ingest` and `quality`, as an operator runs them."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from placet.bootstrap import Application
from placet.gate import stops
from placet.interfaces.cli.main import main
from placet.kernel import clock
from sources.event_town import CELLS, EventTown, write


@pytest.fixture
def town(placet: Application, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EventTown:
    """Yesterday, by the clock on the wall: that is what a command knows."""
    for name, value in (
        ("DATABASE_URL", placet.config.database_url),
        ("DATA_DIR", tmp_path),
        ("MASTER_KEY", "00" * 32),
    ):
        monkeypatch.setenv(f"PLACET_{name}", str(value))
    now = clock.now()
    town = EventTown(placet, tmp_path / "delivered", now=now)
    town.folder.mkdir()
    town.add("anna", at=None)
    town.say("anna", "given", now - timedelta(days=40), recorded=now)
    return town


@pytest.fixture
def noon(town: EventTown) -> datetime:
    yesterday = (town.now.astimezone(town.placet.mobility.zone) - timedelta(days=1)).date()
    return datetime(yesterday.year, yesterday.month, yesterday.day, 12, tzinfo=town.placet.mobility.zone)


def run(*words: object) -> Result:
    return CliRunner().invoke(main, ["mobility", *map(str, words)])


def told(result: Result) -> Any:
    return json.loads(result.stdout)


def test_cells_and_days_are_taken_in_and_looked_at(town: EventTown, noon: datetime) -> None:
    cells, events = town.folder / "cells.csv", town.folder / f"events-{noon.date()}.csv"
    write(cells, ("cell", "lon", "lat", "range_m"), CELLS)
    rows = [["crm:anna", noon.isoformat(), "riga", 5], ["crm:nobody", noon.isoformat(), "riga", 5]]
    write(events, ("subject", "at", "cell", "load"), rows)
    first = run("ingest", events, "--cells", cells, "--json")
    assert first.exit_code == 1, first.output
    assert told(first)["cells"] == {"added": 3, "moved": 0, "unchanged": 0, "refused": 0}
    (day,) = told(first)["days"]
    assert (day["read"], day["rows"], day["faults"], day["again"]) == (2, 1, {"unknown-subject": 1}, False)
    assert (town.folder / f"refused-{events.name}").read_text("utf-8").startswith("line,code,reason\n3,unknown-subject")
    with town.placet.database.transaction() as connection:
        assert "purpose/mobility" in {one.stop.id for one in stops.listing(connection)}
    again = run("ingest", events)
    assert (again.exit_code, "nothing was changed" in again.stdout) == (0, True)
    looked = told(run("quality", "--json"))
    assert [one["day"] for one in looked["days"]] == [str(noon.date())]
    assert looked["missing"] == []
    assert "1 unknown-subject" in run("quality").stdout


def test_what_the_command_cannot_do_it_says_in_one_line(town: EventTown, noon: datetime) -> None:
    events = town.folder / "events.csv"
    write(events, ("subject", "at", "cell", "load"), [["crm:anna", noon.isoformat(), "riga", 5]])
    for words, code in (
        (["ingest"], "bad-option"),
        (["ingest", events], "no-day"),
        (["ingest", events, "--day", noon.date()], "no-cells"),
        (["ingest", events, events, "--day", noon.date()], "bad-option"),
    ):
        result = run(*words)
        assert (result.exit_code, f"({code})" in result.stderr) == (1, True), result.output
    assert "no events are there" in run("quality").stdout
