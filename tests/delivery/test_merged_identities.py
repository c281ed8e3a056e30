"""Whoever was recorded twice is one person for caps, wishes and keys, and sees what both identities were sent."""

from __future__ import annotations

from datetime import timedelta

from delivery_house import EMAIL, House, offer

from placet.bootstrap import merge
from placet.delivery import wishes
from placet.delivery.model import Kind, Sent
from placet.delivery.rules import Mute
from placet.subjects.model import Subject

DAY = timedelta(days=1)


def join(house: House, survivor: Subject, gone: Subject) -> None:
    """The merge, and the person's own yes for both."""
    with house.placet.database.transaction() as connection:
        merge(house.placet, connection, survivor.id, gone.id, now=house.now)
        house.now += timedelta(seconds=1)
        house.record(connection, survivor, "given", None)
        house.record(connection, survivor, "given", EMAIL)


def send(house: House, person: Subject, key: str) -> None:
    house.plan(offer(person, key, house.now, topic="travel"))
    for message in house.claim().started:
        house.settle({message.id: Sent()})


def test_caps_count_what_was_sent_under_either_identity(house: House) -> None:
    anna, twin = house.person("anna"), house.person("twin")
    send(house, anna, "spring")
    send(house, twin, "summer")
    join(house, anna, twin)
    send(house, anna, "autumn")
    assert house.states(anna) == [("sent", None), ("sent", None), ("refused", "cap-channel")]


def test_what_was_muted_under_either_identity_stays_muted_and_of_two_pauses_the_longer(house: House) -> None:
    anna, twin = house.person("anna"), house.person("twin")
    until = house.now + DAY
    with house.placet.database.transaction() as connection:
        wishes.mute(connection, twin.id, Mute(Kind.OFFER, "travel", EMAIL), now=house.now)
        wishes.mute(connection, anna.id, Mute(Kind.OFFER, "phones", EMAIL, until), now=house.now)
        wishes.mute(connection, twin.id, Mute(Kind.OFFER, "phones", EMAIL, until + DAY), now=house.now)
        wishes.slow(connection, twin.id, Kind.SURVEY, now=house.now)
    join(house, anna, twin)
    send(house, anna, "spring")
    assert house.states(anna) == [("refused", "muted")]
    with house.placet.database.transaction() as connection:
        mutes = {mute.topic: mute.until for mute in wishes.muted(connection, anna.id)}
        assert mutes == {"travel": None, "phones": until + DAY}


def test_a_key_that_either_identity_has_is_neither_planned_nor_sent_again(house: House) -> None:
    anna, twin = house.person("anna"), house.person("twin")
    send(house, twin, "spring")
    house.plan(offer(anna, "spring", house.now))
    for person in (anna, twin):
        house.plan(offer(person, "summer", house.now))
    join(house, anna, twin)
    assert sorted(house.states(anna)) == [("planned", None), ("refused", "twice"), ("refused", "twice"), ("sent", None)]
    house.plan(offer(twin, "winter", house.now))
    again = house.plan(offer(anna, "spring", house.now), offer(anna, "winter", house.now))
    assert (again.fresh, again.known) == ((), 2)
