"""Messages are kept as long as the catalogue says of their activity."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from delivery_house import OFFERS, SERVICE, House, offer

from placet.catalogue.model import Catalogue
from placet.delivery.mailbox import Maildir
from placet.delivery.model import Kind, Sent
from placet.delivery.retention import MAIL, Retention


@pytest.fixture
def retention(house: House) -> Retention:
    return Retention(house.placet.database, house.placet.in_force, None)


@pytest.fixture
def catalogue(house: House) -> Catalogue:
    with house.placet.database.transaction() as connection:
        return house.placet.catalogue(connection)


def test_a_service_message_goes_a_year_after_it_ended_and_what_has_not_ended_stays(
    house: House, retention: Retention, catalogue: Catalogue
) -> None:
    anna = house.person("anna", yes=False)
    for key in ("receipt/1", "receipt/2"):
        house.plan(offer(anna, key, house.now, kind=Kind.SERVICE, activity=SERVICE,
                         not_after=house.now + timedelta(days=900)))  # fmt: skip
    (started,) = house.claim().started
    house.settle({started.id: Sent("q1")})
    kept = timedelta(days=catalogue.activities[SERVICE].retention.days)
    assert retention.round(house.now + kept - timedelta(seconds=1)) == 0
    assert retention.round(house.now + kept + timedelta(seconds=1)) == 1
    assert house.states(anna) == [("planned", None)]


def test_an_offer_stays_while_the_consent_does_and_goes_after_the_withdrawal(
    house: House, retention: Retention, catalogue: Catalogue
) -> None:
    anna, berta = house.person("anna"), house.person("berta")
    for person in (anna, berta):
        house.plan(offer(person, "campaign/7", house.now))
    house.settle({one.id: Sent("q1") for one in house.claim().started})
    house.now += timedelta(days=500)
    assert retention.round(house.now) == 0, "its link still stops it, and it is not sent a second time"
    house.say(anna, "withdrawn")
    kept = timedelta(days=catalogue.purposes[OFFERS].retention.days)
    assert retention.round(house.now + kept - timedelta(minutes=1)) == 0
    assert retention.round(house.now + kept + timedelta(minutes=1)) == 1
    assert (house.states(anna), house.states(berta)) == ([], [("sent", None)])


def test_mail_that_came_back_goes_after_a_month(house: House, tmp_path: Path, now: datetime) -> None:
    for name in ("new", "cur", "tmp"):
        (tmp_path / "mail" / name).mkdir(parents=True)
    for name, age in (("old", MAIL + timedelta(hours=1)), ("young", MAIL - timedelta(hours=1))):
        file = tmp_path / "mail" / "cur" / name
        file.write_text("Subject: Undelivered\n")
        os.utime(file, ((now - age).timestamp(),) * 2)
    maildir = Maildir.opened(tmp_path / "mail", "r.amigo.lv")
    Retention(house.placet.database, house.placet.in_force, maildir).round(now)
    assert [file.name for file in (tmp_path / "mail" / "cur").iterdir()] == ["young"]
