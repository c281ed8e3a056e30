"""What a person wants to hear about: their own word binds, and binds what is planned already."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from psycopg import Connection

from delivery.delivery_house import House, offer
from placet.bootstrap import Application, merge
from placet.kernel.errors import BadInput
from placet.purposes.offers import topics
from placet.purposes.offers.topics import TopicId
from placet.purposes.offers.wishes import Pace, Wishes
from placet.subjects.model import Subject

TRAVEL, PHONES = TopicId("travel"), TopicId("phones")


@pytest.fixture
def house(placet: Application, now: datetime) -> House:
    return House(placet, now)


@pytest.fixture
def wishes(placet: Application) -> Wishes:
    return placet.offers.wishes


def states(connection: Connection, wishes: Wishes, person: Subject) -> dict[str, tuple[str, str, bool]]:
    return {topic: (wish.state, wish.by, wish.stopped) for topic, wish in wishes.of(connection, person.id).items()}


def test_there_are_a_few_topics_with_titles_in_three_languages() -> None:
    assert 8 <= len(topics.all()) <= 12
    assert all(set(topic.titles) == {"lv", "ru", "en"} and all(topic.titles.values()) for topic in topics.all())
    assert topics.offered("travel")
    assert not topics.offered("weather")


def test_never_is_not_sent_even_where_it_was_planned_before(house: House, wishes: Wishes, now: datetime) -> None:
    person = house.person("anna")
    house.plan(offer(person, "campaign/1", now, topic=TRAVEL))
    house.plan(offer(person, "campaign/2", now, topic=PHONES))
    with house.placet.database.transaction() as connection:
        assert wishes.set(connection, person.id, TRAVEL, "never", by="person", now=now)
        assert not wishes.set(connection, person.id, TRAVEL, "never", by="person", now=now)
    house.claim()
    house.claim()
    assert house.states(person) == [("refused", "muted"), ("sending", None)]
    with house.placet.database.transaction() as connection:
        assert wishes.set(connection, person.id, TRAVEL, "want", by="person", now=now)
    house.plan(offer(person, "campaign/3", now, topic=TRAVEL))
    assert len(house.claim().started) == 1


def test_the_learner_stops_and_only_the_person_starts_again(house: House, wishes: Wishes, now: datetime) -> None:
    person = house.person("anna")
    with house.placet.database.transaction() as connection:
        assert wishes.set(connection, person.id, TRAVEL, "never", by="learner", now=now, reason="not-interested")
        assert states(connection, wishes, person) == {TRAVEL: ("never", "learner", True)}
        for state in ("want", "neutral"):
            with pytest.raises(BadInput, match="nothing else"):
                wishes.set(connection, person.id, TRAVEL, state, by="learner", now=now)  # type: ignore[arg-type]
        assert wishes.set(connection, person.id, TRAVEL, "want", by="person", now=now)
        assert not wishes.set(connection, person.id, TRAVEL, "never", by="learner", now=now)
        assert wishes.set(connection, person.id, PHONES, "never", by="person", now=now)
        assert not wishes.set(connection, person.id, PHONES, "never", by="learner", now=now)
        assert states(connection, wishes, person) == {
            TRAVEL: ("want", "person", False),
            PHONES: ("never", "person", False),
        }


def test_a_pause_ends_by_itself(house: House, wishes: Wishes, now: datetime) -> None:
    person, day = house.person("anna"), timedelta(days=1)
    house.plan(offer(person, "campaign/1", now))
    with house.placet.database.transaction() as connection:
        wishes.pause(connection, person.id, now + 30 * day, now=now)
        assert wishes.pace(connection, person.id, now=now) == Pace("usual", now + 30 * day)
        wishes.pause(connection, person.id, now + day, now=now)
        assert wishes.pace(connection, person.id, now=now) == Pace("usual", now + day)
        with pytest.raises(BadInput, match="in the future"):
            wishes.pause(connection, person.id, now, now=now)
    house.claim()
    assert house.states(person) == [("refused", "muted")]
    house.plan(offer(person, "campaign/2", now, not_after=now + 2 * day))
    with house.placet.database.transaction() as connection:
        assert wishes.pace(connection, person.id, now=now + day) == Pace("usual", None)
    assert len(house.claim(after=day).started) == 1


def test_who_wants_less_gets_one_a_month(house: House, wishes: Wishes, now: datetime) -> None:
    person, week = house.person("anna"), timedelta(days=7)
    with house.placet.database.transaction() as connection:
        wishes.frequency(connection, person.id, "less", now=now)
        assert wishes.pace(connection, person.id, now=now) == Pace("less", None)
    house.plan(offer(person, "campaign/1", now))
    assert len(house.claim().started) == 1
    later = {"not_before": now, "not_after": now + 10 * week}
    house.plan(offer(person, "campaign/2", now, **later))
    house.claim(after=3 * week)
    assert house.states(person) == [("sending", None), ("refused", "cap-own")]
    with house.placet.database.transaction() as connection:
        wishes.frequency(connection, person.id, "usual", now=now)
    house.plan(offer(person, "campaign/3", now, **later))
    assert len(house.claim(after=3 * week).started) == 1


def test_of_two_identities_that_were_one_person_the_stricter_wish_stays(
    house: House, wishes: Wishes, now: datetime
) -> None:
    stays, merged = house.person("anna"), house.person("anna-again")
    with house.placet.database.transaction() as connection:
        wishes.set(connection, stays.id, TRAVEL, "want", by="person", now=now)
        wishes.set(connection, merged.id, TRAVEL, "never", by="person", now=now)
        wishes.set(connection, stays.id, PHONES, "never", by="person", now=now)
        wishes.set(connection, merged.id, PHONES, "want", by="person", now=now)
        merge(house.placet, connection, stays.id, merged.id, now=now)
        assert states(connection, wishes, stays) == {
            TRAVEL: ("never", "person", False),
            PHONES: ("never", "person", False),
        }
