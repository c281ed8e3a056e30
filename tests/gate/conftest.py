"""A town, and a gate to ask about its people."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from gate_town import Town

from placet.gate.actions import Gate
from placet.store.migrations import Roles


@pytest.fixture
def town(admin_url: str, clone: tuple[str, Roles]) -> Iterator[Town]:
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute(f'SET ROLE "{clone[1].owner}"')
        town = Town(connection)
        town.publish({"offers": 1, "usage": 1, "credit": 1, "profiling": 1, "location": 1, "mobility": 1})
        yield town


@pytest.fixture
def gate() -> Gate:
    return Gate(bytes(32))
