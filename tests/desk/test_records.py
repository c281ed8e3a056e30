"""Finding and opening: little is shown before, nothing without an opening, and nothing a second too late."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from desk.desk_people import AtDesk
from placet.access import openings, reads
from placet.access.staff import Member, Role
from placet.bootstrap import Application
from placet.consents import store
from placet.subjects.model import Alias, Subject
from portal.portal_visitor import Clock
from staff.staff_people import hired

Sit = Callable[..., AtDesk]
BEHIND = ("", "/history", "/choices/offers", "/requests/new", "/done")
"""Pages of a record."""


@pytest.mark.parametrize("text", ["20000001", "anna@EXAMPLE.lv", "320101-54321", "bērziņa anna"])
def test_search_shows_initials_and_masked_contacts_and_the_query_is_in_no_address(
    sit: Sit, ilze: Member, anna: Subject, text: str
) -> None:
    desk = sit(ilze)
    desk.send("/desk/find", text=text)
    assert desk.path == "/desk/find"
    assert str(desk.visitor.page.url).endswith("/desk/find")
    assert "A. B." in desk.words
    assert "+371 ··· ·· 001" in desk.words
    for secret in ("Bērziņa", "20000001", "anna@example.lv", "54321"):
        assert secret not in desk.words


@pytest.mark.parametrize(
    "text", ["", "x" * 10_000, "—", "12", "161175-19998", "'; DROP TABLE", "Ķ" * 199, "王小明", "\u202e"]
)
def test_anything_may_be_typed_into_the_search(sit: Sit, ilze: Member, anna: Subject, text: str) -> None:
    desk = sit(ilze)
    desk.send("/desk/find", text=text)
    assert desk.status in {200, 400}
    assert "A. B." not in desk.words


@pytest.mark.parametrize("behind", BEHIND)
def test_page_of_a_record_leads_to_the_check_until_it_is_open(
    sit: Sit, ilze: Member, anna: Subject, behind: str
) -> None:
    desk = sit(ilze)
    desk.go(f"/desk/records/{anna.id}{behind}")
    assert desk.path == f"/desk/records/{anna.id}/open"
    assert "Bērziņa" not in desk.words


def test_record_opens_for_twenty_minutes_and_the_customer_sees_it(
    demo: Application, sit: Sit, ilze: Member, anna: Subject, time: Clock
) -> None:
    desk = sit(ilze)
    desk.open(anna)
    assert desk.path == f"/desk/records/{anna.id}"
    assert "Anna Bērziņa" in desk.words
    assert "20 min left" in desk.words
    with demo.database.transaction() as connection:
        (opening,) = openings.of_subject(connection, anna.id)
        (read,) = reads.of_subject(connection, anna.id)
    assert (opening.proof, opening.detail, opening.compared, opening.shop) == ("document", "passport", True, "Rīga")
    assert (read.what, read.reason, read.shop) == ("record", "decision", "Rīga")
    time.ahead = timedelta(minutes=12)  # a session that nobody uses for fifteen minutes is over too
    desk.go(f"/desk/records/{anna.id}")
    assert "8 min left" in desk.words
    time.ahead = timedelta(minutes=20, seconds=1)
    desk.go(f"/desk/records/{anna.id}")
    assert desk.path == f"/desk/records/{anna.id}/open"


def test_what_is_sent_a_second_after_the_end_is_not_recorded(
    demo: Application, sit: Sit, ilze: Member, anna: Subject, time: Clock
) -> None:
    desk = sit(ilze)
    desk.open(anna)
    time.ahead = timedelta(minutes=12)
    desk.go(f"/desk/records/{anna.id}")
    time.ahead = timedelta(minutes=20, seconds=1)
    desk.send(f"/desk/records/{anna.id}/choices/offers", answer="refused")
    assert desk.status == 403
    assert "This record is closed" in desk.words
    with demo.database.transaction() as connection:
        assert store.standing_of(connection, anna.number) == {}


def test_record_opens_by_a_code_to_a_known_contact(sit: Sit, ilze: Member, anna: Subject) -> None:
    desk = sit(ilze)
    opening = f"/desk/records/{anna.id}/open"
    desk.go(opening)
    desk.send(opening, reason="question", proof="code", contact="0")
    assert desk.path == f"{opening}/code"
    code = desk.code
    desk.send(f"{opening}/code", code="000000" if code != "000000" else "111111")
    assert desk.status == 400
    desk.send(f"{opening}/code", code=f"{code[:3]} {code[3:]}")
    assert desk.path == f"/desk/records/{anna.id}"
    desk.go(f"{opening}/code")
    assert desk.path == opening


@pytest.mark.parametrize(
    "fields",
    [
        {"proof": "document", "document": "passport", "digits": "4321"},
        {"reason": "other", "proof": "document", "document": "passport", "digits": "4321"},
        {"reason": "other", "words": "x" * 10_000, "proof": "document", "document": "passport", "digits": "4321"},
        {"reason": "question", "proof": "document", "document": "", "digits": "4321"},
        {"reason": "question", "proof": "document", "document": "passport", "digits": "0000"},
        {"reason": "question", "proof": "document", "document": "passport", "digits": "9" * 10_000},
        {"reason": "question", "proof": "code", "contact": "7"},
        {"reason": "question", "proof": "code", "contact": "9" * 5_000},
        {"reason": "question", "proof": "code", "contact": "٧"},
        {"reason": "question", "proof": "mandate", "mandate": "x", "their_document": "passport"},
        {"reason": "question"},
    ],
)
def test_incomplete_check_opens_nothing_and_says_what_is_missing(
    sit: Sit, ilze: Member, anna: Subject, fields: dict[str, str]
) -> None:
    desk = sit(ilze)
    desk.go(f"/desk/records/{anna.id}/open")
    desk.send(f"/desk/records/{anna.id}/open", **fields)
    assert desk.status == 400
    assert 'role="alert"' in desk.text
    desk.go(f"/desk/records/{anna.id}")
    assert desk.path.endswith("/open")


def test_own_record_is_refused_and_a_colleagues_is_flagged(
    sit: Sit, ilze: Member, peteris: Member, anna: Subject
) -> None:
    desk = sit(ilze)
    desk.send("/desk/own", contact="+371 20 000 001")
    desk.go(f"/desk/records/{anna.id}/open")
    assert desk.status == 403
    assert "own-record" in desk.words
    desk.go("/desk")
    assert desk.visitor.forms("/desk/own") == []
    colleague = sit(peteris)
    colleague.open(anna)
    assert "A colleague's record." in colleague.words
    colleague.go("/desk/agents")
    assert "Peteris" in colleague.words


def test_two_agents_on_one_record_each_see_the_other(sit: Sit, ilze: Member, peteris: Member, anna: Subject) -> None:
    mine, theirs = sit(ilze), sit(peteris)
    mine.open(anna)
    assert "has this record open too" not in mine.words
    theirs.open(anna)
    mine.go(f"/desk/records/{anna.id}")
    assert "Peteris has this record open too" in mine.words
    assert "Ilze has this record open too" in theirs.words
    theirs.send(f"/desk/records/{anna.id}/close")
    mine.go(f"/desk/records/{anna.id}")
    assert "has this record open too" not in mine.words


def test_opening_of_one_member_opens_nothing_for_another(
    sit: Sit, ilze: Member, peteris: Member, anna: Subject
) -> None:
    sit(ilze).open(anna)
    other = sit(peteris)
    other.go(f"/desk/records/{anna.id}/history")
    assert other.path.endswith("/open")


def test_record_of_another_customer_is_not_reached_through_an_open_one(
    demo: Application, sit: Sit, ilze: Member, anna: Subject
) -> None:
    with demo.database.transaction() as connection:
        other = demo.subjects.add(connection, aliases=[Alias.msisdn("20000002")], language="lv", now=anna.created_at)
    desk = sit(ilze)
    desk.open(other, digits="")
    desk.send(f"/desk/records/{other.id}/choices/offers", answer="refused", route="desk")
    record = str(desk.visitor.page.url).partition("r=")[2]
    desk.open(anna)
    for address in (f"/history/{record}", f"/done?r={record}", "/history/x", "/done?r=x"):
        desk.go(f"/desk/records/{anna.id}{address}")
        assert desk.status == 404
    desk.go(f"/desk/records/{other.id}/history/{record}")
    assert desk.status == 200


@pytest.mark.parametrize("role", [Role.MARKETER, Role.ANALYST, Role.ADMIN, Role.DPO])
def test_other_roles_reach_no_record(demo: Application, sit: Sit, anna: Subject, role: Role) -> None:
    desk = sit(hired(demo, "other", role))
    for address in ("/desk", f"/desk/records/{anna.id}/open", f"/desk/records/{anna.id}", "/desk/confirm"):
        assert desk.go(address).status_code == 403
    assert desk.go("/desk/requests").status_code == (200 if role is Role.DPO else 403)
    assert desk.go("/desk/agents").status_code == (200 if role is Role.DPO else 403)


def test_agent_does_not_see_the_rates_of_colleagues(sit: Sit, ilze: Member) -> None:
    assert sit(ilze).go("/desk/agents").status_code == 403
