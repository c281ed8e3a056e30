"""The atlas at a real browser: turned by hand and by itself, without scripts, in three languages, narrow and wide."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from placet.purposes.mobility.releasing.model import Release
from portal.portal_browser import Guest, axe_source

pytestmark = pytest.mark.browser
AtAtlas = Callable[..., Guest]

AXE = """async () => {
  const found = await axe.run(document, {resultTypes: ['violations']});
  return found.violations.map(
    each => [each.impact, each.id, each.nodes[0].target.join(' '), each.nodes[0].failureSummary]);
}"""
PAGES = ("people/weekday-08", "change/weekday-12/z6", "flows/morning", "times/morning", "data")


def test_the_hours_turn_and_every_view_can_be_shared(at_atlas: AtAtlas, october: Release) -> None:
    guest = at_atlas()
    guest.go("/atlas")
    page = guest.page
    page.locator("#turn").fill("13")
    page.wait_for_url("**/people/weekday-13")
    assert "Weekday, 13:00" in page.inner_text(".kicker")
    assert page.inner_text("[data-share]").endswith("/atlas/2026-10/people/weekday-13")
    turned = page.inner_text("#zones"), page.inner_text("[data-first]")
    tones = page.eval_on_selector_all(".map a path", "paths => paths.map(path => path.getAttribute('class'))")

    # What the script made of the page is what the page of that hour is.
    page.reload()
    assert (page.inner_text("#zones"), page.inner_text("[data-first]")) == turned
    assert page.eval_on_selector_all(".map a path", "paths => paths.map(path => path.getAttribute('class'))") == tones

    page.hover(".whole a[data-zone=z0]")
    assert page.inner_text("[data-readout]").startswith("Kalns: ")
    assert "–" in page.inner_text("[data-readout]")
    page.click("[data-play]")
    page.wait_for_url("**/people/weekday-14")
    assert page.inner_text("[data-play]") == "Pause"
    page.click("[data-play]")
    assert page.inner_text("[data-play]") == "Play the day"

    guest.press(".piece a[data-zone=z6]")
    assert guest.path.endswith("/z6")
    assert "Centrs" in page.inner_text("h2 >> nth=1")
    guest.press(".views a:has-text('Home and work')")
    assert guest.path == "/atlas/2026-10/commuting/month/z6"
    assert page.locator(".arcs path").count() > 0


def test_without_scripts_all_of_it_is_links_and_a_form(at_atlas: AtAtlas, october: Release) -> None:
    guest = at_atlas("lv", scripts=False)
    guest.go("/atlas")
    assert guest.page.locator("[data-play]").is_hidden()
    assert guest.page.locator("#turn").is_hidden()
    guest.press(".hours a >> nth=17")
    assert guest.path == "/atlas/2026-10/people/weekday-17"
    guest.page.select_option("#day", "weekend")
    guest.page.select_option("#zone", "z6")
    guest.press(".filter .button")
    assert guest.path == "/atlas/2026-10/people/weekend-17/z6"
    guest.press(".days a >> nth=0")
    assert guest.path == "/atlas/2026-10/people/weekday-17/z6"


@pytest.mark.parametrize("language", ["lv", "ru", "en"])
def test_axe_finds_nothing_and_nothing_is_wider_than_the_screen(
    at_atlas: AtAtlas, october: Release, language: str
) -> None:
    axe = axe_source()
    guest = at_atlas(language)
    faults: dict[str, object] = {}
    for address in ("/atlas/method", "/atlas/releases", *(f"/atlas/2026-10/{page}" for page in PAGES)):
        guest.go(address)
        guest.page.evaluate(axe)
        for width, scheme in ((390, "dark"), (1280, "light")):
            guest.page.set_viewport_size({"width": width, "height": 900})
            guest.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            found = guest.page.evaluate(AXE)
            if wide := guest.page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth"):
                found.append(f"{wide} px too wide")
            if found:
                faults[f"{address} {width} {scheme}"] = found
    assert not faults, "\n".join(f"{page}: {found}" for page, found in faults.items())
