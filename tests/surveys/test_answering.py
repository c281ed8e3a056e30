"""Answers that stand with their person: saved on the way, sent once, sealed, shown, forgotten."""

from __future__ import annotations

from datetime import timedelta

import attrs
import pytest

from placet.bootstrap import erase, merge
from placet.duties import Person, Withdrawn
from placet.kernel.errors import BadInput, Conflict, Denied, NotFound
from placet.kernel.ids import ChannelId, Position, PurposeId
from placet.purposes.offers.surveys import results, store
from placet.purposes.offers.surveys.duties import AFTER_WITHDRAWAL
from placet.purposes.offers.surveys.model import Answers
from placet.subjects.model import Subject
from surveys.conftest import Office
from surveys.survey_forms import HAPPY, MORE, USED, WHY

OFFERS = PurposeId("offers")
SECRET = "Mans kaimiņš Jānis zvana pārāk skaļi"


def person(subject: Subject) -> Person:
    return Person(subject.id, subject.number)


def test_answers_are_saved_one_by_one_and_the_same_link_goes_on_where_one_stopped(
    office: Office, anna: Subject
) -> None:
    token = office.link(office.opened(), anna)
    office.answer(token, USED, "b")
    office.answer(token, WHY, "a", "c")
    office.answer(token, MORE, text=SECRET)
    other = office.link(office.sheet(token).survey, anna)
    assert office.sheet(other).answers == Answers({USED: ("b",), WHY: ("a", "c")}, {MORE: SECRET})
    assert office.answer(token, WHY).answers.chosen[WHY] == ()


def test_answers_are_sent_once_whichever_link_is_used(office: Office, anna: Subject) -> None:
    survey = office.opened()
    token, other = office.link(survey, anna), office.link(survey, anna)
    office.answer(token, USED, "b")
    office.answer(token, WHY, "b")
    office.answer(token, USED, "a")
    assert office.send(token).answers == Answers({USED: ("a",)})
    for again in (token, other):
        assert office.sheet(again).is_sent
        with pytest.raises(Conflict) as refused:
            office.send(again)
        assert refused.value.code == "survey-answered"
        with pytest.raises(Conflict):
            office.answer(again, USED, "b")
    with office.house.placet.database.transaction() as connection:
        found = office.surveys.results(connection, survey)
    assert (found.sent, found.of(USED).counts) == (1, {"a": 1, "b": 0})


def test_what_is_not_asked_is_not_answered(office: Office, anna: Subject) -> None:
    token = office.link(office.opened(), anna)
    with pytest.raises(NotFound):
        office.answer(token, WHY, "a")
    with pytest.raises(NotFound):
        office.answer(token, "q9", "a")
    with pytest.raises(BadInput):
        office.answer(token, USED, "z")
    assert office.sheet(token).answers == Answers()


def test_free_text_is_in_no_table_in_clear_and_is_read_under_the_person_s_key(office: Office, anna: Subject) -> None:
    survey = office.opened()
    token = office.link(survey, anna)
    office.answer(token, MORE, text=SECRET)
    office.send(token)
    with office.house.placet.database.transaction() as connection:
        row = connection.execute("SELECT answers::text, sealed FROM offers.survey_reply").fetchone()
        assert list(office.surveys.written(connection, survey, MORE)) == [SECRET]
    assert row is not None
    assert "Jānis" not in row[0]
    assert "Jānis".encode() not in bytes(row[1])


def test_whoever_took_the_consent_back_is_not_taken_an_answer_of(office: Office, anna: Subject) -> None:
    token = office.link(office.opened(), anna)
    office.answer(token, USED, "a")
    office.house.say(anna, "withdrawn")
    assert not office.sheet(token).is_open
    with pytest.raises(Denied) as refused:
        office.answer(token, USED, "b")
    assert refused.value.code == "survey-consent"


def test_a_survey_that_is_over_takes_no_answers_and_drops_what_was_begun(office: Office, anna: Subject) -> None:
    survey = office.opened()
    berta = office.house.person("berta")
    begun, sent = office.link(survey, anna), office.link(survey, berta)
    office.answer(begun, USED, "a")
    office.answer(sent, USED, "b")
    office.send(sent)
    late = attrs.evolve(office, now=office.now + timedelta(days=14))
    with pytest.raises(Conflict) as refused:
        late.answer(begun, USED, "b")
    assert refused.value.code == "survey-over"
    late.surveys.round(late.now)
    assert office.sheet(sent).is_sent
    assert office.sheet(begun).answers == Answers()
    with office.house.placet.database.transaction() as connection:
        assert store.get(connection, survey.id).state == "closed"
        assert [step.by for step in store.steps(connection, survey.id)][-1] is None
        before = office.surveys.results(connection, survey)
    late.surveys.round(late.now + timedelta(days=366))
    with office.house.placet.database.transaction() as connection:
        assert office.surveys.results(connection, survey) == before
        left = connection.execute("SELECT count(*) FROM offers.survey_reply").fetchone()
    assert left == (0,)


