"""The learner on a real database: what it takes in, whom it sorts for, when it ends a topic, and what it tells."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import attrs
import numpy as np
import pytest
from psycopg import Connection
from pyroaring import BitMap

from delivery.delivery_house import House
from offers.campaign_house import Agency, brief
from placet.bootstrap import Application, merge
from placet.delivery.calls import CallOutcome
from placet.delivery.model import Filling, MessageId
from placet.duties import Correction, Person, Withdrawn
from placet.gate import uses
from placet.gate.actions import Audience
from placet.gate.replica import Replica
from placet.gate.roles import under_purpose
from placet.kernel.errors import BadInput, Denied
from placet.kernel.ids import ActivityId, ChannelId, Position, PurposeId
from placet.purposes.offers.clicks import questions
from placet.purposes.offers.learning import store, telling
from placet.purposes.offers.learning.actions import EMAIL, SMART, Learning
from placet.purposes.offers.learning.duties import HEARD, LearningDuties
from placet.purposes.offers.learning.model import Reason, Sign, Source
from placet.purposes.offers.learning.policy import standard
from placet.purposes.offers.learning.sorting import Offer
from placet.purposes.offers.topics import TopicId
from placet.subjects.model import Subject

TRAVEL, PHONES = TopicId("travel"), TopicId("phones")
DAY = timedelta(days=1)
DIFFER = attrs.evolve(standard(), prior=attrs.evolve(standard().prior, strength=2.0))
"""What is believed at the start: people differ much."""
REACHED = """
INSERT INTO delivery.message (id, number, key, kind, activity, channel, topic, template, language, not_before,
                              not_after, state, planned_at, changed_at, started_at, reason)
VALUES (%(id)s, %(number)s, %(key)s, 'offer', 'offers.email-campaign', 'email', %(topic)s, %(template)s, 'lv', %(at)s,
        %(at)s::timestamptz + interval '1 day', %(state)s, %(at)s, %(at)s,
        CASE WHEN %(state)s <> 'refused' THEN %(at)s::timestamptz END,
        CASE WHEN %(state)s = 'refused' THEN 'cap-all' END)
"""


@attrs.define
class Desk:
    """The application, its learner, and people whom messages reached."""

    placet: Application
    now: datetime
    learning: Learning
    serial: Iterator[int] = attrs.field(factory=itertools.count)

    def person(self, *, yes: bool = True) -> Subject:
        return House(self.placet, self.now).person(f"person{next(self.serial)}", yes=yes)

    def say(self, person: Subject, decision: str) -> None:
        House(self.placet, self.now).say(person, decision)

    def reached(
        self, person: Subject, topic: str, at: datetime, *, campaign: UUID | None = None, state: str = "sent"
    ) -> MessageId:
        """A message on *topic* that was sent at *at*."""
        id = MessageId(uuid4())
        values = {"id": id, "number": person.number, "key": f"test/{id}", "topic": topic, "at": at, "state": state,
                  "template": f"campaign/{campaign or uuid4()}"}  # fmt: skip
        with self.placet.database.transaction() as connection:
            connection.execute(REACHED, values)
        return id

    def silence(self, person: Subject, topic: str, count: int, *, until: int = 15) -> list[MessageId]:
        """*count* messages that nothing was told of, a week apart, the last one *until* days ago."""
        return [self.reached(person, topic, self.now - (until + 7 * at) * DAY) for at in range(count)]

    def counted(self, person: Subject, message: MessageId, at: datetime, *, pressed: bool) -> None:
        """The links of a message were counted, since its person allowed it."""
        values = [message, person.number, uuid4(), TRAVEL, message.bytes[:8], at, at + DAY / 24 if pressed else None]
        with self.placet.database.transaction() as connection:
            connection.execute(
                "INSERT INTO offers.counted (message, number, campaign, topic, secret, at, pressed_at)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s)",
                values,
            )

    def seen(self, *people: Subject, topic: TopicId = TRAVEL) -> dict[int, tuple[int, float, float, Source | None]]:
        """What each person's messages on *topic* told, as the next round takes it in; recent, so hardly forgotten."""
        self.learning.round(self.now)
        numbers = np.array([person.number for person in people], np.int64)
        policy = attrs.evolve(standard(), half_life=100_000 * DAY)
        with self.placet.database.transaction() as connection, under_purpose(connection, SMART, EMAIL):
            found = store.seen(connection, numbers, policy, now=self.now)
        return {
            number: (told.sends, round(told.wanted, 3), round(told.unwanted, 3), told.liked_by)
            for number, which, told in found
            if which == topic
        }

    def sort(self, people: list[Subject], *topics: str) -> tuple[list[Offer], BitMap, Audience]:
        """Offers on *topics* for *people*, and the audience that they are sorted for."""
        numbers = BitMap(person.number for person in people)
        replica = Replica.of(self.placet.database, self.placet.config)
        replica.catch_up()
        with self.placet.database.transaction() as connection:
            audience = self.placet.gate.audience(connection, replica, SMART, among=numbers, now=self.now)
        return [Offer(uuid4(), topic, numbers) for topic in topics], numbers, audience


