"""Each channel asks in its own way, and keeps no link; caps, hours and "do not ask me" hold on all of them."""

from __future__ import annotations

import io
import re
from datetime import date, timedelta

import attrs
import psycopg
import pytest
from pypdf import PdfReader

from delivery.delivery_house import Wire
from placet.delivery.calls import InHand
from placet.delivery.paper import Sheet, pdf
from placet.delivery.post import Page
from placet.duties import Person
from placet.kernel.errors import Conflict, NotFound
from placet.kernel.ids import ChannelId
from placet.purposes.offers.surveys import store
from placet.purposes.offers.surveys.handing import InApp, template
from placet.purposes.offers.surveys.model import Survey
from placet.subjects import postal
from placet.subjects.model import Alias, Subject
from surveys.conftest import MARTA, Office
from surveys.survey_forms import HAPPY, MORE, USED
from surveys.test_inviting import invite, rows
from surveys.test_survey_anonymity import contents

APP, POST, CALL = ChannelId("app"), ChannelId("post"), ChannelId("call")
RIGA = postal.address("Brīvības iela 100–12", "Rīga", "1010")


def reachable(office: Office, person: Subject, *channels: ChannelId) -> Subject:
    """*person* said yes to *channels*, with an address and a number for them."""
    with office.house.placet.database.transaction() as connection:
        for channel in channels:
            office.house.record(connection, person, "given", channel)
        if POST in channels:
            office.house.placet.subjects.move(connection, person.id, RIGA, now=office.now)
        if CALL in channels:
            number = Alias.msisdn(f"+3712610{person.number:04}")
            office.house.placet.subjects.add_contact(connection, person.id, number, now=office.now)
    return person


def asked_by(office: Office, channel: ChannelId, *, anonymous: bool = False) -> Survey:
    return invite(office, office.opened(channels=(channel,), anonymous=anonymous))


def put(office: Office) -> None:
    """The app's wire puts what is due into inboxes."""
    placet = office.house.placet
    with placet.database.transaction() as connection:
        started = placet.delivery.claim(connection, Wire(id=APP, needs_address=False), limit=9, now=office.now).started
        for message in started:
            note = placet.offers.note(APP, message.template, message.language)
            assert note is not None
            assert message.values == {}
            placet.inbox.put(connection, message.subject, message.id, note.fill({}), now=office.now)


def take(office: Office, survey: Survey, person: Subject) -> str:
    with office.house.placet.database.transaction() as connection:
        address = office.surveys.handing.take(connection, template(survey.id, APP), person.id, now=office.now)
    return address.rpartition("/")[2]


def in_app(office: Office, survey: Survey, person: Subject) -> InApp | None:
    with office.house.placet.database.transaction() as connection:
        return office.surveys.handing.in_app(connection, template(survey.id, APP), person.id, now=office.now)


def printed(office: Office) -> Page:
    with office.house.placet.database.transaction() as connection:
        (page,) = office.house.placet.letters.make(connection, by="cli", now=office.now).pages
    return page


def test_the_app_is_told_of_the_survey_and_gives_its_link_out_when_asked(office: Office, anna: Subject) -> None:
    reachable(office, anna, APP)
    survey = asked_by(office, APP)
    put(office)
    with office.house.placet.database.transaction() as connection:
        (item,) = office.house.placet.inbox.of_subject(connection, anna.id)
    assert item.title == "How was your summer? (lv)"
    assert "http" not in " ".join(item.paragraphs)
    assert in_app(office, survey, anna) == InApp(is_over=False, is_once=False, is_taken=False)
    first, second = take(office, survey, anna), take(office, survey, anna)
    office.answer(first, USED, "a")
    assert office.send(second).answers.chosen == {USED: ("a",)}
    with pytest.raises(Conflict):
        office.answer(first, USED, "b")


def test_the_app_gives_the_link_of_an_anonymous_survey_once_and_forgets_it(
    office: Office, anna: Subject, admin_connection: psycopg.Connection
) -> None:
    berta = office.house.person("berta")
    for person in (anna, berta):
        reachable(office, person, APP)
    survey = asked_by(office, APP, anonymous=True)
    put(office)
    before = contents(admin_connection)
    token = take(office, survey, anna)
    after = contents(admin_connection)
    assert {name for name, there in after.items() if there != before[name]} == {"offers.survey_taken"}
    assert token not in str(after)
    assert in_app(office, survey, anna) == InApp(is_over=False, is_once=True, is_taken=True)
    assert in_app(office, survey, berta) == InApp(is_over=False, is_once=True, is_taken=False)
    with pytest.raises(Conflict) as twice:
        take(office, survey, anna)
    assert twice.value.code == "survey-taken"
    office.send(token)
    # One set for thousands of people: no row of it is anybody's, and it has no order.
    take(office, survey, berta)
    sets = "SELECT count(*), bit_count(min(members)) FROM offers.survey_taken"
    assert admin_connection.execute(sets).fetchone() == (1, 2)
    with office.house.placet.database.transaction() as connection:
        store.forget(connection, berta.number)
    assert admin_connection.execute(sets).fetchone() == (1, 1)
    office.close(survey)
    assert admin_connection.execute("SELECT count(*) FROM offers.survey_taken").fetchone() == (0,)
    with pytest.raises(Conflict):
        take(office, survey, berta)


