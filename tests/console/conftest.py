"""The console over a real database with people who decided, and members of every role."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import attrs
import pytest
from playwright.sync_api import Browser
from starlette.applications import Starlette
from starlette.testclient import TestClient

from console.console_crowd import AtConsole
from placet.access.staff import Member, Role
from placet.bootstrap import Application
from placet.gate.replica import Replica
from placet.interfaces.console.app import console
from placet.interfaces.staff.door import SESSION
from portal.portal_browser import Guest, served
from staff.staff_people import hired, seated, signed_in


@pytest.fixture
def replica(placet: Application) -> Replica:
    """Caught up by whoever needs it."""
    # A test looks once and then reads for seconds.
    return Replica.of(placet.database, attrs.evolve(placet.config, staleness_bound=600.0))


@pytest.fixture
def pages(placet: Application, replica: Replica) -> Starlette:
    return console(placet, replica)


@pytest.fixture
def sit(placet: Application, pages: Starlette) -> Iterator[Callable[..., AtConsole]]:
    """Seats a member at a browser without pictures."""
    with contextlib.ExitStack() as clients:

        def sit_down(member: Member, language: str = "en") -> AtConsole:
            client = TestClient(pages, base_url="http://127.0.0.1:8000", headers={"accept-language": language})
            seated(placet, clients.enter_context(client), member)
            return AtConsole(client, member)

        yield sit_down


@pytest.fixture
def dace(placet: Application) -> Member:
    return hired(placet, "dace", Role.DPO)


@pytest.fixture
def oskars(placet: Application) -> Member:
    return hired(placet, "oskars", Role.ADMIN)


@pytest.fixture
def andris(placet: Application) -> Member:
    return hired(placet, "andris", Role.ANALYST)


@pytest.fixture
def window(browser: Browser, placet: Application, pages: Starlette) -> Iterator[Callable[..., Guest]]:
    """Seats a member at a real browser: language, width, colour scheme."""
    contexts = []
    with served(pages) as site:

        def open_window(member: Member, language: str = "en", *, width: int = 1280, scheme: str = "light") -> Guest:
            context = browser.new_context(
                viewport={"width": width, "height": 900},
                color_scheme=scheme,
                extra_http_headers={"Accept-Language": language},
            )
            contexts.append(context)
            session = signed_in(placet, member)
            context.add_cookies([{"name": SESSION, "value": session.token, "url": site}])
            return Guest(context.new_page(), site)

        yield open_window
        for context in contexts:
            context.close()
