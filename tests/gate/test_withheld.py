"""The database itself refuses (B6): every table, view and function there is, so that no new one is forgotten."""

from __future__ import annotations

from uuid import uuid4

import psycopg
import pytest

from placet.gate import roles
from placet.gate.roles import under_purpose

LOADED_BY_COPY = {
    "subjects.person",
    "subjects.contact",
    "subjects.name_token",
    "ledger.record",
    "consents.state",
    "consents.outbox",
    "delivery.message",
}
"""PostgreSQL refuses COPY into tables with row-level security; on these no purpose's role has any right."""

RELATIONS = """
    SELECT format('%I.%I', nspname, relname) FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE relkind IN ('r', 'p', 'v', 'm', 'f') AND nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
    ORDER BY 1
"""
OWN_VIEWS = "SELECT role, format('gate.%I', 'open_' || purpose) FROM gate.purpose_role"
READABLE = """
    SELECT role, relation FROM gate.purpose_role, unnest(%(relations)s::text[]) AS relation
    WHERE has_any_column_privilege(role, relation, 'SELECT')
"""
WRITABLE = """
    SELECT role, relation FROM gate.purpose_role, unnest(%(relations)s::text[]) AS relation
    WHERE has_any_column_privilege(role, relation, 'INSERT, UPDATE, REFERENCES')
       OR has_table_privilege(role, relation, 'DELETE, TRUNCATE, TRIGGER')
"""
PROCEDURES = """
    SELECT DISTINCT format('%I.%I', nspname, proname) FROM pg_proc JOIN pg_namespace ON pg_namespace.oid = pronamespace
    CROSS JOIN gate.purpose_role
    WHERE prosecdef AND prorettype <> 'trigger'::regtype AND has_function_privilege(role, pg_proc.oid, 'EXECUTE')
"""


@pytest.fixture(autouse=True)
def purpose_roles(town, admin_url, clone) -> None:
    with psycopg.connect(admin_url, autocommit=True) as connection:
        roles.ensure(connection, clone[1].prefix)


def column(connection: psycopg.Connection, query: str) -> list[str]:
    return [value for (value,) in connection.execute(query.encode())]


def test_every_table_with_something_of_persons_is_withheld_or_loaded_by_copy(database) -> None:
    """A new one calls `gate.guard`, or `gate.withhold`, in its migration."""
    with database.transaction() as connection:
        assert set(column(connection, "SELECT relation FROM gate.personal WHERE NOT withheld")) == LOADED_BY_COPY


def test_purpose_roles_read_guarded_tables_and_their_own_view_and_write_nothing(admin_url) -> None:
    with psycopg.connect(admin_url) as connection:
        relations = {"relations": column(connection, RELATIONS)}
        reading = connection.execute(READABLE.encode(), relations).fetchall()
        guarded = connection.execute("SELECT role, relation FROM gate.purpose_role, gate.guarded").fetchall()
        own = connection.execute(OWN_VIEWS.encode()).fetchall()
        assert connection.execute(WRITABLE.encode(), relations).fetchall() == []
    assert len(own) >= 8
    assert set(reading) == {*guarded, *own}


def test_purpose_roles_borrow_the_owners_eyes_through_one_function_only(database) -> None:
    with database.transaction() as connection:
        assert column(connection, PROCEDURES) == ["gate.asked"]


def test_under_a_purpose_every_relation_shows_consenting_people_or_is_refused(town, database) -> None:
    """Tried out, relation by relation, by one whom nobody consents to."""
    town.add(1)
    mandate = [uuid4(), 3, 1]
    town.add(3)
    town.connection.execute(
        "INSERT INTO subjects.mandate VALUES (%s, %s, %s, 'parent', '{offers}', '', now(), NULL)", mandate
    )
    with database.transaction() as connection:
        relations = column(connection, RELATIONS)
    shown = {}
    with database.transaction() as connection, under_purpose(connection, "offers.greeting", None):
        for relation in relations:
            try:
                with connection.transaction():
                    shown[relation] = connection.execute(f"SELECT * FROM {relation}".encode()).fetchall()
            except psycopg.errors.InsufficientPrivilege:
                continue
    assert "subjects.mandate" in shown
    assert {relation: rows for relation, rows in shown.items() if rows} == {}


def test_a_right_that_somebody_grants_by_mistake_shows_nothing(town, database, clone) -> None:
    town.say(1, "offers", "given")
    town.connection.execute("INSERT INTO delivery.muted (number, since) VALUES (1, now())")
    role = f'"{clone[1].prefix}_offers"'
    town.connection.execute(f"GRANT USAGE ON SCHEMA delivery TO {role}; GRANT SELECT ON delivery.muted TO {role}")
    with database.transaction() as connection:
        assert len(connection.execute("SELECT * FROM delivery.muted").fetchall()) == 1
        with under_purpose(connection, "offers.greeting", None):
            assert connection.execute("SELECT * FROM delivery.muted").fetchall() == []
