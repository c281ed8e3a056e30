"""Every page of staff in three languages and two widths: axe finds nothing, and nothing is wider than the window."""

from __future__ import annotations

import attrs
import pytest
from playwright.sync_api import Browser, Page
from portal_browser import axe_source, served
from staff_people import hired, signed_in

from placet.access import staff
from placet.access.staff import Role
from placet.bootstrap import Application
from placet.interfaces.staff.app import staff_site
from placet.interfaces.staff.door import SESSION
from placet.kernel import clock

pytestmark = pytest.mark.browser
CHECK = """async () => {
  const found = await axe.run(document, {resultTypes: ['violations']});
  return found.violations.map(violation => violation.id + ': ' + violation.nodes[0].html);
}"""


def looked_at(page: Page, address: str) -> list[str]:
    page.goto(address)
    wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    page.evaluate(axe_source())
    return [f"{address}: {found}" for found in [*page.evaluate(CHECK), *(["too wide"] if wide else [])]]


def test_pages_of_staff_fit_and_axe_finds_nothing(house: Application, browser: Browser) -> None:
    demo = attrs.evolve(house, config=attrs.evolve(house.config, mode="demo"))
    oskars = hired(demo, "oskars", Role.ADMIN)
    with demo.database.transaction() as connection:
        agnese = staff.add(connection, "agnese", name="Agnese", roles=[Role.AGENT], by=oskars.id, now=clock.now())
        link = demo.accounts.invite(connection, agnese.id, by=oskars.id, now=clock.now())
    before = ("/staff/sign-in", f"/staff/welcome/{link}", "/staff/welcome/x", "/staff/nowhere")
    inside = ("/staff", "/staff/account", "/staff/members", "/staff/members/new", f"/staff/members/{agnese.id}")
    found: list[str] = []
    with served(staff_site(demo)) as site:
        for language, width in (("lv", 390), ("ru", 390), ("en", 1280)):
            context = browser.new_context(
                viewport={"width": width, "height": 900}, extra_http_headers={"Accept-Language": language}
            )
            page = context.new_page()
            found += [fault for path in before for fault in looked_at(page, site + path)]
            page.goto(f"{site}/staff/welcome/{link}")
            page.fill("#password", "zils vilks skrien pa mežu")
            page.click("main .button.primary")
            found += looked_at(page, f"{site}/staff/second-factor")
            token = signed_in(demo, oskars).token
            context.add_cookies([{"name": SESSION, "value": token, "url": site}])
            found += [fault for path in inside for fault in looked_at(page, site + path)]
            context.close()
    assert found == []
