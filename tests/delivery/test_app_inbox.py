"""What the app shows: put there once, sealed, readable by its person alone, with the way to stop it."""

from __future__ import annotations

import asyncio
from datetime import datetime

import pytest
from delivery_house import SERVICE, House, offer

from placet.bootstrap import merge
from placet.delivery.app import APP, App
from placet.delivery.inbox import Item
from placet.delivery.model import Kind
from placet.delivery.notes import Note, Source, publish
from placet.delivery.sending import Sender
from placet.kernel.errors import BadInput, NotFound
from placet.kernel.ids import ActivityId, ChannelId
from placet.subjects.model import Subject

CAMPAIGN = ActivityId("offers.app-campaign")
WORDS = publish(
    {
        language: Source("Hello, {{ name }}", "A phone for less.\n\nUntil Friday,\n{{ name }}.")
        for language in ("lv", "ru", "en")
        for language in ("lv", "ru", "en")
    },
    declared={"name"},
)


def notes(channel: ChannelId, template: str, language: str) -> Note | None:
    return WORDS[language] if (channel, template) == (APP, "spring") else None


@pytest.fixture
def app(house: House) -> App:
    return App(house.placet.database, house.placet.inbox, notes, clock=lambda: house.now)


def customer(house: House, name: str) -> Subject:
    person = house.person(name)
    house.say(person, "given", APP)
    return person


def plan(house: House, person: Subject, key: str, **more: object) -> None:
    values: dict[str, object] = {"activity": CAMPAIGN, "channel": APP, "values": {"name": "Anna"}, "topic": "phones"}
    house.plan(offer(person, key, house.now, **(values | more)))


def send(house: House, app: App) -> None:
    sender = Sender(house.placet.database, house.placet.delivery, (app,))
    asyncio.run(sender.send_once(app, 50, lambda: house.now))


def lying(house: House, person: Subject) -> list[Item]:
    with house.placet.database.transaction() as connection:
        return house.placet.inbox.of_subject(connection, person.id)


def test_offer_lies_in_the_inbox_with_its_paragraphs_and_the_way_to_stop_it(house: House, app: App) -> None:
    anna, berta = customer(house, "anna"), customer(house, "berta")
    plan(house, anna, "spring")
    send(house, app)
    (item,) = lying(house, anna)
    assert (item.title, item.paragraphs) == ("Hello, Anna", ("A phone for less.", "Until Friday, Anna."))
    assert (item.kind, item.topic, item.read_at) == (Kind.OFFER, "phones", None)
    assert item.stop is not None
    assert item.stop.startswith("/u/")
    assert house.states(anna) == [("delivered", None)]
    assert lying(house, berta) == []


def test_service_message_needs_no_yes_and_has_nothing_to_stop(house: House, app: App) -> None:
    anna = house.person("anna", yes=False, address=False)
    plan(house, anna, "bill", kind=Kind.SERVICE, activity=SERVICE, topic=None)
    send(house, app)
    (item,) = lying(house, anna)
    assert item.stop is None


def test_text_lies_sealed_and_goes_with_its_person(house: House, app: App) -> None:
    anna = customer(house, "anna")
    plan(house, anna, "spring", values={"name": "Slepena"})
    send(house, app)
    with house.placet.database.transaction() as connection:
        (sealed,) = connection.execute("SELECT sealed FROM delivery.inbox").fetchone()
        assert b"Slepena" not in sealed
        house.placet.delivery.forget(connection, anna.number, ())
        assert connection.execute("SELECT count(*) FROM delivery.inbox").fetchone() == (0,)


def test_template_or_value_that_is_missing_is_our_fault_and_stops_no_other(house: House, app: App) -> None:
    anna, berta, cecilija = (customer(house, name) for name in ("anna", "berta", "cecilija"))
    plan(house, anna, "spring", template="nowhere")
    plan(house, berta, "spring", values={})
    plan(house, cecilija, "spring")
    send(house, app)
    found = [house.states(person) for person in (anna, berta, cecilija)]
    assert found == [[("failed", "no-template")], [("failed", "no-value")], [("delivered", None)]]


def test_whoever_died_in_between_is_answered_by_what_lies_there(house: House, app: App) -> None:
    anna, berta = customer(house, "anna"), customer(house, "berta")
    plan(house, anna, "spring")
    plan(house, berta, "spring")
    with house.placet.database.transaction() as connection:
        claim = house.placet.delivery.claim(connection, app, limit=10, now=house.now)
    put = next(one for one in claim.started if one.subject == anna.id)
    asyncio.run(app.send([put]))  # and nobody writes down that it was put

    def later() -> datetime:
        return put.lease_until

    asyncio.run(Sender(house.placet.database, house.placet.delivery, (app,)).reconcile_once(app, later))
    assert (house.states(anna), house.states(berta)) == ([("delivered", None)], [("failed", "not-put")])
    asyncio.run(app.send([put]))
    assert len(lying(house, anna)) == 1


def test_only_its_person_marks_it_as_read_and_the_first_time_counts(house: House, app: App) -> None:
    anna, berta = customer(house, "anna"), customer(house, "berta")
    plan(house, anna, "spring")
    send(house, app)
    (item,) = lying(house, anna)
    inbox = house.placet.inbox
    with house.placet.database.transaction() as connection, pytest.raises(NotFound):
        inbox.read(connection, berta.id, item.message, now=house.now)
    with house.placet.database.transaction() as connection:
        assert inbox.unread(connection, anna.id) == 1
        inbox.read(connection, anna.id, item.message, now=house.now)
        inbox.read(connection, anna.id, item.message, now=house.now.replace(hour=23))
        assert inbox.unread(connection, anna.id) == 0
    assert [each.read_at for each in lying(house, anna)] == [house.now]


def test_inbox_of_a_merged_identity_is_the_persons(house: House, app: App) -> None:
    anna, twin = customer(house, "anna"), customer(house, "twin")
    plan(house, twin, "spring")
    send(house, app)
    with house.placet.database.transaction() as connection:
        merge(house.placet, connection, anna.id, twin.id, now=house.now)
    (item,) = lying(house, anna)
    with house.placet.database.transaction() as connection:
        house.placet.inbox.read(connection, anna.id, item.message, now=house.now)


def test_broken_text_is_refused_when_it_is_published() -> None:
    whole = dict.fromkeys(("lv", "ru", "en"), Source("Hello", "{{ name }}"))
    for broken in (
        {"lv": whole["lv"]},
        whole | {"ru": Source("Hello", "{{ surname }}")},
        whole | {"ru": Source("Hello\nBcc: x", "text")},
        whole | {"ru": Source("Hello", " ")},
        whole | {"ru": Source("Hello", "a" * 6001)},
    ):
        with pytest.raises(BadInput):
            publish(broken, declared={"name"})
