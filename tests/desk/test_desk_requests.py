"""What customers ask for: filed under an opening, taken, extended, answered; the law's month, and who may read."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest

from desk.desk_people import AtDesk
from placet.access import opening_checks, openings, reads
from placet.access.staff import Member, Role
from placet.bootstrap import Application
from placet.consents.model import Actor
from placet.kernel import clock
from placet.rights.model import KINDS, Request
from placet.subjects.model import Subject
from portal.portal_visitor import Clock
from staff.staff_people import hired

Sit = Callable[..., AtDesk]
WISH = "Gribu zināt visu. Хочу знать всё. 我想知道一切. أريد"


@pytest.fixture
def filed(sit: Sit, ilze: Member, anna: Subject) -> str:
    """A request for information; its page's address."""
    desk = sit(ilze)
    desk.open(anna)
    file(desk, anna)
    assert desk.path.startswith("/desk/requests/")
    return desk.path


def file(desk: AtDesk, person: Subject, **more: str) -> None:
    address = f"/desk/records/{person.id}/requests/new"
    desk.go(address)
    desk.send(address, **({"kind": "access", "text": WISH, "route": "desk"} | more))


def requests_of(application: Application, person: Subject) -> list[Request]:
    with application.database.transaction() as connection:
        return application.requests.of_subject(connection, person.id)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_request_is_filed(demo: Application, sit: Sit, ilze: Member, anna: Subject, kind: str) -> None:
    desk = sit(ilze)
    desk.open(anna)
    file(desk, anna, kind=kind, concerns="offers", route="phone")
    (request,) = requests_of(demo, anna)
    assert (request.kind, request.route, request.filed_by.id, request.text) == (kind, "phone", str(ilze.id), WISH)
    with demo.database.transaction() as connection:
        (opening,) = openings.of_subject(connection, anna.id)
    assert request.opening == opening.id


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": ""},
        {"kind": "coffee"},
        {"kind": "objection"},
        {"text": "x" * 10_001},
        {"text": "a\x07b"},
        {"received": "2999-01-01"},
        {"received": "yesterday"},
    ],
)
def test_request_that_cannot_be_filed_keeps_what_was_written(
    demo: Application, sit: Sit, ilze: Member, anna: Subject, fields: dict[str, str]
) -> None:
    desk = sit(ilze)
    desk.open(anna)
    file(desk, anna, **fields)
    assert desk.status == 400
    assert requests_of(demo, anna) == []
    if "text" not in fields:
        assert "Gribu zināt visu" in desk.text


def test_ten_thousand_characters_of_any_script_are_kept(
    demo: Application, sit: Sit, ilze: Member, anna: Subject
) -> None:
    desk = sit(ilze)
    desk.open(anna)
    file(desk, anna, text="ķ" * 10_000)
    assert requests_of(demo, anna)[0].text == "ķ" * 10_000


def test_page_sent_twice_files_one_request(demo: Application, sit: Sit, ilze: Member, anna: Subject) -> None:
    desk = sit(ilze)
    desk.open(anna)
    address = f"/desk/records/{anna.id}/requests/new"
    desk.go(address)
    (once,) = re.findall(r'name="once" value="([^"]+)"', desk.text)
    for _ in range(2):
        desk.post(address, kind="access", text="x", route="desk", once=once)
        desk.go(address)
    assert len(requests_of(demo, anna)) == 1


def test_letter_of_last_week_began_its_month_then(demo: Application, sit: Sit, ilze: Member, anna: Subject) -> None:
    desk = sit(ilze)
    desk.open(anna)
    day = (clock.now() - timedelta(days=7)).date()
    file(desk, anna, route="post", received=day.isoformat())
    (request,) = requests_of(demo, anna)
    assert request.received_at.date() in {day, day - timedelta(days=1)}  # midnight in Riga


def test_request_is_taken_extended_finished_and_answered_by_letter(
    demo: Application, sit: Sit, ilze: Member, anna: Subject, filed: str
) -> None:
    desk = sit(ilze)
    desk.go(filed)
    assert WISH not in desk.text
    assert desk.go(f"{filed}/letter").status_code == 403
    desk.go(filed)
    desk.send(filed, step="take")
    assert WISH in desk.text
    desk.post(filed, step="extend", words=" ")
    assert desk.status == 400
    desk.post(filed, step="extend", words="Vajag laiku")
    desk.post(filed, step="extend", words="Vēlreiz")
    assert desk.status == 400
    desk.go(f"{filed}/letter")
    assert "Vajag laiku" in desk.text
    assert 'lang="lv"' in desk.text.partition("<body")[0]
    desk.go(filed)
    desk.post(filed, step="finish", words="Viss ir pielikumā.")
    assert "Answered" in desk.words
    desk.post(filed, step="finish", words="Again")
    assert desk.status == 400
    desk.go(f"{filed}/letter")
    assert "Viss ir pielikumā." in desk.text
    assert "Datu valsts inspekcija" in desk.text
    with demo.database.transaction() as connection:
        seen = {read.what for read in reads.of_subject(connection, anna.id)}
    assert {"record", "request", "letter"} <= seen


