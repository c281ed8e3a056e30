"""A customer gets a real mail over SMTP, opens its link in a browser, stops a topic, then the channel, and sees why."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from email import message_from_bytes, policy

import attrs
import pytest
from delivery_house import House, offer
from mail_office import our_house
from playwright.sync_api import Browser, Page
from portal_browser import Guest, axe_source, served
from smtp_sink import sink

from placet.access.codes import Codes, sender_for
from placet.delivery import layout, letters
from placet.delivery.letters import Letter
from placet.delivery.model import Kind
from placet.delivery.smtp import Email, Relay
from placet.delivery.tokens import tokens
from placet.interfaces.portal.app import portal
from placet.subjects.model import Subject

pytestmark = pytest.mark.browser
AXE = """async () => (await axe.run(document, {resultTypes: ['violations']})).violations.map(
  each => [each.id, each.nodes[0].target.join(' '), each.nodes[0].failureSummary])"""
LANGUAGES = ("lv", "ru", "en")
WORDS = layout.Words("Ceļojumi šovasar", "Sarunas ārzemēs", ("Eiropā runājat kā mājās.",))


@attrs.frozen
class Post:
    """The house with its portal in a browser, and a mailbox at a real SMTP server."""

    house: House
    site: str

    def send(self, person: Subject, key: str, topic: str, language: str = "lv") -> str:
        """The next offer, sent over SMTP; returns the link to stop it, as the mail has it."""
        self.house.plan(offer(person, key, self.house.now, topic=topic, language=language))
        (started,) = self.house.claim().started
        ours = attrs.evolve(our_house(), url=self.site, tokens=tokens(self.house.placet.master))

        async def carried() -> bytes:
            async with sink() as mail:
                relay = Relay("127.0.0.1", mail.port, security="none", connections=1)
                channel = Email(relay, ours, written, clock=lambda: self.house.now)
                self.house.settle(await channel.send([started]))
                await channel.close()
                return mail.taken[-1].content

        # Playwright keeps the event loop of this thread.
        with ThreadPoolExecutor(1) as elsewhere:
            found = message_from_bytes(elsewhere.submit(asyncio.run, carried()).result(), policy=policy.default)
        link = re.search(r"<(http\S+/u/\w+)>", found["List-Unsubscribe"])
        assert link is not None
        text = found.get_body(("plain",))
        assert text is not None
        assert link[1] in text.get_content()
        return link[1]


def written(_template: str, language: str) -> Letter:
    sources = {
        each: layout.source(WORDS, language=each, kind=Kind.OFFER, sender=layout.Sender("Amigo", "SIA ZetCOM"))
        for each in LANGUAGES
    }
    return letters.publish(sources, kind=Kind.OFFER, declared=set())[language]


@pytest.fixture
def post(house: House) -> Iterator[Post]:
    placet = house.placet
    config = attrs.evolve(placet.config, mode="demo")
    codes = Codes(placet.database, placet.subjects, placet.master, sender_for(config))
    house.placet = demo = attrs.evolve(placet, config=config, codes=codes)
    demo.sequencer.start()
    with served(portal(demo, now=lambda: house.now)) as site:
        yield Post(house, site)


@pytest.fixture
def look(browser: Browser) -> Iterator[Callable[[str, int], Page]]:
    contexts = []

    def opened(language: str, width: int) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 900}, extra_http_headers={"Accept-Language": language}
        )
        contexts.append(context)
        return context.new_page()

    yield opened
    for context in contexts:
        context.close()


def test_a_customer_stops_a_topic_then_the_channel_from_the_mail_and_sees_the_reasons(
    post: Post, look: Callable[[str, int], Page]
) -> None:
    anna = post.house.person("anna")
    link = post.send(anna, "campaign/1", "travel")
    guest = Guest(look("lv", 390), post.site)
    guest.page.goto(link)
    assert guest.page.inner_text("h1") == "Ko apturēt?"
    guest.press("button[value=topic]")
    assert guest.page.inner_text("h1") == "Apturēts"
    guest.page.goto(link)
    guest.press("button[value=channel]")
    assert guest.page.inner_text("h1") == "Apturēts e-pastā"
    assert guest.page.is_visible("button[value=again]")
    post.house.plan(offer(anna, "campaign/2", post.house.now, topic="phones"))
    assert post.house.claim().started == ()
    guest.sign_in("anna@example.lv")
    guest.go("/messages")
    rows = guest.page.inner_text("main")
    assert "atsau" in rows.lower(), "the second message was not sent, for the channel was taken back"


def test_the_pages_behind_the_link_fit_and_read_well_in_every_language(
    post: Post, look: Callable[[str, int], Page]
) -> None:
    axe, faults = axe_source(), []
    for place, language in enumerate(LANGUAGES):
        person = post.house.person(f"person{place}")
        link = post.send(person, "campaign/1", "travel", language)
        for width in (390, 1280):
            page = look("en", width)
            for pressed in (None, "topic", "channel"):
                page.goto(link)
                if pressed is not None:
                    with page.expect_navigation():
                        page.click(f"button[value={pressed}]")
                assert page.get_attribute("html", "lang") == language
                wide = page.evaluate("document.documentElement.scrollWidth")
                page.evaluate(axe)
                found = page.evaluate(AXE)
                if found or wide > width:
                    faults.append((language, width, pressed, wide, found))
    assert faults == []
