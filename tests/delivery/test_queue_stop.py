"""The queue is a stop: what a withdrawal ends leaves the queue, and the clock waits for what was on the wire."""

from __future__ import annotations

from datetime import timedelta

import pytest
from delivery_house import EMAIL, SERVICE, House, offer

from placet.bootstrap import erase
from placet.delivery.model import Kind, Sent
from placet.delivery.stopping import LIMIT, QUEUE, QueueStop
from placet.gate import stops
from placet.gate.stops import Clock
from placet.kernel.ids import Position

SECOND = timedelta(seconds=1)


@pytest.fixture
def queue(house: House) -> QueueStop:
    queue = QueueStop(house.placet.database, house.placet.delivery)
    assert queue.register(now=house.now)
    return queue


def clock(house: House, position: Position, after: timedelta = SECOND) -> Clock:
    with house.placet.database.transaction() as connection:
        return stops.clock(connection, position, now=house.now + after)


def test_withdrawal_empties_the_queue_of_what_it_ends_and_of_nothing_else(house: House, queue: QueueStop) -> None:
    anna, berta = house.person("anna"), house.person("berta")
    house.plan(*(offer(each, "campaign/1", house.now) for each in (anna, berta)))
    house.plan(offer(anna, "bill", house.now, kind=Kind.SERVICE, activity=SERVICE))
    position = house.say(anna, "withdrawn")
    assert clock(house, position).stopped_everywhere_at is None
    assert not queue.look(lambda: house.now + SECOND)
    assert house.states(anna) == [("refused", "withdrawn"), ("planned", None)]
    assert house.states(berta) == [("planned", None)]
    assert clock(house, position).stopped_everywhere_at == house.now + SECOND


def test_withdrawn_channel_ends_its_messages_only(house: House, queue: QueueStop) -> None:
    anna = house.person("anna")
    house.plan(offer(anna, "campaign/1", house.now))
    position = house.say(anna, "withdrawn", EMAIL)
    queue.look(lambda: house.now)
    assert house.states(anna) == [("refused", "channel-withdrawn")]
    assert clock(house, position).stopped_everywhere_at is not None


def test_message_on_the_wire_stands_on_the_clock_until_it_ends(house: House, queue: QueueStop) -> None:
    anna, berta = house.person("anna"), house.person("berta")
    house.plan(offer(anna, "campaign/1", house.now))
    (message,) = house.claim().started
    house.plan(offer(berta, "campaign/1", house.now))
    before = house.say(house.person("cecilija"), "withdrawn")
    position, after = house.say(anna, "withdrawn"), house.say(berta, "withdrawn")
    assert queue.look(lambda: house.now + SECOND)
    # Whoever comes before is acknowledged, whoever comes after is stopped and waits for its turn.
    assert clock(house, before).stopped_everywhere_at == house.now + SECOND
    assert clock(house, position).stopped_everywhere_at is None
    assert house.states(berta) == [("refused", "withdrawn")]
    house.settle({message.id: Sent()})
    assert not queue.look(lambda: house.now + 2 * SECOND)
    assert {clock(house, one).stopped_everywhere_at for one in (position, after)} == {house.now + 2 * SECOND}


def test_closed_gate_cancels_nothing_of_those_who_have_not_withdrawn(house: House, queue: QueueStop) -> None:
    anna = house.person("anna")
    house.plan(offer(anna, "campaign/1", house.now))
    with house.placet.database.transaction() as connection:
        stop = stops.Stop(stops.StopId("subscriber/x"), "subscriber", frozenset({"offers"}), SECOND, house.now)
        stops.register(connection, stop, now=house.now)
    house.say(house.person("berta"), "withdrawn")
    with house.placet.database.transaction() as connection:
        (ended_at,) = connection.execute("SELECT recorded_at FROM ledger.ending").fetchone()
        assert stops.watch(connection, now=ended_at + timedelta(minutes=1)).closed
        assert house.placet.delivery.stop(connection, [anna.number], now=house.now) == set()
    claim = house.claim()
    assert (claim.waiting, claim.refused, house.states(anna)) == (1, 0, [("planned", None)])


def test_erasing_ends_everything_at_once(house: House, queue: QueueStop) -> None:
    anna = house.person("anna")
    house.plan(offer(anna, "campaign/1", house.now))
    (message,) = house.claim().started
    with house.placet.database.transaction() as connection:
        erase(house.placet, connection, anna.id, now=house.now)
        (position,) = connection.execute("SELECT position FROM ledger.ending").fetchone()
    assert house.settle({message.id: Sent()}) == 0
    assert not queue.look(lambda: house.now + SECOND)
    assert clock(house, position).stopped_everywhere_at == house.now + SECOND


def test_queue_that_nobody_works_for_closes_nothing_and_comes_back(house: House, queue: QueueStop) -> None:
    anna = house.person("anna")
    house.plan(offer(anna, "campaign/1", house.now))
    house.say(anna, "withdrawn")
    with house.placet.database.transaction() as connection:
        watched = stops.watch(connection, now=house.now + 2 * LIMIT)
    assert (watched.closed, watched.gone) == ((), (QUEUE,))
    queue.look(lambda: house.now + 2 * LIMIT)
    assert house.states(anna) == [("refused", "withdrawn")]
    with house.placet.database.transaction() as connection:
        assert [one.owes for one in stops.listing(connection) if one.stop.id == QUEUE] == [None]