@pytest.mark.parametrize("anonymous", [False, True], ids=["named", "anonymous"])
def test_a_letter_bears_an_address_to_type_and_a_code_to_scan(
    office: Office, anna: Subject, admin_connection: psycopg.Connection, anonymous: bool
) -> None:
    reachable(office, anna, POST)
    survey = asked_by(office, POST, anonymous=anonymous)
    page = printed(office)
    (address,) = re.findall(r"127\.0\.0\.1:8000/q/[0-9a-z]{4}(?:-[0-9a-z]{4}){3}", page.text.paragraphs[-1])
    assert page.link == f"http://{address}?lang=lv"
    code = address.rpartition("/")[2]
    before = contents(admin_connection)
    assert code not in str(before)
    with office.house.placet.database.transaction() as connection:
        token = office.surveys.handing.typed(connection, code.upper().replace("-", " ").replace("0", "O"))
        controller = office.house.placet.catalogue(connection).controller
    assert contents(admin_connection) == before
    office.answer(token, USED, "a")
    assert office.send(token).survey.id == survey.id
    with pytest.raises(Conflict):
        office.send(token)
    text = PdfReader(io.BytesIO(pdf([page], Sheet(controller, date(2040, 6, 1), "m1")))).pages[0].extract_text()
    assert address in text.replace("\n", "")
    office.close(survey)
    with office.house.placet.database.transaction() as connection, pytest.raises(NotFound):
        office.surveys.handing.typed(connection, code)


def test_whose_post_cannot_be_delivered_is_asked_through_the_next_channel(office: Office, anna: Subject) -> None:
    berta = office.house.person("berta")
    reachable(office, anna, POST, CALL)
    reachable(office, berta, POST, CALL)
    with office.house.placet.database.transaction() as connection:
        office.house.placet.subjects.move(connection, berta.id, None, now=office.now)
    invite(office, office.opened(channels=(POST, CALL)))
    assert rows(office) == {("post", "planned", None): 1, ("call", "planned", None): 1}


def test_an_agent_writes_the_answers_down_and_the_person_finds_them_as_such(office: Office, anna: Subject) -> None:
    reachable(office, anna, CALL)
    survey, placet = asked_by(office, CALL), office.house.placet
    with placet.database.transaction() as connection:
        (due,) = placet.calls.due(connection, limit=9, now=office.now)
        opened = placet.calls.open(connection, due.message, staff=MARTA, now=office.now)
        assert isinstance(opened, InHand)
        token = office.surveys.handing.of_call(connection, opened.template, opened.subject)
        assert token is not None
        office.surveys.answering.answer(connection, token, USED, ("a",), by=MARTA, now=office.now)
        office.surveys.answering.send(connection, token, by=MARTA, now=office.now)
        (holding,) = office.surveys.duties.export(connection, Person(anna.id, anna.number))
    assert "http" not in " ".join(opened.text.paragraphs)
    (row,) = list(holding.rows)
    assert (row["survey"], row["way"]) == (survey.form.titles["lv"], "pa tālruni; pierakstīja mūsu darbinieks")


def test_no_agent_gets_a_link_of_an_anonymous_survey(office: Office, anna: Subject) -> None:
    survey = office.opened(anonymous=True)
    with office.house.placet.database.transaction() as connection:
        assert office.surveys.handing.of_call(connection, template(survey.id, CALL), anna.id) is None
        assert office.surveys.handing.of_call(connection, "campaign/spring", anna.id) is None


@pytest.mark.parametrize("channel", [APP, POST, CALL], ids=str)
def test_caps_mutes_and_hours_hold_on_every_channel(office: Office, anna: Subject, channel: ChannelId) -> None:
    berta = office.house.person("berta")
    for person in (anna, berta):
        reachable(office, person, channel)
    first = asked_by(office, channel)
    wire, database = Wire(id=channel, needs_address=channel != APP), office.house.placet.database
    night = office.now.replace(hour=1)
    with database.transaction() as connection:
        at_night = office.house.placet.delivery.claim(connection, wire, limit=9, now=night + timedelta(days=1))
    assert len(at_night.started) == (2 if channel == POST else 0)
    if channel != POST:
        with database.transaction() as connection:
            connection.execute("UPDATE delivery.message SET not_before = %s", [office.now])
            assert len(office.house.placet.delivery.claim(connection, wire, limit=9, now=office.now).started) == 2
    with database.transaction() as connection:
        office.surveys.answering.stop_asking(connection, office.link(first, berta), now=office.now)
    later = attrs.evolve(office, now=office.now + timedelta(days=2))
    invite(later, later.opened(channels=(channel,)))
    assert rows(office) == {
        (channel, "sending", None): 2, (channel, "refused", "cap-all"): 1, (channel, "refused", "muted"): 1,
    }  # fmt: skip
    assert office.answer(office.link(first, anna), HAPPY, "3").answers.has(HAPPY)
    assert MORE not in office.sheet(office.link(first, anna)).answers.written
