"""The officer and an administrator at a real browser; every page in every language, narrow and wide, light and dark."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from console.console_crowd import changed_catalogue, crowd, zipped
from placet.access.staff import Member
from placet.bootstrap import Application
from placet.gate.replica import Replica
from placet.kernel import clock
from portal.portal_browser import Guest, axe_source

pytestmark = pytest.mark.browser
Window = Callable[..., Guest]

AXE = """async () => {
  const found = await axe.run(document, {resultTypes: ['violations']});
  return found.violations.map(
    each => [each.impact, each.id, each.nodes[0].target.join(' '), each.nodes[0].failureSummary]);
}"""
PAGES = (
    "/console",
    "/console/decisions?purpose=offers",
    "/console/regret?purpose=offers&channel=email",
    "/console/stops",
    "/console/ledger",
    "/console/catalogue",
    "/console/catalogue/compare",
    "/console/catalogue/propose",
    "/console/processing",
    "/console/case-files",
    "/console/reads",
    "/console/mobility",
    "/console/mobility/quality",
    "/console/components",
)


@pytest.fixture
def decided(placet: Application, replica: Replica) -> None:
    crowd(placet)
    with placet.database.transaction() as connection:
        replica.feed.look(connection)
    placet.keeper.run_once(clock.now())


@pytest.fixture
def proposal(placet: Application, tmp_path: Path) -> Path:
    words = {"days: 30": "days: 31", "version: '1.0'": "version: '2.0'"}
    file = tmp_path / "proposal.zip"
    file.write_bytes(zipped(changed_catalogue(placet, words=words)))
    return file


def saved(guest: Guest, selector: str, target: Path) -> bytes:
    """What a click on *selector* downloads."""
    with guest.page.expect_download() as waiting:
        guest.page.click(selector)
    waiting.value.save_as(target)
    return target.read_bytes()


def test_the_officer_reads_downloads_proposes_and_another_approves_and_publishes(
    window: Window,
    decided: None,
    placet: Application,
    dace: Member,
    oskars: Member,
    proposal: Path,
    tmp_path: Path,
) -> None:
    guest = window(dace)
    guest.go("/console")
    assert "of customers have opened News and offers" in guest.page.inner_text(".lead")
    guest.press(".subnav a[href='/console/decisions']")
    guest.page.select_option("#purpose", "offers")
    guest.press(".filter .button")
    assert "were a yes (95 % interval" in guest.page.inner_text(".lead").replace("\xa0", " ")
    guest.open(".figure details summary")
    assert guest.page.is_visible(".figure table")
    assert b"offers" in saved(guest, ".figure a[href*='answers.csv']", tmp_path / "answers.csv")
    assert saved(guest_at(guest, "/console/processing"), "a[href$='.ods']", tmp_path / "a.ods")[:2] == b"PK"

    guest.go("/console/catalogue")
    guest.press("a.button.primary")
    guest.page.set_input_files("#files", str(proposal))
    guest.page.fill("#why", "The operator keeps wishes a day longer")
    guest.press("button.primary")
    assert guest.page.locator("button:has-text('Approve')").count() == 0
    address = guest.path
    other = window(oskars)
    other.go(address)
    # 18 people; an administrator is told tens.
    assert other.page.inner_text("td.num") == "20"
    other.press("button.primary")
    assert "Approved by Oskars" in other.page.inner_text("main")
    guest.go(address)
    guest.press("button.primary")
    assert "Published" in guest.page.inner_text(".head .state")
    guest.go("/console/catalogue/compare?text=en")
    assert guest.page.locator("ins").count() > 0

    placet.keeper.run_once(clock.now())
    guest.go("/console/case-files")
    guest.page.fill("#subject", "email:person1@example.lv")
    guest.page.fill("#reason", "Request 12 of the authority")
    saved(guest, "button.primary", tmp_path / "case.zip")
    assert any("verify" in name for name in zipfile.ZipFile(tmp_path / "case.zip").namelist())
    guest.go("/console/reads")
    assert "Request 12 of the authority" in guest.page.inner_text("main")


def guest_at(guest: Guest, address: str) -> Guest:
    guest.go(address)
    return guest


@pytest.mark.parametrize("language", ["lv", "ru", "en"])
def test_axe_finds_nothing_and_nothing_is_wider_than_the_screen(
    window: Window, decided: None, dace: Member, proposal: Path, language: str
) -> None:
    axe = axe_source()
    guest = window(dace, language)
    guest.go("/console/catalogue/propose")
    guest.page.set_input_files("#files", str(proposal))
    guest.page.fill("#why", "…")
    guest.press("button.primary")
    faults: dict[str, object] = {}
    for address in (guest.path, *PAGES):
        guest.go(address)
        guest.page.evaluate("() => document.querySelectorAll('details').forEach(each => each.open = true)")
        guest.page.evaluate(axe)
        for width, scheme in ((390, "dark"), (1280, "light")):
            guest.page.set_viewport_size({"width": width, "height": 900})
            guest.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            found = guest.page.evaluate(AXE)
            if wide := guest.page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth"):
                found.append(f"{wide} px too wide")
            if found:
                faults[f"{address} {width} {scheme}"] = found
    assert faults == {}
