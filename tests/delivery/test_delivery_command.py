"""`placet delivery`: how it stands, what came back, and whom no marketing may reach."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from delivery_house import EMAIL, House, offer

from placet.delivery.model import Sent
from placet.interfaces.cli.main import main


@pytest.fixture
def house(placet: Any, now: Any, monkeypatch: pytest.MonkeyPatch) -> House:
    """The house of this folder, which commands find, too."""
    monkeypatch.setenv("PLACET_DATABASE_URL", placet.config.database_url)
    monkeypatch.setenv("PLACET_DATA_DIR", str(placet.config.data_dir))
    monkeypatch.setenv("PLACET_MASTER_KEY", placet.config.master_key)
    return House(placet, now)


def run(*words: str, said: str | None = None) -> Result:
    return CliRunner().invoke(main, ["delivery", *words], input=said)


def answer(*words: str, said: str | None = None) -> Any:
    return json.loads(run(*words, "--json", said=said).stdout)


def test_messages_are_counted_by_channel_and_state_and_nobody_is_named(house: House) -> None:
    assert "No message was planned yet" in run("status").stdout
    anna = house.person("anna")
    house.plan(offer(anna, "campaign/7", house.now), offer(anna, "campaign/8", house.now))
    house.settle({one.id: Sent("q1") for one in house.claim().started})
    assert answer("status") == {"messages": {"email": {"planned": 1, "sent": 1}}, "suppressed": {}, "sought": {}}
    assert answer("returns") == {"returned": {}, "sent": 0, "complaint_rate": None, "unread": None}
    assert "anna" not in run("status").stdout
    assert "Nothing takes in what comes back" in run("returns").stdout


def test_whoever_asks_not_to_be_contacted_gets_no_marketing_though_they_once_said_yes(
    house: House, tmp_path: Path
) -> None:
    anna = house.person("anna")
    listed = tmp_path / "list.txt"
    listed.write_text("anna@example.lv\n\n+371 20 000 009\n", encoding="utf-8")
    assert answer("block", str(listed)) == answer("block", str(listed)) == {"blocked": 2, "unreadable": []}
    assert answer("status")["suppressed"] == {
        "call": {"do-not-contact": 1}, "email": {"do-not-contact": 1}, "sms": {"do-not-contact": 1},
    }  # fmt: skip
    house.plan(offer(anna, "campaign/7", house.now))
    house.claim()
    assert house.states(anna) == [("refused", "suppressed")]
    assert answer("unblock", "-", said="anna@example.lv\n+37120000009\n") == {"unblocked": 2, "unreadable": []}
    house.plan(offer(anna, "campaign/8", house.now))
    assert [one.channel for one in house.claim().started] == [EMAIL]


def test_a_line_without_an_address_is_told_by_its_number_and_never_repeated(house: House) -> None:
    found = run("block", "-", said="anna@example.lv\nJānis Bērziņš\n")
    assert found.exit_code == 1
    assert "lines without an address or number: 2" in found.stdout
    assert "Bērziņš" not in found.output
