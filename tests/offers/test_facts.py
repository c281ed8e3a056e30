"""Facts reach another purpose with the consent they come from, or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import attrs
import pytest
from psycopg import Connection
from pyroaring import BitMap

from delivery.delivery_house import House
from offers.campaign_house import EMAIL, Agency, brief
from offers.facts_conformance import CHECKS, Check
from placet import facts
from placet.bootstrap import Application
from placet.catalogue import store as catalogue_store
from placet.catalogue.render import render
from placet.consents import actions as consents
from placet.consents.model import Actor, Wish
from placet.facts import Described, Fact, FactName, Provider
from placet.gate.actions import Allowed
from placet.kernel.errors import PlacetError
from placet.kernel.ids import ActivityId, PurposeId, SubjectId
from placet.purposes.offers.campaigns.model import Condition
from placet.subjects.model import Subject

USAGE, ABROAD = PurposeId("usage"), FactName("usage.data-abroad")
SUPPORT, CAMPAIGN = ActivityId("usage.device-support"), ActivityId("offers.email-campaign")


@attrs.define
class Travellers:
    """A purpose that knows who uses data abroad: a provider as they should be."""

    now: datetime
    known: dict[SubjectId, int] = attrs.field(factory=dict)
    described: Sequence[Described] = (
        Described(ABROAD, USAGE, "load", ("much", "none"), {"lv": "Dati ārzemēs", "ru": "Данные", "en": "Data abroad"}),
    )

    @property
    def provider(self) -> Provider:
        return self

    def plant(self, _connection: Connection, person: Subject) -> None:
        self.known[person.id] = person.number

    def of(self, connection: Connection, subject: SubjectId, names: Sequence[FactName]) -> Sequence[Fact]:
        return [Fact(name, USAGE, subject, "much", self.now) for name in names if subject in self.known]

    def among(self, connection: Connection, name: FactName, values: Sequence[str]) -> BitMap:
        return BitMap(self.known.values()) if "much" in values else BitMap()


@pytest.fixture
def travellers(now: datetime) -> Travellers:
    return Travellers(now)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_purpose_that_tells_facts_keeps_what_it_must(
    placet: Application, now: datetime, travellers: Travellers, check: Check
) -> None:
    house = House(placet, now)
    anna, berta = house.person("anna"), house.person("berta")
    for telling in [travellers, *placet.offers.campaigns.selecting.told]:
        with placet.database.transaction() as connection:
            check(connection, telling, placet.catalogue(connection), anna, berta)  # type: ignore[arg-type]


def test_a_fact_is_handed_over_under_a_permit_of_its_own_purpose_only(
    placet: Application, now: datetime, travellers: Travellers
) -> None:
    house = House(placet, now)
    anna = house.person("anna")
    say_usage(house, anna)
    with placet.database.transaction() as connection:
        travellers.plant(connection, anna)
        own = placet.gate.check(connection, anna.id, SUPPORT, now=now)
        other = placet.gate.check(connection, anna.id, CAMPAIGN, channel=EMAIL, now=now)
        assert isinstance(own, Allowed)
        assert isinstance(other, Allowed)
        assert own.permit is not None
        assert other.permit is not None
        (fact,) = facts.handed(connection, [travellers], own.permit, [ABROAD], now=now)
        assert (fact.value, fact.purpose) == ("much", USAGE)
        for permit, name, code in (
            (other.permit, ABROAD, "fact-without-basis"),
            (own.permit, FactName("usage.shoe-size"), "unknown-fact"),
        ):
            with pytest.raises(PlacetError) as error:
                facts.handed(connection, [travellers], permit, [name], now=now)
            assert error.value.code == code
        with pytest.raises(PlacetError) as error:
            facts.handed(connection, [travellers], own.permit, [ABROAD], now=own.permit.expires_at)
        assert error.value.code == "permit-expired"


def test_a_campaign_asks_for_a_fact_only_where_its_activity_stands_on_that_consent(
    placet: Application, now: datetime, travellers: Travellers
) -> None:
    agency = Agency(placet, now)
    telling = attrs.evolve(agency.campaigns, selecting=attrs.evolve(agency.campaigns.selecting, told=(travellers,)))
    asking = brief(now, EMAIL, criteria=(Condition(ABROAD, ("much",)),))
    with placet.database.transaction() as connection:
        wrong = telling.problems(connection, asking, now=now)
        assert [one.code for one in wrong] == ["attribute-not-allowed"]
        with pytest.raises(PlacetError) as error:
            telling.count(connection, asking, now=now)
    assert error.value.code == "attribute-not-allowed"
    person = agency.customer(EMAIL)
    with placet.database.transaction() as connection:
        travellers.plant(connection, person)
        telling.selecting.replica.catch_up()
        audience = placet.gate.audience(connection, telling.selecting.replica, CAMPAIGN, now=now)
        with pytest.raises(PlacetError) as error:
            facts.handed_many(connection, [travellers], audience, ABROAD, ["much"], now=now)
        assert error.value.code == "fact-without-basis"
        usage = placet.gate.audience(connection, telling.selecting.replica, USAGE, now=now)
        assert not facts.handed_many(connection, [travellers], usage, ABROAD, ["much"], now=now)


def say_usage(house: House, person: Subject) -> None:
    """A yes to the purpose that the fact comes from."""
    with house.placet.database.transaction() as connection:
        shown = render(house.placet.catalogue(connection), purpose="usage", language="lv", route="api")
        catalogue_store.remember_shown(connection, shown, house.now)
        wish = Wish(person.id, USAGE, "given", "api", Actor("subject"), language="lv", shown=shown.sha256)
        consents.record(connection, [wish], rulebook=house.placet.rulebook, now=house.now)