def filling(person: Subject, template: str, now: datetime) -> Filling:
    """A message of *template* that starts for *person*."""
    return Filling(template, {person.id: MessageId(uuid4())}, now)


@pytest.fixture
def desk(placet: Application, now: datetime) -> Desk:
    learning = Learning.of(placet.database, placet.master, placet.gate, placet.offers.wishes)
    return Desk(placet, now, attrs.evolve(learning, policy=DIFFER))


def test_six_silent_messages_end_a_topic_where_people_differ_and_the_person_can_see_it(desk: Desk) -> None:
    person = desk.person()
    desk.silence(person, TRAVEL, 7)
    desk.learning.round(desk.now)
    with desk.placet.database.transaction() as connection:
        wish = desk.learning.wishes.of(connection, person.id)[TRAVEL]
        assert (wish.state, wish.by, wish.reason, wish.stopped) == ("never", "learner", "not-interested", True)
        assert [use.outcome for use in uses.uses_of(connection, person.id)] == ["topic ended: travel"]
        assert desk.learning.knows(connection, filling(person, "campaign/6", desk.now), False) == {}
        told = desk.learning.knows(connection, filling(person, "campaign/7", desk.now), True)
        assert "Ceļojumi un sarunas ārzemēs" in told[person.id].news
        assert "uz tiem neatbildējāt" in told[person.id].news
        assert desk.learning.knows(connection, filling(person, "campaign/8", desk.now), True) == {}


def test_a_topic_that_a_person_turned_on_again_does_not_end_for_what_was_before(desk: Desk) -> None:
    person = desk.person()
    desk.silence(person, TRAVEL, 7)
    with desk.placet.database.transaction() as connection:
        assert len(desk.learning.end(connection, None, now=desk.now)) == 0
    desk.learning.round(desk.now)
    with desk.placet.database.transaction() as connection:
        assert desk.learning.wishes.set(connection, person.id, TRAVEL, "neutral", by="person", now=desk.now)
        assert desk.learning.end(connection, None, now=desk.now + DAY) == []


def test_a_topic_ended_by_the_learner_does_not_start_again_by_itself(desk: Desk) -> None:
    person = desk.person()
    desk.silence(person, TRAVEL, 7)
    desk.learning.round(desk.now)
    for days in (1, 100, 400):
        desk.learning.round(desk.now + days * DAY)
    with desk.placet.database.transaction() as connection:
        assert desk.learning.wishes.of(connection, person.id)[TRAVEL].stopped


