"""The portal as one ASGI application: its parts, wired, and the address of every page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Route

from placet.bootstrap import Application
from placet.catalogue.model import Catalogue
from placet.interfaces.portal import reading, verify_page
from placet.interfaces.portal.by_passkey import ByPasskey
from placet.interfaces.portal.clicking import Clicking
from placet.interfaces.portal.correcting import Correcting
from placet.interfaces.portal.exporting import Exporting
from placet.interfaces.portal.holding import Holding
from placet.interfaces.portal.messages import Messages
from placet.interfaces.portal.pages import Pages
from placet.interfaces.portal.partaking import Partaking
from placet.interfaces.portal.past import Past
from placet.interfaces.portal.people import People
from placet.interfaces.portal.pressing import Pressing
from placet.interfaces.portal.requesting import Requesting
from placet.interfaces.portal.restricting import Restricting
from placet.interfaces.portal.signing_in import SigningIn
from placet.interfaces.portal.surveying import Surveying
from placet.interfaces.portal.unsubscribing import Unsubscribe
from placet.interfaces.portal.using import Using
from placet.interfaces.portal.ways_in import WaysIn
from placet.interfaces.portal.whom import Door
from placet.interfaces.portal.wishing import Wishing
from placet.interfaces.web.forms import FormKey
from placet.interfaces.web.shell import Frame, Shell, Visit
from placet.kernel import clock

FORM_KEY_LABEL = "placet/form/v1"
GET, POST = ["GET"], ["POST"]


def portal(application: Application, *, now: Callable[[], datetime] = clock.now) -> Starlette:
    """The customer's pages over *application*, whose sequencer the caller starts."""
    surroundings = Surroundings(application)
    shell = Shell(
        parts={"portal": "placet.interfaces.portal"},
        config=application.config,
        form_key=FormKey(application.master.derive(FORM_KEY_LABEL)),
        frame=Frame("portal/frame.html", surroundings.values),
        now=now,
    )
    by_passkey = ByPasskey(application, shell, surroundings.brand)
    signing_in = SigningIn(application, shell, by_passkey)
    door = Door(application, shell, signing_in)
    routes = [
        *_sign_in(shell, signing_in),
        *_choices(shell, door, Pages(application, shell, signing_in, door)),
        *_past(shell, door, Past(application, shell), Using(application, shell)),
        Route("/mobility", shell.page(door.choices(Partaking(application, shell).overview)), methods=GET),
        *_own(shell, door, application),
        *_wishes(shell, door, application),
        *_ways_in(shell, door, WaysIn(application, shell, by_passkey)),
        *_links(shell, Unsubscribe(application, shell), Pressing(application, shell)),
        *_surveys(shell, Surveying(application, shell)),
        *verify_page.routes(),
    ]
    return shell.site(routes)


def _sign_in(shell: Shell, pages: SigningIn) -> list[BaseRoute]:
    return [
        Route("/sign-in", shell.page(pages.ask), methods=GET),
        Route("/sign-in", shell.page(pages.send), methods=POST),
        Route("/sign-in/code", shell.page(pages.ask_code), methods=GET),
        Route("/sign-in/code", shell.page(pages.enter), methods=POST),
        Route("/sign-in/passkey/question", shell.page(pages.by_passkey.ask), methods=POST),
        Route("/sign-in/passkey", shell.page(pages.enter_by_passkey), methods=POST),
        Route("/sign-in/oidc", shell.page(pages.to_provider), methods=GET),
        Route("/sign-in/oidc/back", shell.page(pages.from_provider), methods=GET),
        Route("/sign-out", shell.page(pages.leave), methods=POST),
        Route("/signed-out", shell.page(pages.left), methods=GET),
    ]


def _choices(shell: Shell, door: Door, pages: Pages) -> list[BaseRoute]:
    """Where somebody stands, and what they answer."""
    return [
        Route("/", shell.page(pages.start), methods=GET),
        Route("/choices", shell.page(door.choices(pages.first_question)), methods=GET),
        Route("/choices/{purpose}", shell.page(door.choices(pages.question)), methods=GET),
        Route("/choices/{purpose}", shell.page(door.choices(pages.decide)), methods=POST),
        Route("/done", shell.page(door.choices(pages.done)), methods=GET),
    ]


def _past(shell: Shell, door: Door, past: Past, using: Using) -> list[BaseRoute]:
    """What was decided, what stopped, and what was done with the data."""
    return [
        Route("/history", shell.page(door.choices(past.history)), methods=GET),
        Route("/history/{record}", shell.page(door.choices(past.entry)), methods=GET),
        Route("/receipts/{record}", shell.page(door.choices(past.receipt)), methods=GET),
        Route("/receipts/{record}/file", shell.page(door.choices(past.receipt_file)), methods=GET),
        Route("/clock/{record}", shell.page(door.choices(past.clock)), methods=GET),
        Route("/clock/{record}/state", shell.page(door.choices(past.clock_state)), methods=GET),
        Route("/uses", shell.page(door.choices(using.overview)), methods=GET),
        Route("/uses/{purpose}", shell.page(door.choices(using.purpose)), methods=GET),
    ]


