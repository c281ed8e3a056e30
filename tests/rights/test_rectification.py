"""Rectification (GDPR 16): every copy follows, a new contact is confirmed first, the receipt tells where, not what."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import attrs
import pytest
from rights_people import Shelf, add

from placet.access.codes import Codes, UnsafeDemoSender, demo_messages
from placet.bootstrap import Application
from placet.consents.model import Actor
from placet.duties import Correction
from placet.kernel.errors import BadInput, Conflict, Denied
from placet.kernel.ids import PurposeId
from placet.rights import rectification
from placet.rights.rectification import (
    BirthDate,
    Change,
    Confirmed,
    Corrected,
    Language,
    Name,
    NewContact,
    OldContact,
    Receipt,
)
from placet.subjects.model import Alias, Subject

NEW = Alias.email("zane.jauna@example.lv")


@pytest.fixture
def zane(placet: Application, now: datetime) -> Subject:
    return add(placet, "+37126123456", now - timedelta(days=9), name="Zane Ozola", birth_date=date(2012, 6, 15))


@pytest.fixture
def house(placet: Application, zane: Subject) -> Application:
    """An installation whose two purposes hold copies of what Zane is called."""
    copies = {zane.id: [{"name": "name", "value": "Zane Ozola"}]}
    first = Shelf(PurposeId("offers"), liked=copies)
    second = Shelf(PurposeId("loyalty"), invoices={zane.id: [{"name": "name", "value": "Zane Ozola"}] * 1})
    return attrs.evolve(placet, duties=(first, second))


@pytest.fixture
def codes(placet: Application) -> Codes:
    return Codes(placet.database, placet.subjects, placet.master, UnsafeDemoSender())


def put_right(house: Application, zane: Subject, change: Change, now: datetime) -> Receipt:
    with house.database.transaction() as connection:
        return rectification.rectify(house, connection, zane.id, change, by=Actor("subject", str(zane.id)), now=now)


def sent(placet: Application) -> str:
    with placet.database.transaction() as connection:
        return demo_messages(connection)[0].code


def confirmed(placet: Application, codes: Codes, zane: Subject, alias: Alias, now: datetime) -> Confirmed:
    challenge = rectification.propose(codes, zane.id, alias, address="192.0.2.1", language="lv", now=now)
    return rectification.confirm(codes, zane.id, alias, challenge, sent(placet), now=now)


def test_a_name_is_put_right_in_every_room_and_the_receipt_says_where(
    house: Application, zane: Subject, now: datetime
) -> None:
    receipt = put_right(house, zane, Name("Zane Kalniņa"), now)
    assert receipt.corrected == (
        Corrected("subjects", "name", 1),
        Corrected("offers", "name", 1),
        Corrected("loyalty", "name", 1),
    )
    with house.database.transaction() as connection:
        assert house.subjects.profile(connection, zane.id).name == "Zane Kalniņa"
        assert [past.corrected for past in rectification.of_subject(connection, zane.id)] == [*receipt.corrected][::-1]
        kept = connection.execute("SELECT c::text FROM rights.correction AS c").fetchall()
    assert "Zane" not in str(kept)
    assert put_right(house, zane, Name("Zane Kalniņa"), now).corrected == ()


def test_what_one_purpose_holds_is_put_right_there(house: Application, zane: Subject, now: datetime) -> None:
    change = Correction("offers.liked", "name", "Zane Ozola", "Zane")
    assert {one.place for one in put_right(house, zane, change, now).corrected} <= {"offers", "loyalty"}
    assert put_right(house, zane, attrs.evolve(change, field="shoe-size"), now).corrected == ()


def test_language_and_birth_date_are_put_right_and_a_parents_mandate_follows(
    house: Application, zane: Subject, now: datetime
) -> None:
    parent = add(house, "+37126000002", now)
    with house.database.transaction() as connection:
        house.subjects.add_mandate(
            connection, representative=parent.id, subject=zane.id, kind="parent",
            purposes=[PurposeId("offers")], proof="No. 1", since=now,
        )  # fmt: skip
        (before,) = house.subjects.mandates(connection, parent.id)
    assert before.period.end == datetime(2030, 6, 14, 21, tzinfo=UTC)
    assert put_right(house, zane, Language("ru"), now).corrected == (Corrected("subjects", "language", 1),)
    assert put_right(house, zane, BirthDate(date(2009, 1, 2)), now).corrected == (
        Corrected("subjects", "birth_date", 1),
    )
    with pytest.raises(BadInput):
        put_right(house, zane, BirthDate(date(2126, 1, 1)), now)
    with house.database.transaction() as connection:
        (after,) = house.subjects.mandates(connection, zane.id)
        assert house.subjects.get(connection, zane.id).language == "ru"
    assert after.period.end == datetime(2027, 1, 1, 22, tzinfo=UTC)


def test_nobody_signs_in_by_a_contact_that_was_not_confirmed(
    house: Application, codes: Codes, zane: Subject, now: datetime
) -> None:
    challenge = rectification.propose(codes, zane.id, NEW, address="192.0.2.1", language="lv", now=now)
    code = sent(house)
    assert codes.verify(challenge, code, now=now) is None, "a code for a contact signs nobody in"
    asked = codes.request(str(NEW), address="192.0.2.1", language="lv", now=now)
    with house.database.transaction() as connection:
        assert house.subjects.find(connection, NEW) is None
        assert all(message.challenge != asked for message in demo_messages(connection))


@pytest.mark.parametrize("wrong", ["other-contact", "other-person", "wrong-code", "late", "twice"])
def test_a_contact_is_confirmed_by_its_own_code_once_in_time(
    house: Application, codes: Codes, zane: Subject, now: datetime, wrong: str
) -> None:
    challenge = rectification.propose(codes, zane.id, NEW, address="192.0.2.1", language="lv", now=now)
    code, person, alias, at = sent(house), zane.id, NEW, now
    match wrong:
        case "other-contact":
            alias = Alias.email("other@example.lv")
        case "other-person":
            person = add(house, "+37126000005", now).id
        case "wrong-code":
            code = f"{(int(code) + 1) % 1_000_000:06}"
        case "late":
            at = now + timedelta(minutes=5)
        case "twice":
            rectification.confirm(codes, zane.id, NEW, challenge, code, now=now)
    with pytest.raises(Denied) as refused:
        rectification.confirm(codes, person, alias, challenge, code, now=at)
    assert refused.value.code == "wrong-code"


def test_a_confirmed_contact_replaces_the_old_one_whose_period_ends(
    house: Application, codes: Codes, zane: Subject, now: datetime
) -> None:
    new = confirmed(house, codes, zane, Alias.msisdn("+37126999999"), now)
    receipt = put_right(house, zane, NewContact(new, replaces=Alias.msisdn("+37126123456")), now)
    assert receipt.corrected == (Corrected("subjects", "msisdn", 1),)
    with house.database.transaction() as connection:
        contacts = house.subjects.contacts(connection, zane.id)
        assert house.subjects.find(connection, "msisdn:+37126123456") is None
        assert house.subjects.find(connection, "msisdn:+37126999999") == zane
    assert [(contact.alias.value, contact.period.end) for contact in contacts] == [
        ("+37126999999", None),
        ("+37126123456", now),
    ]


def test_the_last_contact_to_sign_in_with_stays(house: Application, codes: Codes, zane: Subject, now: datetime) -> None:
    only = OldContact(Alias.msisdn("+37126123456"))
    with pytest.raises(Conflict) as refused:
        put_right(house, zane, only, now)
    assert refused.value.code == "last-contact"
    put_right(house, zane, NewContact(confirmed(house, codes, zane, NEW, now)), now)
    assert put_right(house, zane, only, now).corrected == (Corrected("subjects", "msisdn", 1),)


def test_somebody_elses_confirmed_contact_is_not_taken(
    house: Application, codes: Codes, zane: Subject, now: datetime
) -> None:
    other, later = add(house, "+37126000006", now), now + timedelta(minutes=1)
    theirs = confirmed(house, codes, other, NEW, now)
    with pytest.raises(Denied):
        put_right(house, zane, NewContact(theirs), now)
    put_right(house, other, NewContact(theirs), now)
    with pytest.raises(Conflict) as refused:
        put_right(house, zane, NewContact(confirmed(house, codes, zane, NEW, later)), later)
    assert refused.value.code == "alias-taken"
