"""A survey is written, opened by a second person, comes by real mail, is answered without signing in, and counted."""

from __future__ import annotations

import email
import email.policy
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import attrs
import pytest
from playwright.sync_api import Browser

from delivery.sink_thread import sink_beside
from delivery.smtp_sink import Sink
from placet.access.staff import Member, Role
from placet.bootstrap import Application
from placet.delivery import channels
from placet.delivery.model import Kind
from placet.delivery.policy import standard
from placet.delivery.rules import window
from placet.delivery.sending import Sender
from placet.gate.replica import Replica
from placet.interfaces.console.app import console
from placet.interfaces.portal.app import portal
from placet.interfaces.staff.door import SESSION
from placet.kernel import clock
from placet.subjects.model import Subject
from portal.portal_browser import Guest, axe_source, served
from staff.staff_people import hired, signed_in
from surveys.conftest import Office
from surveys.survey_forms import HAPPY, MORE, USED

pytestmark = pytest.mark.browser
LANGUAGES = ("lv", "ru", "en")
AXE = """async () => {
  const found = await axe.run(document, {resultTypes: ['violations']});
  return found.violations.map(each => [each.id, each.nodes[0].target.join(' '), each.nodes[0].failureSummary]);
}"""


@attrs.frozen
class Town:
    """The application with a mail server, its console and its portal at a real browser."""

    placet: Application
    sink: Sink
    console: str
    portal: str
    browser: Browser

    def staff(self, member: Member, language: str = "en", *, width: int = 1280) -> Guest:
        guest = self.guest(self.console, language, width=width)
        token = signed_in(self.placet, member).token
        guest.page.context.add_cookies([{"name": SESSION, "value": token, "url": self.console}])
        return guest

    def guest(self, site: str, language: str, *, width: int = 390) -> Guest:
        context = self.browser.new_context(
            viewport={"width": width, "height": 900}, extra_http_headers={"Accept-Language": language}
        )
        return Guest(context.new_page(), site)

    def work(self, at: datetime) -> None:
        """A round of the worker at that hour, and its sender until the sink has a letter."""
        self.placet.offers.surveys.round(at)
        end = threading.Event()
        sender = Sender(self.placet.database, self.placet.delivery, self.placet.channels)
        thread = threading.Thread(target=sender.follow, args=(end, lambda: at))
        thread.start()
        until = time.monotonic() + 120
        try:
            while not self.sink.taken:
                assert time.monotonic() < until, "the sender does not send"
                time.sleep(0.1)
        finally:
            end.set()
            thread.join(timeout=30)


@pytest.fixture
def town(placet: Application, replica: Replica, browser: Browser) -> Iterator[Town]:
    with sink_beside() as sink, ExitStack() as sites:
        config = attrs.evolve(
            placet.config,
            smtp_host="127.0.0.1",
            smtp_port=sink.port,
            smtp_security="none",
            smtp_from="jaunumi@amigo.lv",
        )
        mail = channels.email(config, placet.master, placet.offers.letter, clock=clock.now)
        assert mail is not None
        made = attrs.evolve(placet, channels=(mail,))
        at_console = sites.enter_context(served(console(made, replica)))
        at_portal = sites.enter_context(served(portal(made)))
        yield Town(made, sink, at_console, at_portal, browser)


def in_three(guest: Guest, name: str, text: str) -> None:
    for language in LANGUAGES:
        guest.page.fill(f"[id='{name}.{language}']", f"{text} {language}")


def write(guest: Guest) -> str:
    """Two questions, the second after a certain answer to the first; returns the address."""
    guest.go("/console/surveys")
    guest.press("a.button.primary")
    in_three(guest, "title", "Our shops")
    in_three(guest, "intro", "Two short questions.")
    guest.press("main form .button.primary")
    here = guest.path
    guest.press("a[href$='kind=single']")
    in_three(guest, "words", "Were you in one?")
    for language in LANGUAGES:
        guest.page.fill(f"[id='choices.{language}']", f"Yes {language}\nNo {language}")
    guest.press("main form .button.primary")
    guest.press("a[href$='kind=text']")
    in_three(guest, "words", "What was it like?")
    guest.page.check("[name='if.q1.a']")
    guest.press("main form .button.primary")
    guest.press("a[href$='/plan']")
    guest.page.check("[name='channel.email']")
    guest.page.fill("#closes", (clock.now() + timedelta(days=20)).date().isoformat())
    guest.press("main form .button.primary")
    return here


