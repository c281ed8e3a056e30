"""`placet mobility release`, `publish`, `withdraw`, `releases`, by the clock of this machine."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from release_town import PEOPLE, ReleaseTown

from placet.bootstrap import Application
from placet.interfaces.cli.main import main
from placet.kernel import clock
from placet.purposes.mobility.places.model import atlas_folder
from sources.event_town import EventTown, local


def run(*words: str, expect: int = 0) -> str:
    result = CliRunner().invoke(main, ["mobility", *words])
    assert result.exit_code == expect, (result.output, result.exception)
    return result.stdout + result.stderr


def read(*words: str) -> Any:
    return json.loads(run(*words, "--json"))


@pytest.fixture
def day(placet: Application, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Three days ago, with its events and a map; commands find this application."""
    now = clock.now()
    day = (now - timedelta(days=3)).date()
    events = EventTown(placet, tmp_path, now=now)
    events.cells(since=now - timedelta(days=30))
    for name in PEOPLE:
        events.add(name, at=None)
        events.say(name, "given", now - timedelta(days=10), recorded=now)
    events.deliver([[f"crm:{name}", local(hour, day=day), "riga", 9] for name in PEOPLE for hour in range(24)], day=day)
    ReleaseTown.with_staff(events).map.save(atlas_folder(placet.config.data_dir))
    for name in ("database_url", "data_dir", "master_key"):
        monkeypatch.setenv(f"PLACET_{name.upper()}", str(getattr(placet.config, name)))
    return day.isoformat()


def test_a_day_is_released_made_public_checked_and_withdrawn(day: str) -> None:
    assert "nothing was released yet" in run("releases")
    made = read("release", day, "--as", "andris")
    assert (made["id"], made["state"], made["rho"], made["population"]) == (day, "made", "0.005", None)
    assert {"tile-hours.csv", "SHA256SUMS", "report.html"} <= set(made["files"])
    assert read("release", day, "--as", "dace")["sha256"] == made["sha256"]
    assert "(same-person)" in run("publish", day, "--as", "andris", expect=1)
    assert read("publish", day, "--as", "dace")["state"] == "public"
    assert "AUC of any attacker" in run("releases", day, "--check")
    assert [release["id"] for release in read("releases")] == [day]
    gone = read("withdraw", day, "--notice", "A cell stood elsewhere.", "--as", "dace")
    assert (gone["state"], gone["notice"]) == ("withdrawn", "A cell stood elsewhere.")
    assert "withdrawn" in run("releases")


def test_what_cannot_be_released_says_what_to_do(day: str) -> None:
    assert "(bad-window)" in run("release", "october", "--as", "andris", expect=1)
    assert "(bad-window)" in run("release", day[:7], "--product", "tile-hours", "--as", "andris", expect=1)
    assert "(window-open)" in run("release", "2999-01", "--as", "andris", expect=1)
    assert "(no-events)" in run("release", "2020-01-07", "--as", "andris", expect=1)
    assert "(unknown-release)" in run("releases", "2999-01", expect=1)
