"""`placet import` as it is typed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

import pytest
from click.testing import CliRunner
from import_office import row, table

from placet.bootstrap import Application
from placet.interfaces.cli import imports
from placet.interfaces.cli.main import main

SAMPLE = str(files("placet").joinpath("catalogues/amigo/sample-import.csv"))


@pytest.fixture
def run(placet: Application, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    @contextmanager
    def opened() -> Iterator[Application]:
        yield placet

    monkeypatch.setattr(imports, "open_agreed", opened)
    return CliRunner()


def test_the_sample_is_imported_into_the_shipped_catalogue(run: CliRunner, tmp_path: Path) -> None:
    refused = str(tmp_path / "refused.csv")
    dry = run.invoke(main, ["import", SAMPLE, "--create-subjects", "--refused", refused, "--dry-run"])
    assert dry.exit_code == 0, dry.output
    assert "6  would be recorded" in dry.output
    done = run.invoke(main, ["import", SAMPLE, "--create-subjects", "--refused", refused, "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == {
        "dry_run": False, "rows": 6, "recorded": 6, "ignored": 0, "repeated": 0, "refused": 0, "created": 3,
        "resumed_after": 0, "codes": {}, "file": None,
    }  # fmt: skip
    again = run.invoke(main, ["import", SAMPLE, "--create-subjects", "--refused", refused])
    assert "continued after line 7" in again.output
    assert not Path(refused).exists()


def test_refused_rows_are_told_and_the_exit_says_so(run: CliRunner, tmp_path: Path) -> None:
    path = tmp_path / "crm.csv"
    path.write_text(table([row(), row(purpose="everything"), row(purpose="everything")]))
    told = run.invoke(main, ["import", str(path), "--create-subjects"])
    assert told.exit_code == 1
    assert "2    unknown-purpose" in told.output
    assert "1  recorded" in told.output
    assert (tmp_path / "crm.refused.csv").read_text().count("unknown-purpose") == 2


def test_a_file_that_is_no_table_is_one_line_on_stderr(run: CliRunner, tmp_path: Path) -> None:
    path = tmp_path / "crm.csv"
    path.write_bytes(b"")
    told = run.invoke(main, ["import", str(path)])
    assert told.exit_code == 1
    assert told.stderr.startswith("placet: the file is empty. Nothing was imported (empty-file)")
