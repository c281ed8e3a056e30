"""No dark patterns (mission B11): both answers alike, nothing preselected, no answer further away than the other."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator
from portal_browser import Guest

pytestmark = pytest.mark.browser
SitDown = Callable[..., Guest]

LOOKS = """element => {
  const style = getComputedStyle(element), box = element.getBoundingClientRect();
  const names = ['color', 'backgroundColor', 'borderTopColor', 'borderTopWidth', 'borderTopStyle', 'borderRadius',
    'fontSize', 'fontWeight', 'fontFamily', 'fontStyle', 'letterSpacing', 'textTransform', 'textDecorationLine',
    'paddingTop', 'paddingLeft', 'opacity', 'boxShadow', 'cursor', 'visibility', 'order'];
  const looks = Object.fromEntries(names.map(name => [name, style[name]]));
  return {...looks, width: Math.round(box.width), height: Math.round(box.height), top: Math.round(box.top)};
}"""
WIDTHS = [320, 390, 1280]


def looks(element: Locator) -> dict[str, object]:
    found: dict[str, object] = element.evaluate(LOOKS)
    return found


def contrast(ink: str, paper: str) -> float:
    """WCAG 2.2 contrast ratio of two `rgb(…)` colours."""

    def luminance(colour: str) -> float:
        parts = [int(part) / 255 for part in colour.removeprefix("rgb(").removesuffix(")").split(",")]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    high, low = sorted((luminance(ink), luminance(paper)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("language", ["lv", "ru", "en"])
def test_yes_and_no_look_alike_wherever_they_are_asked(
    sit_down: SitDown, language: str, width: int, scheme: str
) -> None:
    guest = sit_down(language, width=width, scheme=scheme)
    guest.sign_in("+371 20 000 001")
    alike(guest, guest.page.locator("button[value=given]"), guest.page.locator("button[value=refused]"))
    guest.go("/")
    alike(guest, guest.page.locator("#credit button[value=given]"), guest.page.locator("#credit button[value=refused]"))


def alike(guest: Guest, yes: Locator, no: Locator) -> None:
    guest.page.mouse.move(0, 0)
    assert looks(yes) == looks(no)
    for answer in (yes, no):
        seen = looks(answer)
        assert contrast(str(seen["color"]), str(seen["backgroundColor"])) >= 4.5
        assert int(str(seen["height"])) >= 44


@pytest.mark.parametrize("width", WIDTHS)
def test_done_and_the_way_back_look_alike_after_an_answer(sit_down: SitDown, width: int) -> None:
    guest = sit_down("en", width=width)
    guest.sign_in("+371 20 000 001")
    guest.go("/")
    guest.press("#credit button[value=given]")
    for _ in range(2):
        back, done = guest.page.locator(".answers > *").all()
        assert looks(back) == looks(done)
        guest.press(".answers button")


def test_giving_and_taking_back_are_one_press_each_from_the_start_page(sit_down: SitDown) -> None:
    """As easy to withdraw as to give (GDPR 7(3)), and as easy to give again as to withdraw (mission G4)."""
    guest = sit_down("en")
    guest.sign_in("+371 20 000 001")
    for answer, headline in (
        ("given", "You gave this consent"),
        ("withdrawn", "You took this consent back"),
        ("given", "You gave this consent"),
        ("withdrawn", "You took this consent back"),
    ):
        guest.go("/")
        guest.steps = 0
        guest.press(f"#loyalty button[value={answer}]")
        assert (guest.steps, guest.page.locator("h1").inner_text()) == (1, headline)


@pytest.mark.parametrize("width", WIDTHS)
def test_whoever_gives_from_the_start_page_has_the_text_above_the_answers(sit_down: SitDown, width: int) -> None:
    """Informed (GDPR 4(11)): the text is unfolded, begins in sight, and its end is reached by keyboard too."""
    guest = sit_down("en", width=width)
    guest.sign_in("+371 20 000 001")
    guest.go("/")
    text, answer = guest.page.locator("#credit .text"), guest.page.locator("#credit button[value=given]")
    assert text.locator(".notice__title").is_visible()
    above, below = text.bounding_box(), answer.bounding_box()
    assert above is not None
    assert below is not None
    assert above["height"] >= 150
    assert above["y"] + above["height"] <= below["y"]
    text.focus()
    guest.page.keyboard.press("End")
    for _ in range(40):
        guest.page.wait_for_timeout(50)
        if (scrolled := text.evaluate("element => element.scrollTop")) > 0:
            break
    assert scrolled > 0


def test_on_the_page_of_a_result_giving_and_withdrawing_are_one_press_each(sit_down: SitDown) -> None:
    guest = sit_down("en")
    guest.sign_in("+371 20 000 001")
    guest.go("/")
    guest.press("#loyalty button[value=given]")
    for answer, headline in (("withdrawn", "You took this consent back"), ("given", "You gave this consent")):
        guest.steps = 0
        guest.press(f"button[value={answer}]")
        assert (guest.steps, guest.page.locator("h1").inner_text()) == (1, headline)


def test_on_a_question_both_answers_are_one_press_away_and_nothing_is_selected(sit_down: SitDown) -> None:
    guest = sit_down("en", width=390)
    guest.sign_in("+371 20 000 001")
    for answer in ("given", "refused"):
        here = guest.path
        assert guest.page.locator("input:checked").count() == 0
        assert guest.page.evaluate("document.activeElement === document.body")
        guest.press(f"button[value={answer}]")
        assert guest.path != here


@pytest.mark.parametrize("width", WIDTHS)
def test_asking_for_erasure_and_keeping_the_data_look_alike(sit_down: SitDown, width: int) -> None:
    guest = sit_down("en", width=width)
    guest.sign_in("+371 20 000 001")
    guest.go("/requests/new/erasure")
    guest.press("main form .button.primary")
    ask, keep = guest.page.locator(".answers > *").all()
    alike(guest, ask, keep)


@pytest.mark.parametrize("language", ["lv", "ru", "en"])
def test_pages_fit_a_narrow_screen_without_scrolling_sideways(sit_down: SitDown, language: str) -> None:
    guest = sit_down(language, width=320)
    guest.go("/")
    fits = "document.documentElement.scrollWidth <= 320"
    assert guest.page.evaluate(fits)
    guest.sign_in("+371 20 000 001")
    assert guest.page.evaluate(fits)
    guest.press("button[value=given]")
    for address in ("/", "/history", "/choices/location"):
        guest.go(address)
        guest.page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
        assert guest.page.evaluate(fits), address
    guest.go("/history")
    guest.press(".timeline a")
    assert guest.page.evaluate(fits)
