"""Every change reaches every subscriber, in order, whatever the others do."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from subscribers_support import PHONE, Receiver, say, signature_fits, until

from placet.bootstrap import Application, erase
from placet.kernel import clock
from placet.kernel.errors import Conflict, NotFound
from placet.ledger.append import append_event
from placet.subjects.model import Subject
from placet.subscribers.actions import HOLD, MOST, Subscribers
from placet.subscribers.delivery import Courier
from placet.subscribers.model import Acknowledged, Failed, Registered, Subscriber, SubscriberId


def register(placet: Application, subscribers: Subscribers, url: str, **more: Any) -> Registered:
    with placet.database.transaction() as connection:
        return subscribers.register(connection, client="crm", url=url, now=clock.now(), **more)


def found(placet: Application, subscribers: Subscribers, id: SubscriberId) -> Subscriber:
    with placet.database.transaction() as connection:
        return subscribers.get(connection, id)


def test_a_subscriber_is_told_every_change_in_order_and_can_verify_who_says_it(
    placet: Application, subscribers: Subscribers, courier: Courier, receiver: Receiver, anna: Subject
) -> None:
    added = register(placet, subscribers, receiver.url)
    positions = say(placet, anna, "given", "withdrawn", "given")
    until(lambda: len(receiver.positions()) >= 3)
    assert receiver.positions() == positions
    assert [change["decision"] for change in receiver.changes()] == ["given", "withdrawn", "given"]
    assert {change["subject"] for change in receiver.changes()} == {str(anna.id)}
    assert all(signature_fits(added.secret, headers, body) for headers, body in receiver.told)
    assert not any(signature_fits(added.secret, headers, body + b" ") for headers, body in receiver.told)


def test_a_message_carries_ids_only(
    placet: Application, subscribers: Subscribers, courier: Courier, receiver: Receiver, anna: Subject
) -> None:
    register(placet, subscribers, receiver.url)
    say(placet, anna, "given")
    until(lambda: bool(receiver.told))
    ((headers, body),) = receiver.told
    change = json.loads(body)["changes"][0]
    assert set(change) == {"position", "token", "subject", "purpose", "channel", "decision", "notice_major"}
    for personal in (PHONE, PHONE[4:], "Anna", "Kalni"):
        assert personal not in body.decode() + str(headers)


def test_an_erasure_is_told(
    placet: Application, subscribers: Subscribers, courier: Courier, receiver: Receiver, anna: Subject
) -> None:
    register(placet, subscribers, receiver.url)
    with placet.database.transaction() as connection:
        erase(placet, connection, anna.id, now=clock.now())
    until(lambda: bool(receiver.told))
    assert [(change["subject"], change["decision"]) for change in receiver.changes()] == [(str(anna.id), "erased")]


def test_what_was_not_acknowledged_is_told_again_under_the_same_id(
    placet: Application, subscribers: Subscribers, courier: Courier, receiver: Receiver, anna: Subject
) -> None:
    receiver.answers = [503, 302]
    positions = say(placet, anna, "given")
    added = register(placet, subscribers, receiver.url, after=0)
    until(lambda: len(receiver.told) >= 3)
    assert [headers["webhook-id"] for headers, _ in receiver.told] == [receiver.told[0][0]["webhook-id"]] * 3
    assert receiver.positions() == positions * 3
    until(lambda: found(placet, subscribers, added.subscriber.id).answered_at is not None)
    after = found(placet, subscribers, added.subscriber.id)
    assert (after.behind, after.failures, after.failure) == (0, 0, None)


def test_a_new_subscriber_hears_what_happens_from_now_on_unless_it_asks_for_more(
    placet: Application, subscribers: Subscribers, courier: Courier, receiver: Receiver, anna: Subject
) -> None:
    say(placet, anna, "given")
    register(placet, subscribers, receiver.url)
    (later,) = say(placet, anna, "withdrawn")
    until(lambda: bool(receiver.told))
    assert receiver.positions() == [later]


def test_one_that_never_answers_and_one_that_answers_a_byte_at_a_time_delay_nobody(
    placet: Application, subscribers: Subscribers, courier: Courier, receiver: Receiver, anna: Subject
) -> None:
    with silent() as mute, dripping() as slow:
        stuck = [register(placet, subscribers, url).subscriber.id for url in (mute, slow, mute, slow)]
        register(placet, subscribers, receiver.url)
        positions = say(placet, anna, "given", "withdrawn", "given", "withdrawn")
        until(lambda: len(receiver.positions()) >= 4)
        assert receiver.positions() == positions
        until(lambda: all(found(placet, subscribers, id).failures > 0 for id in stuck))
        for id in stuck:
            lagging = found(placet, subscribers, id)
            assert lagging.failure == "timeout"
            assert lagging.behind == 4
            assert lagging.waiting_since is not None


def test_one_that_is_not_there_is_tried_later(
    placet: Application, subscribers: Subscribers, courier: Courier, anna: Subject
) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        added = register(placet, subscribers, f"http://127.0.0.1:{nobody.getsockname()[1]}/")
        say(placet, anna, "given")
        until(lambda: found(placet, subscribers, added.subscriber.id).failures > 0)
        assert found(placet, subscribers, added.subscriber.id).failure == "no-connection"


def test_in_production_a_name_that_leads_inside_is_not_called(
    placet: Application, receiver: Receiver, anna: Subject
) -> None:
    """Registration lets the name pass, since a name can point anywhere; what it resolves to is checked at the call."""
    strict = Subscribers(placet.master, production=True)
    added = register(placet, strict, f"https://localhost:{receiver.url.split(':')[2].split('/')[0]}/")
    say(placet, anna, "given")
    stop = threading.Event()
    thread = threading.Thread(target=Courier(placet.database, strict).follow, args=(stop, clock.now))
    thread.start()
    try:
        until(lambda: found(placet, strict, added.subscriber.id).failures > 0)
    finally:
        stop.set()
        thread.join()
    assert found(placet, strict, added.subscriber.id).failure == "private-target"
    assert receiver.told == []


def test_of_two_processes_one_delivers_and_a_dead_one_is_replaced(
    placet: Application, subscribers: Subscribers, anna: Subject
) -> None:
    added = register(placet, subscribers, "http://127.0.0.1:9/")
    say(placet, anna, "given")
    now = clock.now()
    with placet.database.transaction() as connection:
        first = subscribers.next_delivery(connection, added.subscriber.id, now=now)
        assert first is not None
        assert subscribers.due(connection, now=now) == []
        assert subscribers.next_delivery(connection, added.subscriber.id, now=now) is None
    later = now + HOLD + timedelta(seconds=1)
    with placet.database.transaction() as connection:
        second = subscribers.next_delivery(connection, added.subscriber.id, now=later)
        assert second is not None
        assert second.body == first.body
        # The first one comes back to life too late: its word counts for nothing.
        subscribers.settle(connection, first, Failed("timeout"), now=later)
        assert subscribers.get(connection, added.subscriber.id).failures == 0
        subscribers.settle(connection, second, Acknowledged(), now=later)
        assert subscribers.get(connection, added.subscriber.id).behind == 0


def test_one_that_has_everything_is_free_for_the_next_change(
    placet: Application, subscribers: Subscribers, anna: Subject
) -> None:
    """Asking for a message when there is none must not hold the subscriber: the next change would wait a minute."""
    added = register(placet, subscribers, "http://127.0.0.1:9/")
    for word in ("given", "withdrawn"):
        say(placet, anna, word)
        with placet.database.transaction() as connection:
            now = clock.now()
            delivery = subscribers.next_delivery(connection, added.subscriber.id, now=now)
            assert delivery is not None
            subscribers.settle(connection, delivery, Acknowledged(), now=now)
            assert subscribers.next_delivery(connection, added.subscriber.id, now=clock.now()) is None


def test_positions_that_concern_nobody_are_passed_without_a_message(
    placet: Application, subscribers: Subscribers, anna: Subject
) -> None:
    added = register(placet, subscribers, "http://127.0.0.1:9/")
    with placet.database.transaction() as connection:
        append_event(connection, {"type": "note"}, clock.now())
        assert subscribers.get(connection, added.subscriber.id).behind == 1
        assert subscribers.next_delivery(connection, added.subscriber.id, now=clock.now()) is None
        assert subscribers.get(connection, added.subscriber.id).behind == 0
    say(placet, anna, "given")
    with placet.database.transaction() as connection:
        assert subscribers.next_delivery(connection, added.subscriber.id, now=clock.now()) is not None


def test_a_clock_that_jumped_back_stops_no_delivery(
    placet: Application, subscribers: Subscribers, anna: Subject
) -> None:
    added = register(placet, subscribers, "http://127.0.0.1:9/")
    say(placet, anna, "given")
    wrong = clock.now() + timedelta(days=400)
    with placet.database.transaction() as connection:
        delivery = subscribers.next_delivery(connection, added.subscriber.id, now=wrong)
        assert delivery is not None
        assert subscribers.due(connection, now=clock.now()) == [added.subscriber.id]
        subscribers.settle(connection, delivery, Failed("timeout"), now=wrong)
        assert subscribers.due(connection, now=clock.now()) == [added.subscriber.id]


def test_attempts_grow_apart_up_to_an_hour(placet: Application, subscribers: Subscribers, anna: Subject) -> None:
    added = register(placet, subscribers, "http://127.0.0.1:9/", limit=timedelta(hours=12))
    say(placet, anna, "given")
    now = clock.now()
    pauses = []
    for _ in range(14):
        with placet.database.transaction() as connection:
            delivery = subscribers.next_delivery(connection, added.subscriber.id, now=now)
            assert delivery is not None
            subscribers.settle(connection, delivery, Failed("timeout"), now=now)
            due = subscribers.get(connection, added.subscriber.id).due_at
        pauses.append(int((due - now).total_seconds()))
        now = due
    assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 3600, 3600]


def test_there_is_room_for_a_limited_number(placet: Application, subscribers: Subscribers) -> None:
    with placet.database.transaction() as connection:
        for _ in range(MOST):
            subscribers.register(connection, client="crm", url="http://127.0.0.1:9/", now=clock.now())
        with pytest.raises(Conflict) as refused:
            subscribers.register(connection, client="crm", url="http://127.0.0.1:9/", now=clock.now())
    assert refused.value.code == "too-many-webhooks"


def test_a_removed_subscriber_is_told_nothing(
    placet: Application, subscribers: Subscribers, receiver: Receiver, anna: Subject
) -> None:
    added = register(placet, subscribers, receiver.url)
    say(placet, anna, "given")
    with placet.database.transaction() as connection:
        subscribers.remove(connection, added.subscriber.id, now=clock.now())
        assert subscribers.due(connection, now=clock.now()) == []
        with pytest.raises(NotFound):
            subscribers.remove(connection, added.subscriber.id, now=clock.now())


@contextlib.contextmanager
def silent() -> Iterator[str]:
    """Accepts connections and never says anything."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"


@contextlib.contextmanager
def dripping() -> Iterator[str]:
    """Answers one byte at a time, for ever."""
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0), backlog=50) as server:
        server.settimeout(0.1)

        def drip() -> None:
            open_ones: list[socket.socket] = []
            while not stop.is_set():
                with contextlib.suppress(OSError):
                    open_ones.append(server.accept()[0])
                for one in list(open_ones):
                    try:
                        one.send(b"H")
                    except OSError:
                        open_ones.remove(one)

        thread = threading.Thread(target=drip)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}/"
        finally:
            stop.set()
            thread.join()
