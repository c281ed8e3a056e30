"""
One ASGI application for the port: hot routes as plain ASGI, `/v1` by FastAPI, `/log`, and the pages.

A worker process builds it once (`application`, the factory that granian calls), behind granian's own interface.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from placet import config as settings
from placet.bootstrap import Application, build
from placet.interfaces.atlas.app import atlas
from placet.interfaces.background import Background
from placet.interfaces.camara.app import camara
from placet.interfaces.console.app import console
from placet.interfaces.desk.app import desk
from placet.interfaces.log.routes import routes as log_routes
from placet.interfaces.portal.app import portal
from placet.interfaces.rest.answered import Answered
from placet.interfaces.rest.api import api
from placet.interfaces.rest.hot import HotRoutes
from placet.interfaces.rest.limits import BodyLimit
from placet.interfaces.rsgi import Rsgi
from placet.interfaces.staff.app import staff_site

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]


def application() -> Rsgi:
    """The whole server, as the settings of this process say."""
    # The sequencer's thread must not wait a whole default slice (5 ms) for the event loop's.
    sys.setswitchinterval(0.0005)
    threading.Thread(target=_end_with, args=(os.getppid(),), name="parent", daemon=True).start()
    return Server(build(settings.load())).rsgi()


def _end_with(parent: int) -> None:
    """A worker whose server was killed must not go on: it would share the port with its successor's workers."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGTERM)


class Server:
    """Dispatches by path; starts and stops the background work with the process."""

    def __init__(self, application: Application) -> None:
        self._background = Background(application)
        answered = Answered()
        self._hot = HotRoutes(application, self._background.replica, answered)
        self._rest = BodyLimit(api(application, self._background.replica, answered))
        self._log = log_routes(application)
        self._pages = portal(application)
        self._parts: dict[str, Asgi] = {
            "/atlas": atlas(application),
            "/population-density-data": BodyLimit(camara(application)),
            "/staff": staff_site(application),
            "/desk": desk(application, self._background.replica),
            "/console": console(application, self._background.replica),
        }

    def rsgi(self) -> Rsgi:
        """The same through granian's own interface."""
        return Rsgi(self._hot, self, start=self._start, stop=self._background.stop)

    def _start(self) -> None:
        self._background.start()
        # What was made so far stays: to look for garbage among it again and again stops everything for long moments.
        gc.collect()
        gc.freeze()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._background.lifespan(receive, send)
        elif scope["type"] == "http":
            await self._route(scope["path"], scope["method"])(scope, receive, send)

    def _route(self, path: str, method: str) -> Asgi:
        if method == "POST" and path in self._hot:
            return self._hot
        if path.startswith(("/v1/", "/healthz", "/readyz", "/metrics")):
            return self._rest
        if path.startswith("/log/"):
            return self._log
        first = "/" + path.removeprefix("/").partition("/")[0]
        return self._parts.get(first, self._pages)
