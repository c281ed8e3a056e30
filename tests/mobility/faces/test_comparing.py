"""What changed from one release to another: the command line tells what REST tells."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner
from starlette.testclient import TestClient

from mobility.faces.atlas_town import released
from placet.access import keys
from placet.access.staff import Member
from placet.bootstrap import Application
from placet.interfaces.cli.main import main
from placet.interfaces.http import Server
from placet.kernel import clock
from placet.purposes.mobility.releasing.model import Release

_OUR_KEYS = ("table", "count", "changed", "rows")


@pytest.fixture
def september(placet: Application, andris: Member, monkeypatch: pytest.MonkeyPatch) -> Release:
    """The month before, of which fewer took part; commands find this application."""
    for name in ("database_url", "data_dir", "master_key"):
        monkeypatch.setenv(f"PLACET_{name.upper()}", str(getattr(placet.config, name)))
    return released(placet, "2026-09", part=0.2, seed=2, public_by=andris.id)


def run(*words: str, expect: int = 0) -> str:
    result = CliRunner().invoke(main, ["mobility", "compare", *words], env={"COLUMNS": "200"})
    assert result.exit_code == expect, (result.output, result.exception)
    return result.stdout + result.stderr


def read(*words: str) -> list[dict[str, Any]]:
    told = json.loads(run("2026-10", "2026-09", *words, "--json"))
    assert (told["release"], told["baseline"]) == ("2026-10", "2026-09")
    tables: list[dict[str, Any]] = told["tables"]
    assert all(tuple(table) == _OUR_KEYS for table in tables)
    return tables


def test_the_command_tells_what_rest_tells(placet: Application, september: Release, october: Release) -> None:
    with placet.database.transaction() as connection:
        key = keys.add(connection, "city", ["mobility:read"], now=clock.now()).text
    with TestClient(Server(placet)) as client:
        answer = client.get(
            "/v1/mobility/releases/2026-10/changes?baseline=2026-09&table=zone-profile&limit=7",
            headers={"authorization": f"Bearer {key}"},
        )
    (table,) = read("--product", "zone-profile", "--limit", "7")
    assert answer.json()["rows"] == table["rows"]
    assert len(table["rows"]) == 7
    assert table["count"] > table["changed"] > 7


def test_pages_hold_each_row_once_and_a_zone_keeps_what_names_it(september: Release, october: Release) -> None:
    words = ("--product", "flows", "--zone", "z6")
    whole = {table["table"]: table for table in read(*words, "--limit", "1000")}
    assert set(whole) == {"flows", "zone-trips", "travel-times"}
    assert all("z6" in (row["origin"], row["destination"]) for row in whole["flows"]["rows"])
    paged = [row for page in (1, 2, 3) for row in read(*words, "--limit", "5", "--page", str(page))[0]["rows"]]
    assert paged == whole["flows"]["rows"][:15]
    shown = run("2026-10", "2026-09", *words, "--limit", "5")
    assert "flows" in shown
    assert f"{whole['flows']['count'] - 5:,} more: --page 2" in shown
    assert "changed" in shown


def test_what_cannot_be_compared_says_why(september: Release, october: Release) -> None:
    assert "(unknown-release)" in run("2026-10", "2026-01", expect=1)
    assert "(unknown-zone)" in run("2026-10", "2026-09", "--zone", "atlantis", expect=1)
    assert "(nothing-shared)" in run("2026-10", "2026-09", "--product", "tile-hours", expect=1)
