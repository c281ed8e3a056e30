"""Agents take calls one by one, see whom they call only then, and write down what came of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import time, timedelta

import attrs
import pytest

from desk.desk_people import AtDesk, Seat
from placet.access import openings, reads
from placet.access.staff import Member
from placet.bootstrap import Application
from placet.catalogue import store as catalogue_store
from placet.catalogue.render import render
from placet.consents import actions as consents
from placet.consents.model import Actor, Wish
from placet.consents.store import standing_of
from placet.delivery.model import Kind, Message, MessageId
from placet.delivery.notes import Note, Source, publish
from placet.delivery.policy import standard
from placet.delivery.rules import Calendar
from placet.kernel import clock
from placet.kernel.ids import ActivityId, ChannelId, PurposeId
from placet.purposes.offers.topics import TopicId
from placet.subjects.model import Subject
from portal.portal_browser import axe_source

CALL = ChannelId("call")
WIDER = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
AXE = """async () => {
  const found = await axe.run(document, {resultTypes: ['violations']});
  return found.violations.map(each => [each.id, each.nodes[0].html]);
}"""
WORDS = publish(
    {
        "lv": Source("Tālrunis lētāk", "Labdien, Anna!"),
        "ru": Source("Телефон дешевле", "Добрый день, Анна!"),
        "en": Source("A phone for less", "Good day, Anna!"),
    },
    declared=set(),
)


class Spring:
    """A room of offers that has words for `spring` alone."""

    def note(self, channel: ChannelId, template: str, language: str) -> Note | None:
        return WORDS[language] if channel == CALL else None


@pytest.fixture
def demo(demo: Application) -> Application:
    """Every hour is one for calls, and `spring` has words."""
    always = (time(0), time.max)
    policy = attrs.evolve(standard(), calendars=dict.fromkeys(Kind, Calendar((always,) * 7, always)))
    demo.offers.worded["spring"] = Spring()  # type: ignore[assignment]
    return attrs.evolve(demo, delivery=attrs.evolve(demo.delivery, policy=policy))


def plan(demo: Application, person: Subject, *keys: str) -> list[MessageId]:
    """Calls to *person*, who has said yes to them."""
    now = clock.now()
    with demo.database.transaction() as connection:
        shown = render(demo.catalogue(connection), purpose="offers", language="lv", route="portal")
        catalogue_store.remember_shown(connection, shown, now)
        yes = Wish(
            person.id, PurposeId("offers"), "given", "portal", Actor("subject"), language="lv", shown=shown.sha256
        )  # fmt: skip
        consents.record(connection, [yes, attrs.evolve(yes, channel=CALL)], rulebook=demo.rulebook, now=now)
        messages = [
            Message(
                subject=person.id, key=key, kind=Kind.OFFER, activity=ActivityId("offers.call-campaign"), channel=CALL,
                template="spring", language="lv", topic="phones", not_before=now, not_after=now + timedelta(days=3),
            )
            for key in keys
        ]  # fmt: skip
        return list(demo.delivery.plan(connection, messages, now=now).fresh)


def faults(seat: Seat) -> list[object]:
    seat.guest.page.evaluate(axe_source())
    found: list[object] = seat.guest.page.evaluate(AXE)
    return found


def call_channel(demo: Application, person: Subject) -> str:
    with demo.database.transaction() as connection:
        return str(standing_of(connection, person.number)[PurposeId("offers")][CALL].decision)


def test_agent_takes_a_call_reads_it_out_and_the_customer_sees_who_looked(
    demo: Application, sit: Callable[..., AtDesk], ilze: Member, anna: Subject
) -> None:
    desk = sit(ilze)
    desk.go("/desk/calls")
    assert "There is nobody to call now." in desk.words
    (message,) = plan(demo, anna, "spring")
    desk.go("/desk/calls?language=lv")
    assert "Offer: Phones" in desk.words
    assert "Anna" not in desk.words
    assert "20000001" not in desk.text
    desk.send(f"/desk/calls/{message}")
    assert desk.path == f"/desk/calls/{message}"
    assert "Anna Bērziņa" in desk.words
    assert "+37120000001" in desk.words
    assert "Labdien, Anna!" in desk.words
    with demo.database.transaction() as connection:
        assert [read.what for read in reads.of_subject(connection, anna.id)] == ["call"]
    desk.send(f"/desk/calls/{message}/outcome", outcome="reached-interested")
    assert "Written down: Reached: interested." in desk.words
    assert "Reached: interested: 1" in desk.words
    assert desk.go(f"/desk/calls/{message}").status_code == 404


def test_who_wants_no_more_calls_has_withdrawn_and_the_next_call_is_not_made(
    demo: Application, sit: Callable[..., AtDesk], ilze: Member, peteris: Member, anna: Subject
) -> None:
    first, second = plan(demo, anna, "spring", "summer")
    desk, other = sit(ilze), sit(peteris)
    desk.go("/desk/calls")
    desk.send(f"/desk/calls/{first}")
    other.go("/desk/calls")
    other.post(f"/desk/calls/{first}")
    assert "A colleague has it, or it is over." in other.words
    assert other.post(f"/desk/calls/{first}/outcome", outcome="no-answer").status_code == 400
    desk.send(f"/desk/calls/{first}/outcome", outcome="stop-calling")
    assert "nobody calls this customer any more" in desk.words
    assert call_channel(demo, anna) == "withdrawn"
    desk.send(f"/desk/calls/{second}")
    assert "This call is not made. The customer's consent does not allow it now." in desk.words


def test_who_wants_no_more_of_a_topic_is_offered_none_of_it_by_any_channel(
    demo: Application, sit: Callable[..., AtDesk], ilze: Member, anna: Subject
) -> None:
    first, second = plan(demo, anna, "spring", "summer")
    desk = sit(ilze)
    desk.go("/desk/calls")
    desk.send(f"/desk/calls/{first}")
    assert "Reached: not interested" in desk.words
    desk.send(f"/desk/calls/{first}/outcome", outcome="stop-topic")
    assert "Written down: Wants no more of this topic." in desk.words
    assert call_channel(demo, anna) == "given"
    with demo.database.transaction() as connection:
        wish = demo.offers.wishes.of(connection, anna.id)[TopicId("phones")]
    assert (wish.state, wish.by) == ("never", "person")
    desk.send(f"/desk/calls/{second}")
    assert "The customer wants fewer messages of this kind, or none." in desk.words


def test_own_call_and_an_outcome_that_is_none_change_nothing(
    demo: Application, sit: Callable[..., AtDesk], ilze: Member, anna: Subject
) -> None:
    (message,) = plan(demo, anna, "spring")
    with demo.database.transaction() as connection:
        openings.tie(connection, ilze.id, anna.id)
    desk = sit(ilze)
    desk.go("/desk/calls")
    assert desk.send(f"/desk/calls/{message}").status_code == 403
    assert desk.go("/desk/calls").status_code == 200
    assert desk.post(f"/desk/calls/{message}/outcome", outcome="bought").status_code == 400
    assert desk.post("/desk/calls/x").status_code == 400
    with demo.database.transaction() as connection:
        assert connection.execute("SELECT state FROM delivery.message").fetchall() == [("planned",)]


@pytest.mark.browser
def test_call_is_taken_and_ended_in_a_browser(
    demo: Application, window: Callable[..., Seat], ilze: Member, anna: Subject
) -> None:
    (message,) = plan(demo, anna, "spring")
    for language, width in (("lv", 390), ("ru", 1280), ("en", 390)):
        seat = window(ilze, language, width=width)
        seat.go("/desk/calls")
        assert seat.guest.page.evaluate(WIDER) <= 0
        assert faults(seat) == []
    desk = window(ilze, "lv", width=390)
    desk.go("/desk/calls")
    desk.press(f"form[action='/desk/calls/{message}'] button")
    for language in ("lv", "ru", "en"):
        desk.go(f"/desk/calls/{message}?lang={language}")
        assert desk.guest.page.evaluate(WIDER) <= 0
        assert faults(desk) == []
    desk.press("button[value=stop-calling]")
    assert call_channel(demo, anna) == "withdrawn"
