"""A customer reads what was sent to them, what was not and why, and what the app shows."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from portal_visitor import Visitor, newcomer

from placet.bootstrap import Application
from placet.delivery.model import Kind, Message, MessageId, Refusal, State
from placet.delivery.notes import Filled
from placet.gate.model import Reason
from placet.kernel import clock
from placet.kernel.ids import ActivityId, ChannelId
from placet.subjects.model import Subject

Visit = Callable[..., Visitor]
GENERAL = "It was stopped before it was sent."


def plan(demo: Application, person: Subject, *keys: str, kind: Kind = Kind.OFFER) -> list[MessageId]:
    """Messages in the order of *keys*, a second apart."""
    now = clock.now() - timedelta(seconds=len(keys))
    ids: list[MessageId] = []
    with demo.database.transaction() as connection:
        for number, key in enumerate(keys):
            message = Message(
                subject=person.id, key=key, kind=kind, activity=ActivityId("offers.email-campaign"),
                channel=ChannelId("email"), template="spring", language="en", topic="phones", not_before=now,
                not_after=now + timedelta(days=1),
            )  # fmt: skip
            at = now + timedelta(seconds=number)
            ids += demo.delivery.plan(connection, [message], now=at).fresh
    return ids


def become(demo: Application, message: MessageId, state: State, reason: str | None = None) -> None:
    with demo.database.transaction() as connection:
        connection.execute(
            "UPDATE delivery.message SET state = %s, reason = %s WHERE id = %s", [state.value, reason, message]
        )


def lines(visitor: Visitor) -> list[str]:
    found = re.findall(r"<li class=\"(?:open|closed)\">(.*?)</li>", visitor.text, re.DOTALL)
    return [" ".join(re.sub(r"<[^>]+>", " ", one).split()) for one in found]


def test_each_message_says_what_became_of_it_and_nothing_of_anybody_else(
    guest: Visitor, demo: Application, anna: Subject
) -> None:
    berta = newcomer(demo, "+37120000002")
    plan(demo, berta, "berta")
    guest.go("/messages")
    assert "Nothing was meant for you yet." in guest.words
    sent, muted, lost = plan(demo, anna, "sent", "muted", "lost")
    become(demo, sent, State.DELIVERED)
    become(demo, muted, State.REFUSED, Refusal.MUTED)
    become(demo, lost, State.UNKNOWN, "answer-lost")
    guest.go("/messages")
    unknown, refused, delivered = lines(guest)
    assert "Not certain" in unknown
    assert "We do not send it again." in unknown
    assert "Not sent" in refused
    assert "You had told us that you want none of this." in refused
    assert "Offer: Phones" in delivered
    assert "✓ Delivered" in delivered
    assert "E-mail" in delivered
    guest.go("/messages?show=sent")
    assert len(lines(guest)) == 2
    guest.go("/messages?show=not-sent")
    assert lines(guest) == [refused]


def test_every_reason_has_a_sentence_of_its_own(guest: Visitor, demo: Application, anna: Subject) -> None:
    reasons = [reason.value for reason in (*Refusal, *Reason)]
    for message, reason in zip(plan(demo, anna, *map(str, range(len(reasons)))), reasons, strict=True):
        become(demo, message, State.REFUSED, reason)
    guest.go("/messages")
    told = lines(guest)
    for _ in range(3):
        older = re.findall(r'href="(/messages\?show=all&amp;before=[0-9a-f-]+)"', guest.text)
        if not older:
            break
        guest.go(older[0].replace("&amp;", "&"))
        told += lines(guest)
    assert len(told) == len(reasons)
    assert [reason for reason, line in zip(reversed(reasons), told, strict=True) if GENERAL in line] == []


@pytest.mark.parametrize("query", ["before=x", "before=%00"])
def test_place_that_is_none_is_refused(guest: Visitor, query: str) -> None:
    assert guest.go(f"/messages?{query}").status_code == 400
    assert guest.go(f"/messages/inbox?{query}").status_code == 400


def test_inbox_is_read_and_marked_by_its_person_alone(
    visit: Visit, guest: Visitor, demo: Application, anna: Subject
) -> None:
    newcomer(demo, "+37120000002")
    (message,) = plan(demo, anna, "spring")
    with demo.database.transaction() as connection:
        text = Filled("A phone <b>for less</b>", ("Until Friday.",))
        demo.inbox.put(connection, anna.id, message, text, now=clock.now())
    guest.go("/messages")
    assert "Not read: 1" in guest.words
    guest.go("/messages/inbox")
    assert "A phone &lt;b&gt;for less&lt;/b&gt;" in guest.text
    assert f'href="/u/{demo.inbox.tokens.make(message)}"' in guest.text
    other = visit()
    other.sign_in("+371 20 000 002")
    other.go("/messages/inbox")
    assert "The inbox is empty." in other.words
    foreign = other.client.post(
        f"/messages/inbox/{message}",
        data={"form_token": re.findall(r'name="form_token" value="([^"]+)"', other.text)[0]},
        headers={"origin": "http://127.0.0.1:8000"},
    )
    assert foreign.status_code == 404
    guest.send(f"/messages/inbox/{message}")
    assert guest.path == "/messages/inbox"
    assert "Not read" not in guest.words
