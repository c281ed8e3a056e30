"""`placet offers surveys`, as an operator types it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from placet.access.staff import Role
from placet.bootstrap import Application
from placet.interfaces.cli.main import main
from placet.kernel import clock
from staff.staff_people import hired
from surveys.conftest import Office
from surveys.survey_forms import USED


@pytest.fixture(autouse=True)
def _settings(placet: Application, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PLACET_DATABASE_URL", str(placet.config.database_url))
    monkeypatch.setenv("PLACET_DATA_DIR", str(placet.config.data_dir))
    monkeypatch.setenv("PLACET_MASTER_KEY", "00" * 32)


def run(*arguments: str) -> Any:
    """What the command printed as JSON."""
    result = CliRunner().invoke(main, ["offers", "surveys", *arguments, "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_surveys_are_listed_shown_counted_and_closed(placet: Application, office: Office) -> None:
    hired(placet, "marta", Role.MARKETER)
    office.now = office.house.now = clock.now()
    survey = office.opened(anonymous=True)
    for number in range(20):
        token = office.link(survey, office.house.person(f"person{number}"))
        office.answer(token, USED, "a" if number < 13 else "b")
        office.send(token)
    office.surveys.round(office.now)
    assert [one["id"] for one in run("list", "--state", "open")] == [str(survey.id)]
    assert run("list", "--state", "draft") == []
    shown = run("show", str(survey.id))
    assert [step["what"] for step in shown["steps"]] == ["created", "submitted", "opened"]
    assert shown["invitations"] == [{"channel": "email", "state": "planned", "reason": None, "count": 20}]
    told = run("results", str(survey.id))
    assert told["sent"] == 20
    yes, no = told["questions"][0]["answers"]
    assert (yes["answer"], yes["chosen"], yes["share"]) == ("a", 10, 0.5)
    assert no == {"answer": "b", "chosen": None, "share": None, "low": None, "high": None}
    plain = CliRunner().invoke(main, ["offers", "surveys", "results", str(survey.id)])
    assert "Did you use data abroad?" in plain.stdout
    assert run("close", str(survey.id), "--as", "marta")["state"] == "closed"
    again = CliRunner().invoke(main, ["offers", "surveys", "close", str(survey.id), "--as", "marta"])
    assert again.exit_code == 1
    assert "survey-state" in again.stderr
