"""Messages, the inbox and the address at two widths: axe finds nothing, and nothing is wider than the window."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from portal_browser import Guest, axe_source
from test_messages_shown import become, plan

from placet.bootstrap import Application
from placet.delivery.model import Refusal, State
from placet.delivery.notes import Filled
from placet.kernel import clock
from placet.subjects.model import Subject

pytestmark = pytest.mark.browser
AXE = """async () => {
  const found = await axe.run(document, {resultTypes: ['violations']});
  return found.violations.map(each => [each.id, each.nodes[0].html]);
}"""
WIDER = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


def test_pages_fit_and_axe_finds_nothing(sit_down: Callable[..., Guest], demo: Application, anna: Subject) -> None:
    lying, refused = plan(demo, anna, "lying", "refused")
    become(demo, refused, State.REFUSED, Refusal.MUTED)
    with demo.database.transaction() as connection:
        text = Filled("A phone for less", ("Until Friday.",))
        demo.inbox.put(connection, anna.id, lying, text, now=clock.now())
    guest, found = sit_down("lv", width=390), []
    guest.sign_in("20000001")
    for language, width in (("lv", 390), ("ru", 390), ("en", 1280)):
        guest.page.set_viewport_size({"width": width, "height": 900})
        for address in ("/messages", "/messages/inbox", "/data/correct"):
            guest.go(f"{address}?lang={language}")
            guest.page.evaluate(axe_source())
            faults = guest.page.evaluate(AXE)
            found += [(address, language, fault) for fault in faults]
            if guest.page.evaluate(WIDER) > 0:
                found.append((address, language, "too wide"))
    assert found == []
