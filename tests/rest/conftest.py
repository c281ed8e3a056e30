"""The whole server over a real database, and keys to it. One for all tests of a file: each test adds its own people."""

from __future__ import annotations

import itertools
import time
import warnings
from collections.abc import Callable, Iterator

import attrs
import pytest
from rest_support import Api

from placet.access import keys
from placet.bootstrap import Application
from placet.interfaces.http import Server
from placet.kernel import clock

with warnings.catch_warnings():
    # Starlette's client announces another HTTP library to come; httpx is what we have.
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

_people = itertools.count(1)


@pytest.fixture
def placet(placet: Application) -> Iterator[Application]:
    """Its API keys age thirty times more slowly: a machine that is busy with other tests may read them late."""
    slowly = keys.Keys(placet.database, ticks=lambda: time.monotonic() / 30)
    yield attrs.evolve(placet, api_keys=slowly)
    slowly.close()


@pytest.fixture
def http(placet: Application) -> Iterator[TestClient]:
    """A client without a key; background work runs as in a serving process."""
    with TestClient(Server(placet), raise_server_exceptions=True) as client:
        yield client


@pytest.fixture
def key(placet: Application) -> Callable[..., str]:
    """Make a key with some scopes."""

    def make(*scopes: str) -> str:
        with placet.database.transaction() as connection:
            made = keys.add(connection, "tests", scopes, now=clock.now()).text
        placet.api_keys.refresh(clock.now())
        return made

    return make


@pytest.fixture
def api(http: TestClient, key: Callable[..., str]) -> Api:
    """A client that may do everything."""
    return Api(http, key(*keys.SCOPES))


@pytest.fixture
def phone() -> str:
    return f"+3712{next(_people):07}"
