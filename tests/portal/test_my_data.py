"""What a customer sees, corrects, takes away and asks for; and that nobody else can."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from portal_visitor import Clock, Visitor, newcomer
from starlette.applications import Starlette
from starlette.routing import Route

from placet.access import reads, staff
from placet.access.staff import Role
from placet.bootstrap import Application
from placet.consents.model import Actor
from placet.consents.store import records
from placet.kernel import clock
from placet.rights.model import Request
from placet.subjects.model import Subject

Visit = Callable[..., Visitor]
ORIGIN = {"origin": "http://127.0.0.1:8000"}
NAMES = [
    "Ļūda Šķēle-Ūbele",
    "Łódź Ōsaka",
    "Ольга Ёлкина",
    "محمد علي",
    "李小龍",
    "אברהם",
    "ნინო",
    "Anna 👩🏽‍🚀",
    "O'Brien <b>&amp;</b>",
]


def asked(demo: Application, person: Subject) -> list[Request]:
    with demo.database.transaction() as connection:
        return demo.requests.of_subject(connection, person.id)


def reached(demo: Application, person: Subject) -> list[str]:
    with demo.database.transaction() as connection:
        contacts = demo.subjects.contacts(connection, person.id)
    return [contact.alias.value for contact in contacts if contact.period.end is None]


# What is held


def test_everything_held_is_told_by_basis_and_purpose(guest: Visitor) -> None:
    guest.go("/data")
    assert "Because you are our customer" in guest.words
    assert "Because the law asks for it" in guest.words
    assert "anna@example.lv" in guest.words
    assert "Nothing is held for: News and offers from Amigo" in guest.words


def test_the_download_is_one_whole_archive(guest: Visitor) -> None:
    guest.answer("offers", "given")
    guest.go("/data/export")
    page = guest.send("/data/export")
    assert page.headers["content-disposition"].startswith("attachment;")
    assert int(page.headers["content-length"]) == len(page.content)
    with zipfile.ZipFile(io.BytesIO(page.content)) as archive:
        assert archive.testzip() is None
        assert {"data.json", "data.html", "schema.json"} <= set(archive.namelist())
        assert b"anna@example.lv" in archive.read("data.json")


def test_a_download_that_breaks_off_is_made_anew(guest: Visitor) -> None:
    guest.go("/data/export")
    form = guest.form("/data/export").fields
    with guest.client.stream("POST", "/data/export", data=form, headers=ORIGIN) as broken:
        assert broken.status_code == 200
    whole = guest.client.post("/data/export", data=form, headers=ORIGIN)
    with zipfile.ZipFile(io.BytesIO(whole.content)) as archive:
        assert archive.testzip() is None


def test_staff_who_looked_are_shown_by_role_and_place(guest: Visitor, demo: Application, anna: Subject) -> None:
    guest.go("/data/openings")
    assert "Nobody has opened it." in guest.words
    now = clock.now()
    with demo.database.transaction() as connection:
        member = staff.add(connection, login="vija", name="Vija", roles={Role.AGENT}, shop="Cēsis", by=None, now=now)
        reads.note(connection, staff=member.id, what="record", reason="asked by phone", subject=anna.id, now=now)
    guest.go("/data/openings")
    assert "your record asked by phone Service agent, Cēsis" in guest.words
    assert "Vija" not in guest.words


# Correction


@pytest.mark.parametrize("name", NAMES)
def test_a_name_of_any_script_is_saved_and_shown_as_it_is(guest: Visitor, name: str) -> None:
    guest.go("/data/correct")
    guest.send("/data/correct/name", name=name)
    assert "Your name is saved." in guest.words
    assert guest.form("/data/correct/name").fields["name"] == name
    assert "<b>&amp;" not in guest.text


@pytest.mark.parametrize("name", ["", "x" * 10_000])
def test_a_name_that_is_none_is_refused_at_its_field(guest: Visitor, name: str) -> None:
    guest.go("/data/correct")
    guest.send("/data/correct/name", name=name)
    assert guest.page.status_code == 400
    assert 'id="name-wrong"' in guest.text


def test_the_language_is_remembered_for_letters_and_calls(guest: Visitor, demo: Application, anna: Subject) -> None:
    guest.go("/data/correct")
    guest.send("/data/correct/language", language="ru")
    with demo.database.transaction() as connection:
        assert demo.subjects.get(connection, anna.id).language == "ru"
    guest.send("/data/correct/language", language="xx")
    assert guest.page.status_code == 400


def test_a_new_contact_is_confirmed_by_a_code_sent_to_it(guest: Visitor, demo: Application, anna: Subject) -> None:
    guest.go("/data/correct")
    guest.send("/data/correct/contact", contact="+371 2000 0077")
    code = guest.code
    guest.send("/data/correct/contact/code", code="000000" if code != "000000" else "111111")
    assert guest.page.status_code == 400
    assert "+37120000077" not in reached(demo, anna)
    guest.send("/data/correct/contact/code", code=f"{code[:3]} {code[3:]}")
    assert "The new contact is confirmed and saved." in guest.words
    assert "+37120000077" in reached(demo, anna)


def test_a_code_for_one_contact_confirms_no_other(guest: Visitor, demo: Application, anna: Subject) -> None:
    guest.go("/data/correct")
    guest.send("/data/correct/contact", contact="+371 2000 0077")
    guest.send("/data/correct/contact/code", code=guest.code, contact="+37120000078")
    assert guest.page.status_code == 400
    assert not {"+37120000077", "+37120000078"} & set(reached(demo, anna))


def test_the_contact_of_somebody_else_is_not_taken_over(guest: Visitor, demo: Application, anna: Subject) -> None:
    newcomer(demo, "+37120000002")
    guest.go("/data/correct")
    guest.send("/data/correct/contact", contact="20000002")
    guest.send("/data/correct/contact/code", code=guest.code)
    assert guest.page.status_code == 400
    assert "recorded for somebody else" in guest.words
    assert "+37120000002" not in reached(demo, anna)


def test_the_last_contact_stays(guest: Visitor, demo: Application, anna: Subject) -> None:
    guest.go("/data/correct")
    guest.send("/data/correct/contact/end", contact="email:anna@example.lv")
    assert reached(demo, anna) == ["+37120000001"]
    token = guest.form("/data/correct/name").fields | {"contact": "msisdn:+37120000001"}
    guest.page = guest.client.post("/data/correct/contact/end", data=token, headers=ORIGIN)
    assert guest.page.status_code == 400
    assert "This is the last contact" in guest.words
    assert reached(demo, anna) == ["+37120000001"]


# Requests


def test_a_request_is_filed_followed_and_withdrawn(guest: Visitor, demo: Application, anna: Subject) -> None:
    guest.go("/requests")
    assert "You have asked for nothing yet." in guest.words
    guest.go("/requests/new/complaint")
    guest.send("/requests/new/complaint", text="Nobody called back.\nЖду ответа.")
    (request,) = asked(demo, anna)
    assert guest.path == f"/requests/{request.id}"
    assert "Answer by" in guest.words
    assert "Жду ответа." in guest.text
    assert (request.kind, request.route, request.filed_by) == ("complaint", "portal", Actor("subject", str(anna.id)))
    for _ in range(2):  # pressed twice it is withdrawn once
        guest.client.post(f"/requests/{request.id}/withdraw", data=guest.form("/sign-out").fields, headers=ORIGIN)
    guest.go("/requests")
    assert "You withdrew it" in guest.words


def test_a_form_sent_twice_is_one_request(guest: Visitor, demo: Application, anna: Subject) -> None:
    guest.go("/requests/new/complaint")
    form = guest.form("/requests/new/complaint").fields | {"text": "Once."}
    for _ in range(2):
        assert guest.client.post("/requests/new/complaint", data=form, headers=ORIGIN).status_code == 200
    assert len(asked(demo, anna)) == 1


@pytest.mark.parametrize(("sign", "length", "status"), [("я", 10_000, 200), ("x", 10_001, 400), ("\x07", 1, 400)])
def test_a_long_text_is_taken_whole_or_refused_with_what_was_written(
    guest: Visitor, demo: Application, anna: Subject, sign: str, length: int, status: int
) -> None:
    guest.go("/requests/new/complaint")
    guest.send("/requests/new/complaint", text=sign * length)
    assert guest.page.status_code == status
    assert [request.text for request in asked(demo, anna)] == ([sign * length] if status == 200 else [])
    if status == 400:
        assert "Nothing was sent" in guest.words


def test_erasure_says_what_goes_and_what_stays_before_it_is_asked_for(
    guest: Visitor, demo: Application, anna: Subject
) -> None:
    guest.go("/requests/new/erasure")
    guest.send("/requests/new/erasure", text="Please")
    assert asked(demo, anna) == []
    assert "What goes" in guest.words
    assert "they prove that we acted lawfully" in guest.words
    guest.send("/requests/new/erasure", sure="yes")
    (request,) = asked(demo, anna)
    assert (request.kind, request.text) == ("erasure", "Please")


def test_a_restriction_holds_at_once_until_the_person_ends_it(guest: Visitor, demo: Application, anna: Subject) -> None:
    guest.go("/requests/new/restriction")
    guest.send("/requests/new/restriction", concerns="usage")
    assert guest.page.status_code == 400
    guest.send("/requests/new/restriction", concerns="usage", ground="accuracy")
    assert guest.page.status_code == 200
    guest.go("/requests")
    assert "Not used at present: Usage data for better advice" in guest.words
    (address,) = re.findall(r'action="(/restrictions/[^"]+)"', guest.text)
    guest.send(address)
    assert "Not used at present" not in guest.words
    assert len(asked(demo, anna)) == 1


def test_an_objection_to_a_consent_is_a_no_at_once(guest: Visitor, demo: Application, anna: Subject) -> None:
    guest.answer("offers", "given")
    guest.go("/requests/new/objection")
    guest.send("/requests/new/objection", concerns="offers", text="Enough.")
    assert guest.path == "/done"
    with demo.database.transaction() as connection:
        assert records(connection, anna.id)[-1].decision == "objected"
    guest.go("/requests/new/objection")
    guest.send("/requests/new/objection", concerns="")
    assert guest.page.status_code == 400


# Nobody else


def test_no_address_of_a_customer_opens_for_another(
    guest: Visitor, visit: Visit, demo: Application, anna: Subject, pages: Starlette
) -> None:
    guest.answer("offers", "given")
    guest.answer("usage", "refused")
    guest.go("/requests/new/restriction")
    guest.send("/requests/new/restriction", concerns="usage", ground="accuracy")
    guest.go("/requests")
    (restriction,) = re.findall(r'action="/restrictions/([^/]+)/lift"', guest.text)
    (request,) = asked(demo, anna)
    with demo.database.transaction() as connection:
        record = records(connection, anna.id)[-1].id
    newcomer(demo, "+37120000002")
    stranger = visit()
    stranger.sign_in("20000002")
    stranger.go("/data")
    token = stranger.form("/sign-out").fields
    ids = {"record": record, "request": request.id, "restriction": restriction, "mandate": uuid4()}
    tried = 0
    for route in pages.routes:
        if not isinstance(route, Route) or not set(route.param_convertors) & set(ids):
            continue
        for wrong in ({}, dict.fromkeys(ids, uuid4()), dict.fromkeys(ids, "no-id")):
            address = route.path.format(**(ids | wrong))
            method = "POST" if "POST" in (route.methods or ()) else "GET"
            sent = stranger.client.request(method, address, data=token if method == "POST" else None, headers=ORIGIN)
            assert sent.status_code == 404, (method, address)
            tried += 1
    assert tried >= 24
    (still,) = asked(demo, anna)
    assert still.is_open


def test_every_page_of_a_customer_asks_to_sign_in_once_the_session_is_over(
    guest: Visitor, pages: Starlette, time: Clock
) -> None:
    guest.go("/data")
    token = guest.form("/sign-out").fields
    time.ahead = timedelta(hours=1)
    public = {"/", "/sign-in", "/sign-in/code", "/sign-out", "/signed-out"}
    for route in pages.routes:
        if (
            not isinstance(route, Route)
            or route.path in public
            or route.path.startswith(("/sign-in/", "/verify", "/u/", "/s/", "/q/", "/l/"))
        ):
            continue
        address = re.sub(r"\{\w+\}", str(uuid4()), route.path)
        method = "POST" if "POST" in (route.methods or ()) else "GET"
        sent = guest.client.request(
            method, address, data=token if method == "POST" else None, headers=ORIGIN, follow_redirects=False
        )
        assert (sent.status_code, sent.headers.get("location")) == (303, "/sign-in"), (method, address)
