"""The desk over a real database in demo mode, so that codes can be read from its pages; the clock can be moved."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from datetime import date

import attrs
import pytest
from playwright.sync_api import Browser
from starlette.applications import Starlette
from starlette.testclient import TestClient

from desk.desk_people import AtDesk, Seat
from placet.access.codes import Codes, sender_for
from placet.access.staff import Member, Role
from placet.bootstrap import Application
from placet.gate.replica import Replica
from placet.interfaces.desk.app import desk
from placet.interfaces.staff.door import SESSION
from placet.kernel import clock
from placet.subjects.model import Alias, Subject
from portal.portal_browser import Guest, served
from portal.portal_visitor import Clock
from staff.staff_people import hired, seated, signed_in


@pytest.fixture
def time() -> Clock:
    return Clock()


@pytest.fixture
def demo(placet: Application) -> Application:
    """The composed application in demo mode, its sequencer running."""
    config = attrs.evolve(placet.config, mode="demo")
    codes = Codes(placet.database, placet.subjects, placet.master, sender_for(config))
    application = attrs.evolve(placet, config=config, codes=codes)
    application.sequencer.start()
    return application


@pytest.fixture
def pages(demo: Application, time: Clock) -> Starlette:
    return desk(demo, Replica.of(demo.database, demo.config), now=time)


@pytest.fixture
def sit(demo: Application, pages: Starlette) -> Iterator[Callable[..., AtDesk]]:
    """Seats a member at a browser without pictures."""
    with contextlib.ExitStack() as clients:

        def sit_down(member: Member, language: str = "en") -> AtDesk:
            client = TestClient(pages, base_url="http://127.0.0.1:8000", headers={"accept-language": language})
            seated(demo, clients.enter_context(client), member)
            return AtDesk(client, member)

        yield sit_down


@pytest.fixture
def ilze(demo: Application) -> Member:
    return hired(demo, "ilze", Role.AGENT, shop="Rīga")


@pytest.fixture
def peteris(demo: Application) -> Member:
    return hired(demo, "peteris", Role.AGENT, Role.REVIEWER, shop="Liepāja")


@pytest.fixture
def anna(demo: Application) -> Subject:
    aliases = [Alias.msisdn("20000001"), Alias.email("anna@example.lv"), Alias.personal_code("320101-54321")]
    born = date(1975, 11, 16)
    with demo.database.transaction() as connection:
        return demo.subjects.add(
            connection, aliases=aliases, name="Anna Bērziņa", birth_date=born, language="lv", now=clock.now()
        )


@pytest.fixture
def window(browser: Browser, demo: Application, pages: Starlette) -> Iterator[Callable[..., Seat]]:
    """Seats a member at a real browser: language, width, with or without scripts."""
    contexts = []
    with served(pages) as site:

        def open_window(member: Member, language: str = "en", *, width: int = 1280, scripts: bool = True) -> Seat:
            context = browser.new_context(
                viewport={"width": width, "height": 900},
                java_script_enabled=scripts,
                extra_http_headers={"Accept-Language": language},
            )
            contexts.append(context)
            session = signed_in(demo, member)
            context.add_cookies([{"name": SESSION, "value": session.token, "url": site}])
            return Seat(Guest(context.new_page(), site))

        yield open_window
        for context in contexts:
            context.close()
