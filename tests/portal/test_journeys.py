"""The whole way of a customer in a real browser, without any script: from sign-in to the receipt."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from portal_browser import Guest

from placet.bootstrap import Application
from placet.consents.store import records
from placet.kernel import clock
from placet.subjects.model import Subject

pytestmark = pytest.mark.browser
SitDown = Callable[..., Guest]


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("language", ["lv", "ru", "en"])
def test_from_sign_in_to_the_receipt(
    sit_down: SitDown, demo: Application, anna: Subject, tmp_path: Path, language: str, width: int
) -> None:
    guest = sit_down(language, width=width, scripts=False)
    guest.sign_in("+371 20 000 001")
    assert guest.path == "/choices/offers"
    guest.page.check("input[name='channel.email'][value=yes]")
    guest.page.check("input[name='channel.call'][value=no]")
    guest.press("button[value=given]")
    guest.press("button[value=refused]")
    guest.press(".later a")
    assert guest.path == "/choices/credit"
    guest.go("/")
    assert guest.page.locator("#offers input:checked").count() == 2
    guest.press("#offers button[value=withdrawn]")
    assert guest.path.startswith("/done")
    demo.keeper.run_once(clock.now())
    with guest.page.expect_download() as download:
        guest.page.click(".receipts a[download]")
    file = tmp_path / "receipt.json"
    download.value.save_as(file)
    assert set(json.loads(file.read_text())) >= {"payload", "signature"}
    guest.press(".receipts a")
    assert guest.path.startswith("/receipts/")
    guest.go("/history")
    assert guest.page.locator(".timeline > li").count() == 5
    guest.press(".timeline > li:last-child a")
    assert guest.page.locator(".quoted .notice").count() == 1
    with demo.database.transaction() as connection:
        said = [(record.purpose, record.channel, record.decision) for record in records(connection, anna.id)]
    assert said == [
        ("offers", None, "given"),
        ("offers", "email", "given"),
        ("offers", "call", "refused"),
        ("usage", None, "refused"),
        ("offers", None, "withdrawn"),
    ]
    guest.press("form[action='/sign-out'] button")
    assert guest.path == "/signed-out"


def test_the_keyboard_alone_is_enough(sit_down: SitDown, demo: Application, anna: Subject) -> None:
    guest = sit_down("en", width=390)
    guest.sign_in("+371 20 000 001")
    guest.go("/choices/loyalty")
    keys = guest.page.keyboard
    keys.press("Tab")
    assert guest.page.evaluate("document.activeElement.className") == "skip"
    for _ in range(40):
        keys.press("Tab")
        if guest.page.evaluate("document.activeElement.value") == "given":
            break
    outline = guest.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    with guest.page.expect_navigation():
        keys.press("Enter")
    with demo.database.transaction() as connection:
        assert [record.decision for record in records(connection, anna.id)] == ["given"]


def test_the_colours_follow_the_device_until_the_reader_chooses(sit_down: SitDown) -> None:
    guest = sit_down("en", scheme="dark", scripts=True)
    guest.go("/")
    paper = "getComputedStyle(document.body).backgroundColor"
    dark = guest.page.evaluate(paper)
    guest.press(".schemes a >> nth=0")
    guest.go("/sign-in")
    assert guest.page.evaluate(paper) != dark
