"""`placet staff` makes the first administrator and helps when nobody can sign in; the demonstration's accounts."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
from click.testing import CliRunner, Result

from placet.access import staff
from placet.access.staff import Role
from placet.bootstrap import Application
from placet.interfaces.cli.demo import ACCOUNTS, fill
from placet.interfaces.cli.staff import staff_group
from placet.kernel import clock


@pytest.fixture
def command(admin_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PLACET_DATABASE_URL", admin_url)
    monkeypatch.setenv("PLACET_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("PLACET_MASTER_KEY", "00" * 32)
    return lambda *arguments: CliRunner().invoke(staff_group, arguments)


def test_an_account_is_made_changed_and_closed_on_the_server(command: Callable[..., Result]) -> None:
    def run(*arguments: str) -> Any:
        result = command(*arguments, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout.splitlines()[-1])

    made = run("add", "oskars", "--name", "Oskars Krūmiņš", "--role", "admin")
    assert made["link"].startswith("http://127.0.0.1:8000/staff/welcome/")
    assert run("reset", "oskars")["link"] != made["link"]
    assert run("roles", "oskars", "--role", "admin", "--role", "dpo")["roles"] == ["admin", "dpo"]
    run("add", "agnese", "--name", "Agnese", "--role", "agent", "--shop", "Rīga")
    assert run("disable", "agnese")["disabled_at"] is not None
    assert run("enable", "agnese")["disabled_at"] is None
    assert [(member["login"], member["shop"]) for member in run("list")] == [("agnese", "Rīga"), ("oskars", None)]
    for arguments, code in (
        (("add", "oskars", "--name", "Another"), "login-taken"),
        (("disable", "nobody"), "unknown-member"),
    ):
        result = command(*arguments)
        assert (result.exit_code, code in result.output + result.stderr) == (1, True)


def test_the_demonstration_has_its_accounts_once_and_they_have_no_password(house: Application) -> None:
    demo = attrs.evolve(house, config=attrs.evolve(house.config, mode="demo"))
    (demo.config.data_dir / "secrets").mkdir(exist_ok=True)
    for _ in range(2):
        assert fill(demo).accounts == ACCOUNTS
    with house.database.transaction() as connection:
        members = staff.listing(connection)
        (kept,) = connection.execute("SELECT count(*) FROM access.member WHERE password IS NOT NULL").fetchall()
    assert sorted(member.login for member in members) == sorted(account.login for account in ACCOUNTS)
    assert {role for member in members for role in member.roles} == set(Role)
    assert kept == (0,)
    for account in ACCOUNTS:
        for password in ("", account.login, "demo", "None"):
            fits = house.accounts.password_fits(account.login, password, address=None, browser=None, now=clock.now())
            assert fits is None
