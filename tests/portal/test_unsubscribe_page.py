"""The link in a message: reading it changes nothing, one click stops at once, and nobody has to be signed in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from httpx import Response
from portal_visitor import Clock
from starlette.applications import Starlette
from starlette.testclient import TestClient

from placet.bootstrap import Application, erase
from placet.catalogue import store as catalogue_store
from placet.catalogue.render import render
from placet.consents import store as consents
from placet.consents.model import Actor, Recorded, Wish
from placet.delivery import wishes
from placet.delivery.model import Kind, Message
from placet.delivery.rules import Mute
from placet.delivery.tokens import tokens
from placet.gate.actions import Allowed
from placet.kernel.ids import ActivityId, ChannelId, PurposeId
from placet.purposes.offers.topics import TopicId
from placet.subjects.model import Subject

OFFERS, EMAIL = PurposeId("offers"), ChannelId("email")
CAMPAIGN = ActivityId("offers.email-campaign")
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def program(pages: Starlette) -> Iterator[TestClient]:
    """A mail program: it has no cookie, and comes from nowhere."""
    with TestClient(pages, base_url="http://127.0.0.1:8000", follow_redirects=False) as client:
        yield client


@pytest.fixture
def willing(demo: Application, anna: Subject, time: Clock) -> Subject:
    """Anna, who said yes to offers by e-mail."""
    with demo.database.transaction() as connection:
        shown = render(demo.catalogue(connection), purpose="offers", language="lv", route="portal")
        catalogue_store.remember_shown(connection, shown, time())
    said = [
        Wish(anna.id, OFFERS, "given", "portal", Actor("subject"), channel=channel, shown=shown.sha256)
        for channel in (None, EMAIL)
    ]
    assert all(isinstance(outcome, Recorded) for outcome in demo.sequencer.record(said))
    return anna


def link(demo: Application, person: Subject, now: datetime, topic: str | None = "travel", **more: object) -> str:
    """The path in a message to *person*."""
    values: dict[str, object] = {
        "subject": person.id, "key": f"campaign/{topic}", "kind": Kind.OFFER, "activity": CAMPAIGN, "channel": EMAIL,
        "template": "campaign/spring", "language": "ru", "topic": topic, "not_before": now,
        "not_after": now + timedelta(days=1),
    }  # fmt: skip
    with demo.database.transaction() as connection:
        (message,) = demo.delivery.plan(connection, [Message(**(values | more))], now=now).fresh  # type: ignore[arg-type]
    return f"/u/{tokens(demo.master).make(message)}"


def decisions(demo: Application, person: Subject) -> list[tuple[str, str | None, str]]:
    """What the ledger says of them, newest first."""
    with demo.database.transaction() as connection:
        records = consents.history(connection, person.id, before=None, limit=50)
    return [(record.decision, record.channel, record.route) for record in records]


def allowed(demo: Application, person: Subject, now: datetime) -> bool:
    with demo.database.transaction() as connection:
        return isinstance(demo.gate.check(connection, person.id, CAMPAIGN, channel=EMAIL, now=now), Allowed)


def mutes(demo: Application, person: Subject) -> list[Mute]:
    with demo.database.transaction() as connection:
        return wishes.muted(connection, person.id)


def press(program: TestClient, path: str, do: str, **fields: str) -> Response:
    answer = program.post(path, data={"do": do, **fields})
    assert answer.status_code == 200, answer.text
    return answer


def field(page: str, name: str) -> str:
    return page.partition(f'name="{name}" value="')[2].partition('"')[0]


def test_opening_the_link_changes_nothing_and_speaks_the_language_of_the_message(
    program: TestClient, demo: Application, willing: Subject, time: Clock
) -> None:
    path = link(demo, willing, time())
    before = decisions(demo, willing)
    for method in ("GET", "HEAD"):
        answer = program.request(method, path, headers={"accept-language": "lv"})
        assert answer.status_code == 200
        assert "set-cookie" not in answer.headers
    page = program.get(path).text
    assert '<html lang="ru"' in page
    assert "Поездки и связь за границей" in page
    assert "Предложения и новости по электронной почте" in page
    assert '<html lang="en"' in program.get(f"{path}?lang=en").text
    assert decisions(demo, willing) == before
    assert allowed(demo, willing, time())


@pytest.mark.parametrize("form", ["urlencoded", "multipart", "empty", "json"])
def test_one_click_withdraws_the_channel_at_once_whatever_its_form_is(
    program: TestClient, demo: Application, willing: Subject, time: Clock, form: str
) -> None:
    bodies: dict[str, dict[str, object]] = {
        "urlencoded": {"data": ONE_CLICK},
        "multipart": {"files": {"List-Unsubscribe": (None, "One-Click")}},
        "empty": {},
        "json": {"json": ONE_CLICK},
    }
    path = link(demo, willing, time())
    headers = {"sec-fetch-site": "cross-site", "origin": "https://mail.example.com"}
    for _ in range(2):
        answer = program.post(path, headers=headers, **bodies[form])  # type: ignore[arg-type]
        assert answer.status_code == 200
        assert "set-cookie" not in answer.headers
        assert "location" not in answer.headers
    assert decisions(demo, willing)[:2] == [("withdrawn", "email", "portal"), ("given", "email", "portal")]
    assert not allowed(demo, willing, time())


def test_a_yes_after_a_click_holds_until_the_next_click(
    program: TestClient, demo: Application, willing: Subject, time: Clock
) -> None:
    path = link(demo, willing, time())
    page = press(program, path, "channel").text
    again = {"undo": field(page, "undo"), "shown": field(page, "shown")}
    assert "Снова дано" in press(program, path, "again", **again).text
    assert allowed(demo, willing, time())
    # What was undone once is not undone by the same form again, and the link still works.
    assert "Снова дано" not in press(program, path, "again", **again).text
    press(program, path, "channel")
    assert [decision for decision, *_ in decisions(demo, willing)] == [
        "withdrawn",
        "given",
        "withdrawn",
        "given",
        "given",
    ]


def test_a_link_gives_again_only_what_it_took_and_only_for_an_hour(
    program: TestClient, demo: Application, willing: Subject, time: Clock
) -> None:
    path, other = link(demo, willing, time()), link(demo, willing, time(), topic="phones")
    page = press(program, path, "channel").text
    again = {"undo": field(page, "undo"), "shown": field(page, "shown")}
    assert "войдите" in press(program, other, "again", **again).text
    assert "войдите" in press(program, path, "again", shown=again["shown"], undo="nonsense").text
    time.ahead += timedelta(hours=1, minutes=1)
    assert "войдите" in press(program, path, "again", **again).text
    assert not allowed(demo, willing, time())
    assert program.post(path, data={"do": "again", **again, "shown": "00"}).status_code == 400


def test_a_topic_is_muted_and_unmuted_and_the_second_asks_about_the_channel(
    program: TestClient, demo: Application, willing: Subject, time: Clock
) -> None:
    travel, phones = link(demo, willing, time()), link(demo, willing, time(), topic="phones")
    assert "Вам мешает сам канал?" not in press(program, travel, "topic").text
    assert mutes(demo, willing) == [Mute(Kind.OFFER, "travel", EMAIL)]
    press(program, travel, "topic-again")
    assert mutes(demo, willing) == []
    press(program, travel, "topic")
    assert "Вам мешает сам канал?" in press(program, phones, "topic").text
    assert allowed(demo, willing, time()), "the consent itself stands"


def test_a_topic_is_wanted_more_or_never_and_undone_to_what_was_said_before(
    program: TestClient, demo: Application, willing: Subject, time: Clock
) -> None:
    path, travel = link(demo, willing, time()), TopicId("travel")

    def wish() -> str:
        with demo.database.transaction() as connection:
            found = demo.offers.wishes.of(connection, willing.id).get(travel)
        return "neutral" if found is None else found.state

    press(program, path, "topic")
    assert 'value="neutral"' in press(program, path, "want").text
    assert (wish(), mutes(demo, willing)) == ("want", []), "who wants more of it wants it here, too"
    assert 'value="want"' in press(program, path, "never").text
    assert (wish(), mutes(demo, willing)) == ("never", [Mute(Kind.OFFER, "travel", None)])
    press(program, path, "want")
    assert (wish(), mutes(demo, willing)) == ("want", [])


def test_offers_come_less_often_and_as_usual_again(
    program: TestClient, demo: Application, willing: Subject, time: Clock
) -> None:
    path = link(demo, willing, time())

    def slowed() -> frozenset[Kind]:
        with demo.database.transaction() as connection:
            return wishes.slowed(connection, willing.id)

    press(program, path, "less")
    assert slowed() == {Kind.OFFER}
    press(program, path, "usual")
    assert slowed() == frozenset()


def test_everything_can_be_taken_back_by_one_press(
    program: TestClient, demo: Application, willing: Subject, time: Clock
) -> None:
    press(program, link(demo, willing, time()), "all")
    assert decisions(demo, willing)[0] == ("withdrawn", None, "portal")
    assert not allowed(demo, willing, time())


def test_a_service_message_has_nothing_to_stop(
    program: TestClient, demo: Application, willing: Subject, time: Clock
) -> None:
    service = ActivityId("contract.service-message")
    path = link(demo, willing, time(), topic=None, kind=Kind.SERVICE, activity=service)
    assert "<button" not in program.get(path).text
    before = decisions(demo, willing)
    assert program.post(path, data=ONE_CLICK).status_code == 200
    assert decisions(demo, willing) == before


def test_the_link_of_an_erased_person_answers_kindly_and_a_guessed_one_is_nobodys(
    program: TestClient, demo: Application, willing: Subject, time: Clock
) -> None:
    path = link(demo, willing, time())
    with demo.database.transaction() as connection:
        erase(demo, connection, willing.id, now=time())
    assert program.get(path).status_code == program.post(path, data=ONE_CLICK).status_code == 200
    flipped = path[:-1] + ("a" if path[-1] != "a" else "b")
    for guess in (flipped, "/u/nothing", "/u/" + "a" * 48, "/u/%00"):
        assert program.get(guess).status_code == program.post(guess).status_code == 404
    assert program.post(path, content=b"x" * 70_000, headers={
        "content-type": "application/x-www-form-urlencoded"}).status_code == 413  # fmt: skip


def test_less_and_more_of_a_topic_are_told_to_the_learner_and_why_it_came_is_said(
    demo: Application, program: TestClient, willing: Subject, time: Clock
) -> None:
    page = link(demo, willing, time())
    with demo.database.transaction() as connection:
        connection.execute("UPDATE delivery.message SET state = 'sent', started_at = planned_at")
    said = program.get(f"{page}?lang=en").text
    assert "We send this offer on “Travel and calls abroad”" in said
    assert _told(demo) == []
    assert "You will hear less of it" in program.post(f"{page}?lang=en", data={"do": "fewer"}).text
    assert _told(demo) == ["less"]
    program.post(page, data={"do": "fewer-again"})
    assert _told(demo) == [None]
    program.post(page, data={"do": "want"})
    assert _told(demo) == ["more"]
    program.post(page, data={"do": "neutral"})
    assert _told(demo) == [None]


def _told(demo: Application) -> list[str | None]:
    with demo.database.transaction() as connection:
        return [sign for (sign,) in connection.execute("SELECT sign FROM offers.heard")]
