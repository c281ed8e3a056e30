"""
The customer's own pages in a real browser: each thing a customer can do once, and every page in three languages at
both widths, with nothing for axe-core to find and nothing wider than the screen.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Locator
from portal_browser import Guest, axe_source
from portal_visitor import newcomer, represent
from test_accessibility import RUN
from test_uses_shown import CAMPAIGN, give, use

from placet.bootstrap import Application
from placet.consents.store import records
from placet.gate import stops
from placet.gate.stops import Stop, StopId
from placet.kernel import clock
from placet.kernel.ids import PurposeId
from placet.subjects.model import Alias, Mandate, Subject

pytestmark = pytest.mark.browser
SitDown = Callable[..., Guest]
PLACE = StopId("subscriber/test")


@pytest.fixture
def family(demo: Application, anna: Subject) -> Mandate:
    """Anna has a child, a helper, a line, answers, and uses of her data."""
    child = newcomer(demo, name="Leo", birth_date=date(clock.now().year - 11, 5, 1))
    helper = newcomer(demo, "+37120000002", name="Bert")
    mandate = represent(demo, anna, child)
    represent(demo, helper, anna, kind="power-of-attorney")
    number = Alias.msisdn("+37120000001")
    with demo.database.transaction() as connection:
        demo.subjects.add_line(connection, number, since=clock.now())
        demo.subjects.add_role(connection, number, anna.id, "holder", since=clock.now())
    give(demo, anna, "offers")
    give(demo, anna, "offers", "email")
    use(demo, anna, CAMPAIGN, 3)
    use(demo, anna, "contract.billing")
    return mandate


def stand(demo: Application) -> None:
    """A place that must stop when offers are withdrawn, and has not answered yet."""
    stop = Stop(PLACE, "subscriber", {PurposeId("offers")}, timedelta(minutes=5), clock.now())
    with demo.database.transaction() as connection:
        stops.register(connection, stop, now=clock.now())


def answer_for_the_place(demo: Application, anna: Subject) -> None:
    with demo.database.transaction() as connection:
        position = records(connection, anna.id)[-1].position
        assert position is not None
        stops.acknowledge(connection, PLACE, upto=position, at=clock.now())


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
@pytest.mark.parametrize("language", ["lv", "ru", "en"])
def test_every_page_is_accessible_and_fits(
    sit_down: SitDown, demo: Application, family: Mandate, language: str, scheme: str, width: int
) -> None:
    axe = axe_source()
    stand(demo)
    guest = sit_down(language, width=width, scheme=scheme)
    faults: dict[str, object] = {}

    def look(name: str) -> None:
        guest.page.evaluate("() => document.querySelectorAll('details').forEach(each => each.open = true)")
        if (wide := guest.page.evaluate("document.documentElement.scrollWidth")) > width:
            faults[f"{name}, width"] = wide
        guest.page.evaluate(axe)
        if found := guest.page.evaluate(RUN):
            faults[name] = found

    def press(selector: str, name: str) -> None:
        guest.press(selector)
        look(name)

    guest.sign_in("+371 20 000 001")
    kinds = ("rectification", "erasure", "restriction", "objection")
    for address in (
        "/",
        "/uses",
        "/uses/offers",
        "/uses/without-consent",
        "/uses/mobility",
        "/offers",
        "/data",
        "/data/openings",
        "/data/export",
        "/lines",
        "/people",
        "/requests",
        *(f"/requests/new/{kind}" for kind in kinds),
    ):
        guest.go(address)
        look(address)
    press("main form .button.primary", "objection, wrong")
    guest.go("/requests/new/erasure")
    press("main form .button.primary", "erasure, asked again")
    press("button[value=yes]", "request")
    guest.go("/requests/new/restriction")
    guest.page.check("input[value=accuracy]")
    guest.press("main form .button.primary")
    guest.go("/requests")
    look("/requests, restricted")
    guest.go("/data/correct")
    look("/data/correct")
    guest.page.fill("#contact", "+371 2000 0077")
    press("form[action='/data/correct/contact'] button", "code for a contact")
    guest.go("/people")
    press("a[href$='/end']", "end of a mandate")
    guest.go("/")
    press("#offers button[value=withdrawn]", "stopping")
    guest.press(".receipts a")
    guest.go("/history")
    guest.press(".timeline a")
    press("a[href^='/clock/']", "clock")
    guest.go("/people")
    press(f"form[action='/people/{family.id}/decide'] button", "for a child")
    guest.go("/data")
    look("about oneself")
    with demo.database.transaction() as connection:
        demo.subjects.end_mandate(connection, family.id, at=clock.now())
    guest.go("/")
    look("mandate over")
    assert faults == {}


def test_a_withdrawal_shows_the_clock_going_until_the_last_place_has_stopped(
    sit_down: SitDown, demo: Application, anna: Subject, family: Mandate
) -> None:
    stand(demo)
    guest = sit_down("en", width=1280)
    guest.sign_in("+371 20 000 001")
    guest.go("/")
    guest.press("#offers button[value=withdrawn]")
    page = guest.page
    assert page.locator("[data-stopping]").is_visible()
    assert page.locator("[data-place]").all_inner_texts()[-1] == "not yet"
    answer_for_the_place(demo, anna)
    page.locator("[data-done]").wait_for(state="visible", timeout=10_000)
    assert not page.locator("[data-stopping]").is_visible()
    assert re.fullmatch(r"\d\d:\d\d:\d\d", page.locator("[data-time]").inner_text())
    assert page.locator("[data-place] time").count() == 2
    again, done = page.locator(".answers > *").all()
    assert same_size(again, done)


def test_without_scripts_the_clock_s_page_loads_itself_again(
    sit_down: SitDown, demo: Application, anna: Subject, family: Mandate
) -> None:
    stand(demo)
    guest = sit_down("en", width=390, scripts=False)
    guest.sign_in("+371 20 000 001")
    guest.go("/")
    guest.press("#offers button[value=withdrawn]")
    assert guest.page.locator("[data-again]").is_visible()
    answer_for_the_place(demo, anna)
    with guest.page.expect_navigation(timeout=10_000):
        pass
    assert guest.page.locator("[data-done]").is_visible()
    assert not guest.page.locator("[data-again]").is_visible()


def test_a_customer_reads_corrects_takes_away_asks_and_decides_for_a_child(
    sit_down: SitDown, demo: Application, anna: Subject, family: Mandate, tmp_path: Path
) -> None:
    guest = sit_down("lv", width=390, scripts=False)
    page = guest.page
    guest.sign_in("+371 20 000 001")
    assert "3 reizes" in page.inner_text("#offers .told")
    guest.press("#offers .told a")
    assert page.locator(".timeline > li").count() == 3
    guest.press(".menu a[href='/data']")
    guest.press("a[href='/data/export']")
    with page.expect_download() as download:
        page.click("main form button")
    file = tmp_path / "mine.zip"
    download.value.save_as(file)
    with zipfile.ZipFile(file) as archive:
        assert json.loads(archive.read("data.json"))
    guest.go("/data/correct")
    page.fill("#name", "Anna Šķēle")
    guest.press("form[action='/data/correct/name'] button")
    page.fill("#contact", "jauna@example.lv")
    guest.press("form[action='/data/correct/contact'] button")
    code = re.search(r"\b\d{6}\b", page.inner_text(".message.demo b"))
    assert code is not None
    page.fill("#code", code[0])
    guest.press("main .button.primary")
    assert page.locator(".receipts span.figures", has_text="jauna@example.lv").is_visible()
    guest.go("/requests/new/erasure")
    page.fill("#text", "Lūdzu.")
    guest.press("main form .button.primary")
    guest.press("button[value=yes]")
    assert page.locator(".due-day").is_visible()
    guest.press("form[action$='/withdraw'] button")
    assert page.locator(".due-day").count() == 0
    guest.go("/people")
    guest.press(f"form[action='/people/{family.id}/decide'] button")
    assert "Leo" in page.inner_text(".whom")
    guest.press("#usage button[value=refused]")
    assert "Leo" in page.inner_text(".whom")
    guest.press(".whom button")
    assert page.locator(".whom").count() == 0
    with demo.database.transaction() as connection:
        (said,) = records(connection, family.subject)
    assert (said.decision, said.actor.kind, said.mandate) == ("refused", "representative", family.id)


@pytest.mark.parametrize("width", [390, 1280])
def test_the_start_page_does_not_move_while_it_loads(sit_down: SitDown, family: Mandate, width: int) -> None:
    """Cumulative layout shift (Web Vitals) is nothing, and every request stands in the page itself."""
    signed_in, guest = sit_down("lv"), sit_down("lv", width=width)
    signed_in.sign_in("+371 20 000 001")
    # A window of its own: nothing that the pages before have fetched is there.
    guest.page.context.add_cookies(signed_in.page.context.cookies())
    guest.page.add_init_script(
        "window.moved = 0; new PerformanceObserver(list => { for (const each of list.getEntries())"
        " if (!each.hadRecentInput) window.moved += each.value; }).observe({type: 'layout-shift', buffered: true});"
    )
    asked: list[str] = []
    guest.page.on("request", lambda request: asked.append(request.url.removeprefix(guest.site).partition("?")[0]))
    guest.go("/")
    guest.page.wait_for_load_state("networkidle")
    assert guest.page.evaluate("window.moved") == 0
    html = guest.page.content()
    assert [address for address in asked[1:] if address not in html] == []


def same_size(one: Locator, other: Locator) -> bool:
    first, second = one.bounding_box(), other.bounding_box()
    assert first is not None
    assert second is not None
    return (first["width"], first["height"], first["y"]) == (second["width"], second["height"], second["y"])
