"""The portal over a real database in demo mode, so that codes can be read from its page; the clock can be moved."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import attrs
import pytest
from playwright.sync_api import Browser
from portal_browser import Guest, served
from portal_visitor import Clock, Visitor, newcomer
from starlette.applications import Starlette
from starlette.testclient import TestClient

from placet.access.codes import Codes, sender_for
from placet.bootstrap import Application
from placet.interfaces.portal.app import portal
from placet.subjects.model import Subject


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
    return portal(demo, now=time)


@pytest.fixture
def visit(pages: Starlette) -> Iterator[Callable[[], Visitor]]:
    """Makes visitors, each with a browser (and cookies) of its own."""
    with contextlib.ExitStack() as clients:

        def arrive(language: str = "en", address: str = "testclient") -> Visitor:
            headers, origin = {"accept-language": language}, (address, 50000)
            client = TestClient(pages, base_url="http://127.0.0.1:8000", client=origin, headers=headers)
            return Visitor(clients.enter_context(client))

        yield arrive


@pytest.fixture
def anna(demo: Application) -> Subject:
    return newcomer(demo, "+37120000001", "anna@example.lv")


@pytest.fixture
def guest(visit: Callable[[], Visitor], anna: Subject) -> Visitor:
    """Anna, signed in for the first time."""
    visitor = visit()
    visitor.sign_in("+371 20 000 001")
    return visitor


@pytest.fixture
def site(browser: Browser, pages: Starlette, anna: Subject) -> Iterator[str]:
    """The portal's address over HTTP; Anna is a customer."""
    with served(pages) as address:
        yield address


@pytest.fixture
def sit_down(browser: Browser, site: str) -> Iterator[Callable[..., Guest]]:
    """Opens a browser window: language, width, colour scheme, with or without scripts."""
    contexts = []

    def open_window(language: str = "en", *, width: int = 1280, scheme: str = "light", scripts: bool = True) -> Guest:
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            java_script_enabled=scripts,
            extra_http_headers={"Accept-Language": language},
        )
        contexts.append(context)
        return Guest(context.new_page(), site)

    yield open_window
    for context in contexts:
        context.close()