def test_refusal_needs_its_reason_and_the_letter_says_where_to_complain(sit: Sit, ilze: Member, filed: str) -> None:
    desk = sit(ilze)
    desk.go(filed)
    desk.send(filed, step="take")
    desk.post(filed, step="refuse", words="")
    assert desk.status == 400
    desk.post(filed, step="refuse", words="Tas nav Jūsu dati.")
    desk.go(f"{filed}/letter")
    assert "Tas nav Jūsu dati." in desk.text
    assert "Datu valsts inspekcija" in desk.text


def test_of_two_who_take_one_request_the_second_is_told(sit: Sit, ilze: Member, peteris: Member, filed: str) -> None:
    mine, theirs = sit(ilze), sit(peteris)
    mine.go(filed)
    theirs.go(filed)
    mine.send(filed, step="take")
    theirs.post(filed, step="take")
    assert theirs.status == 400
    theirs.post(filed, step="finish", words="x")
    assert theirs.status == 400
    mine.post(filed, step="hand-over", to=str(peteris.id))
    theirs.post(filed, step="finish", words="Gatavs")
    assert "Answered" in theirs.words


def test_request_that_the_customer_took_back_meanwhile_is_not_answered(
    demo: Application, sit: Sit, ilze: Member, anna: Subject, filed: str
) -> None:
    desk = sit(ilze)
    desk.go(filed)
    desk.send(filed, step="take")
    with demo.database.transaction() as connection:
        demo.requests.withdraw(connection, requests_of(demo, anna)[0].id, now=clock.now())
    desk.post(filed, step="finish", words="x")
    assert desk.status == 400
    assert "taken this request back meanwhile" in desk.words


def test_queue_shows_overdue_first_filters_and_turns_pages(
    demo: Application, sit: Sit, ilze: Member, anna: Subject, time: Clock
) -> None:
    other = hired(demo, "other", Role.AGENT)
    opening, at = _opening(demo, ilze, anna), clock.now()
    with demo.database.transaction() as connection:
        for count in range(30):
            demo.requests.file(
                connection, anna.id, "access", text=None, route="desk", filed_by=Actor("agent", str(ilze.id)),
                now=at, received_at=at - timedelta(days=count * 2), opening=opening,
            )  # fmt: skip
        newest = demo.requests.of_subject(connection, anna.id, limit=1)[0]
        demo.requests.take(connection, newest.id, other.id, now=clock.now())
    desk = sit(ilze)
    desk.go("/desk/requests")
    rows = re.findall(r"<tr><td><span class=\"state (\w+)\"", desk.text)
    assert len(rows) == 25
    assert rows == sorted(rows, key=["late", "ask", "open"].index)
    assert rows[0] == "late"
    (further,) = re.findall(r'href="(/desk/requests\?[^"]*after=[^"]+)"', desk.text)
    desk.go(further.replace("&amp;", "&"))
    assert desk.text.count("<tr><td>") == 5
    desk.go("/desk/requests?owner=mine")
    assert "There are none here." in desk.words
    desk.go("/desk/requests?owner=nobody&show=nonsense")
    assert desk.text.count("<tr><td>") == 25
    desk.go("/desk/requests?show=closed")
    assert "There are none here." in desk.words
    assert desk.go("/desk/requests?after=x").status_code == 400
    assert desk.go("/desk/requests/x").status_code == 404


def test_only_who_works_on_it_or_answers_for_it_reads_the_words(
    demo: Application, sit: Sit, peteris: Member, filed: str
) -> None:
    assert WISH in sit(peteris).go(filed).text  # a reviewer
    assert WISH in sit(hired(demo, "officer", Role.DPO)).go(filed).text
    assert WISH not in sit(hired(demo, "other", Role.AGENT)).go(filed).text


def _opening(application: Application, member: Member, person: Subject) -> UUID:
    asked = openings.Asked(member, person.id, "request")
    with application.database.transaction() as connection:
        opened = opening_checks.by_document(
            connection, application.subjects, asked, document="passport", digits="4321", now=clock.now()
        )
    assert isinstance(opened, opening_checks.Opened)
    return opened.opening.id
