"""What a member does at the desk, start to end, in a real browser; and every page, looked at by axe at both widths."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from consents.test_assisted import png
from desk.desk_people import Seat
from placet.access.staff import Member
from placet.bootstrap import Application
from placet.consents import agents, store
from placet.kernel import clock
from placet.kernel.ids import PurposeId, StaffId
from placet.subjects.model import Subject
from portal.portal_browser import axe_source
from portal.portal_visitor import Clock

pytestmark = pytest.mark.browser
Window = Callable[..., Seat]

AXE = """async () => {
  const found = await axe.run(document, {resultTypes: ['violations']});
  return found.violations.map(
    each => [each.impact, each.id, each.nodes[0].target.join(' '), each.nodes[0].failureSummary]);
}"""
WIDER = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


def state(application: Application, person: Subject, purpose: str) -> str | None:
    with application.database.transaction() as connection:
        found = store.standing_of(connection, person.number).get(PurposeId(purpose), {}).get(None)
    return None if found is None else found.decision.value


def code_on(seat: Seat) -> str:
    (code,) = re.findall(r"\b\d{6}\b", seat.guest.page.inner_text(".message.demo b"))
    return code


def test_found_checked_opened_and_given_by_phone_by_two_people(
    demo: Application, window: Window, ilze: Member, peteris: Member, anna: Subject
) -> None:
    desk = window(ilze, "lv")
    desk.open(anna, text="berzina anna")
    desk.press("nav a[href$='route=phone']")
    desk.press("#usage a.button")
    assert "Zvanu no Amigo" in desk.words
    size = desk.guest.page.evaluate("getComputedStyle(document.querySelector('.notice__script')).fontSize")
    assert float(size.removesuffix("px")) >= 22
    desk.fill("#reference", "REC-1")
    desk.press("button[value=given]")
    assert state(demo, anna, "usage") is None
    colleague = window(peteris, "lv")
    colleague.go("/desk/confirm")
    colleague.press("tbody a")
    assert "REC-1" in colleague.words
    colleague.press("button[value=holds]")
    assert "Apstiprināts un pierakstīts" in colleague.words
    assert state(demo, anna, "usage") == "given"


def test_given_at_the_desk_by_code_then_by_signature_then_withdrawn_in_one_step(
    demo: Application, window: Window, ilze: Member, anna: Subject, tmp_path: Path
) -> None:
    desk = window(ilze, "ru")
    desk.open(anna)
    desk.press("#profiling a.button")
    desk.press("button[value=given]")
    desk.press("form[action$='/code'] button")
    desk.fill("#code", code_on(desk))
    desk.press("form:has(#code) button")
    assert state(demo, anna, "profiling") == "given"
    desk.press(".actions .button.primary")
    desk.press("#credit a.button")
    desk.press("button[value=given]")
    image = tmp_path / "signature.png"
    image.write_bytes(png())
    desk.guest.page.set_input_files("#image", image)
    desk.press("form:has(#image) button")
    assert state(demo, anna, "credit") == "given"
    desk.press(".actions .button.primary")
    steps = desk.guest.steps
    desk.press("#profiling button[value=withdrawn]")
    assert desk.guest.steps == steps + 1
    assert state(demo, anna, "profiling") == "withdrawn"


def test_request_is_filed_taken_extended_finished_and_answered_by_letter(
    window: Window, ilze: Member, anna: Subject
) -> None:
    desk = window(ilze)
    desk.open(anna)
    desk.press("a[href$='/requests/new']")
    desk.guest.page.check("input[name=kind][value=rectification]")
    desk.fill("#wish", "Mans uzvārds ir Kalniņa.")
    desk.press("main form:has(#wish) .button.primary")
    desk.press("button[value=take]")
    desk.fill("#extend-words", "Jāpārbauda arhīvā")
    desk.press("button[value=extend]")
    desk.fill("#finish-words", "Uzvārds ir izlabots.")
    desk.press("button[value=finish]")
    desk.press("a[href$='/letter']")
    assert "Uzvārds ir izlabots." in desk.words
    page = desk.guest.page
    page.emulate_media(media="print")
    assert page.is_hidden(".bar .menu")
    assert page.is_hidden("nav.subnav")
    assert page.is_visible(".letter h1")


def test_opening_ends_by_itself_while_the_page_stands_open(
    demo: Application, window: Window, ilze: Member, anna: Subject, time: Clock
) -> None:
    desk = window(ilze)
    desk.open(anna)
    assert re.search(r"(20:00|19:\d\d) left", desk.words)
    desk.go(f"/desk/records/{anna.id}/choices/offers")
    time.ahead = timedelta(minutes=12)
    desk.go(f"/desk/records/{anna.id}")
    time.ahead = timedelta(minutes=20, seconds=1)
    desk.press("#offers button[value=refused]")
    assert "Nothing of it was recorded" in desk.words
    assert state(demo, anna, "offers") is None
    desk.press(".actions .button.primary")
    assert desk.path.endswith("/open")


def test_keys_reach_search_give_and_withdraw_and_press_nothing(
    demo: Application, window: Window, ilze: Member, anna: Subject
) -> None:
    desk = window(ilze)
    desk.open(anna)
    page = desk.guest.page
    focused = "document.activeElement.closest('.purpose')?.id + ' ' + document.activeElement.dataset.key"
    page.keyboard.press("g")
    assert page.evaluate(focused) == "offers g"
    page.keyboard.press("g")
    assert page.evaluate(focused) == "usage g"
    page.keyboard.press("w")
    assert state(demo, anna, "usage") is None
    with page.expect_navigation():
        page.keyboard.press("/")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "text"
    page.keyboard.type("g/w")
    assert page.input_value("#text") == "g/w"
    desk.go("/desk/keys")
    page.click("[data-keys-switch]")
    page.keyboard.press("/")
    assert desk.path == "/desk/keys"


def test_everything_is_done_without_scripts(demo: Application, window: Window, ilze: Member, anna: Subject) -> None:
    desk = window(ilze, scripts=False)
    desk.open(anna)
    desk.press("#offers button[value=refused]")
    assert state(demo, anna, "offers") == "refused"
    desk.go(f"/desk/records/{anna.id}")
    assert "20 min left" in desk.words or "19 min left" in desk.words


@pytest.mark.parametrize("language", ["lv", "ru", "en"])
def test_axe_finds_nothing_and_no_page_is_wider_than_the_screen(
    demo: Application, window: Window, ilze: Member, peteris: Member, anna: Subject, language: str
) -> None:
    axe, faults = axe_source(), dict[str, object]()
    with demo.database.transaction() as connection:
        for count in range(90):
            member = StaffId(uuid4()) if count % 3 else ilze.id
            answer = "refused" if count % 3 else "given"
            agents.note(connection, member, "Rīga", PurposeId("offers"), "desk", answer, now=clock.now())  # type: ignore[arg-type]

    def look(seat: Seat, name: str) -> None:
        page = seat.guest.page
        page.evaluate("() => document.querySelectorAll('details').forEach(each => each.open = true)")
        page.evaluate(axe)
        for width in (390, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            if (language == "en" or width == 390) and (found := page.evaluate(AXE)):
                faults[f"{name}, {width}"] = found
            if (wider := page.evaluate(WIDER)) > 0:
                faults[f"{name}, wider than {width}"] = wider

    def look_at(seat: Seat, *addresses: str) -> None:
        for address in addresses:
            seat.go(address)
            look(seat, address)

    desk, colleague = window(ilze, language), window(peteris, language)
    record = f"/desk/records/{anna.id}"
    look_at(desk, "/desk", "/desk/keys", f"{record}/open")
    desk.press("button[value=document]")
    look(desk, "open, wrong")
    desk.guest.page.check("input[name=reason][value=question]")
    desk.press("button[value=code]")
    look(desk, "code")
    colleague.open(anna)
    desk.open(anna)
    look_at(desk, record, f"{record}/choices/offers?route=phone&script=ru", f"{record}/choices/offers?route=post")
    desk.press("button[value=given]")
    look(desk, "script, wrong")
    desk.go(f"{record}/choices/offers?route=phone")
    desk.fill("#reference", "REC-1")
    desk.press("button[value=given]")
    look(desk, "half by phone")
    desk.go(f"{record}/choices/usage?route=desk")
    desk.press("button[value=given]")
    desk.press("form[action$='/code'] button")
    look(desk, "half at the desk")
    desk.press("form:has(#image) button")
    look(desk, "half, wrong")
    desk.go(record)
    desk.press("#credit button[value=refused]")
    look(desk, "done")
    look_at(desk, record, f"{record}/history", f"{record}/requests/new", "/desk/confirm")
    desk.go(f"{record}/history")
    desk.press(".timeline a")
    look(desk, "entry")
    desk.go(f"{record}/requests/new")
    desk.guest.page.check("input[name=kind][value=access]")
    desk.press("main form:has(#wish) .button.primary")
    look(desk, "request")
    desk.press("button[value=take]")
    look(desk, "request, mine")
    desk.press("a[href$='/letter']")
    look(desk, "letter")
    look_at(colleague, "/desk/requests", "/desk/confirm", "/desk/agents", "/desk")
    colleague.go("/desk/confirm")
    colleague.press("tbody a")
    look(colleague, "confirm one")
    colleague.press("button[value=holds]")
    look(colleague, "confirmed")
    assert faults == {}
