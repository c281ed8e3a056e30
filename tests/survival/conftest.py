"""Installations to be broken: each on a database of its own, all in folders that are removed afterwards."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from survival_house import House, at, clone, drop

from placet.store.embedded import EmbeddedServer
from short_lived import open_folder

_serial = itertools.count(1)


@pytest.fixture
def folder() -> Iterator[Path]:
    with open_folder() as found:
        yield found


@pytest.fixture(scope="module")
def own_server() -> Iterator[EmbeddedServer]:
    """A server that the tests of a module may kill; it syncs, as in earnest."""
    with open_folder() as found:
        server = EmbeddedServer(found / "pg")
        server.start()
        yield server
        server.start()
        server.release()


@pytest.fixture
def own_url(own_server: EmbeddedServer) -> str:
    """A fresh database on the server that may be killed."""
    name = f"placet_{next(_serial)}"
    with psycopg.connect(own_server.url(), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return own_server.url(name)


@pytest.fixture
def open_house(folder: Path) -> Iterator[Callable[..., House]]:
    """Make installations under the test's folder; ask for their databases before: processes must end first."""
    made: list[House] = []

    def make(name: str = "house", **settings: str) -> House:
        made.append(House.at(folder / name, **settings))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def shared_url(server_url: str, published_template: str) -> Iterator[str]:
    """A database with the catalogue on the server that all tests share; whoever uses it must have ended."""
    name = f"placet_survival_{os.getpid()}_{next(_serial)}"
    clone(server_url, published_template, name)
    yield at(server_url, name)
    drop(server_url, name)
