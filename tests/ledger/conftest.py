"""A ledger to write into, and one who may do anything to it."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import psycopg
import pytest
from ledger_book import ORIGIN, Book

from placet.config import Config
from placet.ledger import keys
from placet.store.database import Database


@pytest.fixture
def book(database: Database, config: Config) -> Book:
    config = attrs.evolve(config, log_origin=ORIGIN)
    return Book(database, config, keys.load(config.data_dir))


@pytest.fixture
def as_superuser(server_url: str, admin_url: str) -> Callable[[str], None]:
    """Run statements as one who may do anything, with the append-only triggers off."""

    def run(statements: str) -> None:
        with psycopg.connect(admin_url, autocommit=True) as connection:
            for table in ("record", "tile", "checkpoint", "cosignature"):
                connection.execute(f"ALTER TABLE ledger.{table} DISABLE TRIGGER append_only")
            connection.execute(statements.encode())

    return run
