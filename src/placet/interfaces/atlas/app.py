"""The atlas as one ASGI application: everybody may read it, without signing in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from starlette.applications import Starlette
from starlette.routing import Route

from placet.bootstrap import Application
from placet.interfaces.atlas.library import Library
from placet.interfaces.atlas.pages import Pages
from placet.interfaces.portal.app import FORM_KEY_LABEL, Surroundings
from placet.interfaces.web.forms import FormKey
from placet.interfaces.web.shell import Frame, Page, Shell
from placet.kernel import clock


def atlas(application: Application, *, now: Callable[[], datetime] = clock.now) -> Starlette:
    """The public maps over *application*."""
    shell = Shell(
        parts={"atlas": "placet.interfaces.atlas"},
        config=application.config,
        form_key=FormKey(application.master.derive(FORM_KEY_LABEL)),
        frame=Frame("atlas/frame.html", Surroundings(application).values),
        now=now,
    )
    pages = Pages(shell, Library.of(application), application.config.url)
    addresses: Mapping[str, Page] = {
        "/atlas": pages.start,
        "/atlas/method": pages.method,
        "/atlas/releases": pages.releases,
        "/atlas/{release}": pages.opened,
        "/atlas/{release}/data": pages.data,
        "/atlas/{release}/files/{file}": pages.file,
        "/atlas/{release}/{view}": pages.opened,
        "/atlas/{release}/{view}/hours.{day}.{language}.json": pages.frames,
        "/atlas/{release}/{view}/{when}": pages.plate,
        "/atlas/{release}/{view}/{when}/{zone}": pages.plate,
    }
    return shell.site([Route(address, shell.page(page), methods=["GET"]) for address, page in addresses.items()])