def test_what_a_person_asked_for_and_what_they_do_not_allow_is_not_looked_at(desk: Desk) -> None:
    asked, withdrawn = desk.person(), desk.person()
    for person in (asked, withdrawn):
        desk.silence(person, TRAVEL, 8)
    with desk.placet.database.transaction() as connection:
        desk.learning.wishes.set(connection, asked.id, TRAVEL, "want", by="person", now=desk.now - 300 * DAY)
    desk.say(withdrawn, "withdrawn")
    desk.learning.round(desk.now)
    with desk.placet.database.transaction() as connection:
        assert desk.learning.wishes.of(connection, asked.id)[TRAVEL].state == "want"
        assert desk.learning.wishes.of(connection, withdrawn.id) == {}


def test_less_like_this_is_weighed_at_once(desk: Desk) -> None:
    person = desk.person()
    messages = desk.silence(person, TRAVEL, 6, until=1)
    desk.learning.round(desk.now)
    with desk.placet.database.transaction() as connection:
        for message in messages:
            assert desk.learning.tell(connection, message, Sign.LESS, now=desk.now)
        assert desk.learning.wishes.of(connection, person.id)[TRAVEL].stopped


def test_the_last_word_on_a_message_stays_and_a_message_without_topic_has_none(desk: Desk) -> None:
    person = desk.person()
    message = desk.reached(person, TRAVEL, desk.now - DAY)
    with desk.placet.database.transaction() as connection:
        assert desk.learning.tell(connection, message, Sign.MORE, now=desk.now)
        assert desk.learning.tell(connection, message, Sign.LESS, now=desk.now)
        assert not desk.learning.tell(connection, MessageId(uuid4()), Sign.MORE, now=desk.now)
        row = connection.execute("SELECT number, topic, sign FROM offers.heard").fetchall()
    assert row == [(person.number, "travel", "less")]


def test_silence_counts_after_two_weeks_and_half_as_much_after_ninety_days(desk: Desk) -> None:
    person = desk.person()
    for days in (1, 20, 110):
        desk.reached(person, TRAVEL, desk.now - days * DAY)
    desk.learning.round(desk.now)
    with desk.placet.database.transaction() as connection:
        told = store.groups(connection, standard(), now=desk.now)
    assert [(one.topic, one.wanted, one.unwanted) for one in told] == [
        ("travel", 0.0, round(2 ** (-20 / 90) + 2 ** (-110 / 90), 1))
    ]


def test_a_pressed_link_speaks_for_its_topic_and_one_that_was_not_against_it_after_a_week(desk: Desk) -> None:
    pressed, unpressed, other = desk.person(), desk.person(), desk.person()
    for person in (pressed, unpressed, other):
        message = desk.reached(person, TRAVEL, desk.now - 8 * DAY)
        if person is not other:
            desk.counted(person, message, desk.now - 8 * DAY, pressed=person is pressed)
    assert desk.seen(pressed, unpressed, other) == {
        pressed.number: (1, 1.0, 0.0, Source.LINK), unpressed.number: (1, 0.0, 1.0, None),
    }, "of whoever allows nothing, eight days without a word say nothing"  # fmt: skip


def test_what_a_person_says_goes_before_what_they_pressed(desk: Desk) -> None:
    person = desk.person()
    message = desk.reached(person, TRAVEL, desk.now - DAY)
    desk.counted(person, message, desk.now - DAY, pressed=True)
    with desk.placet.database.transaction() as connection:
        desk.learning.tell(connection, message, Sign.LESS, now=desk.now)
    assert desk.seen(person) == {person.number: (1, 0.0, 5.0, None)}


