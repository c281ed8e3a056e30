from __future__ import annotations

from uuid import uuid4

import psycopg
import pytest

from placet.gate import roles
from placet.gate.roles import under_purpose
from placet.kernel import errors
from placet.store.database import Database


@pytest.fixture
def bills(town, admin_url, clone) -> None:
    """A table with customer data behind the gate: one bill each for persons 1 to 4."""
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute(f'CREATE SCHEMA shop AUTHORIZATION "{clone[1].owner}"')
        connection.execute(f'SET ROLE "{clone[1].owner}"')
        connection.execute("CREATE TABLE shop.bill (number int NOT NULL, cents int NOT NULL)")
        connection.execute(f'GRANT USAGE ON SCHEMA shop TO "{clone[1].app}"')
        connection.execute(f'GRANT SELECT, INSERT, UPDATE, DELETE ON shop.bill TO "{clone[1].app}"')
        connection.execute("SELECT gate.guard('shop.bill')")
        connection.execute("RESET ROLE")
        roles.ensure(connection, clone[1].prefix)
    for number in range(1, 5):
        town.add(number)
        town.connection.execute("INSERT INTO shop.bill VALUES (%s, 100)", [number])


def seen(connection: psycopg.Connection) -> list[int]:
    return [number for (number,) in connection.execute("SELECT number FROM shop.bill ORDER BY number")]


def under(database: Database, activity: str, channel: str | None = None) -> list[int]:
    with database.transaction() as connection, under_purpose(connection, activity, channel):
        return seen(connection)


def test_purpose_role_sees_consenting_customers_only(town, database, bills) -> None:
    town.say(1, "offers", "given")
    town.say(2, "offers", "refused")
    town.say(3, "usage", "given")
    assert under(database, "offers.greeting") == [1]


def test_program_itself_sees_all(database, bills) -> None:
    with database.transaction() as connection:
        assert seen(connection) == [1, 2, 3, 4]


def test_program_is_itself_again_afterwards(town, database, bills) -> None:
    with database.transaction() as connection:
        with under_purpose(connection, "offers.greeting", None):
            assert seen(connection) == []
        assert seen(connection) == [1, 2, 3, 4]


def test_program_is_itself_again_after_an_error_that_was_caught(town, database, bills) -> None:
    with database.transaction() as connection:
        with pytest.raises(psycopg.errors.DivisionByZero), under_purpose(connection, "offers.greeting", None):
            connection.execute("SELECT 1 / 0")
        assert seen(connection) == [1, 2, 3, 4]


def test_all_needs_are_asked(town, database, bills) -> None:
    for number in (1, 2):
        town.say(number, "credit", "given")
    for number in (2, 3):
        town.say(number, "usage", "given")
    assert under(database, "credit.care") == [2]


def test_channel_of_an_activity_is_asked_and_must_be_set(town, database, bills) -> None:
    for number in (1, 2):
        town.say(number, "offers", "given")
    town.say(1, "offers", "given", channel="email")
    town.say(3, "offers", "given", channel="email")
    assert under(database, "offers.email", "email") == [1]
    assert under(database, "offers.email", None) == []
    assert under(database, "offers.email", "sms") == []


def test_channel_named_by_the_caller_is_asked_of_the_own_purpose(town, database, bills) -> None:
    for number in (1, 2):
        town.say(number, "offers", "given")
    town.say(2, "offers", "given", channel="post")
    assert under(database, "offers.greeting", "post") == [2]
    assert under(database, "credit.care", "post") == []


def test_channels_of_all_purposes_that_send_are_asked(town, database, bills) -> None:
    for number in (1, 2):
        for purpose in ("location", "offers"):
            town.say(number, purpose, "given")
        town.say(number, "location", "given", channel="sms")
    town.say(2, "offers", "given", channel="sms")
    assert under(database, "location.nearby-sms", "sms") == [2]


def test_channel_that_no_purpose_has_shows_nothing(town, database, bills) -> None:
    town.say(1, "mobility", "given")
    assert under(database, "mobility.pigeon", "pigeon") == []


def test_withdrawal_is_seen_by_the_next_statement_of_an_open_transaction(town, database, bills) -> None:
    town.say(1, "offers", "given")
    with database.transaction() as connection, under_purpose(connection, "offers.greeting", None):
        assert seen(connection) == [1]
        town.say(1, "offers", "withdrawn")
        assert seen(connection) == []


def test_open_cursor_keeps_its_snapshot_and_the_next_one_does_not(town, database, bills) -> None:
    for number in (1, 2):
        town.say(number, "offers", "given")
    with database.transaction() as connection, under_purpose(connection, "offers.greeting", None):
        with connection.cursor("drawn") as cursor:
            cursor.itersize = 1
            cursor.execute("SELECT number FROM shop.bill ORDER BY number")
            town.say(2, "offers", "withdrawn")
            assert cursor.fetchall() == [(1,), (2,)]
        assert seen(connection) == [1]


def test_old_snapshot_shows_nothing(town, database, bills) -> None:
    town.say(1, "offers", "given")
    with database.transaction() as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        with under_purpose(connection, "offers.greeting", None):
            assert seen(connection) == []


