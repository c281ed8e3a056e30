"""A customer sees where they are signed in and ends it; the operator's own account signs in whom it has verified."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta

import attrs
import httpx
import oidc_house
import pytest
from oidc_house import CLIENT_ID, CLIENT_SECRET, House
from portal_visitor import Clock, Visitor, newcomer
from starlette.testclient import TestClient

from placet.access import passkeys
from placet.access.federation import customer_provider
from placet.bootstrap import Application
from placet.interfaces.portal.app import portal
from placet.subjects.model import Subject

Visit = Callable[..., Visitor]
OWN = {"origin": "http://127.0.0.1:8000"}
HOLLOW = '{"id":"a","rawId":"a","type":"public-key","response":{}}'


def test_sessions_are_listed_and_ended_one_by_one_and_all_others(visit: Visit, guest: Visitor) -> None:
    others = [visit(), visit()]
    for other in others:
        other.sign_in("20000001")
    guest.go("/signing-in")
    assert guest.words.count("with a code") == 3
    ending = re.findall(r'action="(/signing-in/sessions/[^"]+)"', guest.text)
    assert len(ending) == 2
    guest.send(ending[0])
    assert "Signed out there" in guest.words
    assert sorted(other.go("/history").url.path for other in others) == ["/history", "/sign-in"]
    guest.send("/signing-in/sessions")
    assert {other.go("/history").url.path for other in others} == {"/sign-in"}
    assert guest.go("/history").url.path == "/history"


def test_nobody_ends_another_customers_session(visit: Visit, guest: Visitor, demo: Application) -> None:
    newcomer(demo, "+37120000009")
    stranger, second = visit(), visit()
    stranger.sign_in("20000009")
    second.sign_in("20000009")
    stranger.go("/signing-in")
    (theirs,) = re.findall(r'action="(/signing-in/sessions/[^"]+)"', stranger.text)
    guest.go("/signing-in")
    token = guest.form("/sign-out").fields
    assert guest.client.post(theirs, data=token, headers=OWN).status_code == 404
    assert second.go("/history").url.path == "/history"


def test_passkeys_are_offered_only_where_they_can_work(visit: Visit, guest: Visitor, pages: object) -> None:
    """An IP address cannot be a relying party's id; the page says where to go instead."""
    guest.go("/signing-in")
    assert "http://localhost:8000" in guest.words
    assert "passkey.js" not in guest.text
    token = guest.form("/sign-out").fields
    assert guest.client.post("/signing-in/passkeys/question", data=token, headers=OWN).status_code == 404
    with TestClient(pages, base_url="http://localhost:8000", headers={"accept-language": "en"}) as client:
        page = client.get("/sign-in").text
    assert "passkey.js" in page
    assert re.search(r'<form [^>]*data-question="/sign-in/passkey/question" hidden>', page)
    assert "Send the code" in page


@pytest.mark.parametrize(
    ("public", "host", "origin"),
    [
        (None, "127.0.0.1", "http://localhost:8000"),
        (None, "0.0.0.0", None),
        ("https://consent.example.lv", "0.0.0.0", "https://consent.example.lv"),
        ("http://consent.example.lv", "0.0.0.0", None),
        ("https://192.0.2.7", "0.0.0.0", None),
        ("https://[2001:db8::7]", "0.0.0.0", None),
        ("http://localhost:9000/", "0.0.0.0", "http://localhost:9000"),
    ],
)
def test_a_passkeys_origin_is_a_name_over_https_or_this_machine(
    demo: Application, public: str | None, host: str, origin: str | None
) -> None:
    assert attrs.evolve(demo.config, public_url=public, host=host).passkey_origin == origin


def test_a_passkey_is_added_only_soon_after_signing_in(
    demo: Application, pages: object, visit: Visit, anna: Subject, time: Clock
) -> None:
    client = TestClient(pages, base_url="http://localhost:8000", headers={"accept-language": "en"})
    visitor = Visitor(client)
    visitor.go("/sign-in")
    own = {"origin": "http://localhost:8000"}
    fields = visitor.form("/sign-in/passkey").fields
    client.post("/sign-in", data=fields | {"contact": "20000001"}, headers=own)
    visitor.go("/sign-in/code")
    client.post("/sign-in/code", data=visitor.form("/sign-in/code").fields | {"code": visitor.code}, headers=own)
    visitor.go("/signing-in")
    fields = visitor.form("/signing-in/passkeys").fields
    assert client.post("/signing-in/passkeys/question", data=fields, headers=own).json()["rp"]["id"] == "localhost"
    for answer in (
        "",
        "{}",
        "[]",
        "null",
        '{"id": 7}',
        "x" * 60_000,
        '{"id":"a","rawId":"a","type":"public-key","response":{}}',
    ):
        client.post("/signing-in/passkeys/question", data=fields, headers=own)
        sent = client.post("/signing-in/passkeys", data=fields | {"answer": answer, "name": "x"}, headers=own)
        assert (sent.status_code, "could not be added" in sent.text) == (400, True), answer[:20]
    time.ahead = timedelta(minutes=16)
    assert client.post("/signing-in/passkeys/question", data=fields, headers=own).status_code == 403
    visitor.go("/signing-in")
    assert "sign out and sign in again first" in visitor.words
    with demo.database.transaction() as connection:
        assert passkeys.listing(connection, anna.id) == []


