"""`placet mobility budget`, as a program reads it and as a person does."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from placet.bootstrap import Application
from placet.interfaces.cli.main import main
from placet.kernel import clock
from placet.purposes.mobility.model import FLOWS, ZONE_PROFILE, ReleaseId, Rho, Window
from placet.purposes.mobility.privacy.budget import Budget
from placet.purposes.mobility.privacy.debit import CUSTOMERS


def run(*words: str, expect: int = 0) -> str:
    result = CliRunner().invoke(main, ["mobility", "budget", *words])
    assert result.exit_code == expect, (result.output, result.exception)
    return result.stdout + result.stderr


def read(*words: str) -> Any:
    return json.loads(run(*words, "--json"))


@pytest.mark.parametrize(
    ("setting", "why"),
    [("nan", "above 0 and at most 1"), ("0", "above 0 and at most 1"), ("2", "above 0"), ("much", "such as 0.12")],
)
def test_a_budget_that_is_none_is_refused_before_anything_starts(
    setting: str, why: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PLACET_MOBILITY_RHO", setting)
    monkeypatch.setenv("PLACET_DATA_DIR", str(tmp_path))
    assert why in run(expect=2)


def test_the_budget_tells_what_was_spent_and_what_more_would_cost(
    placet: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("database_url", "data_dir", "master_key"):
        monkeypatch.setenv(f"PLACET_{name.upper()}", str(getattr(placet.config, name)))
    assert "Nothing was released yet" in run()
    with placet.database.transaction() as connection:
        for product in (ZONE_PROFILE, FLOWS):
            Budget(Rho(placet.config.mobility_rho)).debit(
                connection, population=CUSTOMERS, window=Window.month("2026-10"), product=product,
                release=ReleaseId("2026-10"), grid_sha256="00" * 32, code_sha256="11" * 32, now=clock.now(),
            )  # fmt: skip

    told = read()
    (account,) = told["accounts"]
    assert (account["month"], account["cap"], account["spent"], account["left"]) == (
        "2026-10",
        "0.12",
        "0.082",
        "0.038",
    )
    assert [(debit["product"], debit["rho"], debit["noise"]) for debit in account["debits"]] == [
        ("zone-profile", "0.072", "opendp"), ("flows", "0.01", "opendp"),
    ]  # fmt: skip
    assert [(cost["rho"], round(cost["epsilon"], 2), round(cost["auc"], 3)) for cost in told["costs"]] == [
        ("0.12", 2.37, 0.635), ("0.120", 2.37, 0.635), ("0.150", 2.67, 0.651), ("3.600", 16.73, 0.971),
    ]  # fmt: skip
    assert read("--month", "2026-09")["accounts"] == []

    shown = run("--month", "2026-10")
    assert "spent 0.082 of 0.12, 0.038 left" in shown
    assert re.search(r"2026-10 so far +0\.082 +1\.92 +0\.613 +2\.7%", shown)
    assert re.search(r"all products, 30 days +3\.600 +16\.73 +0\.971 +63\.9%", shown)
    assert "2026-13 is no month" in run("--month", "2026-13", expect=1)
