"""Codes outside the demo reach people by mail and by SMS, over real sockets; answers of theirs are acted on."""

from __future__ import annotations

import asyncio
import email
import email.policy
import re
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest
from delivery_house import EMAIL, OFFERS
from smsc import Smsc, smsc
from smtp_sink import Sink, sink

from placet.bootstrap import Application, build
from placet.catalogue import store as catalogue_store
from placet.catalogue.render import render
from placet.consents import actions as consents
from placet.consents.model import Actor, Wish
from placet.delivery import wishes
from placet.delivery.answers import SMS
from placet.delivery.model import Kind
from placet.delivery.rules import Mute
from placet.delivery.sending import Sender
from placet.kernel import clock
from placet.subjects.model import Alias, Subject

PHONE, MAIL = Alias.msisdn("+37120000009"), Alias.email("anna@example.lv")


def reached(
    placet: Application, tmp_path: Path, body: Callable[[Application, Sink, Smsc], Coroutine[Any, Any, None]]
) -> None:
    """*body* beside a running sender, with channels from the settings that lead to a mail server and an SMSC."""

    async def run() -> None:
        (tmp_path / "password").write_text("secret\n")
        async with sink() as mail, smsc() as carrier:
            config = attrs.evolve(
                placet.config, smtp_host="127.0.0.1", smtp_port=mail.port, smtp_security="none",
                smtp_from="jaunumi@amigo.lv", smpp_host="127.0.0.1", smpp_port=carrier.port, smpp_security="none",
                smpp_system_id="placet", smpp_sender="1717", smpp_password_file=tmp_path / "password",
            )  # fmt: skip
            application = await asyncio.to_thread(build, config)
            try:
                async with sending(application):
                    await body(application, mail, carrier)
            finally:
                application.close()

    asyncio.run(run())


@asynccontextmanager
async def sending(application: Application) -> AsyncIterator[None]:
    end = threading.Event()
    sender = Sender(application.database, application.delivery, application.channels)
    following = asyncio.create_task(asyncio.to_thread(sender.follow, end, clock.now))
    try:
        yield
    finally:
        end.set()
        await following