def test_what_was_learned_from_links_is_forgotten_with_the_permission(desk: Desk) -> None:
    person = desk.person()
    clicks, shown = desk.placet.offers.clicks, questions.question("lv").sha256
    with desk.placet.database.transaction() as connection:
        clicks.allow(connection, person.id, shown=shown, now=desk.now - 90 * DAY)
    for message in desk.silence(person, TRAVEL, 6, until=8):
        desk.counted(person, message, desk.now - 8 * DAY, pressed=False)
    liked = desk.reached(person, PHONES, desk.now - DAY)
    desk.counted(person, liked, desk.now - DAY, pressed=True)
    desk.learning.round(desk.now)
    offers, _, audience = desk.sort([person], PHONES)
    with desk.placet.database.transaction() as connection:
        assert desk.learning.ended_by(connection, person.id) == {TRAVEL: (Source.LINK,)}
        told = desk.learning.knows(connection, filling(person, "campaign/7", desk.now), True)
        assert (told[person.id].counts, "saites tajos nenospiedāt" in told[person.id].news) == (True, True)
        desk.learning.sort(connection, offers, audience, now=desk.now)
        # Whatever was drawn: the plain rule picked by the press, or tried something.
        connection.execute("UPDATE offers.pick SET reason = 'pressed', campaign = %s, topic = 'phones'", [uuid4()])
        assert clicks.decline(connection, person.id, shown=shown, now=desk.now)
        assert desk.learning.ended_by(connection, person.id) == {TRAVEL: ()}
        assert desk.learning.wishes.of(connection, person.id)[TRAVEL].stopped, "it starts again by the person alone"
        (_, _, ended, *_) = LearningDuties().export(connection, Person(person.id, person.number))
        assert (ended.rows[0]["sends"], ended.rows[0]["certainty"], ended.rows[0]["sources"]) == (None, None, "")
        assert connection.execute("SELECT reason FROM offers.pick").fetchall() == [("forgotten",)]
    assert desk.seen(person, topic=PHONES) == {}


@pytest.mark.parametrize(
    ("outcome", "told"),
    [
        (CallOutcome.INTERESTED, (1, 1.0, 0.0, Source.CALL)),
        (CallOutcome.NOT_NOW, (1, 0.0, 1.0, None)),
        (CallOutcome.NOT_INTERESTED, (1, 0.0, 5.0, None)),
        (CallOutcome.STOP_TOPIC, (1, 0.0, 5.0, None)),
        (CallOutcome.STOP_CALLING, None),
    ],
)
def test_what_a_member_wrote_down_of_a_call_is_what_the_person_said(
    desk: Desk, outcome: CallOutcome, told: tuple[int, float, float, Source | None] | None
) -> None:
    person = desk.person()
    message = desk.reached(person, TRAVEL, desk.now - DAY)
    with desk.placet.database.transaction() as connection:
        connection.execute("UPDATE delivery.message SET channel = 'call', state = 'delivered'")
        connection.execute(
            "INSERT INTO delivery.call (message, attempt, number, staff, opened_at, outcome, ended_at)"
            " VALUES (%s, 1, %s, %s, %s, %s, %s)",
            [message, person.number, uuid4(), desk.now - DAY, outcome, desk.now - DAY],
        )
    assert desk.seen(person) == ({} if told is None else {person.number: told})


def test_people_are_sorted_by_the_plain_rule_until_the_model_has_passed(desk: Desk) -> None:
    people = [desk.person() for _ in range(12)]
    offers, _, audience = desk.sort(people, TRAVEL, PHONES)
    with desk.placet.database.transaction() as connection:
        desk.learning.wishes.set(connection, people[0].id, TRAVEL, "want", by="person", now=desk.now)
        desk.learning.wishes.set(connection, people[1].id, PHONES, "never", by="person", now=desk.now)
        made = desk.learning.sort(connection, offers, audience, now=desk.now)
        rows = connection.execute(
            "SELECT number, topic, eligible, wished, propensity, reason FROM offers.pick ORDER BY number"
        ).fetchall()
    assert made.passed is None
    assert sum(map(len, made.numbers.values())) + made.nothing == len(people) == len(rows)
    assert not made.numbers[offers[0].campaign] & made.numbers[offers[1].campaign]
    floor, first = standard().floor, {row[0]: row for row in rows}
    asked, refuses = first[people[0].number], first[people[1].number]
    assert (asked[2], asked[3]) == ("phones|travel", "travel")
    assert (refuses[2], refuses[1] in {"travel", None}) == ("travel", True)
    assert {round(row[4], 6) for row in rows} <= {floor, round(1 - 2 * floor, 6), round(1 - floor, 6)}


