"""Deciding for a child or by a power of attorney: for whom is always said, and a mandate that is over opens nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from uuid import uuid4

import pytest
from portal_visitor import Clock, Visitor, newcomer, represent

from placet.bootstrap import Application, line_event
from placet.consents.model import Record
from placet.consents.store import records
from placet.kernel import clock
from placet.subjects.model import Alias, Subject

Visit = Callable[..., Visitor]


@pytest.fixture
def leo(demo: Application) -> Subject:
    return newcomer(demo, name="Leo", birth_date=date(clock.now().year - 11, 5, 1))


def recorded(demo: Application, person: Subject) -> list[Record]:
    with demo.database.transaction() as connection:
        return records(connection, person.id)


def decide_for(guest: Visitor, mandate: object) -> None:
    guest.go("/people")
    guest.send(f"/people/{mandate}/decide")


def test_a_parent_decides_for_a_child_and_every_page_says_for_whom(
    guest: Visitor, demo: Application, anna: Subject, leo: Subject
) -> None:
    mandate = represent(demo, anna, leo)
    decide_for(guest, mandate.id)
    assert guest.path == "/"
    assert "You decide for Leo." in guest.words
    guest.answer("usage", "given")
    for address in ("/", "/uses", "/history", "/choices/offers"):
        guest.go(address)
        assert "You decide for Leo." in guest.words, address
    (record,) = recorded(demo, leo)
    assert (record.decision.value, record.actor.kind, record.actor.id, record.mandate) == (
        "given",
        "representative",
        str(anna.id),
        mandate.id,
    )
    assert recorded(demo, anna) == []
    guest.send("/people/oneself")
    assert "You decide for" not in guest.words
    assert guest.go(f"/history/{record.id}").status_code == 404


def test_a_mandate_opens_its_purposes_and_nothing_else_of_the_person(
    guest: Visitor, demo: Application, anna: Subject, leo: Subject
) -> None:
    decide_for(guest, represent(demo, anna, leo, purposes=["usage"]).id)
    guest.go("/")
    assert re.findall(r'<li class="card[^"]*" id="([^"]+)"', guest.text) == ["usage"]
    assert guest.go("/choices/offers").status_code == 404
    assert guest.go("/uses/offers").status_code == 404
    for address in ("/data", "/data/export", "/data/correct", "/requests", "/people", "/lines", "/data/openings"):
        assert guest.go(address).status_code == 403, address
        assert "This page is about you" in guest.words


def test_a_mandate_that_ended_a_second_ago_is_refused_with_a_page_that_says_so(
    guest: Visitor, demo: Application, anna: Subject, leo: Subject, time: Clock
) -> None:
    until = clock.now() + timedelta(minutes=10)
    mandate = represent(demo, anna, leo, kind="power-of-attorney", until=until)
    decide_for(guest, mandate.id)
    time.ahead = timedelta(minutes=10, seconds=1)
    guest.answer("usage", "given")
    assert guest.page.status_code == 403
    assert "This mandate holds no longer" in guest.words
    assert recorded(demo, leo) == recorded(demo, anna) == []
    guest.go("/")
    assert "You decide for" not in guest.words
    guest.go("/people")
    assert guest.forms(f"/people/{mandate.id}/decide") == []


def test_a_child_that_comes_of_age_is_nobody_s_to_decide_for(
    guest: Visitor, demo: Application, anna: Subject, time: Clock
) -> None:
    # Two days: the day in Rīga may be the next one already.
    soon = (clock.now() + timedelta(days=2)).date()
    grown = newcomer(demo, name="Lea", birth_date=soon.replace(year=soon.year - 18))
    mandate = represent(demo, anna, grown)
    decide_for(guest, mandate.id)
    assert "You decide for Lea." in guest.words
    time.ahead = timedelta(days=3)
    guest.sign_in("+371 20 000 001")
    guest.go("/people")
    assert "Ended on" in guest.words
    assert guest.forms(f"/people/{mandate.id}/decide") == []


def test_a_form_opened_for_one_person_is_not_recorded_for_another(
    guest: Visitor, demo: Application, anna: Subject, leo: Subject
) -> None:
    mandate = represent(demo, anna, leo)
    guest.go("/")
    own = guest.form("/choices/usage").fields
    decide_for(guest, mandate.id)
    sent = guest.client.post("/choices/usage", data=own | {"answer": "given"})
    assert sent.status_code == 400
    assert "opened for another person" in sent.text
    assert recorded(demo, leo) == recorded(demo, anna) == []


def test_a_power_of_attorney_is_ended_by_either_side_and_a_parent_s_mandate_by_none(
    guest: Visitor, demo: Application, anna: Subject, leo: Subject
) -> None:
    helper = newcomer(demo, "+37120000002", name="Bert")
    over_me = represent(demo, helper, anna, kind="power-of-attorney")
    parent = represent(demo, anna, leo)
    guest.go("/people")
    assert "Bert" in guest.words
    guest.go(f"/people/{over_me.id}/end")
    assert "From this moment on Bert may not decide for you any more." in guest.words
    guest.send(f"/people/{over_me.id}/end")
    assert "Ended on" in guest.words
    assert guest.go(f"/people/{parent.id}/end").status_code == 404
    # Pressed twice, it has ended once.
    guest.go("/people")
    assert guest.client.post(f"/people/{over_me.id}/end", data=guest.form("/sign-out").fields).status_code == 200


def test_mandates_of_others_do_not_exist(
    guest: Visitor, visit: Visit, demo: Application, anna: Subject, leo: Subject
) -> None:
    mandate = represent(demo, anna, leo, kind="guardian")
    newcomer(demo, "+37120000002")
    stranger = visit()
    stranger.sign_in("20000002")
    token = stranger.go("/people") and stranger.form("/sign-out").fields
    for id in (mandate.id, uuid4(), "not-an-id"):
        assert stranger.client.post(f"/people/{id}/decide", data=token).status_code == 404
        assert stranger.client.post(f"/people/{id}/end", data=token).status_code == 404
        assert stranger.go(f"/people/{id}/end").status_code == 404
    stranger.client.cookies.set("placet_for", str(mandate.id))
    assert stranger.go("/").status_code == 403
    assert "This mandate holds no longer" in stranger.words


def test_lines_and_what_an_event_paused_are_shown_and_lead_to_the_question(
    guest: Visitor, demo: Application, anna: Subject
) -> None:
    number, now = Alias.msisdn("+37120000001"), clock.now()
    with demo.database.transaction() as connection:
        demo.subjects.add_line(connection, number, since=now)
        demo.subjects.add_role(connection, number, anna.id, "holder", since=now)
    guest.go("/")
    guest.answer("usage", "given")
    with demo.database.transaction() as connection:
        later = clock.now()
        line_event(demo, connection, number, "sim-swap", occurred_at=later, now=later)
    guest.sign_in("+371 20 000 001")  # a SIM swap ends every session
    guest.go("/lines")
    assert "+37120000001" in guest.words
    assert "Paused until you confirm it" in guest.words
    (address,) = re.findall(r'<a href="(/choices/usage)"', guest.text)
    guest.go(address)
    guest.answer("usage", "given")
    guest.go("/lines")
    assert "Paused until you confirm it" not in guest.words
