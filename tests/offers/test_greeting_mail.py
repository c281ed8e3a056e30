"""A greeting as it arrives: a real mail at a real server, and its link."""

from __future__ import annotations

import asyncio
import email
import re
from datetime import date, datetime
from email.message import EmailMessage
from email.policy import default

import attrs
import pytest
from starlette.testclient import TestClient

from delivery.delivery_house import House
from delivery.sink_thread import sink_beside
from placet.bootstrap import Application
from placet.delivery.channels import email as email_channel
from placet.delivery.layout import Words
from placet.delivery.letter_lint import lint
from placet.delivery.sending import Sender
from placet.interfaces.portal.app import portal
from placet.kernel.ids import ChannelId
from placet.purposes.offers.greetings.actions import Greetings
from placet.purposes.offers.greetings.model import Occasion
from placet.purposes.offers.greetings.texts import said
from placet.subjects.model import Alias, Subject


@pytest.fixture
def house(placet: Application, now: datetime) -> House:
    return House(placet, now)


def guest(house: House, address: str, name: str, language: str) -> Subject:
    """Somebody born on the day of these tests, with a yes to offers by e-mail."""
    with house.placet.database.transaction() as connection:
        person = house.placet.subjects.add(
            connection, aliases=[Alias.email(address)], name=name, language=language,
            birth_date=date(1990, house.now.month, house.now.day), now=house.now,
        )  # fmt: skip
        for channel in (None, ChannelId("email")):
            house.record(connection, person, "given", channel)
    return person


def sent_today(house: House) -> dict[str, EmailMessage]:
    """Plan and send the greetings of today; what the server took, by recipient."""
    placet, now = house.placet, house.now
    with sink_beside() as sink:
        config = attrs.evolve(
            placet.config, smtp_host="127.0.0.1", smtp_port=sink.port, smtp_security="none", smtp_from="amigo@amigo.lv"
        )
        greetings = Greetings(attrs.evolve(placet.offers.greetings.days, config=config))
        greetings.round(now)
        channel = email_channel(config, placet.master, placet.offers.letter, clock=lambda: now)
        assert channel is not None

        async def send() -> None:
            await Sender(placet.database, placet.delivery, [channel]).send_once(channel, 10, lambda: now)
            await channel.close()

        asyncio.run(send())
        return {taken.recipient: parsed(taken.content) for taken in sink.taken}


def parsed(content: bytes) -> EmailMessage:
    message = email.message_from_bytes(content, policy=default)
    assert isinstance(message, EmailMessage)
    assert message.defects == []
    return message


def body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content())


def test_each_gets_the_wish_in_their_language_with_their_name_and_no_offer(house: House) -> None:
    guest(house, "janis@example.lv", "Jānis Ozols", "lv")
    guest(house, "elena@example.lv", "Jeļena Ivanova", "ru")
    guest(house, "thomas@example.lv", "Thomas Becker", "lv")
    mails = sent_today(house)
    assert {to: mail["Subject"] for to, mail in mails.items()} == {
        "janis@example.lv": "Daudz laimes dzimšanas dienā, Jāni!",
        "elena@example.lv": "С днём рождения, Елена!",
        "thomas@example.lv": "Daudz laimes dzimšanas dienā!",
    }
    for mail in mails.values():
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        links = set(re.findall(r"https?://[^\s\"<>#]+", body(mail, "plain") + body(mail, "html")))
        (stop,) = {link for link in links if "/u/" in link}
        assert {link for link in links if "w3.org" not in link} == {stop}
        assert "ZetCOM" in body(mail, "plain")
    assert mails["elena@example.lv"]["Content-Language"] == "ru"


def test_the_link_of_a_greeting_switches_that_greeting_off(house: House) -> None:
    janis = guest(house, "janis@example.lv", "Jānis Ozols", "lv")
    mail = sent_today(house)["janis@example.lv"]
    (address,) = set(re.findall(r"/u/[A-Za-z0-9_.-]+", str(mail["List-Unsubscribe"]).split(",")[0]))
    house.placet.sequencer.start()
    with TestClient(portal(house.placet), base_url="http://127.0.0.1:8000") as client:
        assert client.get(address).status_code == 200
        assert client.post(address, data={"do": "topic"}).status_code == 200
    with house.placet.database.transaction() as connection:
        on = house.placet.offers.greetings.wished(connection, janis.id, now=house.now).on
    assert on == {Occasion.NAME_DAY}


@pytest.mark.parametrize("occasion", list(Occasion))
@pytest.mark.parametrize("language", ["lv", "ru", "en"])
def test_its_words_and_its_page_have_nothing_wrong(placet: Application, occasion: Occasion, language: str) -> None:
    words = said(occasion)
    subject = words["subject"][language].replace("{{ called }}", "")
    letter = placet.offers.letter(f"greeting/{occasion}", language)
    assert letter is not None
    page = letter.html.fill({"called": "", "stop_link": "https://amigo.lv/u/x"})
    assert lint(Words(subject, subject, tuple(words["paragraphs"][language])), page, language) == []