def test_who_is_not_in_the_audience_is_picked_nothing_for(desk: Desk) -> None:
    inside, outside = desk.person(), desk.person()
    offers, _, audience = desk.sort([inside], TRAVEL)
    wider = [attrs.evolve(offer, numbers=BitMap([inside.number, outside.number])) for offer in offers]
    with desk.placet.database.transaction() as connection:
        desk.learning.sort(connection, wider, audience, now=desk.now)
        picked = connection.execute("SELECT number FROM offers.pick").fetchall()
    assert picked == [(inside.number,)]


def test_an_audience_of_another_activity_or_another_day_sorts_nothing(desk: Desk) -> None:
    person = desk.person()
    offers, numbers, audience = desk.sort([person], TRAVEL)
    replica = Replica.of(desk.placet.database, desk.placet.config)
    replica.catch_up()
    with desk.placet.database.transaction() as connection:
        other = desk.placet.gate.audience(
            connection, replica, ActivityId("offers.email-campaign"), among=numbers, now=desk.now
        )
        with pytest.raises(Denied, match="and of nothing else"):
            desk.learning.sort(connection, offers, other, now=desk.now)
        with pytest.raises(Denied, match="holds no longer"):
            desk.learning.sort(connection, offers, audience, now=desk.now + 2 * DAY)


def test_a_model_that_passed_on_its_own_picks_sorts_and_one_that_fails_later_does_not(desk: Desk) -> None:
    people = [desk.person() for _ in range(30)]
    offers, _, audience = desk.sort(people, TRAVEL, PHONES)
    learning = desk.learning
    with desk.placet.database.transaction() as connection:
        _keep_verdict(connection, learning, passed=True, at=desk.now - DAY)
        made = learning.sort(connection, offers, audience, now=desk.now)
        assert made.passed is not None
        assert connection.execute("SELECT evaluation FROM offers.sorting").fetchall() == [(made.passed.id,)]
        _keep_verdict(connection, learning, passed=False, at=desk.now)
        assert learning.passed(connection) is None
        other = attrs.evolve(learning, policy=attrs.evolve(learning.policy, floor=0.04))
        assert other.passed(connection) is None


def test_the_learner_is_judged_on_ripe_picks_and_what_did_not_reach_people_brought_nothing(desk: Desk) -> None:
    people = [desk.person() for _ in range(6)]
    offers, _, audience = desk.sort(people, TRAVEL, PHONES)
    with desk.placet.database.transaction() as connection:
        with pytest.raises(BadInput, match="nothing can be judged yet"):
            desk.learning.evaluate(connection, now=desk.now)
        made = desk.learning.sort(connection, offers, audience, now=desk.now)
    picked = [(person, offer) for offer in offers for person in people if person.number in made.numbers[offer.campaign]]
    (liked, its), *others = picked
    message = desk.reached(liked, its.topic, desk.now + DAY, campaign=its.campaign)
    for person, offer in others:
        desk.reached(person, offer.topic, desk.now + DAY, campaign=offer.campaign, state="refused")
    desk.learning.round(desk.now + 2 * DAY)
    with desk.placet.database.transaction() as connection:
        desk.learning.tell(connection, message, Sign.MORE, now=desk.now + 3 * DAY)
        judged = desk.learning.evaluate(connection, now=desk.now + 60 * DAY)
        rows = store.trials(connection, standard(), ripe=desk.now + 60 * DAY)
    assert {(row["wanted"], row["unwanted"]) for row in rows} == {(1.0, 0.0), (0.0, 0.0)}
    assert (judged.picks, judged.passed, "too-few" in judged.failed) == (len(people), False, True)


