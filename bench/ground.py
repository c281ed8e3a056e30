"""Where the benchmarks run: a PostgreSQL of their own with fsync on, one database for each theme, gone at the end."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs
import psycopg

from placet.bootstrap import Application, build, prepare
from placet.config import Config
from placet.store.embedded import EmbeddedServer
from placet.store.migrations import Roles

_TEMPLATE = "placet_bench"
_ROLES = Roles(_TEMPLATE)
"""A cloned database keeps the roles of the one it was cloned from."""


@attrs.frozen
class Place:
    """One database with the Amigo catalogue in force, and the folder of what lies outside it."""

    name: str
    config: Config

    @contextmanager
    def application(self) -> Iterator[Application]:
        """The composed application, nothing started."""
        application = build(self.config)
        try:
            yield application
        finally:
            application.close()

    @contextmanager
    def owner(self) -> Iterator[psycopg.Connection]:
        """A connection that may do what only the owner may: fill tables in bulk."""
        assert self.config.database_url is not None
        with psycopg.connect(self.config.database_url, autocommit=True) as connection:
            connection.execute(f'SET ROLE "{_ROLES.owner}"')
            connection.execute("SET maintenance_work_mem = '1GB'; SET work_mem = '256MB'; SET TIME ZONE 'UTC'")
            yield connection


@attrs.frozen
class Ground:
    """The server and its databases."""

    folder: Path
    server: EmbeddedServer

    def place(self, name: str, *, like: str = _TEMPLATE) -> Place:
        """A new database; *like* another one of ours, which nobody is connected to."""
        name = f"{_TEMPLATE}_{name}"
        with psycopg.connect(self.server.url(), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{like}" STRATEGY FILE_COPY')
        return Place(name, self._config(name))

    def drop(self, place: Place) -> None:
        with psycopg.connect(self.server.url(), autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{place.name}"')

    def _config(self, name: str) -> Config:
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        return Config(database_url=self.server.url(name), data_dir=folder, mode="development", master_key="00" * 32)

    def begin(self) -> None:
        with psycopg.connect(self.server.url(), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{_TEMPLATE}"')
        prepare(self._config(_TEMPLATE))


@contextmanager
def opened() -> Iterator[Ground]:
    """Start the server in a folder of its own; stop it and remove everything at the end, whatever happened."""
    folder = Path(tempfile.mkdtemp(prefix="placet-bench-", dir="/var/tmp"))
    folder.chmod(0o755)
    ground = Ground(folder, EmbeddedServer(folder / "pg", fsync=True))
    try:
        ground.server.start()
        ground.begin()
        yield ground
    finally:
        ground.server.release()
        shutil.rmtree(folder, ignore_errors=True)
