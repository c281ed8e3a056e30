"""A subscriber is a stop: it acknowledges by answering, and one that is silent past its limit closes the gate (W7)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from subscribers_support import Receiver, say, until

from placet.bootstrap import Application
from placet.gate import stops
from placet.gate.actions import Allowed
from placet.kernel import clock
from placet.kernel.ids import Position, PurposeId
from placet.subjects.model import Subject
from placet.subscribers.actions import LIMIT, Subscribers, stop_of
from placet.subscribers.delivery import Courier
from placet.subscribers.model import Acknowledged, Failed, Registered, Subscriber

DEAD = "http://127.0.0.1:9/"
SECOND = timedelta(seconds=1)


def register(placet: Application, subscribers: Subscribers, url: str, limit: timedelta = LIMIT) -> Registered:
    with placet.database.transaction() as connection:
        return subscribers.register(connection, client="crm", url=url, limit=limit, now=clock.now())


def clock_of(placet: Application, position: int) -> stops.Clock:
    with placet.database.transaction() as connection:
        return stops.clock(connection, Position(position), now=clock.now())


def watch(placet: Application, later: timedelta = timedelta(0)) -> stops.Watched:
    with placet.database.transaction() as connection:
        return stops.watch(connection, now=clock.now() + later)


def answer(placet: Application, person: Subject) -> str:
    with placet.database.transaction() as connection:
        found = placet.gate.check(connection, person.id, PurposeId("usage"), now=clock.now())
    return "yes" if isinstance(found, Allowed) else found.reason.value


@pytest.fixture
def other(placet: Application) -> Subject:
    with placet.database.transaction() as connection:
        return placet.subjects.add(connection, aliases=[], now=clock.now())


def test_delivered_withdrawal_is_on_the_clock_with_the_time_of_the_answer(
    placet: Application, subscribers: Subscribers, courier: Courier, receiver: Receiver, anna: Subject
) -> None:
    added = register(placet, subscribers, receiver.url)
    _, withdrawn = say(placet, anna, "given", "withdrawn")
    until(lambda: clock_of(placet, withdrawn).stopped_everywhere_at is not None)
    (place,) = clock_of(placet, withdrawn).places
    assert (place.stop, place.kind, place.late) == (stop_of(added.subscriber.id), "subscriber", False)


def test_subscriber_has_an_hour_unless_it_says_otherwise(placet: Application, subscribers: Subscribers) -> None:
    hour, minute = (register(placet, subscribers, DEAD, limit) for limit in (LIMIT, timedelta(minutes=1)))
    assert (hour.subscriber.limit, minute.subscriber.limit) == (timedelta(hours=1), timedelta(minutes=1))


def test_subscriber_past_its_limit_closes_the_gate_until_it_answers(
    placet: Application, subscribers: Subscribers, anna: Subject, other: Subject
) -> None:
    added = register(placet, subscribers, DEAD, timedelta(minutes=1))
    say(placet, other, "given")
    say(placet, anna, "given", "withdrawn")
    assert watch(placet, timedelta(seconds=59)).closed == ()
    assert answer(placet, other) == "yes"
    ((stop, purposes),) = watch(placet, timedelta(seconds=62)).closed
    assert stop == stop_of(added.subscriber.id)
    assert {"usage", "offers", "mobility"} <= purposes
    assert answer(placet, other) == "stop-silent"
    deliver(placet, subscribers, added.subscriber)
    assert answer(placet, other) == "yes"


def test_closure_says_nothing_of_another_time(
    placet: Application, subscribers: Subscribers, anna: Subject, other: Subject
) -> None:
    register(placet, subscribers, DEAD, SECOND)
    say(placet, other, "given")
    say(placet, anna, "given", "withdrawn")
    watch(placet, timedelta(minutes=1))
    with placet.database.transaction() as connection:
        purposes = placet.in_force.terms(connection)
        found = placet.gate.check_as_of(
            connection, other.id, PurposeId("usage"), at=clock.now(), known_at=None, purposes=purposes
        )
    assert (isinstance(found, Allowed), answer(placet, other)) == (True, "stop-silent")


def test_removed_subscriber_opens_the_gate(
    placet: Application, subscribers: Subscribers, anna: Subject, other: Subject
) -> None:
    added = register(placet, subscribers, DEAD, SECOND)
    say(placet, other, "given")
    say(placet, anna, "given", "withdrawn")
    watch(placet, timedelta(minutes=1))
    with placet.database.transaction() as connection:
        subscribers.remove(connection, added.subscriber.id, now=clock.now())
    assert answer(placet, other) == "yes"


def test_failing_subscriber_is_tried_several_times_within_its_limit(
    placet: Application, subscribers: Subscribers, anna: Subject
) -> None:
    added = register(placet, subscribers, DEAD, timedelta(seconds=40))
    say(placet, anna, "given", "withdrawn")
    now, pauses = clock.now(), []
    for _ in range(6):
        with placet.database.transaction() as connection:
            delivery = subscribers.next_delivery(connection, added.subscriber.id, now=now)
            assert delivery is not None
            subscribers.settle(connection, delivery, Failed("timeout"), now=now)
            due = subscribers.get(connection, added.subscriber.id).due_at
        pauses.append(int((due - now).total_seconds()))
        now = due
    assert pauses == [1, 2, 4, 8, 10, 10]


def test_answer_of_one_who_lost_its_hold_acknowledges_nothing(
    placet: Application, subscribers: Subscribers, anna: Subject
) -> None:
    added = register(placet, subscribers, DEAD)
    _, withdrawn = say(placet, anna, "given", "withdrawn")
    now = clock.now()
    with placet.database.transaction() as connection:
        lost = subscribers.next_delivery(connection, added.subscriber.id, now=now)
        assert lost is not None
    with placet.database.transaction() as connection:
        assert subscribers.next_delivery(connection, added.subscriber.id, now=now + timedelta(minutes=2)) is not None
        subscribers.settle(connection, lost, Acknowledged(), now=now)
    assert clock_of(placet, withdrawn).stopped_everywhere_at is None


def deliver(placet: Application, subscribers: Subscribers, subscriber: Subscriber) -> None:
    """What the courier does when the subscriber is back."""
    with placet.database.transaction() as connection:
        delivery = subscribers.next_delivery(connection, subscriber.id, now=clock.now())
        assert delivery is not None
        subscribers.settle(connection, delivery, Acknowledged(), now=clock.now())
