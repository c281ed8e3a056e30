"""One embedded server for the whole run, one migrated template, one clone of it for each test."""

from __future__ import annotations

import itertools
import os
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from playwright.sync_api import Browser

from placet.bootstrap import Application, composed, prepare
from placet.config import Config
from placet.kernel.seal import MasterKey
from placet.store.database import Database
from placet.store.embedded import EmbeddedServer
from placet.store.migrations import Roles, migrate
from portal.portal_browser import launched
from short_lived import open_folder

# A machine may be slow: no property fails by the clock.
settings.register_profile("placet", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("placet")

_serial = itertools.count(1)
# Taken out of the environment: the settings refuse what they do not know, also in the commands that tests run.
GIVEN_SERVER = os.environ.pop("PLACET_TEST_DATABASE_URL", None)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Long ones first, so that no worker is left alone with them; a server that was given is for what speaks SQL."""
    looked_at = {item.path for item in items if item.get_closest_marker("browser")}

    def turn(item: pytest.Item) -> int:
        """Files stay together: first those that start processes, then those that drive a browser."""
        return 0 if item.path.parent.name in {"survival", "docs"} else 1 if item.path in looked_at else 2

    items.sort(key=turn)
    if GIVEN_SERVER is not None:
        silent = [item for item in items if "server_url" not in getattr(item, "fixturenames", ())]
        config.hook.pytest_deselected(items=silent)
        items[:] = [item for item in items if "server_url" in getattr(item, "fixturenames", ())]


def renamed(url: str, *, database: str | None = None, role: str | None = None) -> str:
    """*url* with another database or role."""
    parts = urlsplit(url)
    netloc = parts.netloc
    if role is not None:
        netloc = role + "@" + netloc.rpartition("@")[2]
    path = parts.path if database is None else "/" + database
    # urlunsplit drops an empty host's slashes only for unknown schemes; PostgreSQL needs them.
    return urlunsplit((parts.scheme, netloc, path, parts.query, ""))


def copy(server_url: str, source: str, name: str) -> None:
    """Copy a database file by file: three times as fast as through the write-ahead log, and its caches come along."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{source}" STRATEGY FILE_COPY')


def drop(server_url: str, name: str) -> None:
    """Drop a database; the administrator may not end another role's session, so one that is ending is waited for."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        for _ in range(100):
            try:
                connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
            except (psycopg.errors.InsufficientPrivilege, psycopg.errors.ObjectInUse):
                time.sleep(0.05)
            else:
                return
        raise AssertionError(f"{name} is still in use: a test left a connection open")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium for each module: its driver keeps this thread's event loop, which no other module may find running."""
    with launched() as browser:
        yield browser


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """A server's administrator: Debian's if PLACET_TEST_DATABASE_URL names one, else the embedded server."""
    if GIVEN_SERVER is not None:
        yield GIVEN_SERVER
        return
    with open_folder() as folder:
        server = EmbeddedServer(folder / "pg", fsync=False)
        server.start()
        try:
            yield server.url()
        finally:
            server.release()


@pytest.fixture(scope="session")
def template(server_url: str) -> Iterator[tuple[str, Roles]]:
    """A migrated database that is cloned for each test."""
    name = f"placet_template_{os.getpid()}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    roles = migrate(renamed(server_url, database=name), app_password="app")
    yield name, roles
    drop(server_url, name)


@pytest.fixture
def clone(server_url: str, template: tuple[str, Roles]) -> Iterator[tuple[str, Roles]]:
    source, roles = template
    name = f"placet_test_{os.getpid()}_{next(_serial)}"
    copy(server_url, source, name)
    yield name, roles
    drop(server_url, name)


@pytest.fixture
def admin_url(server_url: str, clone: tuple[str, Roles]) -> str:
    """The test's own database, as the role that may change its structure."""
    return renamed(server_url, database=clone[0])


@pytest.fixture
def app_url(server_url: str, clone: tuple[str, Roles]) -> str:
    """The test's own database, as the application's role."""
    password = ":app" if urlsplit(server_url).hostname else ""
    return renamed(server_url, database=clone[0], role=clone[1].app + password)


@pytest.fixture
def database(app_url: str) -> Iterator[Database]:
    database = Database(app_url, size=4)
    yield database
    database.close()


@pytest.fixture
def config(admin_url: str, tmp_path: Path) -> Config:
    return _config(admin_url, tmp_path)


def _config(url: str, folder: Path) -> Config:
    return Config(database_url=url, data_dir=folder, mode="development", master_key="00" * 32)


@pytest.fixture(scope="session")
def prepared(server_url: str, template: tuple[str, Roles]) -> Iterator[tuple[str, str, Roles, MasterKey]]:
    """The template with the Amigo catalogue published in it: its name, and what `prepare` says of it."""
    name = f"placet_published_{os.getpid()}"
    copy(server_url, template[0], name)
    with tempfile.TemporaryDirectory() as folder:
        url, roles, master = prepare(_config(renamed(server_url, database=name), Path(folder)))
    yield name, url, roles, master
    drop(server_url, name)


@pytest.fixture(scope="session")
def published_template(prepared: tuple[str, str, Roles, MasterKey]) -> str:
    """The name of a database with the Amigo catalogue in it."""
    return prepared[0]


@pytest.fixture
def placet(server_url: str, prepared: tuple[str, str, Roles, MasterKey], tmp_path: Path) -> Iterator[Application]:
    """The composed application on a database of its own, with the Amigo catalogue in force; nothing started."""
    name = f"placet_app_{os.getpid()}_{next(_serial)}"
    source, url, roles, master = prepared
    copy(server_url, source, name)
    # Not `build`: what is prepared once need not be prepared for every test.
    config = _config(renamed(server_url, database=name), tmp_path)
    application = composed(config, renamed(url, database=name), roles, master)
    yield application
    application.close()
    drop(server_url, name)


@pytest.fixture
def now() -> datetime:
    return datetime(2026, 3, 12, 12, 0, tzinfo=UTC)
