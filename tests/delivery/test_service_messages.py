"""What other rooms tell a person: receipts of what staff wrote down, requests, changed ways to sign in."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes, policy

import attrs
import pytest
from delivery_house import EMAIL, OFFERS, House
from mail_office import our_house

from placet.bootstrap import Application, publish_catalogue
from placet.catalogue import store as catalogue_store
from placet.catalogue.document import frozen
from placet.catalogue.model import Catalogue
from placet.catalogue.render import render
from placet.consents import actions as consents
from placet.consents.model import Actor, Recorded, Wish
from placet.delivery.mail import compose
from placet.delivery.model import Kind, Outgoing
from placet.delivery.receipting import Receipting
from placet.delivery.renewing import Renewing
from placet.delivery.service import ServiceMessages, ServiceTexts, What
from placet.kernel import jcs
from placet.kernel.ids import ChannelId
from placet.rights import rectification
from placet.rights.rectification import Confirmed, NewContact, OldContact
from placet.rights.requests import Requests
from placet.subjects.model import Alias, Subject

URL = "https://amigo.lv"


@pytest.fixture
def told(placet: Application) -> ServiceTexts:
    with placet.database.transaction() as connection:
        return ServiceTexts(placet.catalogue(connection).controller)


@pytest.fixture
def open_house(house: House) -> House:
    """With e-mail set up, so that people can be told."""
    service = ServiceMessages(house.placet.delivery, {EMAIL}, URL)
    requests = attrs.evolve(house.placet.requests, service=service)
    house.placet = attrs.evolve(house.placet, service=service, requests=requests)
    return house


def arriving(house: House, told: ServiceTexts) -> Iterator[tuple[Outgoing, str, str]]:
    """What starts now, with its subject and its words, as mail programs show them."""
    for started in sorted(house.claim().started, key=lambda one: one.address):
        letter = told.letter(started.template, started.language)
        assert letter is not None, started.template
        mail = message_from_bytes(compose(our_house(), letter, started, at=house.now).content, policy=policy.default)
        text = mail.get_body(("plain",))
        assert text is not None
        yield started, mail["Subject"], text.get_content()


def written_down(house: House, person: Subject, route: str, decision: str, channel: ChannelId | None = None) -> None:
    with house.placet.database.transaction() as connection:
        shown = render(house.placet.catalogue(connection), purpose="offers", language="lv", route="phone")
        catalogue_store.remember_shown(connection, shown, house.now)
        wish = Wish(person.id, OFFERS, decision, route, Actor("agent", "a1"), channel=channel, shown=shown.sha256)
        (outcome,) = consents.record(connection, [wish], rulebook=house.placet.rulebook, now=house.now)
        assert isinstance(outcome, Recorded), outcome


def test_every_message_has_its_words_in_every_language_and_no_way_to_become_an_offer(told: ServiceTexts) -> None:
    for what in What:
        for language in ("lv", "ru", "en"):
            letter, text = told.letter(f"notice/{what}", language), told.text(f"notice/{what}", language)
            assert letter is not None
            assert text is not None
            assert "stop_link" not in letter.names
            values = dict.fromkeys((*letter.names, *text.wording.names), "2026. gada 12. aprīlis, piekrišana")
            assert b"Amigo" in letter.fill(values)
            assert text.fill(values).count <= 3
    assert told.letter("notice/nothing", "lv") is told.text("campaign/receipt", "lv") is None


def test_what_staff_wrote_down_is_told_once_with_the_way_to_its_receipt(open_house: House, told: ServiceTexts) -> None:
    house = open_house
    anna, berta = house.person("anna", yes=False), house.person("berta")
    following = Receipting(house.placet.database, house.placet.in_force, house.placet.service)
    written_down(house, anna, "phone", "refused")
    assert not following.look(house.now), "what was before the first look is nobody's news"
    written_down(house, anna, "phone", "given")
    written_down(house, anna, "phone", "given", EMAIL)
    house.say(berta, "withdrawn")
    for _ in range(2):
        assert not following.look(house.now)
    ((started, subject, text),) = arriving(house, told)
    assert (started.kind, started.address, subject) == (Kind.SERVICE, "anna@example.lv", "Jūsu lēmums ir pierakstīts")
    assert "Amigo piedāvājumi un jaunumi: dota piekrišana" in text
    assert "(E-pasts): dota piekrišana" in text
    assert re.search(rf"{URL}/receipts/[0-9a-f-]{{36}}", text)


def test_a_request_is_confirmed_with_its_day_and_its_answer_is_told(open_house: House, told: ServiceTexts) -> None:
    house = open_house
    anna = house.person("anna")
    requests: Requests = house.placet.requests
    me, agent = Actor("subject", str(anna.id)), Actor("agent", "a1")
    with house.placet.database.transaction() as connection:
        filed = requests.file(
            connection, anna.id, "access", text="Everything, please.", route="portal", filed_by=me, now=house.now
        )
        requests.extend(connection, filed.id, reason="There is much of it.", by=agent, now=house.now)
        requests.finish(connection, filed.id, outcome="Here it is.", by=agent, now=house.now + timedelta(days=1))
    house.now += timedelta(days=1)
    found = []
    for _ in range(4):
        found += [(subject, text) for _, subject, text in arriving(house, told)]
    assert sorted(subject for subject, _ in found) == [
        "Atbildei vajag vairāk laika", "Jūsu lūgums ir saņemts", "Uz Jūsu lūgumu ir atbildēts",
    ]  # fmt: skip
    for _, text in found:
        assert f"{URL}/requests/{filed.id}" in text
        assert "Everything" not in text
        assert "There is much" not in text
    assert any("līdz 13.04.2026." in text for _, text in found), "the day by which we answer"


def test_a_contact_that_comes_or_goes_is_told_at_every_address_there_was_before(
    open_house: House, told: ServiceTexts
) -> None:
    house = open_house
    anna, new = house.person("anna"), Alias.email("new@example.lv")
    me = Actor("subject", str(anna.id))
    with house.placet.database.transaction() as connection:
        rectification.rectify(
            house.placet, connection, anna.id, NewContact(Confirmed(anna.id, new)), by=me, now=house.now
        )
    assert [(one.address, subject) for one, subject, _ in arriving(house, told)] == [
        ("anna@example.lv", "Pievienots kontakts")
    ]
    gone, house.now = Alias.email("anna@example.lv"), house.now + timedelta(hours=1)
    with house.placet.database.transaction() as connection:
        rectification.rectify(house.placet, connection, anna.id, OldContact(gone), by=me, now=house.now)
    found = []
    for _ in range(2):
        found += [(one.address, subject) for one, subject, _ in arriving(house, told)]
    assert sorted(found) == [("anna@example.lv", "Noņemts kontakts"), ("new@example.lv", "Noņemts kontakts")]


def second_version(catalogue: Catalogue) -> Catalogue:
    """Wishes given to offers are kept a day longer: a material change."""
    document = json.loads(catalogue.document)
    document["catalogue"]["version"] = "1.1"
    (offers,) = (purpose for purpose in document["purposes"] if purpose["id"] == "offers")
    offers["version"], offers["retention"]["days"] = "2.0", 31
    return frozen(jcs.canonical(document))


def test_whoever_agreed_to_a_text_that_changed_is_told_once_that_their_yes_has_ended(
    open_house: House, told: ServiceTexts
) -> None:
    house = open_house
    anna, berta = house.person("anna"), house.person("berta")
    house.person("clara", yes=False)
    house.say(berta, "withdrawn")
    placet = house.placet
    renewing = Renewing(placet.database, placet.in_force, placet.service)
    placet.delivery.fillers["notice"] = renewing.fill
    assert renewing.look(house.now) == 0
    with placet.database.transaction() as connection:
        publish_catalogue(connection, second_version(placet.catalogue(connection)), now=house.now)
    assert [renewing.look(house.now), renewing.look(house.now)] == [1, 0]
    ((started, subject, text),) = arriving(house, told)
    assert (started.subject, subject) == (anna.id, "Mainīts teksts, kam piekritāt")
    assert "Nolūka „Amigo piedāvājumi un jaunumi” teksts" in text
    assert f"{URL}/choices/offers" in text


def test_nobody_is_told_where_no_way_is_set_up_and_whoever_has_no_address_sees_why(
    house: House, open_house: House
) -> None:
    anna = open_house.person("anna", address=False)
    me = Actor("subject", str(anna.id))
    placet = open_house.placet
    silent = attrs.evolve(placet.requests, service=ServiceMessages(placet.delivery, frozenset(), URL))
    for requests in (silent, placet.requests):
        with placet.database.transaction() as connection:
            requests.file(connection, anna.id, "access", text=None, route="portal", filed_by=me, now=house.now)
    house.claim()
    assert house.states(anna) == [("refused", "no-address")]
