"""The pages of staff that belong to no part: signing in, one's own account, the members; wired, with every address."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from starlette.applications import Starlette
from starlette.routing import Route

from placet.bootstrap import Application
from placet.interfaces.staff.door import Door, staff_shell
from placet.interfaces.staff.signing_in import SigningIn
from placet.kernel import clock

GET, POST = ["GET"], ["POST"]


def staff_site(application: Application, *, now: Callable[[], datetime] = clock.now) -> Starlette:
    """The pages under `/staff`."""
    shell = staff_shell(application, {}, now=now)
    door = Door(application, shell)
    signing_in = SigningIn(application, shell, door)
    routes = [
        Route("/staff", shell.page(door.signed_in(signing_in.start)), methods=GET),
        Route("/staff/sign-in", shell.page(signing_in.ask), methods=GET),
        Route("/staff/sign-out", shell.page(signing_in.leave), methods=POST),
    ]
    if application.config.mode == "demo":
        # Anywhere else this address does not exist.
        routes.append(Route("/staff/sign-in/demo", shell.page(signing_in.enter_demo), methods=POST))
    return shell.site(routes)
