"""Decisions by the route used: a yes has two halves, a no has one, and what was read out is what is hashed."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from itertools import product

import pytest

from consents.test_assisted import png
from desk.desk_people import AtDesk
from placet.access import openings
from placet.access.staff import Member, Role
from placet.bootstrap import Application
from placet.catalogue.render import render
from placet.consents import actions, agents, store
from placet.interfaces.desk.reading import LIVE_ROUTES
from placet.kernel import clock
from placet.kernel.ids import PurposeId
from placet.subjects.model import Alias, Subject
from portal.portal_visitor import Clock
from staff.staff_people import hired

Sit = Callable[..., AtDesk]
OFFERS = PurposeId("offers")


def states(application: Application, person: Subject) -> dict[str, str]:
    with application.database.transaction() as connection:
        found = store.standing_of(connection, person.number).get(OFFERS, {})
    return {channel or "-": state.decision.value for channel, state in found.items()}


def script(desk: AtDesk, person: Subject, route: str, language: str = "lv") -> str:
    """The page with the text to read out; its address is where the answer goes."""
    address = f"/desk/records/{person.id}/choices/offers"
    desk.go(f"{address}?route={route}&script={language}")
    return address


def given_by_phone(desk: AtDesk, person: Subject, **more: str) -> str:
    """A first half by phone; its id."""
    desk.send(script(desk, person, "phone"), answer="given", reference="REC-77", **more)
    assert "/halves/" in desk.path
    return desk.path.rpartition("/")[2]


def test_text_on_the_page_is_the_text_that_is_hashed(demo: Application, sit: Sit, ilze: Member, anna: Subject) -> None:
    desk = sit(ilze)
    desk.open(anna)
    for route, language in product(LIVE_ROUTES, ("lv", "ru", "en")):
        script(desk, anna, route, language)
        with demo.database.transaction() as connection:
            rendered = render(demo.catalogue(connection), purpose=OFFERS, language=language, route=route)
        assert rendered.html in desk.text
        assert rendered.sha256.hex() in desk.text
        assert "checked" not in desk.text.partition('class="stack asked')[2]


def test_yes_by_phone_counts_when_a_colleague_has_heard_it(
    demo: Application, sit: Sit, ilze: Member, peteris: Member, anna: Subject
) -> None:
    desk, colleague = sit(ilze), sit(peteris)
    desk.open(anna)
    half = given_by_phone(desk, anna, channel_sms="yes", channel_call="no")
    assert states(demo, anna) == {"call": "refused"}
    desk.go("/desk/confirm")
    assert "yours: a colleague must" in desk.words
    desk.go(f"/desk/confirm/{half}")
    desk.post(f"/desk/confirm/{half}", answer="holds")
    assert (desk.status, states(demo, anna)) == (403, {"call": "refused"})
    colleague.go(f"/desk/confirm/{half}")
    assert "REC-77" in colleague.words
    assert "Bērziņa" not in colleague.words
    colleague.send(f"/desk/confirm/{half}", answer="holds")
    assert "Confirmed and recorded" in colleague.words
    assert states(demo, anna) == {"-": "given", "sms": "given", "call": "refused"}
    with demo.database.transaction() as connection:
        newest = actions.history(connection, anna.id)[0]
    assert (newest.route, newest.actor.id, newest.language) == ("phone", str(ilze.id), "lv")


def test_colleague_who_does_not_hear_a_yes_rejects_it(
    demo: Application, sit: Sit, ilze: Member, peteris: Member, anna: Subject
) -> None:
    desk, colleague = sit(ilze), sit(peteris)
    desk.open(anna)
    half = given_by_phone(desk, anna)
    colleague.go(f"/desk/confirm/{half}")
    colleague.send(f"/desk/confirm/{half}", answer="rejected", why="")
    assert colleague.status == 400
    colleague.send(f"/desk/confirm/{half}", answer="rejected", why="not-heard")
    assert "Rejected; nothing was recorded" in colleague.words
    colleague.post(f"/desk/confirm/{half}", answer="holds")
    assert colleague.status == 400
    assert states(demo, anna) == {}


def test_customer_does_not_confirm_their_own_recording(
    demo: Application, sit: Sit, ilze: Member, peteris: Member, anna: Subject
) -> None:
    desk = sit(ilze)
    desk.open(anna)
    half = given_by_phone(desk, anna)
    with demo.database.transaction() as connection:
        openings.tie(connection, peteris.id, anna.id)
    colleague = sit(peteris)
    colleague.post(f"/desk/confirm/{half}", answer="holds")
    assert (colleague.status, states(demo, anna)) == (403, {})


def test_yes_at_the_desk_counts_with_the_customer_s_code(
    demo: Application, sit: Sit, ilze: Member, anna: Subject, time: Clock
) -> None:
    desk = sit(ilze)
    desk.open(anna)
    desk.send(script(desk, anna, "desk"), answer="given")
    half = desk.path
    assert states(demo, anna) == {}
    desk.send(f"{half}/code", contact="0")
    code = desk.code
    desk.send(half, code="123456" if code != "123456" else "654321")
    assert (desk.status, states(demo, anna)) == (400, {})
    time.ahead = timedelta(minutes=5)
    desk.send(half, code=code)
    assert (desk.status, states(demo, anna)) == (400, {})
    desk.send(f"{half}/code", contact="0")
    desk.send(half, code=desk.code)
    assert "/done" in desk.path
    assert states(demo, anna) == {"-": "given"}
    with demo.database.transaction() as connection:
        (record,) = actions.history(connection, anna.id)
    assert (record.route, record.actor.kind) == ("desk", "agent")


def test_signature_completes_a_yes_and_a_bomb_does_not(
    demo: Application, sit: Sit, ilze: Member, anna: Subject
) -> None:
    desk = sit(ilze)
    desk.open(anna)
    desk.send(script(desk, anna, "desk"), answer="given")
    half = desk.path
    for bad in (png(60_000, 60_000), b"GIF89a", b"", png()[:-2]):
        desk.upload(f"{half}/signature", bad)
        assert desk.status == 400
    assert desk.upload(f"{half}/signature", b"\x89PNG" + bytes(400_000)).status_code == 413
    desk.go(half)
    assert desk.upload(f"{half}/signature", png(), name="other").status_code == 400
    assert states(demo, anna) == {}
    desk.upload(f"{half}/signature", png())
    assert "/done" in desk.path
    assert states(demo, anna) == {"-": "given"}


def test_letter_needs_its_scan_and_its_day_and_counts_from_that_day(
    demo: Application, sit: Sit, ilze: Member, peteris: Member, anna: Subject
) -> None:
    desk, colleague = sit(ilze), sit(peteris)
    desk.open(anna)
    address = script(desk, anna, "post")
    (shown,) = re.findall(r'<option value="([0-9a-f]{64})"', desk.text)
    yesterday = (clock.now() - timedelta(days=1)).date().isoformat()
    good = {"answer": "given", "shown": shown, "reference": "SCAN-1", "written": yesterday}
    for wrong in ({"reference": " "}, {"written": ""}, {"written": "2999-01-01"}, {"written": "12.03.2026"}):
        desk.send(address, **(good | wrong))
        assert desk.status == 400, wrong
        assert states(demo, anna) == {}
    desk.send(address, **good)
    half = desk.path.rpartition("/")[2]
    colleague.go(f"/desk/confirm/{half}")
    colleague.send(f"/desk/confirm/{half}", answer="holds")
    with demo.database.transaction() as connection:
        (record,) = actions.history(connection, anna.id)
    assert record.route == "post"
    assert record.occurred_at < record.recorded_at - timedelta(hours=1)


def test_old_letter_never_overrides_a_newer_no(
    demo: Application, sit: Sit, ilze: Member, peteris: Member, anna: Subject
) -> None:
    desk, colleague = sit(ilze), sit(peteris)
    desk.open(anna)
    desk.send(script(desk, anna, "desk"), answer="refused")
    address = script(desk, anna, "post")
    (shown,) = re.findall(r'<option value="([0-9a-f]{64})"', desk.text)
    yesterday = (clock.now() - timedelta(days=1)).date().isoformat()
    desk.send(address, answer="given", shown=shown, reference="SCAN-1", written=yesterday)
    half = desk.path.rpartition("/")[2]
    colleague.go(f"/desk/confirm/{half}")
    colleague.send(f"/desk/confirm/{half}", answer="holds")
    assert states(demo, anna) == {"-": "refused"}


@pytest.mark.parametrize(("answer", "state"), [("refused", "refused"), ("objected", "objected")])
@pytest.mark.parametrize("route", ["desk", "phone", "post"])
def test_no_acts_at_once_by_every_route(
    demo: Application, sit: Sit, ilze: Member, anna: Subject, answer: str, state: str, route: str
) -> None:
    desk = sit(ilze)
    desk.open(anna)
    desk.go(f"/desk/records/{anna.id}?route={route}")
    desk.send(f"/desk/records/{anna.id}/choices/offers", answer=answer)
    assert "/done" in desk.path
    assert states(demo, anna) == {"-": state}
    with demo.database.transaction() as connection:
        (record,) = actions.history(connection, anna.id)
    assert record.route == route


def test_withdrawal_is_one_press_and_voids_what_waits(
    demo: Application, sit: Sit, ilze: Member, peteris: Member, anna: Subject
) -> None:
    desk, colleague = sit(ilze), sit(peteris)
    desk.open(anna)
    first = given_by_phone(desk, anna)
    colleague.go(f"/desk/confirm/{first}")
    colleague.send(f"/desk/confirm/{first}", answer="holds")
    waiting = given_by_phone(desk, anna, channel_sms="yes")
    desk.go(f"/desk/records/{anna.id}")
    desk.send(f"/desk/records/{anna.id}/choices/offers", answer="withdrawn")
    assert "Withdrawn" in desk.words
    assert states(demo, anna) == {"-": "withdrawn"}
    colleague.go(f"/desk/confirm/{waiting}")
    assert colleague.visitor.forms(f"/desk/confirm/{waiting}") == []
    colleague.post(f"/desk/confirm/{waiting}", answer="holds")
    assert states(demo, anna) == {"-": "withdrawn"}


def test_answers_are_counted_for_the_member_and_shop(demo: Application, sit: Sit, ilze: Member, anna: Subject) -> None:
    desk = sit(ilze)
    desk.open(anna)
    given_by_phone(desk, anna)
    desk.send(script(desk, anna, "desk"), answer="later")
    assert desk.path == f"/desk/records/{anna.id}"
    desk.send(script(desk, anna, "desk"), answer="refused")
    with demo.database.transaction() as connection:
        now = clock.now() + timedelta(seconds=1)
        (member,) = agents.members(connection, since=now - timedelta(hours=1), until=now)
        (shop,) = agents.shops(connection, since=now - timedelta(hours=1), until=now)
    assert (member.count.asked, member.count.given, shop.count.who) == (3, 1, "Rīga")


def test_representative_decides_by_mandate_but_never_over_the_person_s_own_no(
    demo: Application, sit: Sit, ilze: Member, peteris: Member, anna: Subject
) -> None:
    with demo.database.transaction() as connection:
        mother = demo.subjects.add(connection, aliases=[], name="Māra", language="lv", now=clock.now())
        demo.subjects.add_mandate(
            connection, representative=mother.id, subject=anna.id, kind="power-of-attorney",
            purposes=[OFFERS], proof="notary", since=clock.now() - timedelta(days=1),
        )  # fmt: skip
    desk, colleague = sit(ilze), sit(peteris)
    opening = f"/desk/records/{anna.id}/open"
    desk.go(opening)
    (mandate,) = re.findall(r'name="mandate" value="([0-9a-f-]+)"', desk.text)
    desk.send(opening, reason="decision", proof="mandate", mandate=mandate, their_document="id-card")
    assert "Represented by M." in desk.words
    half = given_by_phone(desk, anna)
    colleague.go(f"/desk/confirm/{half}")
    colleague.send(f"/desk/confirm/{half}", answer="holds")
    with demo.database.transaction() as connection:
        (record,) = actions.history(connection, anna.id)
    assert (record.actor.kind, record.actor.id, str(record.mandate)) == ("representative", str(mother.id), mandate)
    colleague.open(anna)
    colleague.send(f"/desk/records/{anna.id}/choices/offers", answer="withdrawn")
    desk.send(script(desk, anna, "phone"), answer="given", reference="REC-2")
    assert desk.status == 400
    assert "said no in person" in desk.words


@pytest.mark.parametrize(
    "fields",
    [
        {"answer": "maybe"},
        {"answer": ""},
        {"answer": "given", "shown": "xyz"},
        {"answer": "given", "shown": "00" * 31},
        {"answer": "given", "channel_sms": "perhaps"},
        {"answer": "withdrawn", "channel": "pigeon"},
        {"answer": "given", "route": "phone", "reference": "x" * 10_000},
    ],
)
def test_words_that_are_not_on_the_page_record_nothing(
    demo: Application, sit: Sit, ilze: Member, anna: Subject, fields: dict[str, str]
) -> None:
    desk = sit(ilze)
    desk.open(anna)
    desk.send(script(desk, anna, "desk"), **fields)
    assert desk.status == 400
    assert states(demo, anna) == {}


def test_text_of_another_purpose_is_no_text_for_this_one(
    demo: Application, sit: Sit, ilze: Member, anna: Subject
) -> None:
    desk = sit(ilze)
    desk.open(anna)
    desk.go(f"/desk/records/{anna.id}/choices/usage?route=desk&script=lv")
    (shown,) = re.findall(r'name="shown" value="([0-9a-f]{64})"', desk.text)
    desk.send(script(desk, anna, "desk"), answer="given", shown=shown)
    assert desk.status == 400
    assert "was not shown before the answer" in desk.words


def test_half_of_another_customer_does_not_exist_here(demo: Application, sit: Sit, ilze: Member, anna: Subject) -> None:
    with demo.database.transaction() as connection:
        other = demo.subjects.add(connection, aliases=[Alias.msisdn("20000002")], language="lv", now=clock.now())
    desk = sit(ilze)
    desk.open(other, digits="")
    desk.send(script(desk, other, "desk"), answer="given")
    half = desk.path.rpartition("/")[2]
    desk.open(anna)
    for address in (f"/halves/{half}", "/halves/x"):
        assert desk.go(f"/desk/records/{anna.id}{address}").status_code == 404
    desk.go(f"/desk/records/{anna.id}")
    assert desk.post(f"/desk/records/{anna.id}/halves/{half}", code="123456").status_code == 404
    assert desk.go(f"/desk/confirm/{half}").status_code == 404


def test_reviewer_alone_confirms_and_other_roles_do_not(
    demo: Application, sit: Sit, ilze: Member, anna: Subject
) -> None:
    desk = sit(ilze)
    desk.open(anna)
    half = given_by_phone(desk, anna)
    assert sit(hired(demo, "officer", Role.DPO)).go(f"/desk/confirm/{half}").status_code == 403
    reviewer = sit(hired(demo, "reviewer", Role.REVIEWER))
    reviewer.go(f"/desk/confirm/{half}")
    reviewer.send(f"/desk/confirm/{half}", answer="holds")
    assert states(demo, anna) == {"-": "given"}
