from __future__ import annotations

import json
from pathlib import Path

import pytest
from catalogue_tables import ACME, Edit
from click.testing import CliRunner, Result

from placet.catalogue.files import load
from placet.catalogue.render import render
from placet.interfaces.cli.catalogue import catalogue_group


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(catalogue_group, [str(argument) for argument in arguments])


@pytest.fixture
def operator(monkeypatch: pytest.MonkeyPatch, admin_url: str, tmp_path: Path) -> None:
    """The settings of an operator whose catalogue is acme, on a database of its own."""
    monkeypatch.delenv("PLACET_TEST_DATABASE_URL", raising=False)
    monkeypatch.setenv("PLACET_DATABASE_URL", admin_url)
    monkeypatch.setenv("PLACET_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("PLACET_MASTER_KEY", "00" * 32)
    monkeypatch.setenv("PLACET_CATALOGUE", str(ACME))


def test_check_reads_and_lints_without_a_database() -> None:
    result = run("check", ACME, "--offline", "--json")
    assert result.exit_code == 0
    answer = json.loads(result.output)
    assert answer == {
        "catalogue": "acme",
        "version": "1.0",
        "digest": load(ACME).digest.hex(),
        "findings": [],
        "changes": [],
        "lapsed": [],
        "readability": answer["readability"],
    }
    assert set(answer["readability"]) == {"en"}


def test_check_names_what_is_wrong_and_exits_1(edit: Edit) -> None:
    folder = edit([{"file": "activities.yaml", "find": "  legal_basis: contract\n", "put": ""}])
    result = run("check", folder, "--offline")
    assert result.exit_code == 1
    assert "error: activities.yaml: contract.billing: it needs no consent" in result.output
    assert result.output.endswith("1 errors; it cannot be published\n")


def test_check_of_unreadable_files_names_file_line_and_key(edit: Edit) -> None:
    result = run("check", edit([{"file": "catalogue.yaml", "find": "id: acme", "put": "id: 7"}]), "--offline")
    assert result.exit_code == 1
    assert "catalogue.yaml:2: id: Input should be a valid string" in result.output


def test_show_prints_the_text_and_its_hash() -> None:
    result = run("show", "amigo", "--purpose", "profiling", "--lang", "lv", "--route", "phone")
    rendered = render(load("amigo"), purpose="profiling", language="lv", route="phone")
    assert result.exit_code == 0
    assert result.output == f"{rendered.text}\n\nSHA-256 {rendered.sha256.hex()}\n"


def test_show_of_an_unknown_purpose_exits_1() -> None:
    result = run("show", "amigo", "--purpose", "horoscope")
    assert result.exit_code == 1
    assert "unknown-purpose" in result.output


def test_publish_puts_a_new_version_in_force_once(operator: None, edit: Edit) -> None:
    folder = edit(
        [
            {"file": "catalogue.yaml", "find": 'version: "1.0"', "put": 'version: "2.0"'},
            {"file": "purposes/advice.yaml", "find": 'version: "1.0"', "put": 'version: "2.0"'},
            {"file": "purposes/advice.yaml", "find": "automated: false", "put": "automated: true"},
        ]
    )
    checked = json.loads(run("check", folder, "--json").output)
    assert checked["lapsed"] == [{"purpose": "advice", "below_major": 2}]
    assert checked["changes"] == [
        {"purpose": "advice", "weight": "major", "what": ["automation"], "old": "1.0", "new": "2.0"}
    ]
    first = json.loads(run("publish", folder, "--json").output)
    assert (first["published"], first["position"]) == (True, 2)
    again = json.loads(run("publish", folder, "--json").output)
    assert (again["published"], again["position"]) == (False, 2)
    shown = json.loads(run("show", "--json").output)
    assert shown["digest"] == load(folder).digest.hex()


def test_publish_refuses_changed_words_under_the_old_version(operator: None, edit: Edit) -> None:
    folder = edit([{"file": "purposes/news.yaml", "find": "You get no news.", "put": "You get less news."}])
    result = run("publish", folder)
    assert result.exit_code == 1
    assert "write 1.1 or higher, not 1.0" in result.output
    assert json.loads(run("show", "--json").output)["digest"] == load(ACME).digest.hex()
