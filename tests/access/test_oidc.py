"""An identity provider signs in only whom it vouches for, now, to us; whatever else it says or does not say."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import attrs
import httpx
import oidc_house
import pytest
from oidc_house import CLIENT_ID, CLIENT_SECRET, House

from placet.access import oidc
from placet.access.oidc import Begun, Client, Provider
from placet.kernel.errors import Denied, Unavailable

BACK = "http://127.0.0.1:8000/staff/sign-in/oidc/back"


@pytest.fixture
def house() -> Iterator[House]:
    with oidc_house.opened() as house:
        yield house


@attrs.define
class Ticks:
    """A monotonic clock: the real one, moved on by `ahead` seconds."""

    ahead: float = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def provider(house: House, ticks: Ticks) -> Provider:
    return Provider(Client(house.issuer, CLIENT_ID, CLIENT_SECRET, BACK), ticks=ticks)


def present() -> datetime:
    return datetime.now(UTC)


def answer(begun: Begun) -> dict[str, str]:
    """What the browser brings back from the provider."""
    location = httpx.get(begun.url).headers["location"]
    assert location.startswith(BACK)
    return {name: values[-1] for name, values in parse_qs(urlsplit(location).query).items()}


def test_who_comes_back_is_whom_the_provider_vouches_for(provider: Provider, house: House) -> None:
    house.next_person = {"sub": "7", "name": "Agnese", "groups": ["shop"], "email": "a@example.lv"}
    begun = provider.begin()
    claims = provider.finish(begun, answer(begun), now=present())
    assert (claims["iss"], claims["sub"], claims["name"], claims["groups"]) == (house.issuer, "7", "Agnese", ["shop"])
    assert claims["email"] == "a@example.lv", "what userinfo adds"


def test_state_nonce_and_verifier_are_new_each_time_and_do_not_stand_in_the_address(provider: Provider) -> None:
    first, second = provider.begin(), provider.begin()
    assert len({first.state, first.nonce, first.verifier, second.state, second.nonce, second.verifier}) == 6
    assert first.verifier not in first.url
    assert parse_qs(urlsplit(first.url).query)["code_challenge_method"] == ["S256"]


@pytest.mark.parametrize(
    "misbehaviour",
    [
        "wrong nonce",
        "no nonce",
        "wrong aud",
        "many aud without azp",
        "wrong azp",
        "wrong iss",
        "expired",
        "from the future",
        "no exp",
        "no sub",
        "sub is a number",
        "wrong at_hash",
        "alg none",
        "signed with the public key",
        "wrong key",
        "no token",
        "declines",
        "other iss",
        "other state",
        "other userinfo",
    ],
)
def test_a_wrong_answer_signs_nobody_in(provider: Provider, house: House, misbehaviour: str) -> None:
    begun = provider.begin()
    house.misbehave = misbehaviour
    brought = answer(begun)
    with pytest.raises(Denied) as refusal:
        provider.finish(begun, brought, now=present())
    assert refusal.value.code == "idp-refused"
    house.misbehave = ""
    begun = provider.begin()
    assert provider.finish(begun, answer(begun), now=present())["sub"]


def test_an_answer_without_iss_is_refused_where_the_provider_promises_it(house: House) -> None:
    house.misbehave = "no iss"
    for promised, refused in ((False, False), (True, True)):
        house.discovery = {"authorization_response_iss_parameter_supported": promised}
        provider = Provider(Client(house.issuer, CLIENT_ID, CLIENT_SECRET, BACK))
        begun = provider.begin()
        if refused:
            with pytest.raises(Denied):
                provider.finish(begun, answer(begun), now=present())
        else:
            provider.finish(begun, answer(begun), now=present())


def test_a_code_is_of_no_use_to_who_did_not_begin(provider: Provider) -> None:
    """An answer that was read off (or planted) lacks the other browser's state, nonce and verifier."""
    mine, theirs = provider.begin(), provider.begin()
    brought = answer(theirs)
    with pytest.raises(Denied):
        provider.finish(mine, brought, now=present())
    with pytest.raises(Denied):
        provider.finish(mine, brought | {"state": mine.state}, now=present())


