"""
Numbered migrations: plain SQL, forward only, each with its checksum, under one advisory lock.

In the files `{app}`, `{owner}` and `{prefix}` stand for the role names of this installation. Roles belong to the whole
server, so their names begin with the name of the database that was first migrated (`placet_app`, `placet_owner`).
"""

from __future__ import annotations

import hashlib
import re
from importlib.resources import files

import attrs
import psycopg
from psycopg import sql

from placet.kernel.errors import Misconfigured

_FILE = re.compile(r"(?P<number>\d{4})_(?P<name>\w+)\.sql")
_LOCK = 0x706C61636574  # "placet"


@attrs.frozen
class Migration:
    number: int
    name: str
    text: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


@attrs.frozen
class Roles:
    """The two roles of an installation: *owner* owns every table, *app* is what the program connects as."""

    prefix: str

    @property
    def owner(self) -> str:
        return f"{self.prefix}_owner"

    @property
    def app(self) -> str:
        return f"{self.prefix}_app"


def shipped() -> list[Migration]:
    """The migrations that travel with this version, in order."""
    found = []
    for file in files("placet.store").joinpath("migrations").iterdir():
        if match := _FILE.fullmatch(file.name):
            found.append(Migration(int(match["number"]), match["name"], file.read_text(encoding="utf-8")))
    return sorted(found, key=lambda migration: migration.number)


def migrate(url: str, *, app_password: str | None = None) -> Roles:
    """
    Bring the database at *url* (a role that may create roles) up to this version; returns its roles.

    Running it twice changes nothing. A migration whose text differs from what was applied raises `Misconfigured`.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        roles = _roles(connection)
        _ensure_roles(connection, roles, app_password)
        connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(roles.owner)))
        connection.execute("CREATE SCHEMA IF NOT EXISTS store")
        connection.execute(
            "CREATE TABLE IF NOT EXISTS store.migration (number int PRIMARY KEY, name text NOT NULL,"
            " checksum text NOT NULL, prefix text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        applied: dict[int, str] = dict(connection.execute("SELECT number, checksum FROM store.migration").fetchall())
        for migration in shipped():
            if (checksum := applied.get(migration.number)) is None:
                _apply(connection, migration, roles)
            elif checksum != migration.checksum:
                raise Misconfigured(
                    f"migration {migration.number:04} was changed after it had been applied; restore its text"
                    " and put the change into a new file"
                )
    return roles


def pending(connection: psycopg.Connection) -> list[Migration]:
    """What `migrate` would still apply, as seen by any role; everything when the database is empty."""
    if connection.execute("SELECT to_regclass('store.migration')").fetchone() == (None,):
        return shipped()
    applied = {number for (number,) in connection.execute("SELECT number FROM store.migration")}
    return [migration for migration in shipped() if migration.number not in applied]


def _roles(connection: psycopg.Connection) -> Roles:
    row = connection.execute("SELECT to_regclass('store.migration') IS NOT NULL, current_database()").fetchone()
    assert row is not None
    exists, database = row
    if exists and (stored := connection.execute("SELECT prefix FROM store.migration LIMIT 1").fetchone()):
        return Roles(stored[0])
    return Roles(database)


def _ensure_roles(connection: psycopg.Connection, roles: Roles, app_password: str | None) -> None:
    names = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles")}
    owner, app = sql.Identifier(roles.owner), sql.Identifier(roles.app)
    if roles.owner not in names:
        connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(owner))
    # Inheritance is the role's own (NOINHERIT), not the grant's: PostgreSQL 15 knows no WITH INHERIT.
    if roles.app not in names:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN NOINHERIT").format(app))
    if app_password is not None:
        connection.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(app, sql.Literal(app_password)))
    connection.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(owner))
    row = connection.execute("SELECT current_database()").fetchone()
    assert row is not None
    database = sql.Identifier(row[0])
    connection.execute(sql.SQL("GRANT CREATE ON DATABASE {} TO {}").format(database, owner))
    connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, app))


def _apply(connection: psycopg.Connection, migration: Migration, roles: Roles) -> None:
    text = migration.text
    for placeholder, name in (("{app}", roles.app), ("{owner}", roles.owner)):
        text = text.replace(placeholder, sql.Identifier(name).as_string(connection))
    text = text.replace("{prefix}", roles.prefix.replace("'", "''"))
    with connection.transaction():
        connection.execute(text.encode())
        connection.execute(
            "INSERT INTO store.migration (number, name, checksum, prefix) VALUES (%s, %s, %s, %s)",
            [migration.number, migration.name, migration.checksum, roles.prefix],
        )
