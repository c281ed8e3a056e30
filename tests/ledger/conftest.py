"""A ledger to write into, and one who may do anything to it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from ledger_book import ORIGIN, Book

from placet.ledger.keys import LogSigner
from placet.store.database import Database


@pytest.fixture
def book(database: Database, tmp_path: Path) -> Book:
    signer = LogSigner(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
    return Book(database, tmp_path / "ledger", signer)


@pytest.fixture
def as_superuser(server_url: str, admin_url: str) -> Callable[[str], None]:
    """Run statements as one who may do anything, with the append-only triggers off."""

    def run(statements: str) -> None:
        with psycopg.connect(admin_url, autocommit=True) as connection:
            for table in ("record", "tile", "checkpoint", "cosignature"):
                connection.execute(f"ALTER TABLE ledger.{table} DISABLE TRIGGER append_only")
            connection.execute(statements.encode())

    return run
