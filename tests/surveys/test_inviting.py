"""Who is asked, through which channel, how often, in which words; and the two persons that it takes."""

from __future__ import annotations

import quopri
from collections import Counter
from datetime import timedelta

import attrs
import pytest

from delivery.delivery_house import Wire
from placet.delivery.model import Outgoing
from placet.kernel.errors import BadInput, Conflict, Denied
from placet.kernel.ids import ChannelId
from placet.purposes.offers.surveys import authoring, rules, store
from placet.purposes.offers.surveys.model import State, Survey
from placet.subjects.model import Alias, Subject
from surveys.conftest import ANDRIS, MARTA, Office
from surveys.survey_forms import FORM, USED, plan

EMAIL, SMS = ChannelId("email"), ChannelId("sms")


def invite(office: Office, survey: Survey) -> Survey:
    office.surveys.round(office.now)
    with office.house.placet.database.transaction() as connection:
        return store.get(connection, survey.id)


def started(office: Office, channel: ChannelId) -> tuple[Outgoing, ...]:
    with office.house.placet.database.transaction() as connection:
        return office.house.placet.delivery.claim(connection, Wire(id=channel), limit=50, now=office.now).started


def rows(office: Office) -> Counter[tuple[str, str, str | None]]:
    """Channel, state and reason of every invitation."""
    with office.house.placet.database.transaction() as connection:
        found = connection.execute(
            "SELECT channel, state, reason FROM delivery.message WHERE kind = 'survey'"
        ).fetchall()
    return Counter(found)


def also_by_sms(office: Office, person: Subject, number: str) -> None:
    with office.house.placet.database.transaction() as connection:
        office.house.placet.subjects.add_contact(connection, person.id, Alias.msisdn(number), now=office.now)
        office.house.record(connection, person, "given", SMS)


def test_each_person_is_asked_once_through_the_first_channel_that_reaches_them(office: Office) -> None:
    both, only_sms, unreachable = (office.house.person(name, address=name != "sms") for name in ("both", "sms", "none"))
    also_by_sms(office, both, "+37126000001")
    also_by_sms(office, only_sms, "+37126000002")
    office.house.person("refused", yes=False)
    survey = invite(office, office.opened())
    assert survey.invited_at == office.now
    assert rows(office) == {("email", "planned", None): 2, ("sms", "planned", None): 1}
    by_mail, by_sms = started(office, EMAIL), started(office, SMS)
    assert {message.subject for message in by_mail} == {both.id, unreachable.id}
    assert [message.subject for message in by_sms] == [only_sms.id]
    invite(office, survey)
    assert sum(rows(office).values()) == 3


def test_the_link_of_a_message_opens_the_survey_and_is_kept_nowhere(office: Office, anna: Subject) -> None:
    survey = invite(office, office.opened(anonymous=True))
    (message,) = started(office, EMAIL)
    address = message.values["link"]
    assert address.startswith("http://127.0.0.1:8000/s/")
    token = address.rpartition("/")[2]
    assert office.answer(token, USED, "a").survey.id == survey.id
    letter = office.house.placet.offers.letter(message.template, "ru")
    text = office.house.placet.offers.text(message.template, "lv")
    assert letter is not None
    assert text is not None
    mail = quopri.decodestring(letter.fill({**message.values, "stop_link": "https://example.lv"})).decode()
    assert mail.count(f"{address}?lang=ru") == 2
    assert text.fill(message.values).count <= 2
    with office.house.placet.database.transaction() as connection:
        kept = connection.execute("SELECT row_to_json(it)::text FROM delivery.message AS it").fetchall()
    assert token not in str(kept)


def test_who_is_muted_or_was_asked_lately_is_told_why_and_not_asked(office: Office, anna: Subject) -> None:
    first = invite(office, office.opened())
    started(office, EMAIL)
    berta = office.house.person("berta")
    token = office.link(first, berta)
    with office.house.placet.database.transaction() as connection:
        office.surveys.answering.stop_asking(connection, token, now=office.now)
    invite(office, office.opened(channels=(EMAIL,)))
    assert rows(office) == {
        ("email", "sending", None): 1, ("email", "refused", "cap-all"): 1, ("email", "refused", "muted"): 1,
    }  # fmt: skip


def test_no_more_people_are_asked_than_planned_and_the_lot_is_the_survey_s_own(office: Office, crowd) -> None:
    crowd(12)
    invite(office, office.opened(most=5, channels=(EMAIL,)))
    assert rows(office) == {("email", "planned", None): 5}


def test_closing_takes_back_what_has_not_started(office: Office, anna: Subject) -> None:
    survey = invite(office, office.opened())
    office.close(survey)
    assert started(office, EMAIL) == ()
    assert [state for _, state, _ in rows(office)] == ["refused"]


def test_whoever_submits_does_not_open_and_nothing_open_is_changed(office: Office) -> None:
    database, now = office.house.placet.database, office.now
    with database.transaction() as connection:
        survey = authoring.create(connection, attrs.evolve(FORM, intro={"lv": "x"}), plan(now), by=MARTA, now=now)
    with database.transaction() as connection, pytest.raises(authoring.Unfinished) as unfinished:
        authoring.submit(connection, survey.id, by=MARTA, now=now)
    assert {fault.code for fault in unfinished.value.faults} == {"no-intro"}
    with database.transaction() as connection:
        authoring.change_form(connection, survey.id, lambda form: attrs.evolve(form, intro=FORM.intro))
        authoring.change_plan(connection, survey.id, lambda plan: attrs.evolve(plan, anonymous=True))
        authoring.submit(connection, survey.id, by=MARTA, now=now)
    with database.transaction() as connection, pytest.raises(Denied) as own:
        authoring.open_survey(connection, survey.id, by=MARTA, now=now)
    assert own.value.code == "own-survey"
    with database.transaction() as connection:
        authoring.give_back(connection, survey.id, reason="which  summer?", by=ANDRIS, now=now)
        authoring.submit(connection, survey.id, by=ANDRIS, now=now)
        authoring.open_survey(connection, survey.id, by=MARTA, now=now)
    with database.transaction() as connection, pytest.raises(Conflict) as fixed:
        authoring.change_form(connection, survey.id, lambda form: rules.without_question(form, USED))
    assert fixed.value.code == "survey-state"
    with database.transaction() as connection:
        steps = [(step.what, step.by, step.reason) for step in store.steps(connection, survey.id)]
        assert store.newest(connection, state=State.OPEN)[0].plan.anonymous
    assert steps[2][2] == "which summer?"
    assert [what for what, _, _ in steps] == ["created", "submitted", "returned", "submitted", "opened"]


def test_a_heading_with_a_place_to_fill_is_refused_before_anybody_is_asked(office: Office) -> None:
    form = attrs.evolve(FORM, titles={**FORM.titles, "lv": "Sveiki, {{ name }}!"})
    with office.house.placet.database.transaction() as connection:
        survey = authoring.create(connection, form, plan(office.now), by=MARTA, now=office.now)
        with pytest.raises(BadInput) as broken:
            authoring.submit(connection, survey.id, by=MARTA, now=office.now)
    assert broken.value.code == "broken-text"


def test_a_survey_that_ends_too_soon_asks_nobody(office: Office, anna: Subject) -> None:
    invite(office, office.opened(closes_at=office.now + timedelta(minutes=30)))
    assert rows(office) == {}
