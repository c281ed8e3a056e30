"""The e-mail channel against a server on a socket that behaves badly."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Any

import dkim
import pytest
from mail_office import NOW, letter, letters, message, our_house, our_signer
from smtp_sink import Sink, sink

from placet.delivery.composing import Composers
from placet.delivery.mail import Mail
from placet.delivery.model import Deferred, Failed, Outcome, Outgoing, Sent, Unknown
from placet.delivery.smtp import Email, Relay


async def sent(channel: Email, *batch: Outgoing) -> list[Outcome]:
    outcomes = await channel.send(batch)
    return [outcomes[message.id] for message in batch]


def with_sink(
    body: Callable[[Sink, Email], Coroutine[Any, Any, None]], *, connections: int = 2, international: bool = True
) -> None:
    async def run() -> None:
        async with sink(international=international) as server:
            relay = Relay("127.0.0.1", server.port, security="none", connections=connections, timeout=5)
            channel = Email(relay, our_house(), letters, clock=lambda: NOW)
            await body(server, channel)
            await channel.close()

    asyncio.run(run())


def test_many_mails_arrive_once_each_over_few_connections() -> None:
    async def body(server: Sink, channel: Email) -> None:
        batch = [message(f"p{number}@example.lv") for number in range(40)]
        outcomes = await sent(channel, *batch)
        assert all(isinstance(outcome, Sent) and outcome.carrier_id for outcome in outcomes)
        assert sorted(taken.recipient for taken in server.taken) == sorted(sent.address for sent in batch)
        assert server.connections <= 2

    with_sink(body)


def test_what_arrives_verifies_even_with_a_line_that_begins_with_a_dot() -> None:
    async def body(server: Sink, channel: Email) -> None:
        await sent(channel, message(name=".\u00a0dots"))
        content = server.taken[0].content
        assert dkim.verify(content, dnsfunc=lambda name, timeout=0: our_signer().record().encode())

    with_sink(body)


@pytest.mark.parametrize(
    ("address", "outcome"),
    [
        ("nobody@example.lv", Failed("no-such-mailbox", suppress=True)),
        ("unstated@example.lv", Failed("no-such-mailbox", suppress=True)),
        ("full@example.lv", Failed("mailbox-full")),
        ("blocked@example.lv", Failed("policy")),
        ("spam@example.lv", Failed("policy")),
        ("not an address", Failed("unreachable-address", suppress=True)),
        ("greylisted@example.lv", Deferred("not-now", NOW + timedelta(minutes=5))),
        ("busy@example.lv", Deferred("not-now", NOW + timedelta(minutes=5))),
        ("swallowed@example.lv", Unknown("answer-lost")),
        ("dies@example.lv", Unknown("answer-lost")),
    ],
)
def test_an_answer_is_read_as_what_it_means(address: str, outcome: Outcome) -> None:
    async def body(server: Sink, channel: Email) -> None:
        assert await sent(channel, message(address)) == [outcome]
        # The connection, or a new one, serves the next message.
        (after,) = await sent(channel, message())
        assert isinstance(after, Sent)

    with_sink(body, connections=1)


def test_a_greylisted_mail_is_taken_the_second_time() -> None:
    async def body(server: Sink, channel: Email) -> None:
        (first,) = await sent(channel, message("greylisted@example.lv"))
        (second,) = await sent(channel, message("greylisted@example.lv"))
        assert isinstance(first, Deferred)
        assert isinstance(second, Sent)
        assert len(server.taken) == 1

    with_sink(body)


def test_a_connection_that_ended_while_idle_is_replaced_and_nothing_is_lost() -> None:
    async def body(server: Sink, channel: Email) -> None:
        await sent(channel, message())
        server.hang_up()
        (after,) = await sent(channel, message("berta@example.lv"))
        assert isinstance(after, Sent)
        assert [taken.recipient for taken in server.taken] == ["anna@example.lv", "berta@example.lv"]

    with_sink(body, connections=1)


def test_a_relay_that_is_away_defers() -> None:
    async def run() -> list[Outcome]:
        async with sink() as server:
            port = server.port
        channel = Email(Relay("127.0.0.1", port, security="none"), our_house(), letters, clock=lambda: NOW)
        return await sent(channel, message())

    assert asyncio.run(run()) == [Deferred("relay-away", NOW + timedelta(minutes=5))]


def test_a_relay_without_encryption_gets_no_mail_when_encryption_is_asked_for() -> None:
    async def run() -> tuple[list[Outcome], int]:
        async with sink() as server:
            channel = Email(Relay("127.0.0.1", server.port), our_house(), letters, clock=lambda: NOW)
            return await sent(channel, message()), len(server.taken)

    assert asyncio.run(run()) == ([Deferred("relay-away", NOW + timedelta(minutes=5))], 0)


def test_an_answer_that_comes_after_the_lease_is_unknown_and_before_the_envelope_deferred() -> None:
    async def body(server: Sink, channel: Email) -> None:
        assert await sent(channel, message("slow@example.lv", lease=timedelta(seconds=0.5))) == [Unknown("answer-lost")]
        (late,) = await sent(channel, message(lease=timedelta()))
        assert late == Deferred("too-slow", NOW + timedelta(minutes=5))

    with_sink(body)


def test_a_mailbox_with_national_letters_needs_a_relay_that_takes_them() -> None:
    async def taken(server: Sink, channel: Email) -> None:
        (outcome,) = await sent(channel, message("jānis@example.lv"))
        assert isinstance(outcome, Sent)

    async def refused(server: Sink, channel: Email) -> None:
        assert await sent(channel, message("jānis@example.lv")) == [Failed("international-address")]

    with_sink(taken)
    with_sink(refused, international=False)


def test_a_message_that_cannot_be_composed_fails_without_touching_the_wire() -> None:
    async def body(server: Sink, channel: Email) -> None:
        unknown = message(template="autumn")
        outcomes = await sent(channel, unknown)
        assert outcomes == [Failed("no-template")]
        assert server.connections == 0

    with_sink(body)


def test_mail_that_is_signed_in_other_processes_verifies_and_keeps_its_order() -> None:
    async def run() -> Sink:
        async with sink() as server:
            relay = Relay("127.0.0.1", server.port, security="none", connections=1)
            channel = Email(relay, our_house(), letters, clock=lambda: NOW, composers=Composers(2))
            batch = [message(f"p{number}@example.lv") for number in range(6)]
            outcomes = await sent(channel, *batch, message("b@"))
            assert [type(outcome) for outcome in outcomes] == [Sent] * 6 + [Failed]
            await channel.close()
            return server

    server = asyncio.run(run())
    for place, taken in enumerate(server.taken):
        assert taken.recipient == f"p{place}@example.lv"
        assert dkim.verify(taken.content, dnsfunc=lambda name, timeout=0: our_signer().record().encode())


def test_composing_goes_on_when_its_processes_are_killed() -> None:
    async def run() -> list[str]:
        composers, batch = Composers(1), [(letter(), message(f"p{number}@example.lv")) for number in range(4)]
        before = set(multiprocessing.active_children())
        try:
            await composers.compose(our_house(), batch, at=NOW)
            (child,) = set(multiprocessing.active_children()) - before
            child.kill()
            child.join()
            mails = [await composers.compose(our_house(), batch, at=NOW) for _ in range(2)]
        finally:
            composers.close()
        return [mail.recipient.address for found in mails for mail in found if isinstance(mail, Mail)]

    assert asyncio.run(run()) == [f"p{number}@example.lv" for number in range(4)] * 2


def test_composing_processes_end_with_a_sender_that_was_killed() -> None:
    script = (
        "import asyncio, multiprocessing, os\n"
        "from placet.delivery.composing import Composers\n"
        "from mail_office import NOW, letter, message, our_house\n"
        "if __name__ == '__main__':\n"
        "    asyncio.run(Composers(1).compose(our_house(), [(letter(), message())] * 4, at=NOW))\n"
        "    (child,) = multiprocessing.active_children()\n"
        "    print(child.pid, flush=True)\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
    ended = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=60)
    pid = int(ended.stdout)
    end = time.monotonic() + 60
    while Path(f"/proc/{pid}").exists() and b"Z" not in Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2][:3]:
        assert time.monotonic() < end, "it is still there"
        time.sleep(0.05)
