"""The app's inbox in the portal and over REST, a letter's address in a browser, and an agent with a call in hand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, time, timedelta

import attrs
import pytest
from starlette.testclient import TestClient

from desk.desk_people import AtDesk
from placet.access import keys
from placet.access.codes import Codes, sender_for
from placet.access.staff import Role
from placet.bootstrap import Application
from placet.delivery.model import Kind
from placet.delivery.policy import standard
from placet.delivery.rules import Calendar
from placet.gate.replica import Replica
from placet.interfaces.desk.app import desk
from placet.interfaces.http import Server
from placet.interfaces.portal.app import portal
from placet.kernel import clock
from placet.subjects.model import Alias, Subject
from portal.portal_visitor import Visitor
from staff.staff_people import hired, seated
from surveys.conftest import Office
from surveys.survey_forms import HAPPY, MORE, USED
from surveys.test_survey_channels import APP, CALL, POST, asked_by, printed, put, reachable

HERE = "http://127.0.0.1:8000"


@pytest.fixture
def now() -> datetime:
    """Sessions of members and customers are judged by the clock of the machine."""
    return clock.now()


@pytest.fixture
def placet(placet: Application) -> Application:
    """Every hour is one for surveys."""
    always = (time(0), time.max)
    policy = attrs.evolve(standard(), calendars=dict.fromkeys(Kind, Calendar((always,) * 7, always)))
    return attrs.evolve(placet, delivery=attrs.evolve(placet.delivery, policy=policy))


@pytest.fixture
def anna(office: Office) -> Subject:
    person = office.house.person("anna")
    with office.house.placet.database.transaction() as connection:
        office.house.placet.subjects.add_contact(
            connection, person.id, Alias.msisdn("+37120000001"), now=office.now - timedelta(days=1)
        )
    return person


@pytest.fixture
def visitor(placet: Application, now: datetime) -> Iterator[Visitor]:
    """Somebody before the portal in demo mode, where codes can be read from the page."""
    config = attrs.evolve(placet.config, mode="demo")
    codes = Codes(placet.database, placet.subjects, placet.master, sender_for(config))
    demo = attrs.evolve(placet, config=config, codes=codes)
    with TestClient(portal(demo, now=lambda: now), base_url=HERE, headers={"accept-language": "en"}) as client:
        yield Visitor(client)


@pytest.fixture
def ilze(placet: Application, now: datetime) -> Iterator[AtDesk]:
    """An agent at the desk."""
    site = desk(placet, Replica.of(placet.database, placet.config), now=lambda: now)
    with TestClient(site, base_url=HERE, headers={"accept-language": "en"}) as client:
        member = hired(placet, "ilze", Role.AGENT, shop="Rīga")
        seated(placet, client, member)
        yield AtDesk(client, member)


def at_inbox(visitor: Visitor) -> str:
    visitor.sign_in("+371 20 000 001")
    visitor.go("/messages/inbox")
    (questions,) = re.findall(r'action="(/messages/inbox/[^"]+/questions)"', visitor.text)
    return str(questions)


def test_a_text_in_the_app_opens_the_questions_of_an_anonymous_survey_once(
    office: Office, anna: Subject, visitor: Visitor
) -> None:
    reachable(office, anna, APP)
    survey = asked_by(office, APP, anonymous=True)
    put(office)
    questions = at_inbox(visitor)
    assert "The questions open once" in visitor.text
    assert "/s/" not in visitor.text
    visitor.send(questions)
    link = visitor.path
    assert link.startswith("/s/")
    assert "Your answers are anonymous" in visitor.text
    visitor.go(f"{link}/questions/{USED}")
    visitor.send(f"{link}/questions/{USED}", answer="a", step="next")
    assert office.sheet(link.removeprefix("/s/")).answers.chosen == {USED: ("a",)}
    visitor.go("/messages/inbox")
    assert "You have opened the questions" in visitor.text
    assert link not in visitor.text
    # Pressed again in a window that was open before.
    visitor.page = visitor.client.post(questions, data=visitor.form(questions.removesuffix("/questions")).fields)
    assert visitor.page.status_code == 409
    assert "We keep it nowhere" in visitor.text
    office.close(survey)
    visitor.go("/messages/inbox")
    assert "This survey has ended" in visitor.text


def test_the_operators_app_gets_the_link_over_rest(office: Office, anna: Subject, placet: Application) -> None:
    reachable(office, anna, APP)
    asked_by(office, APP, anonymous=True)
    put(office)
    with placet.database.transaction() as connection:
        key = keys.add(connection, "app", ["subjects:read", "subjects:write"], now=clock.now()).text
    with TestClient(Server(placet), headers={"authorization": f"Bearer {key}"}) as client:
        (item,) = client.get(f"/v1/subjects/{anna.id}/inbox").json()["items"]
        path = f"/v1/subjects/{anna.id}/inbox/{item['message']}/survey"
        assert item["survey"] == {"path": path, "once": True, "taken": False, "over": False}
        url = client.post(path).json()["url"]
        again = client.post(path)
        (item,) = client.get(f"/v1/subjects/{anna.id}/inbox").json()["items"]
        nobody = client.post(path.replace(item["message"], str(anna.id)))
        assert office.send(url.rpartition("/s/")[2]).is_sent
    assert (again.status_code, again.json()["code"]) == (409, "survey-taken")
    assert item["survey"] == {"path": None, "once": True, "taken": True, "over": False}
    assert (nobody.status_code, nobody.json()["code"]) == (404, "unknown-message")


def test_the_address_of_a_letter_leads_to_its_survey_in_its_language(
    office: Office, anna: Subject, visitor: Visitor
) -> None:
    reachable(office, anna, POST)
    asked_by(office, POST, anonymous=True)
    page = printed(office)
    assert page.link is not None
    visitor.go(page.link.removeprefix(HERE))
    assert visitor.path.startswith("/s/")
    assert "How was your summer? (lv)" in visitor.text
    wrong = visitor.go("/q/aaaa-bbbb-cccc-dddd")
    assert wrong.status_code == 404
    assert visitor.go("/q/short").status_code == 404


def taken_up(ilze: AtDesk) -> str:
    """The only call of the list, in hand; its address."""
    ilze.go("/desk/calls")
    (call,) = re.findall(r'action="(/desk/calls/[^"]+)"', ilze.text)
    ilze.send(call)
    return str(call)


def test_an_agent_asks_reads_back_and_sends(office: Office, anna: Subject, ilze: AtDesk) -> None:
    reachable(office, anna, CALL)
    survey = asked_by(office, CALL)
    call = taken_up(ilze)
    assert "The customer agrees: ask them" in ilze.words
    ilze.go(f"{call}/questions")
    assert ilze.path == f"{call}/questions/{USED}"
    assert "Did you use data abroad? (lv)" in ilze.words
    ilze.send(f"{call}/questions/{USED}", answer="a", step="next")
    ilze.send(f"{call}/questions/{HAPPY}", answer="9", step="next")
    assert ilze.status == 400
    ilze.send(f"{call}/questions/{HAPPY}", answer="4", step="next")
    ilze.send(f"{call}/questions/{MORE}", text="Vairāk vilcienu", step="next")
    assert ilze.path == f"{call}/answers"
    assert "Vairāk vilcienu" in ilze.words
    ilze.send(f"{call}/answers")
    assert "The answers have been sent." in ilze.words
    ilze.go(f"{call}/questions")
    assert ilze.path == call
    ilze.send(f"{call}/outcome", outcome="reached-interested")
    assert ilze.go(f"{call}/questions").status_code == 404
    sheet = office.sheet(office.link(survey, anna))
    assert (sheet.is_sent, sheet.answers.written) == (True, {MORE: "Vairāk vilcienu"})


def test_who_tells_the_agent_so_is_asked_no_more(office: Office, anna: Subject, ilze: AtDesk) -> None:
    reachable(office, anna, CALL)
    asked_by(office, CALL)
    call = taken_up(ilze)
    ilze.send(f"{call}/asking")
    assert "no survey asks this customer any more" in ilze.words
    assert "ask them" not in ilze.words
    later = attrs.evolve(office, now=office.now + timedelta(days=70))
    asked_by(later, CALL)
    with office.house.placet.database.transaction() as connection:
        reasons = connection.execute(
            "SELECT reason FROM delivery.message WHERE kind = 'survey' AND state = 'refused'"
        ).fetchall()
    assert reasons == [("muted",)]
