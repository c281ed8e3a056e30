"""The privacy budget: debited before noise, refused past its cap, never taken back."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import attrs
import numpy as np
import psycopg
import pytest

from placet.kernel.errors import Conflict, Denied
from placet.purposes.mobility.model import (
    ANCHORS,
    FLOWS,
    MONTHLY,
    TILE_HOURS,
    Axis,
    Domain,
    Product,
    ReleaseId,
    Rho,
    Window,
)
from placet.purposes.mobility.privacy import budget
from placet.purposes.mobility.privacy.budget import Budget
from placet.purposes.mobility.privacy.debit import CUSTOMERS, Debit, Population, Sampler
from placet.purposes.mobility.privacy.noisy import NoisyCounts
from placet.store.database import Database

OCTOBER = Window.month("2026-10")
CAP = Rho(Decimal("0.12"))
GRID, CODE = "ab" * 32, "cd" * 32


def debited(
    database: Database, product: Product, *, now: datetime, window: Window = OCTOBER, release: str = "2026-10",
    cap: Rho = CAP, population: Population = CUSTOMERS,
) -> Debit:  # fmt: skip
    with database.transaction() as connection:
        return Budget(cap).debit(
            connection, population=population, window=window, product=product, release=ReleaseId(release),
            grid_sha256=GRID, code_sha256=CODE, now=now,
        )  # fmt: skip


def spent(database: Database) -> dict[date, Decimal]:
    with database.transaction() as connection:
        return {account.month: account.spent for account in budget.accounts(connection)}


def test_the_products_of_a_month_fill_its_budget_exactly(database: Database, now: datetime) -> None:
    made = [debited(database, product, now=now) for product in MONTHLY]
    with database.transaction() as connection:
        (account,) = budget.accounts(connection)
        kept = budget.debits(connection, CUSTOMERS, date(2026, 10, 1))
    assert (account.month, account.cap, account.spent, account.left) == (date(2026, 10, 1), CAP, CAP, 0)
    assert sorted(kept, key=lambda one: one.product) == sorted(made, key=lambda one: one.product)


def test_past_the_cap_a_debit_is_refused_and_nothing_is_charged(database: Database, now: datetime) -> None:
    for product in MONTHLY:
        debited(database, product, now=now)
    with pytest.raises(Denied, match=r"2026-10 has 0\.000 of 0\.12 left, anchors needs 0\.01") as refused:
        debited(database, ANCHORS, now=now, release="2026-10-2")
    assert refused.value.code == "budget-exhausted"
    assert spent(database) == {date(2026, 10, 1): CAP}


def test_a_refusal_leaves_the_rest_of_its_transaction_as_it_was(database: Database, now: datetime) -> None:
    tight = Budget(Rho(Decimal("0.015")))
    what = {"population": CUSTOMERS, "window": OCTOBER, "grid_sha256": GRID, "code_sha256": CODE, "now": now}
    with database.transaction() as connection:
        tight.debit(connection, product=FLOWS, release=ReleaseId("2026-10"), **what)
        with pytest.raises(Denied):
            tight.debit(connection, product=ANCHORS, release=ReleaseId("2026-10"), **what)
    assert spent(database) == {date(2026, 10, 1): Decimal("0.01")}


def test_days_and_months_share_the_account_of_their_month(database: Database, now: datetime) -> None:
    day = Window("2026-10-31", date(2026, 10, 31), date(2026, 11, 1))
    debited(database, FLOWS, now=now)
    debited(database, TILE_HOURS, now=now, window=day, release="2026-10-31")
    assert spent(database) == {date(2026, 10, 1): Decimal("0.015")}


def test_a_window_over_two_months_is_charged_to_both_in_full(database: Database, now: datetime) -> None:
    debited(database, FLOWS, now=now, window=Window("w44", date(2026, 10, 26), date(2026, 11, 2)), release="w44")
    assert spent(database) == {date(2026, 10, 1): Decimal("0.01"), date(2026, 11, 1): Decimal("0.01")}


def test_when_one_month_of_a_window_is_full_neither_is_charged(database: Database, now: datetime) -> None:
    for product in MONTHLY:
        debited(database, product, now=now)
    with pytest.raises(Denied, match="2026-10"):
        debited(database, FLOWS, now=now, window=Window("w44", date(2026, 10, 26), date(2026, 11, 2)), release="w44")
    assert spent(database) == {date(2026, 10, 1): CAP}


def test_an_opened_cap_stays_and_a_lower_setting_binds_at_once(database: Database, now: datetime) -> None:
    debited(database, FLOWS, now=now, cap=Rho(Decimal("0.02")))
    with pytest.raises(Denied, match=r"0\.01 of 0\.02 left, zone-profile needs 0\.072"):
        debited(database, MONTHLY[0], now=now, cap=Rho(Decimal("5")))
    with pytest.raises(Denied, match=r"0 of 0\.005 left"):
        debited(database, ANCHORS, now=now, cap=Rho(Decimal("0.005")))
    assert spent(database) == {date(2026, 10, 1): Decimal("0.01")}


def test_an_interrupted_release_gets_the_debit_it_has_paid(database: Database, now: datetime) -> None:
    first = debited(database, FLOWS, now=now)
    assert debited(database, FLOWS, now=now.replace(year=2027)) == first
    assert spent(database) == {date(2026, 10, 1): Decimal("0.01")}
    with pytest.raises(Conflict) as refused:
        debited(database, attrs.evolve(FLOWS, rho=Rho(Decimal("0.001"))), now=now)
    assert refused.value.code == "other-debit"


def noisy(value: int = 3) -> NoisyCounts:
    axes = tuple(Axis(name, ("a",)) for name in FLOWS.axes)
    return NoisyCounts(FLOWS, Domain(axes), np.full((1, 1, 1), value, np.int64), FLOWS.sigma())


def test_what_a_debit_came_to_is_kept_once(database: Database, now: datetime) -> None:
    debit = debited(database, FLOWS, now=now)
    with database.transaction() as connection:
        assert budget.kept(connection, debit, noisy(), now=now) == budget.fingerprint(noisy())
    for again in (noisy(), noisy(4)):
        with pytest.raises(Conflict) as refused, database.transaction() as connection:
            budget.kept(connection, debit, again, now=now)
        assert refused.value.code == "noise-drawn"
    with pytest.raises(Conflict) as refused:
        debited(database, FLOWS, now=now)
    assert refused.value.code == "noise-drawn"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE mobility.account SET spent = 0",
        "UPDATE mobility.account SET cap = 100",
        "DELETE FROM mobility.account",
        "TRUNCATE mobility.account CASCADE",
        "UPDATE mobility.debit SET rho = 0.001",
        "DELETE FROM mobility.debit",
        "UPDATE mobility.draw SET sha256 = repeat('0', 64)",
        "DELETE FROM mobility.draw",
        "INSERT INTO mobility.account (population, month, cap, spent, opened_at)"
        " VALUES ('others', '2026-10-01', 1, -1, now())",
    ],
)
def test_nobody_changes_what_was_charged(database: Database, admin_url: str, now: datetime, statement: str) -> None:
    debit = debited(database, FLOWS, now=now)
    with database.transaction() as connection:
        budget.kept(connection, debit, noisy(), now=now)
    with pytest.raises(psycopg.errors.InsufficientPrivilege), database.transaction() as connection:
        connection.execute(statement.encode())
    # The owner of the tables is refused as well, by their triggers.
    with pytest.raises(psycopg.errors.InsufficientPrivilege), psycopg.connect(admin_url) as connection:
        connection.execute(statement.encode())
    assert spent(database) == {date(2026, 10, 1): Decimal("0.01")}


def test_the_database_refuses_noise_that_is_smaller_than_what_was_paid(database: Database, now: datetime) -> None:
    debited(database, ANCHORS, now=now)
    with pytest.raises(psycopg.errors.CheckViolation, match="paid_in_full"), database.transaction() as connection:
        connection.execute(
            "INSERT INTO mobility.debit"
            " SELECT gen_random_uuid(), population, name, first, until, 'flows', release, rho,"
            " sigma - 0.001, cells, most, length, sampler, grid_sha256, code_sha256, at FROM mobility.debit"
        )
    assert spent(database) == {date(2026, 10, 1): Decimal("0.01")}


def test_the_database_refuses_a_debit_past_the_cap_whoever_writes_it(database: Database, now: datetime) -> None:
    debited(database, ANCHORS, now=now, cap=Rho(Decimal("0.019")))
    with pytest.raises(psycopg.errors.CheckViolation, match="within_cap"), database.transaction() as connection:
        connection.execute(
            "INSERT INTO mobility.debit"
            " SELECT gen_random_uuid(), population, name, first, until, 'flows', release, rho,"
            " sigma, cells, most, length, sampler, grid_sha256, code_sha256, at FROM mobility.debit"
        )
    assert spent(database) == {date(2026, 10, 1): Decimal("0.01")}


def test_a_sampler_stays_the_one_that_was_debited(database: Database, now: datetime) -> None:
    assert debited(database, FLOWS, now=now).sampler is Sampler.OPENDP
    assert (Sampler.for_size(1_000), Sampler.for_size(3_000_000)) == (Sampler.OPENDP, Sampler.TABLE)


def test_of_many_who_debit_at_once_the_cap_lets_so_many_in(database: Database, now: datetime) -> None:
    """Threads of this process and another process, each asking for a release of its own until it is refused."""
    tight = Rho(Decimal("0.05"))
    other = subprocess.Popen(
        [sys.executable, "-c", OTHER_PROCESS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "DATABASE": database.url, "PYTHONPATH": str(Path(__file__).parent)},
    )  # fmt: skip
    assert other.stdout is not None
    assert other.stdout.readline() == "ready\n"

    def ask(number: int) -> int:
        return attempts(database, f"thread-{number}", tight, now)

    with ThreadPoolExecutor(4) as threads, other:
        asked = threads.map(ask, range(4))
        other.communicate("go\n")
        granted = sum(asked)
    assert granted + other.returncode == 5
    assert spent(database) == {date(2026, 10, 1): tight}


def attempts(database: Database, name: str, cap: Rho, now: datetime) -> int:
    """How many debits were granted before the first refusal."""
    for number in range(20):
        try:
            debited(database, FLOWS, now=now, release=f"{name}-{number}", cap=cap)
        except Denied:
            return number
    raise AssertionError("the cap let everybody in")


OTHER_PROCESS = """
import os, sys
from datetime import UTC, datetime
from decimal import Decimal
import test_budget
from placet.store.database import Database
database = Database(os.environ["DATABASE"], size=1)
print("ready", flush=True)
sys.stdin.readline()
granted = test_budget.attempts(database, "process", Decimal("0.05"), datetime(2026, 3, 12, tzinfo=UTC))
database.close()
sys.exit(granted)
"""