def test_why_an_offer_came_is_told_as_it_was_picked_in_three_languages(desk: Desk) -> None:
    person = desk.person()
    offers, _, audience = desk.sort([person], TRAVEL, PHONES)
    with desk.placet.database.transaction() as connection:
        desk.learning.wishes.set(connection, person.id, TRAVEL, "want", by="person", now=desk.now)
        desk.learning.sort(connection, offers, audience, now=desk.now)
        row = connection.execute("SELECT campaign, topic FROM offers.pick").fetchone()
    assert row is not None
    message = desk.reached(person, row[1] or "travel", desk.now + DAY, campaign=row[0])
    plain = desk.reached(person, PHONES, desk.now + DAY)
    with desk.placet.database.transaction() as connection:
        found, other = telling.why(connection, message), telling.why(connection, plain)
        assert telling.why(connection, MessageId(uuid4())) is None
    assert found is not None
    assert other is not None
    assert found.reasons in {(Reason.WISHED,), (Reason.TRYING,)}
    assert found.needs == ("offers", "offers/email")
    assert (other.reasons, other.propensity) == ((Reason.CHOSEN,), None)
    assert set(found.sentences) == {"lv", "ru", "en"}
    assert all(sentence for sentences in found.sentences.values() for sentence in sentences)


def test_two_identities_that_were_one_person_have_told_as_one(desk: Desk) -> None:
    stays, goes = desk.person(), desk.person()
    desk.silence(goes, TRAVEL, 3)
    desk.silence(stays, TRAVEL, 4)
    desk.learning.round(desk.now)
    with desk.placet.database.transaction() as connection:
        merge(desk.placet, connection, stays.id, goes.id, now=desk.now)
        desk.learning.inherit(connection, stays.number, goes.number)
        numbers = connection.execute("SELECT number, count(*) FROM offers.heard GROUP BY number").fetchall()
    assert numbers == [(stays.number, 7)]


def test_everything_that_is_held_is_exported_corrected_and_erased(desk: Desk) -> None:
    person, other = desk.person(), desk.person()
    for one in (person, other):
        message = desk.silence(one, TRAVEL, 7)[0]
        with desk.placet.database.transaction() as connection:
            desk.learning.tell(connection, message, Sign.LESS, now=desk.now)
    desk.learning.round(desk.now)
    offers, _, audience = desk.sort([person, other], PHONES)
    duties, whose = LearningDuties(), Person(person.id, person.number)
    with desk.placet.database.transaction() as connection:
        desk.learning.sort(connection, offers, audience, now=desk.now)
        held = {holding.name: len(holding.rows) for holding in duties.export(connection, whose)}
        assert held == {"offers.heard": 7, "offers.picks": 1, "offers.ended": 1}
        for holding in duties.export(connection, whose):
            assert set(holding.columns) == set(holding.rows[0])
            assert set(holding.why) == set(holding.until) == set(holding.title) == {"lv", "ru", "en"}
        assert duties.rectify(connection, whose, Correction(HEARD, "sign", "less", "more"), now=desk.now) == 1
        assert duties.rectify(connection, whose, Correction(HEARD, "sign", "more", "hated"), now=desk.now) == 0
        withdrawn = Withdrawn(whose, PurposeId("offers"), ChannelId("email"), Position(1))
        assert duties.stop(connection, withdrawn, now=desk.now)
        assert duties.erase(connection, whose, now=desk.now) == 9
        assert all(not holding.rows for holding in duties.export(connection, whose))
        assert duties.export(connection, Person(other.id, other.number))[0].rows


def test_what_is_old_is_forgotten(desk: Desk) -> None:
    person = desk.person()
    desk.reached(person, TRAVEL, desk.now - 300 * DAY)
    desk.learning.round(desk.now)
    desk.learning.round(desk.now + 61 * DAY)
    with desk.placet.database.transaction() as connection:
        assert connection.execute("SELECT count(*) FROM offers.heard").fetchone() == (0,)


