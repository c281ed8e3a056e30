"""No message starts after its withdrawal has committed, however the two run into each other."""

from __future__ import annotations

import itertools
import random
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event

from delivery_house import EMAIL, OFFERS, House, offer

from placet.consents import actions as consents
from placet.consents.model import Actor, Wish
from placet.delivery.starting import Claim

PEOPLE = 150
SENDERS = 3


def test_no_message_starts_after_its_withdrawal_has_committed(house: House) -> None:
    """
    Senders race with withdrawals. The order of commits is told by the database: a withdrawal notes, in a transaction
    that begins after its commit, whether the message has started; whatever had not by then never may.
    """
    people = [house.person(f"p{number}") for number in range(PEOPLE)]
    house.plan(*(offer(each, "campaign/1", house.now) for each in people))
    over = Event()

    def send() -> int:
        count = 0
        while not over.is_set():
            count += len(house.claim(limit=4).started)
        return count

    def withdraw(person, channel) -> bool:
        wish = Wish(person.id, OFFERS, "withdrawn", "api", Actor("subject"), channel=channel)
        with house.placet.database.transaction() as connection:
            consents.record(connection, [wish], rulebook=house.placet.rulebook, now=house.now)
        return house.states(person)[0][0] == "sending"

    shuffled = random.Random(7).sample(people, PEOPLE)
    with ThreadPoolExecutor(SENDERS) as senders:
        sending = [senders.submit(send) for _ in range(SENDERS)]
        had_started = {
            person.id: withdraw(person, channel)
            for person, channel in zip(shuffled, itertools.cycle([None, EMAIL]), strict=False)
        }
        while house.claim(limit=50, after=timedelta(seconds=1)) != Claim():
            pass
        over.set()
        started = sum(each.result() for each in sending)
    assert {person.id: house.states(person)[0][0] == "sending" for person in people} == had_started
    assert 0 < started < PEOPLE
