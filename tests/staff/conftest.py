"""The pages of staff over a real database; the clock can be moved, and passwords are hashed quickly."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import attrs
import pytest
from argon2 import PasswordHasher
from portal_visitor import Clock, Visitor
from starlette.applications import Starlette
from starlette.testclient import TestClient

from placet.access.accounts import Accounts
from placet.access.passwords import Passwords
from placet.bootstrap import Application
from placet.interfaces.staff.app import staff_site

QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
SITE = "http://127.0.0.1:8000"


@pytest.fixture
def time() -> Clock:
    return Clock()


@pytest.fixture
def house(placet: Application) -> Application:
    """The composed application; what is slow about passwords is not what is tested here."""
    return attrs.evolve(placet, accounts=Accounts(placet.database, placet.master, Passwords(QUICK)))


@pytest.fixture
def pages(house: Application, time: Clock) -> Starlette:
    return staff_site(house, now=time)


@pytest.fixture
def visit(pages: Starlette) -> Iterator[Callable[..., Visitor]]:
    """Makes visitors, each with a browser (and cookies) of its own."""
    with contextlib.ExitStack() as clients:

        def arrive(address: str = "10.0.0.1", site: Starlette = pages, language: str = "en") -> Visitor:
            client = TestClient(site, base_url=SITE, client=(address, 50000), headers={"accept-language": language})
            return Visitor(clients.enter_context(client))

        yield arrive
