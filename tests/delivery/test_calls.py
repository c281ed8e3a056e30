"""A call starts when a member opens it, under the gate's yes of that instant, and ends with an outcome."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from delivery_house import House, offer

from placet.consents.store import standing_of
from placet.delivery.calls import (
    AGAIN,
    CALL,
    KEEP,
    LEASE,
    CallOutcome,
    Calls,
    Ended,
    InHand,
    NotAtAll,
    NotNow,
    calls_of,
)
from placet.delivery.model import MessageId
from placet.delivery.notes import Note, Source, publish
from placet.delivery.stopping import LIMIT
from placet.kernel.errors import Conflict, NotFound
from placet.kernel.ids import ActivityId, ChannelId, StaffId
from placet.subjects.model import Alias, Subject

CAMPAIGN = ActivityId("offers.call-campaign")
ILZE, JANIS = StaffId(uuid4()), StaffId(uuid4())
WORDS = publish(
    {language: Source("A phone for less", "Good day{{ called }}!") for language in ("lv", "ru", "en")},
    declared={"called"},
)


def notes(channel: ChannelId, template: str, language: str) -> Note | None:
    return WORDS[language] if (channel, template) == (CALL, "spring") else None


@pytest.fixture
def calls(house: House) -> Calls:
    return Calls(house.placet.delivery, house.placet.rulebook, notes)


def customer(house: House, name: str, phone: str = "+37120000001") -> Subject:
    person = house.person(name)
    house.say(person, "given", CALL)
    with house.placet.database.transaction() as connection:
        house.placet.subjects.add_contact(connection, person.id, Alias.msisdn(phone), now=house.now)
    return person


def plan(house: House, person: Subject, key: str = "spring", **more: object) -> MessageId:
    values: dict[str, object] = {"activity": CAMPAIGN, "channel": CALL, "values": {"called": ", Anna"},
                                 "not_after": house.now + timedelta(days=5)}  # fmt: skip
    (id,) = house.plan(offer(person, key, house.now, **(values | more))).fresh
    return id


def open_call(
    house: House, calls: Calls, message: MessageId, staff: StaffId = ILZE, after: timedelta = timedelta(0)
) -> InHand | NotNow | NotAtAll:
    with house.placet.database.transaction() as connection:
        return calls.open(connection, message, staff=staff, now=house.now + after)


def end(house: House, calls: Calls, message: MessageId, outcome: CallOutcome, after: timedelta = timedelta(0)) -> Ended:
    with house.placet.database.transaction() as connection:
        return calls.end(connection, message, outcome, staff=ILZE, now=house.now + after)


def test_opened_call_tells_number_and_words_to_whoever_opened_it(house: House, calls: Calls) -> None:
    anna = customer(house, "anna")
    message = plan(house, anna)
    with house.placet.database.transaction() as connection:
        (due,) = calls.due(connection, limit=10, now=house.now)
        assert (due.message, due.attempts) == (message, 0)
        assert calls.due_by_language(connection, now=house.now) == {"lv": 1}
    opened = open_call(house, calls, message)
    assert isinstance(opened, InHand)
    assert (opened.number, opened.text.paragraphs) == ("+37120000001", ("Good day, Anna!",))
    assert "2000" not in repr(opened)
    with house.placet.database.transaction() as connection:
        assert calls.in_hand(connection, ILZE, now=house.now) == [opened]
        assert calls.in_hand(connection, JANIS, now=house.now) == []
        assert calls.due(connection, limit=10, now=house.now) == []
    assert open_call(house, calls, message, JANIS) == NotAtAll()
    with pytest.raises(NotFound):
        open_call(house, calls, MessageId(uuid4()))


def test_who_said_no_meanwhile_is_not_called_and_the_reason_is_told(house: House, calls: Calls) -> None:
    anna = customer(house, "anna")
    message = plan(house, anna)
    house.say(anna, "withdrawn", CALL)
    assert open_call(house, calls, message) == NotAtAll("channel-withdrawn")
    berta = customer(house, "berta", "+37120000002")
    night = house.now.replace(hour=22)
    late = plan(house, berta)
    waits = open_call(house, calls, late, after=night - house.now)
    assert isinstance(waits, NotNow)
    assert waits.until is not None
    assert waits.until > night


def test_somebody_deciding_at_this_moment_is_not_called_now(house: House, calls: Calls) -> None:
    anna = customer(house, "anna")
    message = plan(house, anna)
    with house.placet.database.transaction() as connection:
        house.record(connection, anna, "withdrawn", CALL)
        assert open_call(house, calls, message) == NotNow()


def test_nobodys_answer_is_tried_again_three_times_in_all(house: House, calls: Calls) -> None:
    anna = customer(house, "anna")
    message = plan(house, anna)
    pause = timedelta(0)
    for attempt in (1, 2, 3):
        opened = open_call(house, calls, message, after=pause)
        assert isinstance(opened, InHand), opened
        assert opened.attempt == attempt
        end(house, calls, message, CallOutcome.NO_ANSWER, after=pause)
        with house.placet.database.transaction() as connection:
            assert calls.due(connection, limit=10, now=house.now + pause + AGAIN - timedelta(seconds=1)) == []
        pause += timedelta(days=1)
    assert house.states(anna) == [("failed", "no-answer")]
    with house.placet.database.transaction() as connection:
        assert [made.outcome for made in calls_of(connection, anna.id)] == [CallOutcome.NO_ANSWER] * 3
        assert calls.outcomes(connection, "spring") == {CallOutcome.NO_ANSWER: 1}
        assert calls.made_by(connection, ILZE, since=house.now) == {CallOutcome.NO_ANSWER: 3}


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (CallOutcome.INTERESTED, ("delivered", None)),
        (CallOutcome.NOT_NOW, ("delivered", None)),
        (CallOutcome.NOT_INTERESTED, ("delivered", None)),
        (CallOutcome.STOP_TOPIC, ("delivered", None)),
        (CallOutcome.WRONG_NUMBER, ("failed", "wrong-number")),
    ],
)
def test_outcome_ends_the_call_and_what_was_said_goes(
    house: House, calls: Calls, outcome: CallOutcome, state: tuple[str, str | None]
) -> None:
    anna = customer(house, "anna")
    message = plan(house, anna)
    open_call(house, calls, message)
    assert end(house, calls, message, outcome) == Ended(outcome)
    assert house.states(anna) == [state]
    with house.placet.database.transaction() as connection:
        assert connection.execute("SELECT sealed FROM delivery.call").fetchall() == [(None,)]
    with pytest.raises(Conflict, match="not in your hands"):
        end(house, calls, message, outcome)


def test_wrong_number_is_not_called_again_for_anything(house: House, calls: Calls) -> None:
    anna = customer(house, "anna")
    message = plan(house, anna)
    open_call(house, calls, message)
    end(house, calls, message, CallOutcome.WRONG_NUMBER)
    assert open_call(house, calls, plan(house, anna, "summer")) == NotAtAll("suppressed")


def test_stop_calling_withdraws_the_channel_of_every_purpose_in_the_same_instant(house: House, calls: Calls) -> None:
    anna = customer(house, "anna")
    message, other = plan(house, anna), plan(house, anna, "summer")
    open_call(house, calls, message)
    ended = end(house, calls, message, CallOutcome.STOP_CALLING)
    assert len(ended.records) == 1
    with house.placet.database.transaction() as connection:
        states = {
            (purpose, channel): state.decision
            for purpose, channels in standing_of(connection, anna.number).items()
            for channel, state in channels.items()
        }
    assert states["offers", CALL] == "withdrawn"
    assert states["offers", None] == "given"
    assert open_call(house, calls, other) == NotAtAll("channel-withdrawn")


def test_call_that_nobody_ends_closes_no_gate_and_is_not_made_again(house: House, calls: Calls) -> None:
    assert LEASE < LIMIT
    anna = customer(house, "anna")
    message = plan(house, anna)
    open_call(house, calls, message)
    with house.placet.database.transaction() as connection:
        house.placet.delivery.expire(connection, now=house.now + LEASE)
    assert house.states(anna) == [("unknown", "no-answer")]
    end(house, calls, message, CallOutcome.NO_ANSWER, after=timedelta(minutes=10))
    assert house.states(anna) == [("failed", "no-answer")]


def test_words_of_a_call_that_nobody_ends_go_after_a_while(house: House, calls: Calls) -> None:
    anna = customer(house, "anna")
    open_call(house, calls, plan(house, anna))
    with house.placet.database.transaction() as connection:
        assert calls.sweep(connection, now=house.now) == 0
        assert calls.sweep(connection, now=house.now + KEEP) == 1
        assert calls.in_hand(connection, ILZE, now=house.now + KEEP) == []


def test_call_without_words_is_not_made(house: House, calls: Calls) -> None:
    anna = customer(house, "anna")
    assert open_call(house, calls, plan(house, anna, template="nowhere")) == NotAtAll("no-template")
    assert open_call(house, calls, plan(house, anna, "summer", values={})) == NotAtAll("no-value")
