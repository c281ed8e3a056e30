from __future__ import annotations

import psycopg
import pytest

from placet.store.database import Database
from placet.store.migrations import migrate


def test_app_role_is_never_a_superuser_and_inherits_nothing(database: Database) -> None:
    with database.transaction() as connection:
        row = connection.execute(
            "SELECT rolsuper, rolinherit, rolcreaterole FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
    assert row == (False, False, False)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger.record SET body = ''",
        "DELETE FROM ledger.record",
        "TRUNCATE ledger.record",
        "DELETE FROM ledger.tile",
        "UPDATE ledger.checkpoint SET note = ''",
    ],
)
def test_app_role_cannot_change_the_ledger(database: Database, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege), database.transaction() as connection:
        connection.execute(statement.encode())


def test_migrating_twice_changes_nothing(admin_url: str) -> None:
    assert migrate(admin_url) == migrate(admin_url)
