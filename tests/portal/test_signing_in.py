"""A one-time code opens the session; nothing tells whether a contact is known."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import attrs
import pytest
from portal_visitor import Clock, Visitor
from starlette.testclient import TestClient

from placet.access.codes import Codes, sender_for
from placet.bootstrap import Application
from placet.interfaces.portal.app import portal
from placet.subjects.model import Subject

Visit = Callable[..., Visitor]


@pytest.mark.parametrize("contact", ["+371 20 000 001", "20000001", "ANNA@example.lv"])
def test_a_known_contact_signs_in_with_its_code(visit: Visit, anna: Subject, contact: str) -> None:
    visitor = visit()
    visitor.sign_in(contact)
    assert visitor.path == "/choices/offers"
    assert "Sign out" in visitor.words


def test_no_address_on_the_way_tells_who_it_is(visit: Visit, anna: Subject) -> None:
    visitor = visit()
    visitor.sign_in("anna@example.lv")
    addresses = [str(answer.url) for answer in (*visitor.page.history, visitor.page)]
    assert len(addresses) >= 2
    for told in ("anna", "2000", str(anna.id)):
        assert not [address for address in addresses if told in address.removeprefix("http://127.0.0.1:8000")]


def test_the_answer_for_an_unknown_contact_is_the_same(demo: Application, anna: Subject) -> None:
    """Outside the demonstration, whose outbox tells all: byte for byte, but for the token of the form."""
    quiet = attrs.evolve(demo.config, mode="development")
    codes = Codes(demo.database, demo.subjects, demo.master, sender_for(quiet))
    pages = portal(attrs.evolve(demo, config=quiet, codes=codes))
    answers = []
    for contact in ("+37120000001", "+37129999999"):
        with TestClient(pages, base_url="http://127.0.0.1:8000", headers={"accept-language": "en"}) as client:
            visitor = Visitor(client)
            visitor.go("/sign-in")
            assert "Demonstration" not in visitor.text
            visitor.send("/sign-in", contact=contact)
            answers.append((visitor.page.status_code, re.sub(r'value="[0-9a-f]{64}"', "", visitor.text)))
    assert answers[0] == answers[1]


def test_what_is_no_contact_is_asked_again_and_nothing_is_sent(visit: Visit) -> None:
    visitor = visit()
    visitor.go("/sign-in")
    for contact in ("", "abc", "12", "crm:7", "a@b", "x" * 300, '"><i>'):
        visitor.send("/sign-in", contact=contact)
        assert visitor.page.status_code == 400
        assert "neither a phone number" in visitor.words
        assert "<i>" not in visitor.text


def test_a_wrong_code_does_not_sign_in_and_a_right_one_works_once(visit: Visit, anna: Subject) -> None:
    visitor = visit()
    visitor.go("/sign-in")
    visitor.send("/sign-in", contact="20000001")
    code, challenge = visitor.code, visitor.client.cookies["placet_challenge"]
    visitor.send("/sign-in/code", code="000000" if code != "000000" else "111111")
    assert visitor.page.status_code == 400
    visitor.send("/sign-in/code", code=f" {code[:3]} {code[3:]} ")
    assert visitor.path == "/choices/offers"
    thief = visit()
    thief.client.cookies.set("placet_challenge", challenge)
    thief.go("/sign-in/code")
    thief.send("/sign-in/code", code=code)
    assert thief.page.status_code == 400
    assert "placet_session" not in thief.client.cookies


def test_a_code_asked_for_too_often_makes_the_visitor_wait(visit: Visit, anna: Subject) -> None:
    visitor = visit()
    visitor.go("/sign-in")
    answers = []
    for _ in range(7):
        visitor.go("/sign-in")
        answers.append(visitor.send("/sign-in", contact="20000001"))
    assert [answer.status_code for answer in answers[-2:]] == [429, 429]
    assert int(answers[-1].headers["retry-after"]) > 0
    assert "Too many tries" in visitor.words


def test_signing_out_ends_the_session_on_the_server(guest: Visitor) -> None:
    token = guest.client.cookies["placet_session"]
    guest.send("/sign-out")
    assert guest.path == "/signed-out"
    assert "placet_session" not in guest.client.cookies
    guest.client.cookies.set("placet_session", token)
    guest.go("/history")
    assert guest.path == "/sign-in"


def test_a_session_that_is_left_alone_ends(guest: Visitor, time: Clock) -> None:
    time.ahead = timedelta(minutes=31)
    guest.go("/history")
    assert guest.path == "/sign-in"


def test_sample_customers_are_listed_in_the_demonstration_only(demo: Application, visit: Visit) -> None:
    visitor = visit()
    visitor.go("/sign-in")
    assert "+37120000001" in visitor.text
    live = attrs.evolve(demo, config=attrs.evolve(demo.config, mode="development"))
    with TestClient(portal(live), base_url="http://127.0.0.1:8000") as client:
        assert "+37120000001" not in client.get("/sign-in").text
