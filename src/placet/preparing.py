"""
Before anything is wired: the data folder, the database, its migrations and roles, and the address to work by.

Whoever starts Placet may be the owner of the database; what runs connects as the application's own role.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg import Connection

from placet.config import Config
from placet.gate import roles as gate_roles
from placet.kernel.errors import Misconfigured, Unavailable
from placet.kernel.seal import MasterKey
from placet.store.database import Database
from placet.store.embedded import EmbeddedServer
from placet.store.migrations import Roles, migrate, pending
from placet.subjects.actions import Subjects

_APP_PASSWORD = "placet/app-role/v1"  # noqa: S105 - a label, not a password


def demand_data_dir(config: Config) -> None:
    """Keys, and what the log remembers outside its database, must be writable before anything is begun."""
    try:
        config.data_dir.mkdir(parents=True, exist_ok=True)
        writable = os.access(config.data_dir, os.W_OK | os.X_OK)
    except OSError:
        writable = False
    if not writable:
        raise Misconfigured(f"the folder {config.data_dir} cannot be written; set PLACET_DATA_DIR to one that can")


def migrated(config: Config, master: MasterKey) -> tuple[str, Roles]:
    """Migrate the configured database, or the embedded one; the application's own URL, and its roles."""
    ours = embedded(config)
    admin_url = str(config.database_url) if ours is None else _started(ours)
    with _reached(admin_url) as connection:
        row = connection.execute("SELECT current_user, current_database()").fetchone()
        assert row is not None
        user, database = row
        if user == Roles(database).app:
            if missing := pending(connection):
                raise Misconfigured(
                    f"{len(missing)} migrations are missing; start Placet once as the role that owns the database"
                )
            return admin_url, Roles(database)
    # The password is derived, so that several hosts with the same master key agree; the embedded server asks for none.
    password = None if ours is not None else master.derive(_APP_PASSWORD).hex()
    _demand_same_master(admin_url, master)
    try:
        roles = migrate(admin_url, app_password=password)
        with psycopg.connect(admin_url, autocommit=True) as connection:
            gate_roles.ensure(connection, roles.prefix)
    except psycopg.errors.InsufficientPrivilege as error:
        raise Misconfigured(
            "PLACET_DATABASE_URL must name a role that owns the database and may create roles,"
            f" or the application's own role after a migration: {error}"
        ) from error
    return _as_app(admin_url, roles.app, password), roles


def _demand_same_master(admin_url: str, master: MasterKey) -> None:
    """Before anything is changed: a wrong key would set another password, and lock the servers that run out."""
    database = Database(admin_url, size=1)
    try:
        with database.transaction() as connection:
            if connection.execute("SELECT to_regclass('subjects.master_check')").fetchone() != (None,):
                Subjects(database, master).check_master(connection)
    finally:
        database.close()


@contextlib.contextmanager
def _reached(url: str) -> Iterator[Connection]:
    """A first connection; its errors are told to whoever set the URL, without the URL: it may hold a password."""
    try:
        connection = psycopg.connect(url, autocommit=True)
    except psycopg.OperationalError as error:
        raise Unavailable(f"the database cannot be reached: {' '.join(str(error).split())}") from error
    except psycopg.ProgrammingError as error:
        raise Misconfigured("PLACET_DATABASE_URL is not the address of a PostgreSQL database") from error
    with connection:
        yield connection


def _as_app(admin_url: str, app: str, password: str | None) -> str:
    """The same server and database, as the application's own role."""
    parts = urlsplit(admin_url)
    host = parts.netloc.rpartition("@")[2]
    login = quote(app) if password is None else f"{quote(app)}:{password}"
    return urlunsplit((parts.scheme, f"{login}@{host}", parts.path, parts.query, ""))


def embedded(config: Config) -> EmbeddedServer | None:
    """The server that is ours to run; None when the settings name another."""
    return EmbeddedServer(config.data_dir / "postgres") if config.database_url is None else None


@lru_cache(maxsize=1)
def _started(server: EmbeddedServer) -> str:
    server.start()
    return server.url()
