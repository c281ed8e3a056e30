"""
One ASGI application for the port: hot routes as plain ASGI, `/v1` by FastAPI, `/log`, and the pages.

A worker process builds it once (`application`, the factory that granian calls).
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from placet import config as settings
from placet.bootstrap import Application, build
from placet.interfaces.background import Background
from placet.interfaces.console.app import console
from placet.interfaces.desk.app import desk
from placet.interfaces.log.routes import routes as log_routes
from placet.interfaces.portal.app import portal
from placet.interfaces.rest.api import api
from placet.interfaces.rest.hot import HotRoutes
from placet.interfaces.rest.limits import BodyLimit
from placet.interfaces.staff.app import staff_site

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]


def application() -> Asgi:
    """The whole server, as the settings of this process say."""
    # The sequencer's thread must not wait a whole default slice (5 ms) for the event loop's.
    sys.setswitchinterval(0.0005)
    threading.Thread(target=_end_with, args=(os.getppid(),), name="parent", daemon=True).start()
    return Server(build(settings.load()))


def _end_with(parent: int) -> None:
    """A worker whose server was killed must not go on: it would share the port with its successor's workers."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGTERM)


class Server:
    """Dispatches by path; starts and stops the background work with the process."""

    def __init__(self, application: Application) -> None:
        self._background = Background(application)
        self._hot = HotRoutes(application, self._background.replica)
        self._rest = BodyLimit(api(application, self._background.replica))
        self._log = log_routes(application)
        self._pages = portal(application)
        self._parts: dict[str, Asgi] = {
            "/staff": staff_site(application),
            "/desk": desk(application, self._background.replica),
            "/console": console(application, self._background.replica),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._background.lifespan(receive, send)
        elif scope["type"] == "http":
            await self._route(scope["path"], scope["method"])(scope, receive, send)

    def _route(self, path: str, method: str) -> Asgi:
        if method == "POST" and (hot := self._hot.routes.get(path)) is not None:
            return hot
        if path.startswith(("/v1/", "/healthz", "/readyz", "/metrics")):
            return self._rest
        if path.startswith("/log/"):
            return self._log
        first = "/" + path.removeprefix("/").partition("/")[0]
        return self._parts.get(first, self._pages)
