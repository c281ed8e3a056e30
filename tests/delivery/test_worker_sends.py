"""The worker sends what is due by the channels that are set up, and is a stop while it does."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import attrs
from delivery_house import SERVICE, House, Wire, offer

from placet.delivery.model import Kind
from placet.delivery.sending import Sender
from placet.delivery.stopping import QUEUE
from placet.gate import stops
from placet.interfaces.worker import Worker
from placet.kernel import clock


def test_worker_sends_and_stands_on_the_clock(house: House) -> None:
    anna, now = house.person("anna"), clock.now()
    house.plan(offer(anna, "bill", now, not_after=now + timedelta(hours=1), kind=Kind.SERVICE, activity=SERVICE))
    end = threading.Event()
    worker = Worker(attrs.evolve(house.placet, channels=(Wire(),)))
    thread = threading.Thread(target=worker.run, args=(end,))
    thread.start()
    try:
        until = time.monotonic() + 60
        while house.states(anna) != [("sent", None)] or QUEUE not in standing(house):
            assert time.monotonic() < until, (house.states(anna), standing(house))
            time.sleep(0.05)
    finally:
        end.set()
        thread.join(timeout=30)


class Away(Wire):
    """Its carrier cannot be reached."""

    async def listen(self) -> None:
        raise ConnectionError


def test_a_lease_ends_also_while_the_carrier_is_away(house: House) -> None:
    anna = house.person("anna")
    house.plan(offer(anna, "spring", house.now))
    assert len(house.claim().started) == 1
    end = threading.Event()
    sender = Sender(house.placet.database, house.placet.delivery, (Away(),))
    later = house.now + timedelta(minutes=10)
    thread = threading.Thread(target=sender.follow, args=(end, lambda: later))
    thread.start()
    try:
        until = time.monotonic() + 60
        while house.states(anna) != [("unknown", "no-answer")]:
            assert time.monotonic() < until, house.states(anna)
            time.sleep(0.05)
    finally:
        end.set()
        thread.join(timeout=30)


def standing(house: House) -> set[str]:
    with house.placet.database.transaction() as connection:
        return {following.stop.id for following in stops.listing(connection)}