def an_allowed_hour(placet: Application) -> datetime:
    """The next day's: never now, so that the time of the test run is nothing."""
    found = window(
        standard().calendars[Kind.SURVEY], ZoneInfo(placet.config.time_zone), clock.now() + timedelta(days=1)
    )
    assert found is not None
    assert found.end is not None
    return found.end - timedelta(hours=1)


def link_in(letter: bytes) -> str:
    """Where the letter's button leads, without the site."""
    message = email.message_from_bytes(letter, policy=email.policy.default)
    body = message.get_body(("plain",))
    assert body is not None
    found = re.search(r"http://\S+(/s/\S+)", body.get_content())
    assert found is not None
    return found[1]


def test_a_survey_from_its_first_word_to_what_was_answered(town: Town, office: Office) -> None:
    office.house.now = clock.now()
    office.house.person("anna")
    marta, andris = (
        town.staff(hired(town.placet, login, role))
        for login, role in (("marta", Role.MARKETER), ("andris", Role.ANALYST))
    )
    here = write(marta)
    marta.press("button[value=submit]")
    andris.go(here)
    andris.press("button[value=open]")
    town.work(an_allowed_hour(town.placet))
    (letter,) = town.sink.taken
    anna = town.guest(town.portal, "lv")
    anna.go(link_in(letter.content))
    assert anna.page.inner_text("h1") == "Our shops lv"
    anna.press(".answers a")
    anna.page.check("text=Yes lv")
    anna.press("button[value=next]")
    anna.page.fill("#text", "Laipni!")
    anna.press("button[value=next]")
    anna.press("main form .button.primary")
    assert "Paldies" in anna.page.inner_text("main")
    anna.press("button[value=stop]")
    assert "Mēs Jums vairs nejautāsim" in anna.page.inner_text("h1")
    dace = town.staff(hired(town.placet, "dace", Role.DPO))
    dace.go(f"{here}/results")
    assert "Yes en 100" in dace.page.inner_text("main")
    dace.press("a[href$='/results/q2']")
    assert dace.page.inner_text(".words") == "Laipni!"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_of_surveys_is_accessible_and_fits(
    town: Town, office: Office, crowd: Callable[[int], list[Subject]], language: str
) -> None:
    axe, faults = axe_source(), {}
    office.now = office.house.now = clock.now()
    people = crowd(12)
    survey = office.opened(anonymous=True, closes_at=clock.now() + timedelta(days=9))
    for person in people[:10]:
        token = office.link(survey, person)
        office.answer(token, USED, "b")
        office.answer(token, HAPPY, "4")
        office.answer(token, MORE, text="Vairāk vilcienu")
        office.send(token)
    member = town.staff(hired(town.placet, "marta", Role.MARKETER), language)
    visitor = town.guest(town.portal, language)

    def look(guest: Guest, address: str) -> None:
        guest.go(address)
        guest.page.evaluate("() => document.querySelectorAll('details').forEach(each => each.open = true)")
        for width in (1280, 390):
            guest.page.set_viewport_size({"width": width, "height": 900})
            if guest.page.evaluate("() => document.documentElement.scrollWidth > window.innerWidth"):
                faults[address, width] = "wider than the page"
        guest.page.evaluate(axe)
        if found := guest.page.evaluate(AXE):
            faults[address] = found

    link = f"/s/{office.link(survey, people[11])}"
    for address in (link, *(f"{link}/questions/{id}" for id in (USED, HAPPY, MORE))):
        look(visitor, address)
    for question in (USED, "q2", HAPPY, MORE):
        visitor.go(f"{link}/questions/{question}")
        if "/questions/" in visitor.path:
            visitor.press("button[value=skip]")
    look(visitor, f"{link}/send")
    here = f"/console/surveys/{survey.id}"
    for address in ("/console/surveys", here, f"{here}/preview", f"{here}/results", f"{here}/results/{MORE}"):
        look(member, address)
    draft = write(member)
    for part in ("", "/heading", "/plan", "/questions/q2", "/questions/new?kind=scale"):
        look(member, f"{draft}{part}")
    assert faults == {}
