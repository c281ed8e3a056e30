from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from placet.interfaces.cli.decisions import record_command
from placet.interfaces.cli.subjects import keys_group, subjects_group

Run = Callable[..., Any]
GROUPS: dict[str, click.Command] = {"subjects": subjects_group, "keys": keys_group, "record": record_command}


@pytest.fixture
def invoke(admin_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PLACET_DATABASE_URL", admin_url)
    monkeypatch.setenv("PLACET_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("PLACET_MASTER_KEY", "00" * 32)

    def invoke(group: str, *arguments: str) -> Result:
        return CliRunner().invoke(GROUPS[group], arguments)

    return invoke


@pytest.fixture
def run(invoke: Callable[..., Result]) -> Run:
    """Run a command that must succeed and return what it printed as JSON."""

    def run(*arguments: str) -> Any:
        result = invoke(*arguments, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return run


def test_person_is_added_shown_and_erased(run: Run, invoke: Callable[..., Result]) -> None:
    options = ("--msisdn", "2000 0001", "--email", "Anna@Example.lv", "--crm", "A-1", "--lang", "ru", "--name", "Anna")
    added = run("subjects", "add", *options, "--birth-date", "1990-05-01")
    assert set(added) == {"id"}
    shown = run("subjects", "show", "msisdn:+37120000001")
    assert shown["id"] == added["id"]
    assert (shown["language"], shown["name"], shown["birth_date"]) == ("ru", "Anna", "1990-05-01")
    assert {contact["alias"] for contact in shown["contacts"]} == {
        "msisdn:+37120000001",
        "email:anna@example.lv",
        "crm:A-1",
    }
    assert run("subjects", "erase", "crm:A-1", "--yes")["erased"] == [added["id"]]
    gone = invoke("subjects", "show", "crm:A-1")
    assert gone.exit_code == 1
    assert "A-1" not in gone.output
    left = run("subjects", "show", added["id"])
    assert left["erased_at"] is not None
    assert (left["name"], left["birth_date"], left["contacts"], left["language"]) == (None, None, [], "und")


def test_line_and_mandate_are_kept_by_command(run: Run, invoke: Callable[..., Result]) -> None:
    anna = run("subjects", "add", "--msisdn", "20000001")["id"]
    zane = run("subjects", "add", "--crm", "Z-1", "--birth-date", "2015-01-01")["id"]
    run("subjects", "line", "add", "20000001", "--holder", anna, "--since", "2020-01-01T00:00:00Z")
    assert invoke("subjects", "line", "role", "20000001", zane, "child").exit_code == 0
    scope = ("--kind", "parent", "--purpose", "usage", "--purpose", "offers", "--proof", "17/2015")
    mandate = run("subjects", "mandate", "add", anna, zane, *scope)["mandate"]
    shown = run("subjects", "show", zane)
    assert [(line["msisdn"], line["role"]) for line in shown["lines"]] == [("+37120000001", "child")]
    assert [(held["id"], held["purposes"]) for held in shown["mandates"]] == [(mandate, ["offers", "usage"])]
    assert invoke("subjects", "mandate", "end", mandate).exit_code == 0
    assert run("subjects", "line", "event", "20000001", "recycled") == {"suspended": 0}
    assert invoke("subjects", "show", "msisdn:20000001").exit_code == 1
    assert invoke("subjects", "show", anna).exit_code == 0


def test_consents_of_a_recycled_number_are_suspended_and_its_next_owner_starts_anew(
    run: Run, invoke: Callable[..., Result]
) -> None:
    anna = run("subjects", "add", "--msisdn", "20000001", "--crm", "A-1")["id"]
    run("record", anna, "offers", "given")
    run("record", anna, "offers", "given", "--channel", "sms")
    assert run("subjects", "line", "event", "20000001", "recycled") == {"suspended": 1}
    newcomer = run("subjects", "add", "--msisdn", "20000001")["id"]
    assert newcomer != anna
    assert run("subjects", "show", "msisdn:20000001")["id"] == newcomer


def test_refusal_says_what_to_do_on_one_line(run: Run, invoke: Callable[..., Result]) -> None:
    run("subjects", "add", "--msisdn", "20000001")
    refused = invoke("subjects", "add", "--msisdn", "20000001")
    assert refused.exit_code == 1
    assert "placet subjects merge" in refused.output
    assert "20000001" not in refused.output
    unknown = invoke(
        "subjects", "mandate", "add", "crm:a", "crm:b", "--kind", "parent", "--purpose", "x", "--proof", "p"
    )
    assert unknown.exit_code == 1
    assert "no such purpose" in unknown.output


def test_two_records_of_one_person_are_merged_by_command(run: Run) -> None:
    first, second = run("subjects", "add", "--crm", "A-1")["id"], run("subjects", "add", "--crm", "A-2")["id"]
    assert run("subjects", "merge", first, second) == {"id": first, "records": 0}
    assert run("subjects", "show", "crm:A-2")["id"] == first


def test_keys_are_made_rotated_listed_and_revoked(run: Run, invoke: Callable[..., Result]) -> None:
    made = run("keys", "add", "shop", "--scope", "check", "--scope", "audience")
    assert made["key"].startswith(f"pk_{made['id']}_")
    successor = run("keys", "rotate", made["id"], "--overlap-hours", "1")
    assert invoke("keys", "revoke", successor["id"]).exit_code == 0
    listed = invoke("keys", "list", "--json")
    found = {info["id"]: info for info in json.loads(listed.stdout)}
    assert set(found) == {made["id"], successor["id"]}
    assert found[made["id"]]["rotated_to"] == successor["id"]
    assert found[successor["id"]]["revoked_at"] is not None
    assert made["key"].rpartition("_")[2] not in listed.output
    assert invoke("keys", "add", "shop", "--scope", "everything").exit_code == 2
