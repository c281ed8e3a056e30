"""Who calls, when a proxy stands in front: the limits are each caller's own, and nobody chooses whose they are."""

from __future__ import annotations

import attrs
import pytest
from portal_visitor import Clock
from starlette.testclient import TestClient

from placet import config as settings
from placet.bootstrap import Application
from placet.config import Config
from placet.interfaces.staff.app import staff_site
from placet.interfaces.web.origin import caller
from placet.kernel.errors import Misconfigured

PROXIES = Config(trusted_proxies="10.0.0.0/24, 2001:db8::/48").proxies


@pytest.mark.parametrize(
    ("peer", "forwarded", "who"),
    [
        ("10.0.0.5", ["85.254.1.1"], "85.254.1.1"),
        ("10.0.0.5", ["85.254.1.1, 10.0.0.6"], "85.254.1.1"),
        ("10.0.0.5", ["85.254.1.1", "10.0.0.6"], "85.254.1.1"),
        ("2001:db8::5", ["2a03:ec00::7"], "2a03:ec00::7"),
        # What the caller wrote itself stands left of what the proxy appended.
        ("10.0.0.5", ["1.2.3.4, 85.254.1.1"], "85.254.1.1"),
        ("10.0.0.5", ["1.2.3.4", "85.254.1.1"], "85.254.1.1"),
        ("10.0.0.5", ["10.0.0.9, 85.254.1.1"], "85.254.1.1"),
        # Nobody who is not a proxy of ours is believed.
        ("85.254.1.1", ["1.2.3.4"], "85.254.1.1"),
        ("10.0.1.5", ["1.2.3.4"], "10.0.1.5"),
        # As some proxies write it.
        ("10.0.0.5", ["85.254.1.1:50123"], "85.254.1.1"),
        ("10.0.0.5", ["[2a03:ec00::7]:50123"], "2a03:ec00::7"),
        ("::ffff:10.0.0.5", ["::ffff:85.254.1.1"], "85.254.1.1"),
        # Nothing that can be believed: the last proxy that we know.
        ("10.0.0.5", [], "10.0.0.5"),
        ("10.0.0.5", [""], "10.0.0.5"),
        ("10.0.0.5", ["85.254.1.1, unknown"], "10.0.0.5"),
        ("10.0.0.5", ["85.254.1.1, unknown, 10.0.0.6"], "10.0.0.6"),
        ("10.0.0.5", ["10.0.0.7, 10.0.0.6"], "10.0.0.7"),
        ("testclient", ["1.2.3.4"], "testclient"),
        (None, ["1.2.3.4"], None),
    ],
)
def test_a_caller_is_the_last_address_that_a_trusted_proxy_names(
    peer: str | None, forwarded: list[str], who: str | None
) -> None:
    assert caller(peer, forwarded, PROXIES) == who


def test_without_trusted_proxies_the_header_is_ignored() -> None:
    assert Config().proxies == ()
    assert caller("10.0.0.5", ["85.254.1.1"], ()) == "10.0.0.5"


@pytest.mark.parametrize("text", ["10.0.0.5/8", "proxy.example", "0.0.0.0/0", "10.0.0.5 10.0.0.6", "::/0"])
def test_what_is_no_network_or_the_whole_internet_is_refused_at_the_start(text: str) -> None:
    with pytest.raises(Misconfigured):
        settings.load({"PLACET_TRUSTED_PROXIES": text})


def test_who_guesses_too_often_behind_a_proxy_locks_out_nobody_else_there(house: Application, time: Clock) -> None:
    config = attrs.evolve(house.config, trusted_proxies="10.0.0.5")
    site = staff_site(attrs.evolve(house, config=config), now=time)
    with TestClient(site, base_url="http://127.0.0.1:8000", client=("10.0.0.5", 50000)) as client:
        answers = [_guess(client, number, "85.254.1.1") for number in range(51)]
        assert answers == [400] * 50 + [429]
        assert _guess(client, 51, "1.2.3.4, 85.254.1.1") == 429, "the header's left end is the caller's own word"
        assert _guess(client, 52, "85.254.1.2") == 400


def _guess(client: TestClient, number: int, forwarded: str) -> int:
    headers = {"x-forwarded-for": forwarded}
    page = client.get("/staff/sign-in", headers=headers)
    token = page.text.partition('name="form_token" value="')[2].partition('"')[0]
    fields = {"form_token": token, "login": f"nobody-{number}", "password": "not the password at all"}
    return client.post("/staff/sign-in", data=fields, headers=headers).status_code
