"""The customer says what they want to hear about; each wish binds at once, and nothing is asked without a yes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from portal_visitor import Clock, Visitor
from test_uses_shown import give

from placet.access import sessions
from placet.bootstrap import Application
from placet.delivery import wishes as queue
from placet.delivery.model import Kind
from placet.delivery.rules import Mute
from placet.interfaces.portal.signing_in import SESSION
from placet.kernel import clock
from placet.kernel.ids import ChannelId
from placet.ledger.append import ending
from placet.purposes.offers.greetings.calendar import NOT_LISTED, YearDay
from placet.purposes.offers.greetings.model import Occasion
from placet.purposes.offers.topics import TopicId
from placet.subjects.model import Profile, Subject

Visit = Callable[..., Visitor]
EMAIL = ChannelId("email")
TRAVEL, PHONES, GAMING = TopicId("travel"), TopicId("phones"), TopicId("gaming")


@pytest.fixture
def allowed(demo: Application, anna: Subject) -> Subject:
    """Anna, called so and born on a day, has said yes to offers by e-mail."""
    with demo.database.transaction() as connection:
        demo.subjects.rectify(connection, anna.id, Profile("Anna Marija Liepa", date(1990, 5, 1)), now=clock.now())
    give(demo, anna, "offers")
    give(demo, anna, "offers", "email")
    return anna


def mutes(demo: Application, person: Subject) -> set[Mute]:
    with demo.database.transaction() as connection:
        return set(queue.muted(connection, person.id))


def test_without_a_yes_nothing_is_asked_and_nothing_kept(guest: Visitor, demo: Application, anna: Subject) -> None:
    guest.go("/offers")
    assert "We send you no offers: you have not allowed them." in guest.words
    assert guest.forms("/offers/topics") == []
    token = guest.form("/sign-out").fields
    for address in ("topics", "pace", "greetings", "surveys"):
        guest.client.post(
            f"/offers/{address}", data={**token, "topic.phones": "never", "surveys": "no", "birthday": "no"}
        )
    assert mutes(demo, anna) == set()
    with demo.database.transaction() as connection:
        assert demo.offers.wishes.of(connection, anna.id) == {}


def test_topics_are_wanted_or_never_wanted_and_the_page_says_so(
    guest: Visitor, demo: Application, allowed: Subject
) -> None:
    guest.go("/offers")
    assert set(guest.form("/offers/topics").fields.values()) >= {"neutral"}
    assert "want" not in guest.form("/offers/topics").fields.values()
    guest.send("/offers/topics", **{"topic.phones": "want", "topic.travel": "never", "topic.weather": "want"})
    assert "Your topics are saved." in guest.words
    fields = guest.form("/offers/topics").fields
    assert (fields["topic.phones"], fields["topic.travel"], fields["topic.gaming"]) == ("want", "never", "neutral")
    assert mutes(demo, allowed) == {Mute(Kind.OFFER, TRAVEL)}
    guest.send("/offers/topics", **{"topic.travel": "perhaps", "topic.phones": "neutral"})
    with demo.database.transaction() as connection:
        found = demo.offers.wishes.of(connection, allowed.id)
    assert {topic: (wish.state, wish.by) for topic, wish in found.items()} == {
        "phones": ("neutral", "person"),
        "travel": ("never", "person"),
    }


def test_what_the_learner_stopped_is_turned_on_again_by_one_press(
    guest: Visitor, demo: Application, allowed: Subject
) -> None:
    now = clock.now()
    with demo.database.transaction() as connection:
        demo.offers.wishes.set(connection, allowed.id, TRAVEL, "never", by="learner", reason="no-interest", now=now)
        queue.mute(connection, allowed.id, Mute(Kind.OFFER, GAMING, EMAIL), now=now)
    guest.go("/offers")
    assert "It did not seem to interest you, so we stopped it" in guest.words
    assert "You stopped it by e-mail." in guest.words
    form = guest.form("/offers/topics")
    assert {value for name, value in form.buttons if name == "again"} == {"travel", "gaming"}
    assert "topic.travel" not in form.radios
    guest.send("/offers/topics", again="gaming")
    assert mutes(demo, allowed) == {Mute(Kind.OFFER, TRAVEL)}
    guest.send("/offers/topics", again="travel")
    assert mutes(demo, allowed) == set()
    assert guest.form("/offers/topics").fields["topic.travel"] == "neutral"


def test_less_often_and_not_before_a_day(guest: Visitor, demo: Application, allowed: Subject, time: Clock) -> None:
    guest.go("/offers")
    assert "no more than 4 offers in 7 days" in guest.words
    assert "no more than one offer in 30 days" in guest.words
    for wrong in ("soon", "2020-01-01", "0000-00-00"):
        guest.send("/offers/pace", until=wrong, often="less")
        assert guest.page.status_code == 400
        assert "Choose a day after today." in guest.words
        guest.go("/offers")
        assert guest.form("/offers/pace").fields["often"] == "usual"
    day = (clock.now() + timedelta(days=40)).date()
    guest.send("/offers/pace", until=day.isoformat(), often="less")
    assert "Paused until" in guest.words
    (mute,) = mutes(demo, allowed)
    assert (mute.kind, mute.topic) == (Kind.OFFER, None)
    assert mute.until is not None
    assert mute.until.astimezone(demo.delivery.zone).date() == day
    assert guest.form("/offers/pace").fields["often"] == "less"
    guest.send("/offers/pace", do="resume", often="usual")
    assert mutes(demo, allowed) == set()
    assert "Paused until" not in guest.words
    guest.send("/offers/pace", until=day.isoformat())
    time.ahead = timedelta(days=42)
    guest.sign_in("+371 20 000 001")
    guest.go("/offers")
    assert "Paused until" not in guest.words


def test_greetings_have_a_switch_each_and_a_day_that_is_picked(
    guest: Visitor, demo: Application, allowed: Subject
) -> None:
    guest.go("/offers")
    fields = guest.form("/offers/greetings").fields
    assert (fields["birthday"], fields["name-day"], fields["day"]) == ("yes", "yes", "07-26")
    assert guest.form("/offers/greetings").radios["day"] == ["07-26", "07-22", "another"]
    guest.send("/offers/greetings", birthday="no", day="07-22")
    assert wished(demo, allowed) == ({Occasion.NAME_DAY}, YearDay(7, 22))
    assert guest.form("/offers/greetings").fields["day"] == "07-22"
    guest.send("/offers/greetings", birthday="yes", day="another", month="2", mday="29")
    assert wished(demo, allowed) == (set(Occasion), YearDay(2, 29))
    assert guest.form("/offers/greetings").fields["day"] == "another"
    guest.send("/offers/greetings", day="another", month="2", mday="31")
    assert guest.page.status_code == 400
    assert "There is no such day. Choose another one." in guest.words
    guest.go("/offers")
    guest.send("/offers/greetings", day="07-26")
    assert wished(demo, allowed) == (set(Occasion), YearDay(7, 26))
    with demo.database.transaction() as connection:
        assert connection.execute("SELECT count(*) FROM offers.greeting_wish").fetchone() == (0,)


def test_a_name_in_no_calendar_has_the_day_of_all_such_names(
    guest: Visitor, demo: Application, allowed: Subject
) -> None:
    with demo.database.transaction() as connection:
        demo.subjects.rectify(connection, allowed.id, Profile("Thomas Becker"), now=clock.now())
    guest.go("/offers")
    assert "22 May, the day of all names that no calendar lists" in guest.words
    assert "We hold no birth date of yours, so none comes on your birthday." in guest.words
    assert guest.form("/offers/greetings").fields["day"] == str(NOT_LISTED)


def test_surveys_stop_and_start_by_one_press(guest: Visitor, demo: Application, allowed: Subject) -> None:
    guest.go("/offers")
    guest.send("/offers/surveys", surveys="no")
    assert mutes(demo, allowed) == {Mute(Kind.SURVEY)}
    assert guest.form("/offers/surveys").fields["surveys"] == "no"
    guest.send("/offers/surveys", surveys="yes")
    assert mutes(demo, allowed) == set()


def test_the_start_page_leads_there_once_offers_are_allowed(guest: Visitor, demo: Application, anna: Subject) -> None:
    guest.go("/")
    assert 'href="/offers"' not in guest.text
    give(demo, anna, "offers")
    guest.go("/")
    assert 'href="/offers"' in guest.text


def test_who_comes_from_a_message_is_led_on_after_signing_in(visit: Visit, demo: Application, allowed: Subject) -> None:
    visitor = visit()
    visitor.go("/offers")
    assert visitor.path == "/sign-in"
    visitor.sign_in("+371 20 000 001")
    assert visitor.path == "/offers"
    other = visit()
    other.client.cookies.set("placet_after", "https://elsewhere.example/")
    other.sign_in("+371 20 000 001")
    assert other.path == "/"


def wished(demo: Application, person: Subject) -> tuple[set[Occasion], YearDay | None]:
    with demo.database.transaction() as connection:
        found = demo.offers.greetings.wished(connection, person.id, now=clock.now())
    return set(found.on), found.name_day.day


@pytest.mark.parametrize("address", ["/", "/choices/offers", "/offers"])
def test_no_page_is_older_than_what_its_reader_was_shown(
    guest: Visitor, demo: Application, allowed: Subject, address: str
) -> None:
    assert guest.client.get(address).status_code == 200
    with demo.database.transaction() as connection:
        session = sessions.resume(connection, guest.client.cookies[SESSION], now=clock.now())
        assert session is not None
        head = ending(connection)
        # As another server told it, of whose commits this database has not heard yet.
        sessions.remember(connection, session, f"{head.epoch}.{head.position + 1}")
    answer = guest.client.get(address)
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
