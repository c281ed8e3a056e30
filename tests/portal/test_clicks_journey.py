"""
A customer in a real browser, on a telephone and without scripts, in each language: is asked whether we may learn from
the links that they press, says yes, presses one in a real mail, sees it, has it forgotten, and takes the yes back.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from portal_browser import Guest
from portal_visitor import Clock
from test_uses_shown import give

from offers.campaign_house import Agency, brief
from placet.bootstrap import Application
from placet.delivery.composing import compose_all
from placet.delivery.mail import Mail, house
from placet.delivery.model import Kind
from placet.delivery.policy import standard
from placet.delivery.rules import window
from placet.delivery.tokens import tokens
from placet.kernel import clock
from placet.purposes.offers.clicks import questions
from placet.subjects.model import Subject

pytestmark = pytest.mark.browser
SitDown = Callable[..., Guest]
BROWSER = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36"
ELSEWHERE = "https://amigo.lv/celojumi"
SUBJECT = {"lv": "Ceļojumu internets", "ru": "Интернет в поездках", "en": "Internet on your travels"}
WORDS = {
    "lv": ("Jūs neesat atbildējuši", "Jūs atbildējāt „jā”", "Jūs atbildējāt „nē”", "Aizmirst, ko nospiedu"),
    "ru": ("Вы не ответили", "Вы ответили «да»", "Вы ответили «нет»", "Забыть, что я нажимал"),
    "en": ("You have not answered", "You said yes on", "You said no on", "Forget what I pressed"),
}


def an_allowed_hour(demo: Application) -> datetime:
    """The next hour but today's at which offers may be sent, so that the time of the test run is nothing."""
    found = window(standard().calendars[Kind.OFFER], demo.delivery.zone, clock.now() + timedelta(days=1))
    assert found is not None
    return found.start + timedelta(hours=1)


def link_in_mail(demo: Application, person: Subject, at: datetime) -> str | None:
    """Send a campaign, and take the counted link out of the mail; None where it has none."""
    agency = Agency(demo, at)
    agency.running(brief(at))
    (message,) = agency.house.claim().started
    assert message.subject == person.id
    letter = demo.offers.letter(message.template, message.language)
    assert letter is not None
    ours = house(
        "Amigo", "jaunumi@amigo.lv", returns="r.amigo.lv", url=demo.config.url, tokens=tokens(demo.master), signer=None
    )
    (mail,) = compose_all(ours, [(letter, message)], at=at)
    assert isinstance(mail, Mail)
    found = re.search(r"/l/[a-z2-7]{40}", mail.content.replace(b"=\r\n", b"").decode("ascii"))
    return None if found is None else found[0]


def leads_to(guest: Guest, link: str) -> str:
    """Press a link of a mail, and go no further than where it leads."""
    answer = guest.page.request.get(guest.site + link, headers={"user-agent": BROWSER}, max_redirects=0)
    assert answer.status == 303
    return str(answer.headers["location"])


@pytest.mark.parametrize("language", ["lv", "ru", "en"])
def test_a_customer_allows_counted_links_sees_what_they_pressed_and_takes_it_back(
    sit_down: SitDown, demo: Application, anna: Subject, time: Clock, language: str
) -> None:
    give(demo, anna, "offers")
    give(demo, anna, "offers", "email")
    silent, yes, no, forget = WORDS[language]
    asked, at = questions.question(language), an_allowed_hour(demo)
    time.ahead = at - clock.now()
    guest = sit_down(language, width=390, scripts=False)
    page, section = guest.page, guest.page.locator("#clicks")
    guest.sign_in("+371 20 000 001")
    guest.go("/offers")
    assert section.locator("h2").inner_text() == asked.title
    assert silent in section.inner_text()
    assert section.locator("input[type=radio], input[type=checkbox]").count() == 0, "nothing is preselected"
    sizes = [button.bounding_box() for button in section.locator("button").all()]
    assert len(sizes) == 2
    assert len({round(box["height"]) for box in sizes if box is not None}) == 1
    assert link_in_mail(demo, anna, at) is None

    guest.press("#clicks button[value=yes]")
    assert yes in section.inner_text()
    guest.press("#clicks a")
    assert page.locator(".timeline li").count() == 0
    link = link_in_mail(demo, anna, at)
    assert link is not None
    time.ahead += timedelta(minutes=5)
    assert leads_to(guest, link) == ELSEWHERE

    guest.go("/offers/pressed")
    assert page.locator(".timeline li .what").all_inner_texts() == [SUBJECT[language]]
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    guest.press(f"button:text('{forget}')")
    assert page.locator(".timeline li").count() == 0
    guest.go("/offers")
    guest.press("#clicks button[value=no]")
    assert no in section.inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert leads_to(guest, link) == ELSEWHERE, "an old link leads on"
    guest.go("/offers/pressed")
    assert page.locator(".timeline li").count() == 0
