"""What became of a message: settled once, found again, never sent twice."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from delivery_house import EMAIL, House, Wire, offer

from placet.delivery.model import Deferred, Delivered, Failed, Outgoing, Sent, Unknown
from placet.delivery.sending import Sender
from placet.gate import uses
from placet.subjects.model import Subject

MINUTE = timedelta(minutes=1)


def started(house: House, name: str = "anna") -> tuple[Subject, Outgoing]:
    person = house.person(name)
    house.plan(offer(person, "campaign/1", house.now))
    (message,) = house.claim().started
    return person, message


def expire(house: House, after: timedelta) -> int:
    with house.placet.database.transaction() as connection:
        return house.placet.delivery.expire(connection, now=house.now + after)


def test_message_whose_sender_died_becomes_unknown_and_never_starts_again(house: House) -> None:
    anna, message = started(house)
    assert expire(house, MINUTE) == 0
    assert expire(house, 2 * MINUTE) == 1
    assert expire(house, 2 * MINUTE) == 0
    assert house.states(anna) == [("unknown", "no-answer")]
    assert house.claim(after=3 * MINUTE).started == ()
    with house.placet.database.transaction() as connection:
        (found,) = house.placet.delivery.unknown(connection, EMAIL)
        assert (found.id, found.reference, found.started_at) == (message.id, message.reference, house.now)
        assert [use.outcome for use in uses.uses_of(connection, anna.id)] == ["unknown: no-answer"]


def test_unknown_is_settled_by_what_the_carrier_tells_later_and_counts_as_one_use(house: House) -> None:
    anna, message = started(house)
    expire(house, 2 * MINUTE)
    with house.placet.database.transaction() as connection:
        assert house.placet.delivery.report(connection, message.reference, Delivered(), now=house.now + 3 * MINUTE)
        assert not house.placet.delivery.report(connection, message.reference, Sent(), now=house.now + 4 * MINUTE)
        assert not house.placet.delivery.report(connection, "nobody's", Delivered(), now=house.now)
        assert len(uses.uses_of(connection, anna.id)) == 1
    assert house.states(anna) == [("delivered", None)]


def test_unknown_that_nobody_can_tell_of_is_closed_after_a_day_and_stays_unknown(house: House) -> None:
    anna, _ = started(house)
    expire(house, 2 * MINUTE)
    with house.placet.database.transaction() as connection:
        assert house.placet.delivery.close(connection, now=house.now + timedelta(hours=23)) == 0
        assert house.placet.delivery.close(connection, now=house.now + timedelta(hours=25)) == 1
        assert house.placet.delivery.unknown(connection, EMAIL) == []
    assert house.states(anna) == [("unknown", "no-answer")]


def test_deferred_starts_again_under_another_reference_and_only_while_the_consent_holds(house: House) -> None:
    anna, message = started(house)
    house.settle({message.id: Deferred("4.2.2", house.now + 5 * MINUTE)})
    assert house.claim(after=4 * MINUTE).started == ()
    (again,) = house.claim(after=5 * MINUTE).started
    assert (again.id, again.attempt) == (message.id, 2)
    assert again.reference != message.reference
    house.settle({message.id: Deferred("4.2.2", house.now + 10 * MINUTE)})
    house.say(anna, "withdrawn")
    assert house.claim(after=10 * MINUTE).started == ()
    assert house.states(anna) == [("refused", "withdrawn")]


def test_address_at_fault_is_suppressed_for_the_next_message(house: House) -> None:
    anna, message = started(house)
    house.settle({message.id: Sent("q7")})
    with house.placet.database.transaction() as connection:
        bounce = Failed("5.1.1", suppress=True)
        told = {"q7": bounce, "q8": bounce}
        assert house.placet.delivery.report_carried(connection, EMAIL, told, now=house.now) == {"q7"}
    house.plan(offer(anna, "campaign/2", house.now))
    house.claim()
    assert house.states(anna) == [("failed", "5.1.1"), ("refused", "suppressed")]


def test_word_that_comes_after_the_lease_still_settles_but_starts_nothing(house: House) -> None:
    anna, message = started(house)
    expire(house, 2 * MINUTE)
    assert house.settle({message.id: Deferred("4.2.2", house.now)}, after=2 * MINUTE) == 0
    assert house.settle({message.id: Unknown("answer-lost")}, after=2 * MINUTE) == 0
    assert house.settle({message.id: Sent()}, after=2 * MINUTE) == 1
    assert house.states(anna) == [("sent", None)]


def test_sender_sends_what_is_due_and_what_has_no_answer_is_asked_for_later(house: House) -> None:
    anna, berta = house.person("anna"), house.person("berta")
    planned = house.plan(*(offer(each, "campaign/1", house.now) for each in (anna, berta)))
    sender = Sender(house.placet.database, house.placet.delivery, [house.wire])
    house.wire.answers = {planned.fresh[0]: Failed("5.7.1")}
    asyncio.run(sender.send_once(house.wire, 10, lambda: house.now))
    assert (house.states(anna), house.states(berta)) == ([("failed", "5.7.1")], [("sent", None)])
    assert len(house.wire.sent) == 2

    mute, cecilija = Wire(silent=True), house.person("cecilija")
    house.plan(offer(cecilija, "campaign/1", house.now))
    asyncio.run(sender.send_once(mute, 10, lambda: house.now))
    assert house.states(cecilija) == [("sending", None)]
    mute.found = {mute.sent[0].id: Sent("found")}
    assert asyncio.run(sender.reconcile_once(mute, lambda: house.now + MINUTE)) == 0
    assert asyncio.run(sender.reconcile_once(mute, lambda: house.now + 2 * MINUTE)) == 1
    assert house.states(cecilija) == [("sent", None)]
