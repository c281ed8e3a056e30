"""The atlas, the portal and the console over releases that were laid down."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser
from starlette.testclient import TestClient

from mobility.faces.atlas_town import released
from placet.access.staff import Member, Role
from placet.bootstrap import Application
from placet.interfaces.atlas.app import atlas
from placet.purposes.mobility.releasing.model import Release
from portal.portal_browser import Guest, served
from staff.staff_people import hired


@pytest.fixture
def andris(placet: Application) -> Member:
    return hired(placet, "andris", Role.ANALYST)


@pytest.fixture
def october(placet: Application, andris: Member) -> Release:
    """A month that is public."""
    return released(placet, public_by=andris.id)


@pytest.fixture
def reader(placet: Application) -> Iterator[TestClient]:
    """Somebody without a name in front of the atlas."""
    with TestClient(atlas(placet), base_url="http://127.0.0.1:8000", headers={"accept-language": "en"}) as client:
        yield client


@pytest.fixture
def at_atlas(browser: Browser, placet: Application) -> Iterator[Callable[..., Guest]]:
    """Seats somebody at a real browser: language, width, colour scheme, with or without scripts."""
    contexts = []
    with served(atlas(placet)) as site:

        def sit(language: str = "en", *, width: int = 1280, scheme: str = "light", scripts: bool = True) -> Guest:
            context = browser.new_context(
                viewport={"width": width, "height": 900},
                color_scheme=scheme,
                java_script_enabled=scripts,
                extra_http_headers={"Accept-Language": language},
            )
            contexts.append(context)
            return Guest(context.new_page(), site)

        yield sit
        for context in contexts:
            context.close()
