"""A form counts only when our own page sent it, whole and readable."""

from __future__ import annotations

import pytest
from portal_visitor import Visitor

from placet.bootstrap import Application
from placet.consents.store import records
from placet.subjects.model import Subject

OWN = {"origin": "http://127.0.0.1:8000"}


def fields(guest: Visitor) -> dict[str, str]:
    return guest.form("/choices/offers").fields | {"answer": "given"}


def nothing_recorded(demo: Application, anna: Subject) -> bool:
    with demo.database.transaction() as connection:
        return records(connection, anna.id) == []


def test_a_form_without_its_token_is_refused(guest: Visitor, demo: Application, anna: Subject) -> None:
    sent = fields(guest)
    for token in ("", "0" * 64, "ī"):
        answer = guest.client.post("/choices/offers", data=sent | {"form_token": token}, headers=OWN)
        assert answer.status_code == 403
        assert "The form was not accepted" in answer.text
    guest.client.cookies.delete("placet_visit")
    assert guest.client.post("/choices/offers", data=sent, headers=OWN).status_code == 403
    assert nothing_recorded(demo, anna)


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://elsewhere.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_a_form_that_comes_from_elsewhere_is_refused(
    guest: Visitor, demo: Application, anna: Subject, headers: dict[str, str]
) -> None:
    assert guest.client.post("/choices/offers", data=fields(guest), headers=headers).status_code == 403
    assert nothing_recorded(demo, anna)


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"x" * 70_000, "application/x-www-form-urlencoded", 413),
        (b"&".join(b"a=1" for _ in range(200)), "application/x-www-form-urlencoded", 400),
        (b"answer=%ff%fe", "application/x-www-form-urlencoded", 400),
        (b"answer=\xff\xfe", "application/x-www-form-urlencoded", 400),
        (b"answer=given%00", "application/x-www-form-urlencoded", 400),
        (b'{"answer": "given"}', "application/json", 400),
        (b"", "", 400),
    ],
)
def test_what_is_no_form_of_ours_is_refused(guest: Visitor, body: bytes, kind: str, status: int) -> None:
    answer = guest.client.post("/choices/offers", content=body, headers=OWN | {"content-type": kind})
    assert answer.status_code == status
    assert "Nothing was changed" in answer.text


@pytest.mark.parametrize(
    "changed",
    [
        {"answer": "expired"},
        {"answer": ""},
        {"shown": "zz"},
        {"shown": "00"},
        {"shown": ""},
        {"channel.email": "maybe"},
    ],
)
def test_words_that_are_not_on_the_page_are_refused(
    guest: Visitor, demo: Application, anna: Subject, changed: dict[str, str]
) -> None:
    answer = guest.client.post("/choices/offers", data=fields(guest) | changed, headers=OWN)
    assert answer.status_code == 400
    assert nothing_recorded(demo, anna)


def test_a_yes_to_a_text_that_was_never_shown_is_not_recorded(guest: Visitor, demo: Application, anna: Subject) -> None:
    guest.send("/choices/offers", answer="given", shown="ab" * 32)
    assert guest.page.status_code == 400
    assert "The text was not shown before you answered" in guest.words
    assert nothing_recorded(demo, anna)


def test_a_yes_to_the_text_of_another_purpose_is_not_recorded(guest: Visitor, demo: Application, anna: Subject) -> None:
    shown = guest.form("/choices/offers").fields["shown"]
    guest.go("/choices/usage")
    guest.send("/choices/usage", answer="given", shown=shown)
    assert guest.page.status_code == 400
    assert nothing_recorded(demo, anna)


def test_an_unknown_purpose_does_not_exist(guest: Visitor) -> None:
    sent = fields(guest)
    assert guest.client.post("/choices/astrology", data=sent, headers=OWN).status_code == 404
    assert guest.go("/choices/astrology").status_code == 404


def test_reading_changes_nothing(guest: Visitor, demo: Application, anna: Subject) -> None:
    for address in ("/", "/choices", "/choices/offers?answer=given", "/history", "/?answer=withdrawn"):
        guest.go(address)
    assert guest.client.get("/sign-out").status_code == 405
    assert nothing_recorded(demo, anna)