@pytest.mark.parametrize("state", [{"major": 2}, {"major": None}, {"until": "2020-01-01T00:00:00Z"}])
def test_expired_or_outdated_consent_shows_nothing(town, database, bills, state) -> None:
    town.say(1, "offers", "given", **state)
    assert under(database, "offers.greeting") == []


def test_new_major_version_closes_at_once(town, database, bills) -> None:
    town.say(1, "offers", "given")
    town.publish({"offers": 2})
    assert under(database, "offers.greeting") == []


def test_merged_identity_is_not_shown(town, database, bills) -> None:
    for number in (10, 11):
        town.say(number, "offers", "given")
        with database.transaction() as connection:
            connection.execute("INSERT INTO shop.bill VALUES (%s, 5)", [number])
    town.add(11, merged_into=town.add(10))
    assert under(database, "offers.greeting") == [10]


def test_unset_activity_shows_nothing(town, database, bills, clone) -> None:
    town.say(1, "offers", "given")
    with database.transaction() as connection:
        connection.execute(f'SET LOCAL ROLE "{clone[1].prefix}_offers"')
        assert seen(connection) == []


def test_activity_of_another_purpose_shows_nothing(town, database, bills, clone) -> None:
    for purpose in ("offers", "usage", "credit"):
        town.say(1, purpose, "given")
    with database.transaction() as connection:
        connection.execute("SELECT set_config('placet.activity', 'credit.care', true)")
        connection.execute(f'SET LOCAL ROLE "{clone[1].prefix}_offers"')
        assert seen(connection) == []
        connection.execute(f'SET LOCAL ROLE "{clone[1].prefix}_usage"')
        assert seen(connection) == [1]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE shop.bill SET cents = 0",
        "DELETE FROM shop.bill",
        "INSERT INTO shop.bill VALUES (1, 1)",
        "SELECT * FROM consents.state",
        "SELECT * FROM gate.consenting",
        'SELECT * FROM gate."open_credit"',
        "SELECT * FROM subjects.current",
        "SELECT gate.guard('shop.bill')",
    ],
)
def test_purpose_role_reads_its_rows_and_nothing_else(town, database, bills, statement) -> None:
    with (
        pytest.raises(psycopg.errors.InsufficientPrivilege),
        database.transaction() as connection,
        under_purpose(connection, "offers.greeting", None),
    ):
        connection.execute(statement.encode())


def test_activity_on_a_contract_has_no_purpose_role(town, database, bills) -> None:
    with (
        pytest.raises(errors.Denied),
        database.transaction() as connection,
        under_purpose(connection, "service.billing", None),
    ):
        pass


def test_program_cannot_guard_or_unguard(database, bills) -> None:
    for statement in ("SELECT gate.guard('shop.bill')", "ALTER TABLE shop.bill DISABLE ROW LEVEL SECURITY"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), database.transaction() as connection:
            connection.execute(statement.encode())


def test_table_without_a_number_cannot_be_guarded(town, bills) -> None:
    town.connection.execute("CREATE TABLE shop.stock (item text)")
    with pytest.raises(psycopg.errors.RaiseException):
        town.connection.execute("SELECT gate.guard('shop.stock')")


def test_purpose_roles_cannot_log_in_and_are_never_superusers(database, bills, clone) -> None:
    with database.transaction() as connection:
        found = connection.execute(
            "SELECT bool_or(rolcanlogin), bool_or(rolsuper), bool_or(rolbypassrls), count(*) >= 8 FROM pg_roles"
            " JOIN gate.purpose_role ON role = rolname"
        ).fetchone()
    assert found == (False, False, False, True)


def test_ensuring_twice_changes_nothing_and_a_new_purpose_gets_its_role(
    town, admin_url, database, bills, clone
) -> None:
    with psycopg.connect(admin_url, autocommit=True) as connection:
        roles.ensure(connection, clone[1].prefix)
        town.publish({"astrology": 1})
        roles.ensure(connection, clone[1].prefix)
    with database.transaction() as connection:
        connection.execute(f'SET LOCAL ROLE "{clone[1].prefix}_astrology"')
        assert seen(connection) == []


def test_personal_tables_of_subjects_show_consenting_customers_or_nothing(town, database, bills) -> None:
    town.say(1, "offers", "given")
    for representative, number in ((3, 1), (3, 2)):
        values = [uuid4(), representative, number]
        town.connection.execute(
            "INSERT INTO subjects.mandate VALUES (%s, %s, %s, 'parent', '{offers}', '', now(), NULL)", values
        )
    with database.transaction() as connection, under_purpose(connection, "offers.greeting", None):
        assert connection.execute("SELECT number FROM subjects.mandate").fetchall() == [(1,)]
    for table in ("person", "contact", "line", "line_event", "current", "line_role_current"):
        with (
            pytest.raises(psycopg.errors.InsufficientPrivilege),
            database.transaction() as connection,
            under_purpose(connection, "offers.greeting", None),
        ):
            connection.execute(f"SELECT * FROM subjects.{table}")
