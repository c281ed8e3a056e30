"""What a request asks for, done at the desk: corrected, restricted, objected to, erased; and answered with it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from uuid import UUID

import pytest

from desk.desk_people import AtDesk, Seat
from desk.test_desk_journeys import AXE, WIDER, code_on, state
from placet.access import reads
from placet.access.staff import Member, Role
from placet.bootstrap import Application
from placet.consents.model import Actor
from placet.gate import restrictions as gate
from placet.kernel import clock
from placet.kernel.ids import PurposeId
from placet.rights import rectification, restriction
from placet.rights.model import Kind, Request, RequestId
from placet.subjects.model import Alias, Subject
from portal.portal_browser import axe_source
from portal.portal_visitor import Clock, newcomer, represent
from staff.staff_people import hired

Sit = Callable[..., AtDesk]
Window = Callable[..., Seat]


def asked(
    application: Application, person: Subject, kind: Kind, *, by: Actor | None = None, concerns: str | None = None
) -> str:
    """A request that came by e-mail; the address of its page."""
    actor = by or Actor("subject", str(person.id))
    with application.database.transaction() as connection:
        request = application.requests.file(
            connection, person.id, kind, text="Lūdzu!", route="email", filed_by=actor, concerns=concerns,
            opening=person.id, now=clock.now(),
        )  # fmt: skip
    return f"/desk/requests/{request.id}"


def reload(application: Application, address: str) -> Request:
    with application.database.transaction() as connection:
        return application.requests.get(connection, RequestId(UUID(address.rpartition("/")[2])))


def id_of(address: str) -> str:
    return address.rpartition("/")[2]


def purposes_restricted(application: Application, person: Subject) -> list[str | None]:
    with application.database.transaction() as connection:
        return [one.purpose for one in gate.of(connection, person.number)]


def seen(application: Application, person: Subject) -> set[str]:
    with application.database.transaction() as connection:
        return {read.what for read in reads.of_subject(connection, person.id)}


# Correction


def test_name_is_corrected_everywhere_and_the_request_is_answered_with_it(
    demo: Application, sit: Sit, ilze: Member, anna: Subject
) -> None:
    request, desk = asked(demo, anna, "rectification"), sit(ilze)
    desk.open(anna)
    address = f"/desk/records/{anna.id}/correct"
    desk.go(address)
    desk.send(address, what="name", name="Anna  Kalniņa", request=id_of(request))
    assert "Put right everywhere." in desk.words
    assert "Name: the customer's own record, 1" in desk.words
    after = reload(demo, request)
    assert (after.state, after.owner) == ("done", ilze.id)
    assert "Vārds" in (after.outcome or "")  # in the customer's language, not the member's
    with demo.database.transaction() as connection:
        assert demo.subjects.profile(connection, anna.id).name == "Anna Kalniņa"
        (past,) = rectification.of_subject(connection, anna.id)
    assert (past.corrected.place, past.corrected.field) == ("subjects", "name")
    assert "correction" in seen(demo, anna)


def test_language_and_birth_date_are_corrected_and_what_was_right_stays(
    demo: Application, sit: Sit, ilze: Member, anna: Subject
) -> None:
    desk, address = sit(ilze), f"/desk/records/{anna.id}/correct"
    desk.open(anna)
    desk.go(address)
    desk.post(address, what="language", language="ru")
    desk.post(address, what="birth-date", birth_date="1975-11-17")
    desk.post(address, what="birth-date", birth_date="1975-11-17")
    assert "It was right already." in desk.words
    with demo.database.transaction() as connection:
        assert demo.subjects.get(connection, anna.id).language == "ru"
        assert demo.subjects.profile(connection, anna.id).birth_date == date(1975, 11, 17)


@pytest.mark.parametrize(
    "fields",
    [
        {"what": "name", "name": " "},
        {"what": "language", "language": "xx"},
        {"what": "birth-date", "birth_date": "2999-01-01"},
        {"what": "birth-date", "birth_date": "yesterday"},
        {"what": "end", "contact": "msisdn:+37129999999"},
        {"what": "shoe-size"},
        {"what": "name", "name": "Anna Kalniņa", "request": "not-an-id"},
    ],
)
def test_correction_that_cannot_be_made_changes_nothing(
    demo: Application, sit: Sit, ilze: Member, anna: Subject, fields: dict[str, str]
) -> None:
    desk, address = sit(ilze), f"/desk/records/{anna.id}/correct"
    desk.open(anna)
    desk.go(address)
    desk.post(address, **fields)
    assert desk.status == 400
    with demo.database.transaction() as connection:
        assert rectification.of_subject(connection, anna.id) == []
        assert demo.subjects.profile(connection, anna.id).name == "Anna Bērziņa"


def test_neither_is_corrected_nor_answered_when_a_colleague_has_the_request(
    demo: Application, sit: Sit, ilze: Member, peteris: Member, anna: Subject
) -> None:
    request, desk = asked(demo, anna, "rectification"), sit(ilze)
    with demo.database.transaction() as connection:
        demo.requests.take(connection, RequestId(UUID(id_of(request))), peteris.id, now=clock.now())
    desk.open(anna)
    address = f"/desk/records/{anna.id}/correct"
    desk.go(address)
    for answers in (request, asked(demo, anna, "erasure")):
        desk.post(address, what="name", name="Anna Kalniņa", request=id_of(answers))
        assert desk.status == 400
    with demo.database.transaction() as connection:
        assert demo.subjects.profile(connection, anna.id).name == "Anna Bērziņa"


def test_birth_date_needs_a_document_and_contacts_the_customer_s_own_word(
    demo: Application, sit: Sit, ilze: Member, anna: Subject, time: Clock
) -> None:
    mother = newcomer(demo, "20000009", name="Zane Bērziņa")
    mandate = represent(demo, mother, anna, kind="power-of-attorney")
    desk, record = sit(ilze), f"/desk/records/{anna.id}"
    desk.go(f"{record}/open")
    desk.send(f"{record}/open", reason="correction", proof="code", contact="0")
    desk.send(f"{record}/open/code", code=desk.code)
    desk.go(f"{record}/correct")
    assert 'name="birth_date"' not in desk.text
    desk.post(f"{record}/correct", what="birth-date", birth_date="1975-11-17")
    assert "See the customer's own document first" in desk.words
    desk.go(f"{record}/open")
    desk.send(f"{record}/open", reason="correction", proof="mandate", mandate=str(mandate.id), their_document="id-card")
    desk.go(f"{record}/correct")
    for action, fields in (
        ("", {"what": "end", "contact": "email:anna@example.lv"}),
        ("", {"what": "birth-date", "birth_date": "1975-11-17"}),
        ("/contact", {"contact": "29999999"}),
    ):
        desk.post(f"{record}/correct{action}", **fields)
        assert desk.status == 400
    with demo.database.transaction() as connection:
        assert rectification.of_subject(connection, anna.id) == []


# Restriction


def test_restriction_is_made_told_and_lifted_not_before_the_day_named(
    demo: Application, sit: Sit, ilze: Member, anna: Subject, time: Clock
) -> None:
    address, desk = asked(demo, anna, "restriction"), sit(ilze)
    desk.go(address)
    desk.send(address, step="take")
    desk.post(f"{address}/restriction", purpose="offers")
    assert desk.status == 400
    assert purposes_restricted(demo, anna) == []
    desk.post(f"{address}/restriction", ground="accuracy", purpose="offers")
    assert purposes_restricted(demo, anna) == ["offers"]
    after = reload(demo, address)
    assert after.state == "done"
    assert "netiek izmantoti" in (after.outcome or "")
    with demo.database.transaction() as connection:
        (one,) = restriction.of_subject(connection, anna.id)
    assert one.request == after.id
    lifting = f"{address}/restriction/{one.id}"
    desk.post(lifting, step="lift")
    assert "Tell the customer first" in desk.words
    today = clock.now().date()
    for day in ("soon", (today - timedelta(days=1)).isoformat()):
        desk.post(lifting, step="tell", lifting=day)
        assert desk.status == 400
    desk.post(lifting, step="tell", lifting=(today + timedelta(days=3)).isoformat())
    desk.go(f"{address}/letter")
    assert "Jūsu datus atkal var izmantot" in desk.words
    desk.go(address)
    desk.post(lifting, step="lift")
    assert desk.status == 400
    assert purposes_restricted(demo, anna) == ["offers"]
    now = clock.now()
    with demo.database.transaction() as connection:
        restriction.tell(connection, one.id, lifting_at=now + timedelta(minutes=1), now=now)
    time.ahead = timedelta(minutes=2)
    desk.go(address)
    desk.send(lifting, step="lift")
    assert purposes_restricted(demo, anna) == []
    assert {"restriction-made", "letter"} <= seen(demo, anna)


def test_restriction_of_another_customer_is_not_lifted_from_here(
    demo: Application, sit: Sit, ilze: Member, anna: Subject
) -> None:
    other = newcomer(demo, "20000009")
    with demo.database.transaction() as connection:
        one = restriction.restrict(
            connection, demo.subjects, other.id, None, ground="claims", by=Actor("system"), now=clock.now()
        )
    address, desk = asked(demo, anna, "restriction"), sit(ilze)
    desk.go(address)
    desk.send(address, step="take")
    assert desk.post(f"{address}/restriction/{one.id}", step="lift").status_code == 404
    assert purposes_restricted(demo, other) == [None]


def test_what_is_carried_out_is_what_was_asked(demo: Application, sit: Sit, ilze: Member, anna: Subject) -> None:
    address, desk = asked(demo, anna, "access"), sit(ilze)
    desk.go(address)
    desk.send(address, step="take")
    desk.post(f"{address}/restriction", ground="accuracy")
    assert desk.status == 400
    desk.post(f"{address}/objection")
    assert desk.status == 400
    assert (purposes_restricted(demo, anna), reload(demo, address).state) == ([], "in-progress")


# Objection


def test_objection_that_is_filed_at_the_desk_holds_at_once(
    demo: Application, sit: Sit, ilze: Member, anna: Subject
) -> None:
    desk, address = sit(ilze), f"/desk/records/{anna.id}/requests/new"
    desk.open(anna)
    desk.go(address)
    desk.send(address, kind="objection", about="offers", route="phone")
    assert desk.path.endswith("/done")
    assert state(demo, anna, "offers") == "objected"
    with demo.database.transaction() as connection:
        assert demo.requests.of_subject(connection, anna.id) == []


@pytest.mark.parametrize("concerns", ["offers", "marketing"])
def test_objection_that_waits_holds_with_one_press_and_is_answered(
    demo: Application, sit: Sit, ilze: Member, anna: Subject, concerns: str
) -> None:
    address, desk = asked(demo, anna, "objection", concerns=concerns), sit(ilze)
    desk.go(address)
    desk.send(address, step="take")
    desk.send(f"{address}/objection")
    assert state(demo, anna, "offers") == "objected"
    after = reload(demo, address)
    assert (after.state, after.owner) == ("done", ilze.id)
    assert "iebildums ir spēkā" in (after.outcome or "")


# Erasure


def test_erasure_is_carried_out_by_a_second_person_and_its_letter_is_shown_once(
    demo: Application, sit: Sit, peteris: Member, anna: Subject
) -> None:
    address, desk = asked(demo, anna, "erasure"), sit(peteris)
    desk.go(f"{address}/erasure")
    assert "GDPR 5(2)" in desk.words
    desk.send(f"{address}/erasure", word="erase it")
    assert desk.status == 400
    assert reload(demo, address).is_open
    desk.send(f"{address}/erasure", word=" erase ")
    assert 'lang="lv"' in desk.text.partition("<body")[0]
    assert "Anna Bērziņa" in desk.words
    assert "Jūsu dati" in desk.words
    after = reload(demo, address)
    assert (after.state, after.text, after.outcome, after.owner) == ("done", None, None, peteris.id)
    with demo.database.transaction() as connection:
        assert demo.subjects.get(connection, anna.id).erased_at is not None
        assert demo.subjects.find(connection, Alias.msisdn("20000001")) is None
    desk.go(address)
    assert "The customer was erased" in desk.words
    assert "Bērziņa" not in desk.words
    desk.post(f"{address}/erasure", word="ERASE")
    assert desk.status == 404
    assert "erasure" in seen(demo, anna)


def test_who_filed_an_erasure_and_who_is_no_reviewer_do_not_carry_it_out(
    demo: Application, sit: Sit, ilze: Member, peteris: Member, anna: Subject
) -> None:
    address = asked(demo, anna, "erasure", by=Actor("agent", str(peteris.id)))
    for member in (ilze, peteris):
        desk = sit(member)
        desk.go(address)
        desk.post(f"{address}/erasure", word="ERASE")
        assert desk.status == 403
        assert desk.go(f"{address}/erasure").status_code == 403
    officer = sit(hired(demo, "officer", Role.DPO))
    officer.go(f"{address}/erasure")
    officer.send(f"{address}/erasure", word="ERASE")
    assert reload(demo, address).state == "done"


def test_request_of_a_colleague_or_of_another_kind_erases_nobody(
    demo: Application, sit: Sit, ilze: Member, peteris: Member, anna: Subject
) -> None:
    taken, other, desk = asked(demo, anna, "erasure"), asked(demo, anna, "access"), sit(peteris)
    with demo.database.transaction() as connection:
        demo.requests.take(connection, RequestId(UUID(id_of(taken))), ilze.id, now=clock.now())
    desk.go("/desk")
    for address in (taken, other):
        desk.post(f"{address}/erasure", word="ERASE")
        assert desk.status == 400
    with demo.database.transaction() as connection:
        assert demo.subjects.get(connection, anna.id).erased_at is None


# In a real browser


@pytest.fixture
def look() -> Callable[[Seat], None]:
    """Looks at a page by axe, at both widths."""
    axe = axe_source()

    def at(seat: Seat) -> None:
        page = seat.guest.page
        page.evaluate(axe)
        for width in (390, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate(AXE) == []
            assert page.evaluate(WIDER) <= 0

    return at


@pytest.mark.browser
def test_new_contact_is_confirmed_by_its_code_and_answers_the_request(
    demo: Application, window: Window, ilze: Member, anna: Subject, look: Callable[[Seat], None]
) -> None:
    request, desk = asked(demo, anna, "rectification"), window(ilze, "lv")
    desk.open(anna)
    desk.go(request)
    desk.press("button[value=take]")
    look(desk)
    desk.press("main .card a.button.primary")
    look(desk)
    desk.fill("#contact", "29999999")
    desk.press("form:has(#contact) button")
    look(desk)
    desk.fill("#code", "000000")
    desk.press("form:has(#code) .button.primary")
    assert desk.guest.page.is_visible(".message.wrong")
    desk.fill("#code", code_on(desk))
    desk.press("form:has(#code) .button.primary")
    assert "Izlabots visur." in desk.words
    look(desk)
    desk.press(".message a[href$='/letter']")
    assert re.search(r"Tālruņa numurs: paša klienta kartīte", desk.words)
    with demo.database.transaction() as connection:
        found = demo.subjects.find(connection, Alias.msisdn("29999999"))
    assert found is not None
    assert found.id == anna.id


@pytest.mark.browser
def test_two_people_erase_and_print_the_letter(
    demo: Application, window: Window, ilze: Member, peteris: Member, anna: Subject, look: Callable[[Seat], None]
) -> None:
    desk = window(ilze, "ru")
    desk.open(anna)
    desk.press("a[href$='/requests/new']")
    desk.guest.page.check("input[name=kind][value=erasure]")
    desk.press("main form:has(#wish) .button.primary")
    address = desk.path
    desk.press("button[value=take]")
    assert "Передайте её" in desk.words
    desk.guest.page.select_option("#to", str(peteris.id))
    desk.press("button[value=hand-over]")
    colleague = window(peteris, "ru")
    colleague.go(address)
    look(colleague)
    colleague.press(f"a[href='{address}/erasure']")
    look(colleague)
    colleague.fill("#word", "стереть")
    colleague.press("form:has(#word) button")
    assert "Anna Bērziņa" in colleague.words
    look(colleague)
    page = colleague.guest.page
    page.emulate_media(media="print")
    assert page.is_visible(".letter h1")
    assert page.is_hidden(".letter .message")
    colleague.go(address)
    assert "Bērziņa" not in colleague.words
    assert PurposeId("offers") not in purposes_restricted(demo, anna)
