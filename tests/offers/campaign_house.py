"""Customers who said yes, two marketers, and campaigns, for the tests of this folder."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import datetime, timedelta

import attrs

from delivery.delivery_house import House, Wire
from placet.bootstrap import Application
from placet.delivery.layout import Button, Words
from placet.delivery.notes import Source
from placet.delivery.wording import LANGUAGES
from placet.kernel.ids import ChannelId
from placet.purposes.offers.campaigns.actions import Campaigns
from placet.purposes.offers.campaigns.model import Brief, Campaign, Condition, Texts
from placet.purposes.offers.topics import TopicId
from placet.subjects.model import Alias, Subject

EMAIL, SMS, APP = ChannelId("email"), ChannelId("sms"), ChannelId("app")
TRAVEL = TopicId("travel")
ANNA, BERTA = "6f1c3a52-0000-4000-8000-00000000000a", "6f1c3a52-0000-4000-8000-00000000000b"
"""Two members of staff; campaigns know only their ids."""

_LETTER = {
    "lv": Words("Ceļojumu internets", "Internets ārzemēs", ("Sveiki{{ called }}!", "No maija 1 GB maksā 2 eiro."),
                Button("Apskatīt", "https://amigo.lv/celojumi")),
    "ru": Words("Интернет в поездках", "Интернет за границей", ("Здравствуйте{{ called }}!", "Теперь 1 ГБ за 2 евро."),
                Button("Посмотреть", "https://amigo.lv/celojumi")),
    "en": Words("Internet on your travels", "Internet abroad", ("Hello{{ called }}!", "From May 1 GB costs 2 euros."),
                Button("Have a look", "https://amigo.lv/celojumi")),
}  # fmt: skip
_SHORT = {"lv": "Ceļojumos 1 GB par 2 EUR.", "ru": "В поездках 1 ГБ за 2 евро.", "en": "Abroad 1 GB is 2 EUR."}


def texts() -> dict[str, Texts]:
    return {
        language: Texts(
            email=_LETTER[language], sms=_SHORT[language], app=Source(_LETTER[language].headline, _SHORT[language])
        )
        for language in LANGUAGES
    }


def brief(now: datetime, *channels: ChannelId, **more: object) -> Brief:
    """A campaign about travel that starts at once and lasts a week; nobody is held out."""
    values: dict[str, object] = {
        "name": "Spring", "topic": TRAVEL, "channels": channels or (EMAIL,), "texts": texts(), "holdout": 0,
        "starts_at": now, "ends_at": now + timedelta(days=7),
    }  # fmt: skip
    return Brief(**(values | more))  # type: ignore[arg-type]


@attrs.define
class Agency:
    """The application with shortcuts; each call is a transaction of its own."""

    placet: Application
    now: datetime
    wire: Wire = attrs.field(factory=Wire)
    serial: Iterator[int] = attrs.field(factory=lambda: itertools.count(1))

    @property
    def campaigns(self) -> Campaigns:
        return self.placet.offers.campaigns

    @property
    def house(self) -> House:
        return House(self.placet, self.now, self.wire)

    def customer(
        self, *channels: ChannelId, language: str = "lv", name: str | None = None, address: bool = True
    ) -> Subject:
        """Somebody who said yes to offers through *channels*; with an e-mail address and a number."""
        which = next(self.serial)
        aliases = [Alias.email(f"guest{which}@example.lv"), Alias.msisdn(f"+371260{which:05}")] if address else []
        with self.placet.database.transaction() as connection:
            person = self.placet.subjects.add(connection, aliases=aliases, name=name, language=language, now=self.now)
            for channel in (None, *channels) if channels else ():
                self.house.record(connection, person, "given", channel)
        return person

    def draft(self, written: Brief) -> Campaign:
        with self.placet.database.transaction() as connection:
            return self.campaigns.create(connection, written, by=ANNA, now=self.now)

    def submitted(self, written: Brief) -> Campaign:
        campaign = self.draft(written)
        with self.placet.database.transaction() as connection:
            return self.campaigns.submit(connection, campaign.id, version=campaign.version, by=ANNA, now=self.now)

    def approved(self, written: Brief) -> Campaign:
        campaign = self.submitted(written)
        with self.placet.database.transaction() as connection:
            return self.campaigns.approve(connection, campaign.id, version=campaign.version, by=BERTA, now=self.now)

    def running(self, written: Brief) -> Campaign:
        """Approved, and planned by the worker's round."""
        campaign = self.approved(written)
        self.campaigns.round(self.now)
        return self.get(campaign)

    def get(self, campaign: Campaign) -> Campaign:
        with self.placet.database.transaction() as connection:
            return self.campaigns.get(connection, campaign.id)

    def excluded(self, written: Brief) -> list[tuple[int, dict[str, int]]]:
        """For each channel how many would be reached, and why others would not."""
        with self.placet.database.transaction() as connection:
            counted = self.campaigns.count(connection, written, now=self.now)
        return [(one.count, {why: many for why, many in one.excluded.items() if many}) for one in counted]


def speaking(*languages: str, negated: bool = False) -> Condition:
    return Condition("language", languages, negated)
