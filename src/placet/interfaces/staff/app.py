"""The pages of staff that belong to no part: signing in, one's own account, the members; wired, with every address."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from starlette.applications import Starlette
from starlette.routing import Route

from placet.access.staff import Role
from placet.bootstrap import Application
from placet.interfaces.staff.account import Account
from placet.interfaces.staff.door import Door, staff_shell
from placet.interfaces.staff.joining import Joining
from placet.interfaces.staff.members import Members
from placet.interfaces.staff.signing_in import SigningIn
from placet.interfaces.web.shell import Shell
from placet.kernel import clock

GET, POST = ["GET"], ["POST"]


def staff_site(application: Application, *, now: Callable[[], datetime] = clock.now) -> Starlette:
    """The pages under `/staff`."""
    shell = staff_shell(application, {}, now=now)
    door = Door(application, shell)
    signing_in = SigningIn(application, shell, door)
    joining = Joining(application, shell, signing_in)
    routes = [
        *_before(shell, signing_in, joining),
        *_own(shell, door, signing_in, Account(application, shell, joining)),
        *_others(shell, door, Members(application, shell, application.config.url)),
    ]
    if application.config.mode == "demo":
        # Anywhere else this address does not exist.
        routes.append(Route("/staff/sign-in/demo", shell.page(signing_in.enter_demo), methods=POST))
    return shell.site(routes)


def _before(shell: Shell, signing_in: SigningIn, joining: Joining) -> list[Route]:
    return [
        Route("/staff/sign-in", shell.page(signing_in.ask), methods=GET),
        Route("/staff/sign-in", shell.page(signing_in.enter), methods=POST),
        Route("/staff/sign-in/code", shell.page(signing_in.ask_code), methods=GET),
        Route("/staff/sign-in/code", shell.page(signing_in.enter_code), methods=POST),
        Route("/staff/sign-in/oidc", shell.page(signing_in.to_provider), methods=GET),
        Route("/staff/sign-in/oidc/back", shell.page(signing_in.from_provider), methods=GET),
        Route("/staff/sign-out", shell.page(signing_in.leave), methods=POST),
        Route("/staff/welcome/{token}", shell.page(joining.while_open(joining.ask)), methods=GET),
        Route("/staff/welcome/{token}", shell.page(joining.while_open(joining.choose)), methods=POST),
        Route("/staff/second-factor", shell.page(joining.while_open(joining.show)), methods=GET),
        Route("/staff/second-factor", shell.page(joining.while_open(joining.confirm)), methods=POST),
        Route("/staff/second-factor/picture", shell.page(joining.while_open(joining.picture)), methods=GET),
    ]


def _own(shell: Shell, door: Door, signing_in: SigningIn, account: Account) -> list[Route]:
    return [
        Route("/staff", shell.page(door.signed_in(signing_in.start)), methods=GET),
        Route("/staff/account", shell.page(door.signed_in(account.show)), methods=GET),
        Route("/staff/account/password", shell.page(door.signed_in(account.change_password)), methods=POST),
        Route("/staff/account/factor", shell.page(door.signed_in(account.change_factor)), methods=POST),
        Route("/staff/account/sessions", shell.page(door.signed_in(account.end_others)), methods=POST),
        Route("/staff/account/sessions/{session}", shell.page(door.signed_in(account.end_session)), methods=POST),
    ]


def _others(shell: Shell, door: Door, members: Members) -> list[Route]:
    admin = door.needs(Role.ADMIN)
    return [
        Route("/staff/members", shell.page(admin(members.list)), methods=GET),
        Route("/staff/members/new", shell.page(admin(members.ask_new)), methods=GET),
        Route("/staff/members/new", shell.page(admin(members.add)), methods=POST),
        Route("/staff/members/{member}", shell.page(admin(members.show)), methods=GET),
        Route("/staff/members/{member}", shell.page(admin(members.change)), methods=POST),
    ]
