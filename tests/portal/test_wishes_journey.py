"""
A customer in a real browser, on a telephone and without scripts: says what they want to hear about, is greeted on the
day that they chose, and stops it from the greeting itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from portal_browser import Guest
from test_uses_shown import give

from placet.bootstrap import Application
from placet.delivery.app import App
from placet.delivery.sending import Sender
from placet.kernel import clock
from placet.subjects.model import Profile, Subject

pytestmark = pytest.mark.browser
SitDown = Callable[..., Guest]
RIGA = ZoneInfo("Europe/Riga")


def deliver(demo: Application, at: datetime) -> None:
    """Plan the greetings of that day and put them into the app."""
    demo.offers.greetings.round(at)
    app = App(demo.database, demo.inbox, demo.offers.note, clock=lambda: at)
    sender = Sender(demo.database, demo.delivery, [app])
    # The browser's driver has this thread's event loop.
    with ThreadPoolExecutor(1) as beside:
        beside.submit(lambda: asyncio.run(sender.send_once(app, 10, lambda: at))).result()


def test_a_customer_chooses_is_greeted_on_the_day_they_picked_and_stops_it(
    sit_down: SitDown, demo: Application, anna: Subject
) -> None:
    with demo.database.transaction() as connection:
        demo.subjects.rectify(connection, anna.id, Profile("Jānis Liepa"), now=clock.now())
    give(demo, anna, "offers")
    give(demo, anna, "offers", "app")
    guest = sit_down("lv", width=390, scripts=False)
    page = guest.page
    guest.sign_in("+371 20 000 001")
    guest.press("#offers a:text('Par ko vēlaties dzirdēt')")

    travel = page.get_by_role("group", name="Ceļojumi un sarunas ārzemēs")
    travel.get_by_label("Nekad").check()
    page.get_by_role("group", name="Telefoni").get_by_label("Jā, labprāt").check()
    guest.press("button:text('Saglabāt tematus')")
    assert page.inner_text("[role=status]") == "Jūsu temati ir saglabāti."
    assert travel.get_by_label("Nekad").is_checked()

    day = datetime.combine(clock.now().astimezone(RIGA).date() + timedelta(days=1), time(12), RIGA)
    page.get_by_label("Cita diena").check()
    page.select_option("#mday", str(day.day))
    page.select_option("#month", str(day.month))
    guest.press("button:text('Saglabāt sveicienus')")
    assert page.inner_text("[role=status]") == "Jūsu vēlmes par sveicieniem ir saglabātas."

    deliver(demo, day)
    guest.go("/messages")
    assert page.inner_text(".timeline .what") == "Sveiciens: vārda diena"
    guest.go("/messages/inbox")
    assert page.inner_text("main li h2") == "Sveicam vārda dienā, Jāni!"
    guest.press("main li a")
    assert "Vairs nesveikt vārda dienā" in page.inner_text("#topic")
    guest.press("#topic button")
    guest.go("/offers")
    group = page.get_by_role("group", name="Manā vārda dienā")
    assert group.get_by_label("Nē").is_checked()
    assert page.get_by_role("group", name="Manā dzimšanas dienā").get_by_label("Jā").is_checked()
