"""A passkey, from the first code to signing in by nothing else; Chromium with an authenticator of its own."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import attrs
import pytest
from playwright.sync_api import Browser, Page
from portal_browser import Guest, axe_source, served
from portal_visitor import Clock

from placet.access import passkeys
from placet.bootstrap import Application
from placet.interfaces.portal.app import portal
from placet.subjects.model import Subject

pytestmark = pytest.mark.browser


@pytest.fixture
def named(demo: Application, anna: Subject, time: Clock) -> Iterator[tuple[Application, str]]:
    """The portal under the name `localhost`, which passkeys can belong to."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    application = attrs.evolve(demo, config=attrs.evolve(demo.config, port=port))
    with served(portal(application, now=time), port=port):
        yield application, f"http://localhost:{port}"


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 390, "height": 900}, extra_http_headers={"Accept-Language": "en"})
    yield context.new_page()
    context.close()


class Authenticator:
    """Chromium's virtual authenticator (the WebAuthn domain of its protocol)."""

    def __init__(self, page: Page) -> None:
        self._session = page.context.new_cdp_session(page)
        self._session.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        self.id = self._session.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]

    def keys(self) -> list[dict[str, object]]:
        return self._session.send("WebAuthn.getCredentials", {"authenticatorId": self.id})["credentials"]

    def put(self, key: dict[str, object]) -> None:
        self._session.send(
            "WebAuthn.removeCredential", {"authenticatorId": self.id, "credentialId": key["credentialId"]}
        )
        self._session.send("WebAuthn.addCredential", {"authenticatorId": self.id, "credential": key})

    def verified(self, *, is_user_verified: bool) -> None:
        values = {"authenticatorId": self.id, "isUserVerified": is_user_verified}
        self._session.send("WebAuthn.setUserVerified", values)


def add(guest: Guest, name: str) -> None:
    guest.go("/signing-in")
    guest.page.fill("#name", name)
    guest.press("form[action='/signing-in/passkeys'] .button")


def looked_at(guest: Guest) -> list[str]:
    """What axe finds, and pages wider than a phone, in three languages; English last."""
    found = []
    for language in ("lv", "ru", "en"):
        guest.go(f"/signing-in?lang={language}")
        if guest.page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found.append(f"{language}: too wide")
        guest.page.evaluate(axe_source())
        found += guest.page.evaluate("async () => (await axe.run(document)).violations.map(each => each.id)")
    return found


def by_passkey(guest: Guest) -> None:
    guest.page.context.clear_cookies()
    guest.go("/sign-in")
    guest.press("form[action='/sign-in/passkey'] .button")


def test_a_passkey_is_added_after_a_code_and_then_signs_in_without_a_name(
    named: tuple[Application, str], page: Page, anna: Subject
) -> None:
    application, site = named
    guest, device = Guest(page, site), Authenticator(page)
    guest.sign_in("+371 20 000 001")
    add(guest, "My phone")
    assert "The passkey is added" in page.inner_text("main")
    by_passkey(guest)
    guest.go("/signing-in")
    assert "with a passkey" in page.inner_text("main")
    assert looked_at(guest) == []

    # Renamed, and never another's.
    page.fill(".card input[type=text]", "Tālrunis")
    guest.press(".card button[value=rename]")
    assert page.input_value(".card input[type=text]") == "Tālrunis"

    # A counter that does not go up is a copy of the authenticator: refused, and the code stays a way in.
    (key,) = device.keys()
    by_passkey(guest)
    assert guest.path in ("/", "/choices/offers")
    device.put(key | {"signCount": 1})
    by_passkey(guest)
    assert "was not accepted" in page.inner_text("main")
    device.put(key | {"signCount": 1000})
    by_passkey(guest)
    assert guest.path in ("/", "/choices/offers")

    # Removed: it signs in no longer, and everything else stays.
    guest.go("/signing-in")
    guest.press(".card button[value=remove]")
    by_passkey(guest)
    assert "was not accepted" in page.inner_text("main")
    with application.database.transaction() as connection:
        assert passkeys.listing(connection, anna.id) == []
    guest.sign_in("+371 20 000 001")
    assert guest.path in ("/", "/choices/offers")


def test_an_authenticator_that_did_not_verify_its_person_neither_adds_nor_signs_in(
    named: tuple[Application, str], page: Page
) -> None:
    _, site = named
    guest, device = Guest(page, site), Authenticator(page)
    guest.sign_in("+371 20 000 001")
    device.verified(is_user_verified=False)
    guest.go("/signing-in")
    page.click("form[action='/signing-in/passkeys'] .button")
    page.wait_for_selector(".trouble:visible")
    assert guest.path == "/signing-in"
    assert device.keys() == []


def test_without_a_script_the_page_offers_the_code_and_no_passkey(
    named: tuple[Application, str], browser: Browser
) -> None:
    _, site = named
    context = browser.new_context(java_script_enabled=False, extra_http_headers={"Accept-Language": "en"})
    guest = Guest(context.new_page(), site)
    guest.go("/sign-in")
    assert not guest.page.is_visible("form[action='/sign-in/passkey']")
    guest.sign_in("+371 20 000 001")
    guest.go("/signing-in")
    assert not guest.page.is_visible("form[action='/signing-in/passkeys']")
    assert "scripts are off" in guest.page.inner_text("main")
    context.close()