@pytest.mark.parametrize("answer", ["", "{}", "[]", "null", "7", HOLLOW])
def test_what_is_no_answer_of_an_authenticator_signs_nobody_in(pages: object, answer: str) -> None:
    client = TestClient(pages, base_url="http://localhost:8000", headers={"accept-language": "en"})
    visitor = Visitor(client)
    visitor.go("/sign-in")
    own, fields = {"origin": "http://localhost:8000"}, visitor.form("/sign-in/passkey").fields
    client.post("/sign-in/passkey/question", data=fields, headers=own)
    sent = client.post("/sign-in/passkey", data=fields | {"answer": answer}, headers=own)
    assert (sent.status_code, "was not accepted" in sent.text) == (400, True)
    assert "placet_session" not in client.cookies


# The operator's own account


@pytest.fixture
def provider() -> Iterator[House]:
    with oidc_house.opened() as house:
        yield house


@pytest.fixture
def federated(demo: Application, provider: House) -> Application:
    config = attrs.evolve(
        demo.config,
        oidc_customer_issuer=provider.issuer,
        oidc_customer_client_id=CLIENT_ID,
        oidc_customer_client_secret=CLIENT_SECRET,
    )
    return attrs.evolve(demo, config=config, customer_provider=customer_provider(config))


@pytest.fixture
def through(federated: Application) -> Iterator[Callable[[], Visitor]]:
    with TestClient(portal(federated), base_url="http://127.0.0.1:8000", headers={"accept-language": "en"}) as client:

        def go() -> Visitor:
            client.cookies.clear()
            visitor = Visitor(client)
            away = client.get("/sign-in/oidc", follow_redirects=False)
            visitor.page = client.get(httpx.get(away.headers["location"]).headers["location"])
            return visitor

        yield go


@pytest.mark.parametrize(
    "claims",
    [
        {"phone_number": "+371 20 000 001", "phone_number_verified": True},
        {"email": "anna@example.lv", "email_verified": True},
        {
            "phone_number": "+37120000001",
            "phone_number_verified": True,
            "email": "x@example.lv",
            "email_verified": True,
        },
    ],
)
def test_a_verified_contact_that_we_know_signs_in(
    provider: House, through: Callable[[], Visitor], anna: Subject, claims: dict[str, object]
) -> None:
    provider.next_person = {"sub": "7"} | claims
    visitor = through()
    assert visitor.path == "/choices/offers"
    assert "Sign out" in visitor.words


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"phone_number": "+37120000001"},
        {"phone_number": "+37120000001", "phone_number_verified": False},
        {"phone_number": "+37120000001", "phone_number_verified": "true"},
        {"phone_number": "+37129999999", "phone_number_verified": True},
        {"phone_number": "nonsense", "phone_number_verified": True},
        {"email": ["anna@example.lv"], "email_verified": True},
        {
            "phone_number": "+37120000001",
            "phone_number_verified": True,
            "email": "b@example.lv",
            "email_verified": True,
        },
    ],
)
def test_a_contact_that_is_unverified_unknown_or_two_peoples_signs_nobody_in(
    demo: Application,
    provider: House,
    through: Callable[[], Visitor],
    anna: Subject,
    claims: dict[str, object],
) -> None:
    newcomer(demo, "b@example.lv")
    provider.next_person = {"sub": "7"} | claims
    visitor = through()
    assert (visitor.page.status_code, "could not match that account" in visitor.words) == (403, True)
    assert "placet_session" not in visitor.client.cookies


@pytest.mark.parametrize(("misbehaviour", "status"), [("500", 503), ("wrong nonce", 403)])
def test_while_the_provider_fails_the_code_stays_a_way_in(
    federated: Application, provider: House, anna: Subject, misbehaviour: str, status: int
) -> None:
    with TestClient(portal(federated), base_url="http://127.0.0.1:8000", headers={"accept-language": "en"}) as client:
        visitor = Visitor(client)
        provider.misbehave = misbehaviour
        away = client.get("/sign-in/oidc", follow_redirects=False)
        visitor.page = away if status == 503 else client.get(httpx.get(away.headers["location"]).headers["location"])
        assert visitor.page.status_code == status
        assert "sign in with a code" in visitor.words.lower()
        visitor.sign_in("20000001")
        assert visitor.path == "/choices/offers"
