"""The desk as one ASGI application: its parts, wired, and the address of every page."""

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
from placet.interfaces.staff.door import DESK, Door, staff_shell
from placet.interfaces.web.shell import Shell, Visit
from placet.kernel import clock

GET, POST = ["GET"], ["POST"]


def desk(application: Application, replica: Replica, *, now: Callable[[], datetime] = clock.now) -> Starlette:
    """The pages of the desk over *application*; *replica* answers what must be quick."""
    shell = staff_shell(application, {"desk": "placet.interfaces.desk"}, now=now)
    door = Door(application, shell)
    pages = _Pages(application, replica, shell)
    return shell.site([Route("/desk", shell.page(door.needs(*DESK)(pages.start)), methods=GET)])


@attrs.frozen
class _Pages:
    application: Application
    replica: Replica
    shell: Shell

    def start(self, visit: Visit, session: StaffSession) -> Response:
        return self.shell.render(visit, "desk/start.html", session=session)
