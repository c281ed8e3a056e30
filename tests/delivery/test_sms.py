"""The SMS channel against an SMSC on a socket that throttles, loses answers, repeats receipts and hangs up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from functools import partial
from typing import Any

import attrs
import pytest
from mail_office import NOW, message
from smsc import Smsc as Centre
from smsc import smsc

from placet.delivery.model import (
    Deferred,
    Delivered,
    Failed,
    Kind,
    MessageId,
    Outcome,
    Outgoing,
    Sent,
    Started,
    Unknown,
)
from placet.delivery.segments import fold
from placet.delivery.smpp import Smsc
from placet.delivery.sms import Sms, Text, publish, publish_folded
from placet.delivery.sms_returns import Receipt, Reply, number_of
from placet.delivery.tokens import Tokens
from placet.kernel.errors import BadInput, Unavailable

SHORT = publish_folded(dict.fromkeys(("lv", "ru", "en"), "Sveiki, {{ name }}!"), declared={"name"})["lv"]
KEPT = publish(dict.fromkeys(("lv", "ru", "en"), "{{ name }}, daudz laimes! " + "ā" * 60), declared={"name"})["lv"]
TEXTS = {"spring": SHORT, "long": KEPT}


@attrs.define
class Heard:
    """What came back."""

    receipts: list[Receipt] = attrs.field(factory=list)
    replies: list[Reply] = attrs.field(factory=list)
    busy: int = 0

    async def receipt(self, receipt: Receipt) -> None:
        if self.busy:
            self.busy -= 1
            raise Unavailable("the database is away")
        self.receipts.append(receipt)

    async def reply(self, reply: Reply) -> None:
        self.replies.append(reply)


def texts(template: str, language: str) -> Text | None:
    return TEXTS.get(template)


def sms(number: str = "+37120000000", **options: Any) -> Outgoing:
    return message(number, channel="sms", **options)


async def sent(channel: Sms, *batch: Outgoing) -> list[Outcome]:
    outcomes = await channel.send(batch)
    return [outcomes[message.id] for message in batch]


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.01)


def with_centre(
    body: Callable[[Centre, Sms, Heard], Coroutine[Any, Any, None]], *, window: int = 4, **options: Any
) -> None:
    async def run() -> None:
        async with smsc() as centre:
            heard = Heard()
            options.setdefault("password", "secret")
            where = Smsc(
                "127.0.0.1",
                centre.port,
                "placet",
                sender="1717",
                security="none",
                window=window,
                timeout=0.6,
                **options,
            )
            channel = Sms(where, texts, clock=lambda: NOW, on_receipt=heard.receipt, on_reply=heard.reply)
            await body(centre, channel, heard)
            await channel.close()

    asyncio.run(run())


def test_many_sms_arrive_once_each_and_never_more_under_way_than_the_window() -> None:
    async def body(centre: Centre, channel: Sms, heard: Heard) -> None:
        centre.delay = 0.005
        outcomes = await sent(channel, *(sms(f"+371200{n:04}0") for n in range(60)))
        assert all(isinstance(outcome, Sent) for outcome in outcomes)
        assert sorted(taken.destination for taken in centre.taken) == [f"371200{n:04}0" for n in range(60)]
        assert 1 < centre.most_under_way <= 4
        assert centre.binds == 1

    with_centre(body)


def test_what_is_submitted_is_what_another_implementation_reads() -> None:
    async def body(centre: Centre, channel: Sms, heard: Heard) -> None:
        await sent(channel, sms(name="Jānis"))
        (taken,) = centre.taken
        assert (taken.text, taken.data_coding, taken.esm_class) == (b"Sveiki, Janis!", 0, 0)
        assert taken.validity == "260312200307000+"

    with_centre(body)


def test_a_long_text_goes_in_parts_that_a_telephone_joins() -> None:
    async def body(centre: Centre, channel: Sms, heard: Heard) -> None:
        (outcome,) = await sent(channel, sms(template="long", name="Jānis"))
        first, second = centre.taken
        assert outcome == Sent(second.id)
        assert (first.text[:3], first.text[4:6]) == (b"\x05\x00\x03", b"\x02\x01")
        assert (second.text[:6]) == first.text[:5] + b"\x02"
        assert first.esm_class == second.esm_class == 0x40
        assert first.data_coding == 8
        whole = (first.text[6:] + second.text[6:]).decode("utf-16-be")
        assert whole == "Jānis, daudz laimes! " + "ā" * 60

    with_centre(body)


@pytest.mark.parametrize(
    ("number", "outcome"),
    [
        ("+37120000001", Failed("no-such-number", suppress=True)),
        ("+37120000002", Failed("carrier-refused")),
        ("+37120000003", Unknown("answer-lost")),
        ("+37120000004", Unknown("answer-lost")),
        ("+37190000000", Failed("unreachable-address", suppress=True)),
        ("+37167000000", Failed("unreachable-address", suppress=True)),
        ("nobody", Failed("unreachable-address", suppress=True)),
    ],
)
def test_an_answer_is_read_as_what_it_means(number: str, outcome: Outcome) -> None:
    async def body(centre: Centre, channel: Sms, heard: Heard) -> None:
        assert await sent(channel, sms(number)) == [outcome]
        (after,) = await sent(channel, sms())
        assert isinstance(after, Sent)

    with_centre(body)


def test_a_throttled_sms_is_sent_later_and_once() -> None:
    async def body(centre: Centre, channel: Sms, heard: Heard) -> None:
        centre.throttle = 6
        outcomes = await sent(channel, *(sms(f"+371200{n:04}0") for n in range(10)))
        assert all(isinstance(outcome, Sent) for outcome in outcomes)
        assert centre.throttled == 6
        assert len(centre.taken) == 10

    with_centre(body)


def test_a_carrier_that_throttles_past_the_lease_defers() -> None:
    async def body(centre: Centre, channel: Sms, heard: Heard) -> None:
        centre.throttle = 10_000
        outcomes = await sent(channel, sms(lease=timedelta(seconds=0.4)))
        assert outcomes == [Deferred("throttled", NOW + timedelta(minutes=5))]
        assert centre.taken == []

    with_centre(body)


def test_a_message_whose_lease_has_ended_is_not_begun() -> None:
    async def body(centre: Centre, channel: Sms, heard: Heard) -> None:
        assert await sent(channel, sms(lease=timedelta())) == [Deferred("too-slow", NOW + timedelta(minutes=5))]
        assert centre.binds == 0

    with_centre(body)


def test_a_carrier_that_is_away_or_refuses_us_defers() -> None:
    async def wrong_password(centre: Centre, channel: Sms, heard: Heard) -> None:
        assert await sent(channel, sms()) == [Deferred("carrier-away", NOW + timedelta(minutes=5))]

    with_centre(wrong_password, password="wrong")


def test_a_connection_that_ended_is_made_again() -> None:
    async def body(centre: Centre, channel: Sms, heard: Heard) -> None:
        await sent(channel, sms())
        centre.hang_up()
        await asyncio.sleep(0.05)
        (after,) = await sent(channel, sms())
        assert isinstance(after, Sent)
        assert centre.binds == 2

    with_centre(body)


def test_receipts_are_taken_and_acknowledged_however_often_they_come() -> None:
    async def body(centre: Centre, channel: Sms, heard: Heard) -> None:
        centre.receipts = 3
        (outcome,) = await sent(channel, sms())
        await until(lambda: len(centre.acknowledged) == 3)
        assert isinstance(outcome, Sent)
        assert {receipt.carrier_id for receipt in heard.receipts} == {outcome.carrier_id}
        assert {receipt.outcome for receipt in heard.receipts} == {Delivered()}
        assert centre.acknowledged == [0, 0, 0]

    with_centre(body)


def test_a_receipt_that_could_not_be_kept_is_not_acknowledged() -> None:
    async def body(centre: Centre, channel: Sms, heard: Heard) -> None:
        heard.busy, centre.receipts = 1, 1
        await sent(channel, sms())
        await until(lambda: len(centre.acknowledged) == 1)
        assert centre.acknowledged == [0x64]
        assert heard.receipts == []

    with_centre(body)


def test_an_offer_from_letters_ends_with_the_link_that_stops_it_and_a_service_message_does_not() -> None:
    links = Tokens(bytes(32))

    async def body(centre: Centre, channel: Sms, _heard: Heard) -> None:
        named = Sms(
            attrs.evolve(channel._smsc, sender="Amigo"), texts, clock=lambda: NOW, on_receipt=_heard.receipt,
            on_reply=_heard.reply, stop_link=partial(links.link, "https://amigo.lv"),
        )  # fmt: skip
        offered, told = sms(), sms(kind=Kind.SERVICE)
        await sent(named, offered)
        await sent(named, told)
        await named.close()
        assert links.make(offered.id).encode() in b"".join(taken.text for taken in centre.taken)
        assert links.make(told.id).encode() not in b"".join(taken.text for taken in centre.taken)
        before = len(centre.taken)
        await sent(channel, sms())
        assert b"amigo.lv" not in b"".join(taken.text for taken in centre.taken[before:]), "1717 can be answered"

    with_centre(body)


def test_a_receipt_settles_what_was_never_answered() -> None:
    async def body(centre: Centre, channel: Sms, heard: Heard) -> None:
        lost = sms("+37120000003")
        assert await sent(channel, lost) == [Unknown("answer-lost")]
        (taken,) = centre.taken
        centre.state = "UNDELIV"
        for writer in centre.connections:
            centre.report(writer, taken)
        await until(lambda: bool(heard.receipts))
        assert (heard.receipts[0].number, heard.receipts[0].outcome) == (
            number_of(lost.reference),
            Failed("not-reached"),
        )

    with_centre(body)


def test_the_carrier_is_asked_about_what_it_has_named() -> None:
    async def body(centre: Centre, channel: Sms, heard: Heard) -> None:
        one = sms()
        (outcome,) = await sent(channel, one)
        assert isinstance(outcome, Sent)
        asked = [
            Started(one.id, 1, one.reference, NOW, outcome.carrier_id),
            Started(MessageId(sms().id), 1, "x", NOW, "no such id"),
            Started(MessageId(sms().id), 1, "y", NOW),
        ]
        assert await channel.find(asked) == {one.id: Delivered()}

    with_centre(body)


@pytest.mark.parametrize(
    ("encoded", "data_coding", "text"),
    [(b"STOP", 0, "STOP"), ("СТОП".encode("utf-16-be"), 8, "СТОП"), (b"Nes\xfbt", 3, "Nesût")],
)
def test_what_a_person_writes_is_heard(encoded: bytes, data_coding: int, text: str) -> None:
    async def body(centre: Centre, channel: Sms, heard: Heard) -> None:
        await sent(channel, sms())
        await centre.deliver(encoded, data_coding=data_coding)
        await until(lambda: bool(heard.replies))
        assert heard.replies == [Reply("+37120000009", "1717", text)]

    with_centre(body)


def test_a_quiet_connection_is_kept_alive() -> None:
    async def body(centre: Centre, channel: Sms, heard: Heard) -> None:
        await sent(channel, sms())
        await until(lambda: centre.enquired >= 2)

    with_centre(body, enquire_after=0.05)


def test_a_channel_that_listens_hears_people_before_it_has_sent_anything() -> None:
    async def body(centre: Centre, channel: Sms, heard: Heard) -> None:
        await channel.listen()
        await centre.deliver(b"STOP")
        await until(lambda: bool(heard.replies))
        assert centre.binds == 1

    with_centre(body)


@pytest.mark.parametrize("text", ["", "{{ nobody }}", "{% x %}", "ā" * 700])
def test_a_broken_text_is_refused_when_it_is_published(text: str) -> None:
    with pytest.raises(BadInput) as refused:
        publish(dict.fromkeys(("lv", "ru", "en"), text), declared={"name"})
    assert refused.value.code == "broken-text"


def test_a_text_that_became_too_long_fails_and_blames_nobody() -> None:
    async def body(centre: Centre, channel: Sms, heard: Heard) -> None:
        assert await sent(channel, sms(name="ž" * 2000)) == [Failed("broken-text")]
        assert fold("ž") == "z"
        assert centre.taken == []

    with_centre(body)
