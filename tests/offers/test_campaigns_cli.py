"""`placet offers campaigns`, `topics` and `wishes`, as a member of staff calls them."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from offers.campaign_house import EMAIL, Agency, brief
from placet.bootstrap import Application
from placet.interfaces.cli.main import main
from placet.kernel import clock


@pytest.fixture
def agency(placet: Application, monkeypatch: pytest.MonkeyPatch) -> Agency:
    monkeypatch.setenv("PLACET_DATABASE_URL", placet.config.database_url or "")
    monkeypatch.setenv("PLACET_DATA_DIR", str(placet.config.data_dir))
    monkeypatch.setenv("PLACET_MASTER_KEY", "00" * 32)
    monkeypatch.setenv("PLACET_MODE", "development")
    return Agency(placet, clock.now())


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["offers", *arguments])


def told(*arguments: str) -> Any:
    done = call(*arguments, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_a_campaign_is_made_from_a_file_counted_followed_and_stopped(agency: Agency, tmp_path: Path) -> None:
    agency.customer(EMAIL)
    file = tmp_path / "brief.json"
    file.write_bytes(msgspec.json.encode(brief(agency.now)))
    made = told("campaigns", "create", str(file))
    assert made["problems"] == []
    assert told("campaigns", "count", str(file)) == told("campaigns", "count", made["id"])
    running = agency.running(brief(agency.now))
    assert {one["id"]: one["state"] for one in told("campaigns")} == {made["id"]: "draft", str(running.id): "running"}
    assert call("campaigns", "pause", str(running.id)).exit_code == 0
    assert call("campaigns", "resume", str(running.id)).exit_code == 0
    assert call("campaigns", "stop", str(running.id), "--reason", "the price is wrong").exit_code == 0
    shown = told("campaigns", "show", str(running.id))
    assert (shown["state"], shown["reason"]) == ("stopped", "the price is wrong")
    assert [one["what"] for one in shown["changes"]][:3] == ["stopped", "resumed", "paused"]
    assert shown["results"][0]["states"] == {"planned": 1}
    assert "the price is wrong" in call("campaigns", "show", str(running.id)).stdout


def test_a_file_that_is_no_brief_is_refused_in_one_line(agency: Agency, tmp_path: Path) -> None:
    file = tmp_path / "brief.json"
    for said in ("{}", "[", json.dumps(msgspec.to_builtins(brief(agency.now)) | {"holdout": 80})):
        file.write_text(said)
        done = call("campaigns", "create", str(file))
        assert done.exit_code == 1
        assert "bad-campaign" in done.stderr


def test_wishes_are_shown_and_written_down(agency: Agency, now: datetime) -> None:
    person = agency.customer(EMAIL)
    assert "travel" in {topic["id"] for topic in told("topics")}
    assert "nothing about any topic" in call("wishes", str(person.id)).stdout
    said = told("wishes", str(person.id), "travel", "never")
    assert (said["wishes"]["travel"]["state"], said["frequency"], said["paused_until"]) == ("never", "usual", None)
    assert call("wishes", str(person.id), "travel").exit_code == 2
