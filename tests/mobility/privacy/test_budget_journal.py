"""What was paid for privacy is remembered outside the database: a backup that is restored has forgotten nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from placet.kernel.errors import Conflict, Denied, Tampered, Unavailable
from placet.purposes.mobility.model import FLOWS, ZONE_PROFILE, Axis, Domain, Product, ReleaseId, Rho, Window
from placet.purposes.mobility.privacy import budget
from placet.purposes.mobility.privacy.budget import Budget
from placet.purposes.mobility.privacy.debit import CUSTOMERS, Debit
from placet.purposes.mobility.privacy.journal import Journal
from placet.purposes.mobility.privacy.noisy import NoisyCounts
from placet.store.database import Database
from placet.store.migrations import Roles

OCTOBER = Window.month("2026-10")
CAP = Rho(Decimal("0.085"))


@pytest.fixture
def remembering(tmp_path: Path) -> Budget:
    return Budget(CAP, Journal(tmp_path / "mobility" / "debits.jsonl"))


@pytest.fixture
def restored(server_url: str, template: tuple[str, Roles], app_url: str) -> Iterator[Database]:
    """The same installation from a backup that was made before anything was released."""
    name = f"{conninfo_to_dict(app_url)['dbname']}_restored"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template[0]}"')
    older = Database(make_conninfo(app_url, dbname=name), size=2)
    yield older
    older.close()
    with psycopg.connect(server_url, autocommit=True) as connection:
        while sessions(connection, name):
            time.sleep(0.02)
        connection.execute(f'DROP DATABASE "{name}"')


def sessions(connection: psycopg.Connection, name: str) -> int:
    """Connections that are ending still."""
    return connection.execute("SELECT 1 FROM pg_stat_activity WHERE datname = %s", [name]).rowcount


def paid(database: Database, remembering: Budget, product: Product, now: datetime, release: str = "2026-10") -> Debit:
    remembering.agree(database, now=now)
    with database.transaction() as connection:
        made = remembering.debit(
            connection, population=CUSTOMERS, window=OCTOBER, product=product, release=ReleaseId(release),
            grid_sha256="00" * 32, code_sha256="11" * 32, now=now,
        )  # fmt: skip
    remembering.agree(database, now=now)
    return made


def kept(database: Database, remembering: Budget, debit: Debit, now: datetime) -> None:
    domain = Domain(tuple(Axis(name, ("a",)) for name in FLOWS.axes))
    noisy = NoisyCounts(FLOWS, domain, np.ones((1, 1, 1), np.int64), FLOWS.sigma())
    with database.transaction() as connection:
        budget.kept(connection, debit, noisy, now=now)
    remembering.agree(database, now=now)


def test_a_restored_backup_is_told_what_was_paid_and_what_was_drawn(
    database: Database, restored: Database, remembering: Budget, now: datetime
) -> None:
    flows = paid(database, remembering, FLOWS, now)
    profile = paid(database, remembering, ZONE_PROFILE, now)
    kept(database, remembering, flows, now)

    with pytest.raises(Conflict) as refused:
        paid(restored, remembering, FLOWS, now)
    assert refused.value.code == "noise-drawn"
    assert paid(restored, remembering, ZONE_PROFILE, now) == profile
    with pytest.raises(Denied, match=r"0\.003 of 0\.085 left"):
        paid(restored, remembering, FLOWS, now, release="2026-10-2")
    with restored.transaction() as connection:
        (account,) = budget.accounts(connection)
    assert (account.month, account.cap, account.spent) == (date(2026, 10, 1), CAP, Decimal("0.082"))


def test_what_a_crash_left_out_of_the_journal_is_written_the_next_time(
    database: Database, restored: Database, remembering: Budget, now: datetime
) -> None:
    journal = remembering.journal
    assert journal is not None
    paid(database, remembering, FLOWS, now)
    paid(database, remembering, ZONE_PROFILE, now)
    whole = journal.path.read_bytes()
    journal.path.write_bytes(whole[:-40])
    remembering.agree(database, now=now)
    assert journal.path.read_bytes() == whole
    remembering.agree(database, now=now)
    assert journal.path.read_bytes() == whole
    remembering.agree(restored, now=now)
    with database.transaction() as one, restored.transaction() as other:
        assert budget.of_release(one, ReleaseId("2026-10")) == budget.of_release(other, ReleaseId("2026-10"))


def test_a_debit_that_was_not_committed_is_not_remembered(
    database: Database, remembering: Budget, now: datetime
) -> None:
    journal = remembering.journal
    assert journal is not None
    with database.transaction() as connection:
        remembering.debit(
            connection, population=CUSTOMERS, window=OCTOBER, product=FLOWS, release=ReleaseId("2026-10"),
            grid_sha256="00" * 32, code_sha256="11" * 32, now=now,
        )  # fmt: skip
        remembering.agree(database, now=now)
        raise psycopg.Rollback
    assert journal.path.read_bytes() == b""


@pytest.mark.parametrize("change", [(b'"0.01"', b'"0.02"'), (b'"flows"', b'"minutes"'), (b"{", b"[")])
def test_a_journal_that_contradicts_the_database_stops_everything(
    database: Database, remembering: Budget, now: datetime, change: tuple[bytes, bytes]
) -> None:
    journal = remembering.journal
    assert journal is not None
    paid(database, remembering, FLOWS, now)
    journal.path.write_bytes(journal.path.read_bytes().replace(*change))
    with pytest.raises(Tampered) as refused:
        paid(database, remembering, ZONE_PROFILE, now)
    assert refused.value.code == "budget-journal"


def test_a_journal_that_cannot_be_written_says_what_to_do(database: Database, tmp_path: Path, now: datetime) -> None:
    (tmp_path / "full").write_text("a file where the folder would be")
    with pytest.raises(Unavailable, match="make room and try again") as refused:
        Budget(CAP, Journal(tmp_path / "full" / "debits.jsonl")).agree(database, now=now)
    assert refused.value.code == "disk"


def test_two_debits_for_one_product_of_one_release_are_a_contradiction(
    database: Database, restored: Database, remembering: Budget, now: datetime
) -> None:
    paid(database, remembering, FLOWS, now)
    paid(restored, Budget(CAP), FLOWS, now)
    with pytest.raises(Tampered, match=r"the database has other debits than debits\.jsonl"):
        remembering.agree(restored, now=now)