def _own(shell: Shell, door: Door, application: Application) -> list[BaseRoute]:
    """What is about the one who is signed in alone."""
    people, data = People(application, shell, door), Holding(application, shell)
    correcting, exporting = Correcting(application, shell), Exporting(application, shell)
    messages, restricting = Messages(application, shell), Restricting(application)
    requesting = Requesting(application, shell, restricting)
    return [
        Route("/data/export", shell.page(door.own(exporting.ask)), methods=GET),
        Route("/data/export", shell.page(door.own(exporting.make)), methods=POST),
        Route("/data", shell.page(door.own(data.overview)), methods=GET),
        Route("/data/openings", shell.page(door.own(data.opened_by)), methods=GET),
        Route("/data/correct", shell.page(door.own(correcting.overview)), methods=GET),
        Route("/data/correct/name", shell.page(door.own(correcting.name)), methods=POST),
        Route("/data/correct/language", shell.page(door.own(correcting.language)), methods=POST),
        Route("/data/correct/address", shell.page(door.own(correcting.address)), methods=POST),
        Route("/data/correct/contact", shell.page(door.own(correcting.new_contact)), methods=POST),
        Route("/data/correct/contact/code", shell.page(door.own(correcting.confirm_contact)), methods=POST),
        Route("/data/correct/contact/end", shell.page(door.own(correcting.end_contact)), methods=POST),
        Route("/messages", shell.page(door.own(messages.overview)), methods=GET),
        Route("/messages/inbox", shell.page(door.own(messages.inbox)), methods=GET),
        Route("/messages/inbox/{message}", shell.page(door.own(messages.read)), methods=POST),
        Route("/messages/inbox/{message}/questions", shell.page(door.own(messages.questions)), methods=POST),
        Route("/requests", shell.page(door.own(requesting.overview)), methods=GET),
        Route("/requests/new/{kind}", shell.page(door.own(requesting.form)), methods=GET),
        Route("/requests/new/{kind}", shell.page(door.own(requesting.file)), methods=POST),
        Route("/requests/{request}", shell.page(door.own(requesting.one)), methods=GET),
        Route("/requests/{request}/withdraw", shell.page(door.own(requesting.withdraw)), methods=POST),
        Route("/restrictions/{restriction}/lift", shell.page(door.own(restricting.lift)), methods=POST),
        Route("/lines", shell.page(door.own(people.lines)), methods=GET),
        Route("/people", shell.page(door.own(people.overview)), methods=GET),
        Route("/people/oneself", shell.page(door.choices(people.decide_for_oneself)), methods=POST),
        Route("/people/{mandate}/decide", shell.page(door.own(people.decide_for)), methods=POST),
        Route("/people/{mandate}/end", shell.page(door.own(people.ask_end)), methods=GET),
        Route("/people/{mandate}/end", shell.page(door.own(people.end)), methods=POST),
    ]


def _wishes(shell: Shell, door: Door, application: Application) -> list[BaseRoute]:
    """What the customer wants to hear about."""
    clicking = Clicking(application, shell)
    pages = Wishing(application, shell, clicking)
    return [
        Route("/offers", shell.page(door.own(pages.overview)), methods=GET),
        Route("/offers/topics", shell.page(door.own(pages.topics)), methods=POST),
        Route("/offers/pace", shell.page(door.own(pages.pace)), methods=POST),
        Route("/offers/greetings", shell.page(door.own(pages.greetings)), methods=POST),
        Route("/offers/surveys", shell.page(door.own(pages.surveys)), methods=POST),
        Route("/offers/clicks", shell.page(door.own(clicking.answer)), methods=POST),
        Route("/offers/pressed", shell.page(door.own(clicking.pressed)), methods=GET),
        Route("/offers/pressed/forget", shell.page(door.own(clicking.forget)), methods=POST),
    ]


def _ways_in(shell: Shell, door: Door, pages: WaysIn) -> list[BaseRoute]:
    """How one signs in, and where one is signed in."""
    return [
        Route("/signing-in", shell.page(door.own(pages.show)), methods=GET),
        Route("/signing-in/passkeys/question", shell.page(door.own(pages.ask_passkey)), methods=POST),
        Route("/signing-in/passkeys", shell.page(door.own(pages.add_passkey)), methods=POST),
        Route("/signing-in/passkeys/{passkey}", shell.page(door.own(pages.change_passkey)), methods=POST),
        Route("/signing-in/sessions", shell.page(door.own(pages.end_others)), methods=POST),
        Route("/signing-in/sessions/{session}", shell.page(door.own(pages.end_session)), methods=POST),
    ]


def _links(shell: Shell, pages: Unsubscribe, pressing: Pressing) -> list[BaseRoute]:
    """What the links in messages lead to: whoever has the link needs nothing else."""
    return [
        Route("/u/{token}", shell.link(pages.ask), methods=GET),
        Route("/u/{token}", shell.link(pages.act), methods=POST),
        Route("/l/{token}", shell.link(pressing.lead), methods=GET),
    ]


def _surveys(shell: Shell, pages: Surveying) -> list[BaseRoute]:
    """What an invitation leads to: its link is the key."""
    return [
        Route("/q/{code}", shell.page(pages.from_paper), methods=GET),
        Route("/s/{token}", shell.page(pages.start), methods=GET),
        Route("/s/{token}/asking", shell.page(pages.asking), methods=POST),
        Route("/s/{token}/questions/{question}", shell.page(pages.question), methods=GET),
        Route("/s/{token}/questions/{question}", shell.page(pages.answer), methods=POST),
        Route("/s/{token}/send", shell.page(pages.look_over), methods=GET),
        Route("/s/{token}/send", shell.page(pages.send), methods=POST),
    ]


class Surroundings:
    """Who asks stands on every page, also on the one that says the database is away: so it is read beforehand."""

    def __init__(self, application: Application) -> None:
        with application.database.transaction() as connection:
            self._catalogue: Catalogue = application.catalogue(connection)

    @property
    def brand(self) -> str:
        """What an authenticator calls the site."""
        return self._catalogue.controller.brand

    def values(self, visit: Visit) -> Mapping[str, object]:
        return {"controller": reading.controller(self._catalogue, visit.words.language)}
