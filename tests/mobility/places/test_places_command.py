"""From an operator's files to the map in use: import, ingest, places, by the commands of the how-to page."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from placet.bootstrap import Application
from placet.interfaces.cli.main import main
from placet.kernel import clock
from placet.purposes.mobility.places import Atlas, atlas_folder

PEOPLE = 40


def run(*words: str, expect: int = 0) -> str:
    result = CliRunner().invoke(main, words)
    assert result.exit_code == expect, (result.output, result.exception)
    return result.stdout + result.stderr


def told(*words: str) -> Any:
    return json.loads(run(*words, "--json"))


@pytest.fixture
def delivered(placet: Application, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("database_url", "data_dir", "master_key"):
        monkeypatch.setenv(f"PLACET_{name.upper()}", str(getattr(placet.config, name)))
    folder = tmp_path / "world"
    first = (clock.now() - timedelta(days=3)).date().isoformat()
    options = ("--people", str(PEOPLE), "--days", "1", "--first", first, "--region", "riga")
    assert f"{PEOPLE} people and" in run("mobility", "world", str(folder), *options)
    return folder


def test_a_world_goes_the_way_of_an_operators_files(placet: Application, delivered: Path) -> None:
    zones = str(delivered / "zones.geojson")
    assert "no-cells" in run("mobility", "places", zones, expect=1)

    imported = told("import", str(delivered / "decisions.csv"), "--create-subjects")
    assert (imported["rows"], imported["refused"], imported["created"]) == (PEOPLE, 0, PEOPLE)
    (events,) = delivered.glob("events-*.csv")
    run("mobility", "ingest", "--cells", str(delivered / "cells.csv"), str(events))
    (day,) = placet.mobility.lake.days()
    manifest = placet.mobility.lake.manifest(day)
    assert manifest is not None
    assert manifest.rows == len(events.read_text().splitlines()) - 1
    assert not any(manifest.faults.values())

    made = told("mobility", "places", zones, "--parent", "region")
    assert (made["zones"], made["regions"], made["notes"]) == (22, 1, [])
    atlas = Atlas.load(atlas_folder(placet.config.data_dir))
    assert atlas.sha256 == made["sha256"]
    assert "22 zones with" in run("mobility", "places", zones)


def test_a_file_that_is_refused_leaves_the_map_in_use(placet: Application, delivered: Path) -> None:
    run("mobility", "ingest", "--cells", str(delivered / "cells.csv"))
    run("mobility", "places", str(delivered / "zones.geojson"))
    before = Atlas.load(atlas_folder(placet.config.data_dir)).sha256
    broken = delivered / "broken.geojson"
    broken.write_text((delivered / "zones.geojson").read_text().replace('"population":', '"residents":'))
    assert "no number of residents" in run("mobility", "places", str(broken), expect=1)
    assert Atlas.load(atlas_folder(placet.config.data_dir)).sha256 == before