def test_a_person_s_answers_are_exported_in_their_words_and_deleted_a_while_after_the_withdrawal(
    office: Office, anna: Subject
) -> None:
    token = office.link(office.opened(), anna)
    office.answer(token, USED, "b")
    office.answer(token, WHY, "a", "b")
    office.answer(token, HAPPY, "4")
    office.answer(token, MORE, text=SECRET)
    office.send(token)
    berta = office.house.person("berta")
    duties, database = office.surveys.duties, office.house.placet.database
    with database.transaction() as connection:
        (held,) = duties.export(connection, person(anna))
        (nothing,) = duties.export(connection, person(berta))
    assert [row["answer"] for row in held.rows] == ["No (lv)", "The price (lv); No need (lv)", "4", SECRET]
    assert set(held.columns) == set(held.rows[0])
    assert nothing.rows == []
    by_channel = Withdrawn(person(anna), OFFERS, ChannelId("email"), Position(1))
    with database.transaction() as connection:
        assert duties.stop(connection, by_channel, now=office.now)
    office.surveys.round(office.now + AFTER_WITHDRAWAL)
    with database.transaction() as connection:
        assert duties.stop(connection, attrs.evolve(by_channel, channel=None), now=office.now)
        assert duties.stop(connection, attrs.evolve(by_channel, channel=None), now=office.now + AFTER_WITHDRAWAL)
        assert len(duties.export(connection, person(anna))[0].rows) == 4
    office.surveys.round(office.now + AFTER_WITHDRAWAL)
    with database.transaction() as connection:
        assert duties.export(connection, person(anna))[0].rows == []


def test_an_erased_person_s_link_leads_nowhere_and_nothing_of_theirs_is_left(office: Office, anna: Subject) -> None:
    token = office.link(office.opened(), anna)
    office.answer(token, MORE, text=SECRET)
    office.send(token)
    placet = office.house.placet
    with placet.database.transaction() as connection:
        assert office.surveys.duties.erase(connection, person(anna), now=office.now) == 1
        erase(placet, connection, anna.id, now=office.now)
    with pytest.raises(NotFound):
        office.sheet(token)


def test_two_identities_that_were_one_person_answer_once_and_see_all(office: Office, anna: Subject) -> None:
    survey, other = office.opened(), office.opened()
    twin = office.house.person("twin")
    token = office.link(survey, twin)
    office.answer(token, MORE, text=SECRET)
    office.send(token)
    office.answer(office.link(other, twin), USED, "a")
    placet = office.house.placet
    with placet.database.transaction() as connection:
        merge(placet, connection, anna.id, twin.id, now=office.now)
    assert office.sheet(office.link(survey, anna)).is_sent
    assert office.sheet(token).is_sent
    begun = office.link(other, twin)
    assert office.answer(begun, HAPPY, "5").answers.chosen == {USED: ("a",), HAPPY: ("5",)}
    with placet.database.transaction() as connection:
        rows = office.surveys.duties.export(connection, person(anna))[0].rows
        assert SECRET in {row["answer"] for row in rows}
        done = Withdrawn(person(anna), OFFERS, None, Position(1))
        office.surveys.duties.stop(connection, done, now=office.now)
    office.surveys.round(office.now + AFTER_WITHDRAWAL)
    with placet.database.transaction() as connection:
        assert office.surveys.duties.export(connection, person(anna))[0].rows == []


def test_one_press_ends_being_asked_and_another_brings_it_back(office: Office, anna: Subject) -> None:
    token = office.link(office.opened(anonymous=True), anna)
    placet = office.house.placet
    muted = "SELECT kind, topic, channel FROM delivery.muted"
    with placet.database.transaction() as connection:
        for _ in range(2):
            office.surveys.answering.stop_asking(connection, token, now=office.now)
        assert connection.execute(muted).fetchall() == [("survey", "", "")]
        office.surveys.answering.ask_again(connection, token)
        assert connection.execute(muted).fetchall() == []


def test_results_are_counted_by_question(office: Office) -> None:
    survey = office.opened()
    for number, used in enumerate("aabab"):
        token = office.link(survey, office.house.person(f"person{number}"))
        office.answer(token, USED, used)
        office.answer(token, HAPPY)
        office.send(token)
    with office.house.placet.database.transaction() as connection:
        found = office.surveys.results(connection, survey)
    assert found.sent == 5
    assert (found.of(USED).asked, found.of(USED).counts) == (5, {"a": 3, "b": 2})
    assert (found.of(HAPPY).asked, found.of(HAPPY).passed) == (5, 5)
    assert results.kept(found)["questions"][MORE] == {"asked": 0, "passed": 0, "counts": {}}
