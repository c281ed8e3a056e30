"""What an operator sees when something is set wrongly: one line that says what to do, an exit code, no traceback."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from survival_house import MASTER, House

from placet.bootstrap import Application
from placet.interfaces.cli.main import main

COMMANDS = (
    ("serve",),
    ("work",),
    ("ledger", "checkpoint"),
    ("catalogue", "publish", "amigo"),
    ("record", "msisdn:+37120000000", "usage", "refused"),
    ("check", "msisdn:+37120000000", "usage"),
    ("audit",),
    ("keys", "list"),
)
NOWHERE = "postgresql://somebody:hidden@127.0.0.1:1/placet"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """An environment with nothing of Placet but what the test adds."""
    for name in os.environ:
        if name.startswith("PLACET_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return {"PLACET_DATA_DIR": str(tmp_path / "data"), "PLACET_MASTER_KEY": MASTER, "PLACET_DATABASE_URL": NOWHERE}


def told(settings: dict[str, str], *command: str) -> tuple[int, str]:
    """The exit code and the one line on stderr."""
    result = CliRunner().invoke(main, command, env=settings)
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.stdout == ""
    assert result.stderr.startswith("placet: ")
    assert result.stderr.count("\n") == 1, result.stderr
    assert "hidden" not in result.stderr
    return result.exit_code, result.stderr


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_an_unreachable_database_is_named_as_such(settings: dict[str, str], command: tuple[str, ...]) -> None:
    code, said = told(settings, *command)
    assert code == 1
    assert "the database cannot be reached" in said
    assert "(unavailable)" in said


@pytest.mark.parametrize(
    ("setting", "value", "word"),
    [
        ("PLACET_DATABAS_URL", NOWHERE, "unknown setting PLACET_DATABAS_URL"),
        ("PLACET_DATABASE_URL", "hidden and wrong", "PLACET_DATABASE_URL"),
        ("PLACET_PORT", "eight", "a setting has a wrong value"),
        ("PLACET_MODE", "[/]", "a setting has a wrong value"),
        ("PLACET_MASTER_KEY", "hidden", "PLACET_MASTER_KEY"),
        ("PLACET_DATA_DIR", "/dev/null/placet", "PLACET_DATA_DIR"),
        ("PLACET_DATA_DIR", "/sys/placet", "PLACET_DATA_DIR"),
    ],
)
def test_a_wrong_setting_is_named(settings: dict[str, str], setting: str, value: str, word: str) -> None:
    if setting == "PLACET_DATABASE_URL":
        settings = {name: each for name, each in settings.items() if name != setting}
    code, said = told(settings | {setting: value}, "ledger", "checkpoint")
    assert code == 2
    assert word in said


@pytest.mark.parametrize("name", ["secrets/master.key", "secrets/checkpoint.key", "secrets/receipt.key"])
def test_a_key_file_that_is_cut_short_is_named(
    settings: dict[str, str], placet: Application, tmp_path: Path, name: str
) -> None:
    settings |= {"PLACET_DATABASE_URL": placet.config.database_url or ""}
    if name.endswith("master.key"):
        del settings["PLACET_MASTER_KEY"]
    key = tmp_path / "data" / name
    key.parent.mkdir(parents=True)
    key.write_bytes(b"short")
    key.chmod(0o600)
    code, said = told(settings, "ledger", "checkpoint")
    assert code == 2
    assert str(key) in said


def test_another_master_key_is_refused_before_anything_is_changed(
    settings: dict[str, str], placet: Application
) -> None:
    settings |= {"PLACET_DATABASE_URL": placet.config.database_url or "", "PLACET_MASTER_KEY": "11" * 32}
    for command in COMMANDS:
        code, said = told(settings, *command)
        assert code == 2
        assert "another master key" in said
    with placet.database.transaction() as connection:
        placet.subjects.check_master(connection)


def test_the_installed_command_says_the_same(open_house: Callable[..., House]) -> None:
    house = open_house(database_url=NOWHERE)
    done = house.run("serve", expect=1)
    assert done.stderr.startswith("placet: the database cannot be reached")
    assert done.stderr.count("\n") == 1
