"""The console as one ASGI application: its parts, wired, and the address of every page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import attrs
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from placet.access.staff_sessions import StaffSession
from placet.bootstrap import Application
from placet.gate.replica import Replica
from placet.interfaces.staff.door import CONSOLE, Door, staff_shell
from placet.interfaces.web.shell import Shell, Visit
from placet.kernel import clock

GET, POST = ["GET"], ["POST"]


def console(application: Application, replica: Replica, *, now: Callable[[], datetime] = clock.now) -> Starlette:
    """The pages of the console over *application*; *replica* answers what must be quick."""
    shell = staff_shell(application, {"console": "placet.interfaces.console"}, now=now)
    door = Door(application, shell)
    pages = _Pages(application, replica, shell)
    return shell.site([Route("/console", shell.page(door.needs(*CONSOLE)(pages.start)), methods=GET)])


@attrs.frozen
class _Pages:
    application: Application
    replica: Replica
    shell: Shell

    def start(self, visit: Visit, session: StaffSession) -> Response:
        return self.shell.render(visit, "console/start.html", session=session)
