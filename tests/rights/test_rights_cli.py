"""`placet requests`, `placet erase` and `placet erasures`, as an operator types them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from placet.access import staff
from placet.access.staff import Role
from placet.bootstrap import Application
from placet.interfaces.cli.main import main
from placet.kernel import clock
from placet.kernel.periods import format_instant

Invoke = Callable[..., Result]
Run = Callable[..., Any]


@pytest.fixture
def invoke(placet: Application, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Invoke:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PLACET_DATABASE_URL", str(placet.config.database_url))
    monkeypatch.setenv("PLACET_DATA_DIR", str(placet.config.data_dir))
    monkeypatch.setenv("PLACET_MASTER_KEY", "00" * 32)
    return lambda *arguments, **more: CliRunner().invoke(main, arguments, **more)


@pytest.fixture
def run(invoke: Invoke) -> Run:
    """Run a command that must succeed and return what it printed as JSON."""

    def run(*arguments: str, expect: int = 0) -> Any:
        result = invoke(*arguments, "--json")
        assert result.exit_code == expect, result.output
        return json.loads(result.stdout)

    return run


@pytest.fixture
def members(placet: Application) -> None:
    with placet.database.transaction() as connection:
        for login in ("anna", "boris", "gone"):
            staff.add(connection, login, name=login.title(), roles=[Role.DPO], by=None, now=clock.now())
        staff.disable(connection, staff.by_login(connection, "gone").id, by=None, now=clock.now())


@pytest.mark.usefixtures("members")
def test_a_request_is_filed_taken_extended_and_answered(run: Run, invoke: Invoke) -> None:
    zane = run("subjects", "add", "--crm", "Z-1")["id"]
    filed = run("requests", "file", "crm:Z-1", "access", "--route", "post", "--text", "Ko jūs par mani zināt?")
    assert (filed["subject"], filed["state"], filed["escalation"]) == (zane, "received", "in-time")
    assert [one["id"] for one in run("requests")] == [filed["id"]]
    assert run("requests")[0]["text"] is None, "a list shows nobody's words"
    taken = run("requests", "take", filed["id"], "--as", "anna")
    assert taken["state"] == "in-progress"
    refused = invoke("requests", "take", filed["id"], "--as", "boris")
    assert (refused.exit_code, "(request-taken)" in refused.stderr) == (1, True)
    assert [one["id"] for one in run("requests", "--owner", "anna")] == [filed["id"]]
    assert run("requests", "--unowned") == []
    extended = run("requests", "extend", filed["id"], "--as", "anna", "--reason", "Arhīvs")
    assert extended["due"] > taken["due"]
    assert run("requests", "release", filed["id"], "--as", "anna")["owner"] is None
    done = run("requests", "finish", filed["id"], "--as", "boris", "--outcome", "Nosūtīts")
    assert (done["state"], done["outcome"]) == ("done", "Nosūtīts")
    assert run("requests") == []
    assert [one["state"] for one in run("requests", "--state", "done")] == ["done"]
    steps = run("requests", "show", filed["id"])["steps"]
    assert [step["kind"] for step in steps] == ["filed", "taken", "extended", "released", "done"]
    shown = invoke("requests", "show", filed["id"]).stdout
    assert "Ko jūs par mani zināt?" in shown
    assert "no request waits" in invoke("requests").stdout


@pytest.mark.usefixtures("members")
def test_an_account_that_is_disabled_or_unknown_answers_nothing(run: Run, invoke: Invoke) -> None:
    run("subjects", "add", "--crm", "Z-1")
    filed = run("requests", "file", "crm:Z-1", "complaint", "--route", "phone")
    for login in ("gone", "nobody"):
        refused = invoke("requests", "refuse", filed["id"], "--as", login, "--reason", "no")
        assert refused.exit_code == 1, refused.output
    assert run("requests")[0]["state"] == "received"
    assert run("requests", "show", filed["id"])["steps"][0]["kind"] == "filed"


def test_an_erasure_asks_names_what_stays_and_stands_in_the_journal(
    run: Run, invoke: Invoke, placet: Application
) -> None:
    zane = run("subjects", "add", "--crm", "Z-1")["id"]
    kept = invoke("erase", "crm:Z-1", input="n\n")
    assert kept.exit_code == 1
    assert "would stay: placet.records" in kept.stdout
    assert run("erasures", "list") == []
    done = run("erase", "crm:Z-1", "--yes")
    assert done["erased"] == [zane]
    assert {one["law"] for one in done["kept"]} >= {"GDPR 5(2), 12(3)"}
    assert [one["subject"] for one in run("erasures", "list")] == [zane]
    assert invoke("erase", "crm:Z-1", "--yes").exit_code == 1
    assert "erased 0 identities" in invoke("erase", zane, "--yes").stdout


def test_a_lost_journal_stops_every_command_but_the_one_that_makes_it_anew(
    run: Run, invoke: Invoke, placet: Application, tmp_path: Path
) -> None:
    zane = run("subjects", "add", "--crm", "Z-1")["id"]
    also = run("subjects", "add", "--crm", "A-1")["id"]
    run("erase", "crm:Z-1", "--yes")
    placet.journal.file.unlink()
    refused = invoke("requests")
    assert (refused.exit_code, "(erasure-journal)" in refused.stderr) == (1, True)
    assert "placet erasures rebuild" in refused.stderr
    (tmp_path / "ids").write_text(f"{also}\n\n")
    assert run("erasures", "rebuild", "--also", str(tmp_path / "ids")) == {"entries": 2}
    assert [one["subject"] for one in run("erasures", "list")] == [zane, also]
    assert run("subjects", "show", also)["erased_at"] is not None
    (tmp_path / "ids").write_text("Zane\n")
    assert invoke("erasures", "rebuild", "--also", str(tmp_path / "ids")).exit_code == 1


@pytest.mark.usefixtures("members")
def test_processing_rests_until_the_person_was_told_and_the_day_has_come(run: Run, invoke: Invoke) -> None:
    run("subjects", "add", "--crm", "Z-1")
    made = run("restrictions", "add", "crm:Z-1", "--purpose", "offers", "--ground", "accuracy", "--as", "anna")
    assert run("check", "crm:Z-1", "offers.email-campaign", expect=3)["reason"] == "restricted"
    refused = invoke("restrictions", "lift", made["id"], "--as", "boris")
    assert "(not-told)" in refused.stderr
    refused = invoke("restrictions", "tell", made["id"], "--lifting-at", "2020-01-01T00:00:00Z", "--as", "boris")
    assert "(bad-time)" in refused.stderr
    tomorrow = format_instant(clock.now() + timedelta(days=1))
    assert run("restrictions", "tell", made["id"], "--lifting-at", tomorrow, "--as", "boris")["lifting_at"] == tomorrow
    assert "(not-told)" in invoke("restrictions", "lift", made["id"], "--as", "boris").stderr
    assert [one["id"] for one in run("restrictions", "list", "crm:Z-1")] == [made["id"]]
    assert "may be lifted from" in invoke("restrictions", "list", "crm:Z-1").stdout