def test_clocks_may_differ_by_a_minute_and_no_more(provider: Provider, house: House) -> None:
    # A token is good for five minutes; a clock that is late reads an `iat` in its future.
    for seconds, accepted in ((-45, True), (340, True), (-120, False), (400, False)):
        begun = provider.begin()
        brought, now = answer(begun), present() + timedelta(seconds=seconds)
        if accepted:
            provider.finish(begun, brought, now=now)
        else:
            with pytest.raises(Denied):
                provider.finish(begun, brought, now=now)


def test_a_new_key_is_looked_for_once_and_then_known(provider: Provider, house: House, ticks: Ticks) -> None:
    begun = provider.begin()
    provider.finish(begun, answer(begun), now=present())
    asked = house.requests["/keys"]
    house.rotate()
    ticks.ahead = 60
    begun = provider.begin()
    assert provider.finish(begun, answer(begun), now=present())["sub"]
    assert house.requests["/keys"] == asked + 1


def test_forged_tokens_do_not_make_us_ask_for_keys_again_and_again(provider: Provider, house: House) -> None:
    begun = provider.begin()
    asked = house.requests["/keys"]
    house.misbehave = "wrong key"
    for _ in range(5):
        begun = provider.begin()
        with pytest.raises(Denied):
            provider.finish(begun, answer(begun), now=present())
    assert house.requests["/keys"] <= asked + 1


@pytest.mark.parametrize("misbehaviour", ["500", "floods", "hangs", "drips"])
def test_a_provider_that_is_away_slow_or_broken_says_so_and_is_left_alone(
    provider: Provider, house: House, ticks: Ticks, misbehaviour: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = provider.begin()
    brought = answer(begun)
    monkeypatch.setattr(oidc, "_SECONDS", 1.0)
    provider._http.timeout = httpx.Timeout(1.0)
    house.misbehave = misbehaviour
    with pytest.raises(Unavailable) as away:
        provider.finish(begun, brought, now=present())
    assert away.value.code == "idp-away"
    asked = dict(house.requests)
    ticks.ahead = 1
    with pytest.raises(Unavailable):
        provider.finish(begun, brought, now=present())
    assert house.requests == asked, "it is not asked again at once"
    house.misbehave, ticks.ahead = "", 60
    begun = provider.begin()
    assert provider.finish(begun, answer(begun), now=present())["sub"]


@pytest.mark.parametrize("misbehaviour", ["other issuer", "not json"])
def test_a_discovery_that_is_not_the_providers_is_refused(house: House, misbehaviour: str) -> None:
    house.misbehave = misbehaviour
    with pytest.raises(Denied):
        Provider(Client(house.issuer, CLIENT_ID, CLIENT_SECRET, BACK)).begin()


def test_nobody_listening_is_a_provider_that_is_away() -> None:
    with oidc_house.opened() as house:
        issuer = house.issuer
    with pytest.raises(Unavailable):
        Provider(Client(issuer, CLIENT_ID, CLIENT_SECRET, BACK)).begin()


def test_a_wanted_strength_must_be_warranted(house: House) -> None:
    provider = Provider(Client(house.issuer, CLIENT_ID, CLIENT_SECRET, BACK, acr="urn:mfa"))
    for acr, accepted in (("urn:mfa", True), ("urn:password", False), (None, False)):
        house.next_person = {"sub": "7"} | ({} if acr is None else {"acr": acr})
        begun = provider.begin()
        assert "acr_values=urn%3Amfa" in begun.url
        if accepted:
            provider.finish(begun, answer(begun), now=present())
        else:
            with pytest.raises(Denied):
                provider.finish(begun, answer(begun), now=present())
