"""axe-core finds nothing on any page, in three languages and both colour schemes (WCAG 2.2 AA)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from portal_browser import Guest, axe_source

pytestmark = pytest.mark.browser
SitDown = Callable[..., Guest]

RUN = """async () => {
  const found = await axe.run(document, {resultTypes: ['violations']});
  return found.violations.map(
    each => [each.impact, each.id, each.nodes[0].target.join(' '), each.nodes[0].failureSummary]);
}"""


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
@pytest.mark.parametrize("language", ["lv", "ru", "en"])
def test_axe_finds_nothing(sit_down: SitDown, language: str, scheme: str, width: int) -> None:
    axe = axe_source()
    guest = sit_down(language, scheme=scheme, width=width)
    faults: dict[str, list[object]] = {}

    def look(name: str) -> None:
        guest.page.evaluate("() => document.querySelectorAll('details').forEach(each => each.open = true)")
        guest.page.evaluate(axe)
        if found := guest.page.evaluate(RUN):
            faults[name] = found

    for address in ("/", "/sign-in", "/nothing-here", "/signed-out"):
        guest.go(address)
        look(address)
    guest.go("/sign-in")
    guest.page.fill("#contact", "nobody")
    guest.press("form[action='/sign-in'] .button.primary")
    look("/sign-in, wrong")
    guest.page.fill("#contact", "20000001")
    guest.press("form[action='/sign-in'] .button.primary")
    look("/sign-in/code")
    guest.sign_in("20000001")
    look("question with channels")
    guest.page.check("input[name='channel.email'][value=yes]")
    guest.press("button[value=given]")
    look("question")
    guest.press("button[value=refused]")
    for address in ("/", "/mobility", "/history"):
        guest.go(address)
        look(address)
    guest.press(".timeline a")
    look("entry")
    guest.press(".actions a")
    look("receipt")
    guest.go("/")
    guest.press("#offers button[value=withdrawn]")
    look("withdrawn")
    guest.press("button[value=given]")
    look("given")
    assert faults == {}