async def until(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not done():
            await asyncio.sleep(0.05)


@pytest.fixture
def anna(placet: Application) -> Subject:
    with placet.database.transaction() as connection:
        return placet.subjects.add(connection, aliases=[MAIL, PHONE, Alias.email("newer@example.lv")], now=clock.now())


def ask(application: Application, contact: Alias, language: str = "lv") -> Any:
    return application.codes.request(str(contact), address="192.0.2.1", language=language, now=clock.now())


def states(application: Application, subject: Subject) -> list[str]:
    with application.database.transaction() as connection:
        return [shown.state for shown in application.delivery.of_subject(connection, subject.id)]


def test_a_code_goes_to_the_address_that_asked_for_it_and_signs_in(
    placet: Application, anna: Subject, tmp_path: Path
) -> None:
    async def body(application: Application, mail: Sink, _carrier: Smsc) -> None:
        challenge = await asyncio.to_thread(ask, application, MAIL, "ru")
        await until(lambda: bool(mail.taken))
        (taken,) = mail.taken
        assert taken.recipient == MAIL.value, "not the newest, but the one that was named"
        read = email.message_from_bytes(taken.content, policy=email.policy.default)
        assert read["Subject"] == "Код для входа"
        assert read["List-Unsubscribe"] is None
        page = read.get_body(("html",))
        assert page is not None
        assert '<html lang="ru"' in page.get_content()
        text = read.get_body(("plain",))
        assert text is not None
        code = re.search(r"\d{6}", text.get_content())
        assert code is not None
        found = await asyncio.to_thread(application.codes.verify, challenge, code[0], now=clock.now())
        assert found == anna.id
        await until(lambda: states(application, anna) == ["sent"])

    reached(placet, tmp_path, body)


def test_a_code_by_sms_is_one_part_and_its_receipt_is_written_down(
    placet: Application, anna: Subject, tmp_path: Path
) -> None:
    async def body(application: Application, _mail: Sink, carrier: Smsc) -> None:
        carrier.receipts = 1
        challenge = await asyncio.to_thread(ask, application, PHONE)
        await until(lambda: bool(carrier.taken))
        (taken,) = carrier.taken
        assert taken.destination == PHONE.value.removeprefix("+")
        code = re.match(rb"\d{6}", taken.text)
        assert code is not None
        found = await asyncio.to_thread(application.codes.verify, challenge, code[0].decode(), now=clock.now())
        assert found == anna.id
        await until(lambda: states(application, anna) == ["delivered"])

    reached(placet, tmp_path, body)


def test_nothing_is_sent_or_left_for_a_contact_that_is_nobodys(placet: Application, tmp_path: Path) -> None:
    async def body(application: Application, mail: Sink, _carrier: Smsc) -> None:
        await asyncio.to_thread(ask, application, Alias.email("nobody@example.lv"))
        with application.database.transaction() as connection:
            assert connection.execute("SELECT count(*) FROM delivery.message").fetchone() == (0,)
            assert connection.execute("SELECT count(*) FROM access.challenge").fetchone() == (1,)
        assert not mail.taken

    reached(placet, tmp_path, body)


def test_a_code_that_confirms_a_contact_goes_to_that_contact_though_it_bounced_before(
    placet: Application, anna: Subject, tmp_path: Path
) -> None:
    async def body(application: Application, mail: Sink, _carrier: Smsc) -> None:
        new = Alias.email("anna.new@example.lv")
        with application.database.transaction() as connection:
            wishes.suppress(connection, application.vault, new, "bounce", channel=EMAIL, now=clock.now())
        await asyncio.to_thread(
            application.codes.confirm, new, anna.id, address="192.0.2.1", language="en", now=clock.now()
        )
        await until(lambda: bool(mail.taken))
        assert [taken.recipient for taken in mail.taken] == [new.value]

    reached(placet, tmp_path, body)


@pytest.mark.parametrize(
    ("said", "left"),
    [(b"STOP", "withdrawn"), (b"STOP weather", "withdrawn"), (b"stop TRAVEL", "given"), (b"Paldies!", "given")],
)
def test_whoever_answers_stop_has_withdrawn_the_channel_though_nothing_was_sent(
    placet: Application, anna: Subject, tmp_path: Path, said: bytes, left: str
) -> None:
    give(placet, anna)

    async def body(application: Application, _mail: Sink, carrier: Smsc) -> None:
        await until(lambda: carrier.binds == 1)
        await until(lambda: bool(carrier.connections))
        await carrier.deliver(said, source=PHONE.value.removeprefix("+"))
        await until(lambda: carrier.acknowledged == [0])
        with application.database.transaction() as connection:
            newest = consents.history(connection, anna.id, limit=1)[0]
            muted = wishes.muted(connection, anna.id)
        assert (newest.purpose, newest.channel, newest.decision) == (OFFERS, SMS, left)
        assert muted == ([Mute(Kind.OFFER, "travel", SMS)] if b"TRAVEL" in said else [])

    reached(placet, tmp_path, body)


def give(placet: Application, person: Subject) -> None:
    """A yes to offers, and to SMS."""
    with placet.database.transaction() as connection:
        shown = render(placet.catalogue(connection), purpose="offers", language="lv", route="api")
        catalogue_store.remember_shown(connection, shown, clock.now())
        wishes = [
            Wish(
                person.id, OFFERS, "given", "api", Actor("subject"), channel=channel, language="lv", shown=shown.sha256
            )
            for channel in (None, SMS)
        ]
        consents.record(connection, wishes, rulebook=placet.rulebook, now=clock.now())


def test_an_sms_whose_answer_was_lost_is_settled_by_its_receipt(
    placet: Application, anna: Subject, tmp_path: Path
) -> None:
    with placet.database.transaction() as connection:
        phone = Alias.msisdn("+37120000004")  # the line breaks when it has been taken
        berta = placet.subjects.add(connection, aliases=[phone], now=clock.now())

    async def body(application: Application, _mail: Sink, carrier: Smsc) -> None:
        await asyncio.to_thread(ask, application, phone)
        await until(lambda: states(application, berta) == ["unknown"])
        (taken,) = carrier.taken
        await asyncio.to_thread(ask, application, PHONE)  # the next SMS calls the carrier again
        await until(lambda: states(application, anna) == ["sent"])
        # Nothing is remembered of what was submitted: the receipt itself says which message it is about.
        for writer in carrier.connections:
            carrier.report(writer, taken)
        await until(lambda: states(application, berta) == ["delivered"])

    reached(placet, tmp_path, body)