def test_a_month_after_a_withdrawal_nothing_is_left(desk: Desk) -> None:
    person, stays = desk.person(), desk.person()
    desk.say(person, "withdrawn")
    with desk.placet.database.transaction() as connection:
        row = connection.execute("SELECT max(recorded_at) FROM consents.current").fetchone()
    assert row is not None
    said: datetime = row[0]
    for one in (person, stays):
        desk.reached(one, TRAVEL, said - 20 * DAY)
    for days, left in ((29, {person.number, stays.number}), (31, {stays.number})):
        desk.learning.round(said + days * DAY)
        with desk.placet.database.transaction() as connection:
            held = connection.execute("SELECT DISTINCT number FROM offers.heard").fetchall()
        assert {number for (number,) in held} == left


def test_an_offer_on_a_topic_that_another_offer_has_waits_for_the_next_time(desk: Desk) -> None:
    people = [desk.person() for _ in range(8)]
    offers, _, audience = desk.sort(people, TRAVEL, TRAVEL)
    with desk.placet.database.transaction() as connection:
        made = desk.learning.sort(connection, offers, audience, now=desk.now)
    assert not made.numbers[offers[1].campaign]


def _keep_verdict(connection: Connection, learning: Learning, *, passed: bool, at: datetime) -> None:
    connection.execute(
        "INSERT INTO offers.evaluation (id, at, model, passed, body) VALUES (%s, %s, %s, %s, %s::jsonb)",
        (uuid4(), at, learning.model, passed, '{"gain": {"value": 0.02, "low": 0.01, "high": 0.03}}'),
    )


def test_the_next_letter_says_once_which_topic_ended(placet: Application, now: datetime) -> None:
    agency = Agency(placet, now)
    customer, other = agency.customer(EMAIL, language="ru"), agency.customer(EMAIL)
    desk = Desk(placet, now, attrs.evolve(placet.offers.learning, policy=DIFFER))
    desk.silence(customer, TRAVEL, 7)
    desk.learning.round(now)
    for topic in ("phones", "gaming"):
        agency.running(brief(now, topic=TopicId(topic)))
    sent = agency.house.claim().started + agency.house.claim().started
    said = {(one.subject, one.topic): one.values["news"] for one in sent}
    lines = {topic: said[customer.id, topic] for topic in ("phones", "gaming")}
    assert sorted(map(bool, lines.values())) == [False, True]
    assert "«Поездки и связь за границей»" in "".join(lines.values())
    assert {said[other.id, topic] for topic in ("phones", "gaming")} == {""}
    letter = placet.offers.letter(sent[0].template, "ru")
    assert letter is not None
    assert b"kaija" in letter.fill({"called": "", "news": "kaija", "stop_link": "https://amigo.lv/u/1"})


def test_smart_campaigns_are_sorted_by_the_learner_and_each_message_can_say_why(
    placet: Application, now: datetime
) -> None:
    agency = Agency(placet, now)
    people = [agency.customer(EMAIL) for _ in range(5)]
    with placet.database.transaction() as connection:
        placet.offers.wishes.set(connection, people[0].id, PHONES, "never", by="person", now=now)
    smart = brief(now, kind="smart")
    for topic in (TRAVEL, PHONES):
        agency.approved(attrs.evolve(smart, topic=topic))
    placet.offers.campaigns.round(now)
    with placet.database.transaction() as connection:
        picks = connection.execute("SELECT number, topic, reason FROM offers.pick ORDER BY number").fetchall()
        shown = {person.number: agency.house.shown(person) for person in people}
        for number, topic, reason in picks:
            assert [message.topic for message in shown[number]] == ([] if topic is None else [topic])
            for message in shown[number]:
                why = placet.offers.why(connection, message.id)
                assert why is not None
                assert (why.reasons, why.model) == ((reason,), placet.offers.learning.model)
    assert [number for number, _, _ in picks] == [person.number for person in people]
    assert picks[0][1] in {TRAVEL, None}
