"""What anyone sees without signing in, and what every answer says to the browser."""

from __future__ import annotations

import re
from collections.abc import Callable

import attrs
import pytest
from portal_visitor import Visitor
from starlette.testclient import TestClient

from placet.bootstrap import Application
from placet.catalogue.files import load
from placet.interfaces.portal.app import portal

Visit = Callable[..., Visitor]


@pytest.mark.parametrize("language", ["lv", "ru", "en"])
def test_start_page_names_the_controller_and_tells_all_eight_notices(visit: Visit, language: str) -> None:
    page = visit(language)
    catalogue = load("amigo")
    assert f'<html lang="{language}"' in page.text
    for told in ("SIA “ZetCOM”", "LV40003582107", "info@amigo.lv", "80700000", catalogue.controller.address[language]):
        assert told in page.text
    assert catalogue.controller.privacy_policy[language] in page.text
    assert len(catalogue.purposes) == 8
    for purpose in catalogue.purposes.values():
        assert purpose.notices[language].title in page.text
        assert page.text.count(f'data-purpose="{purpose.id}"') == 1


def test_language_and_colours_are_remembered_when_chosen(visit: Visit) -> None:
    page = visit("en")
    page.go("/?lang=ru&scheme=dark")
    page.go("/sign-in")
    assert '<html lang="ru" data-scheme="dark">' in page.text
    page.go("/sign-in?lang=<script>&scheme=pink")
    assert '<html lang="ru" data-scheme="auto">' in page.text


def test_every_page_forbids_scripts_framing_and_foreign_hosts(visit: Visit) -> None:
    headers = visit().page.headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"
    assert "strict-transport-security" not in headers


def test_pages_have_no_script_no_inline_style_and_load_nothing_from_elsewhere(visit: Visit) -> None:
    page = visit()
    for address in ("/", "/sign-in", "/signed-out", "/nothing-here"):
        page.go(address)
        assert not re.search(r"<script|<style|\sstyle=|\son\w+=", page.text)
        assert re.findall(r'(?:src|<link[^>]+href)="(?!/)', page.text) == []


def test_over_https_cookies_are_bound_to_the_host(demo: Application) -> None:
    secure = attrs.evolve(demo, config=attrs.evolve(demo.config, public_url="https://choices.example.lv"))
    with TestClient(portal(secure), base_url="https://choices.example.lv") as client:
        answer = client.get("/?lang=en")
    assert "strict-transport-security" in answer.headers
    cookies = answer.headers.get_list("set-cookie")
    assert len(cookies) == 2
    for cookie in cookies:
        assert cookie.startswith("__Host-")
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=lax"} <= {part.strip() for part in cookie.split(";")}


def test_one_stylesheet_of_at_most_30_kilobytes(visit: Visit) -> None:
    page = visit()
    (sheet,) = re.findall(r'<link rel="stylesheet" href="([^"]+)"', page.text)
    answer = page.go(sheet)
    assert answer.headers["content-type"].startswith("text/css")
    assert "immutable" in answer.headers["cache-control"]
    assert len(answer.content) <= 30_000


@pytest.mark.parametrize("language", ["lv", "ru", "en"])
@pytest.mark.parametrize(("method", "address", "status"), [("GET", "/nothing-here", 404), ("PUT", "/sign-in", 405)])
def test_an_address_that_is_not_there_gets_a_page_that_says_so(
    visit: Visit, language: str, method: str, address: str, status: int
) -> None:
    visitor = visit(language)
    answer = visitor.client.request(method, address, headers={"accept-language": language})
    assert answer.status_code == status
    assert f'<html lang="{language}"' in answer.text
    lost = {"lv": "nav zudis", "ru": "не потеряно", "en": "was lost"}[language]
    assert lost in answer.text


def test_pages_of_a_customer_ask_for_sign_in_first(visit: Visit) -> None:
    page = visit()
    for address in (
        "/choices",
        "/choices/offers",
        "/done",
        "/history",
        "/history/x",
        "/receipts/x",
        "/receipts/x/file",
    ):
        page.go(address)
        assert page.path == "/sign-in"


def test_while_the_database_is_away_the_page_says_so_and_to_try_again(demo: Application, visit: Visit) -> None:
    visitor = visit()
    demo.database.close()
    visitor.go("/")
    assert visitor.page.status_code == 503
    assert "Nothing was changed" in visitor.text
    assert "SIA “ZetCOM”" in visitor.text
