"""The portal as one ASGI application: its parts, wired, and the address of every page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from starlette.applications import Starlette
from starlette.routing import Route

from placet.bootstrap import Application
from placet.catalogue.model import Catalogue
from placet.interfaces.portal import reading
from placet.interfaces.portal.pages import Pages
from placet.interfaces.portal.signing_in import SigningIn
from placet.interfaces.web.forms import FormKey
from placet.interfaces.web.shell import Frame, Shell, Visit
from placet.kernel import clock

FORM_KEY_LABEL = "placet/form/v1"
GET, POST = ["GET"], ["POST"]


def portal(application: Application, *, now: Callable[[], datetime] = clock.now) -> Starlette:
    """The customer's pages over *application*, whose sequencer the caller starts."""
    surroundings = _Surroundings(application)
    shell = Shell(
        parts={"portal": "placet.interfaces.portal"},
        config=application.config,
        form_key=FormKey(application.master.derive(FORM_KEY_LABEL)),
        frame=Frame("portal/frame.html", surroundings.values),
        now=now,
    )
    signing_in = SigningIn(application, shell)
    pages = Pages(application, shell, signing_in)
    return shell.site(
        [
            Route("/", shell.page(pages.start), methods=GET),
            Route("/sign-in", shell.page(signing_in.ask), methods=GET),
            Route("/sign-in", shell.page(signing_in.send), methods=POST),
            Route("/sign-in/code", shell.page(signing_in.ask_code), methods=GET),
            Route("/sign-in/code", shell.page(signing_in.enter), methods=POST),
            Route("/sign-out", shell.page(signing_in.leave), methods=POST),
            Route("/signed-out", shell.page(signing_in.left), methods=GET),
            Route("/choices", shell.page(signing_in.required(pages.first_question)), methods=GET),
            Route("/choices/{purpose}", shell.page(signing_in.required(pages.question)), methods=GET),
            Route("/choices/{purpose}", shell.page(signing_in.required(pages.decide)), methods=POST),
            Route("/done", shell.page(signing_in.required(pages.done)), methods=GET),
            Route("/history", shell.page(signing_in.required(pages.history)), methods=GET),
            Route("/history/{record}", shell.page(signing_in.required(pages.entry)), methods=GET),
            Route("/receipts/{record}", shell.page(signing_in.required(pages.receipt)), methods=GET),
            Route("/receipts/{record}/file", shell.page(signing_in.required(pages.receipt_file)), methods=GET),
        ]
    )


class _Surroundings:
    """Who asks stands on every page, also on the one that says the database is away: so it is read beforehand."""

    def __init__(self, application: Application) -> None:
        with application.database.transaction() as connection:
            self._catalogue: Catalogue = application.catalogue(connection)

    def values(self, visit: Visit) -> Mapping[str, object]:
        return {"controller": reading.controller(self._catalogue, visit.words.language)}
