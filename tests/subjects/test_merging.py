from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from placet.kernel.errors import BadInput, Conflict, NotFound
from placet.kernel.ids import PurposeId, new_subject_id
from placet.store.database import Database
from placet.subjects.actions import Subjects
from placet.subjects.model import Alias, Profile, Subject

NUMBER = Alias.msisdn("+37120000001")
OFFERS = PurposeId("offers")


@pytest.fixture
def pair(subjects: Subjects, database: Database, now: datetime) -> tuple[Subject, Subject]:
    """Anna, recorded twice: both identities hold a role on one line, the second has the contacts and a child."""
    with database.transaction() as connection:
        first = subjects.add(connection, aliases=[Alias.crm("A-1")], name="Anna", now=now)
        second = subjects.add(
            connection, aliases=[Alias.crm("A-2"), NUMBER], name="A. Liepa", birth_date=date(1990, 5, 1), now=now
        )
        child = subjects.add(connection, aliases=[], birth_date=date(2015, 1, 1), now=now)
        subjects.add_line(connection, NUMBER, since=now)
        subjects.add_role(connection, NUMBER, first.id, "user", since=now)
        subjects.add_role(connection, NUMBER, second.id, "user", since=now)
        subjects.add_role(connection, NUMBER, second.id, "holder", since=now)
        subjects.add_mandate(
            connection,
            representative=second.id,
            subject=child.id,
            kind="parent",
            purposes=[OFFERS],
            proof="17/2015",
            since=now,
        )
        subjects.add_mandate(
            connection,
            representative=child.id,
            subject=second.id,
            kind="power-of-attorney",
            purposes=[OFFERS],
            proof="18/2015",
            since=now,
        )
        return first, second


def test_merged_identity_leads_to_the_one_that_goes_on(
    subjects: Subjects, database: Database, pair: tuple[Subject, Subject], now: datetime
) -> None:
    first, second = pair
    with database.transaction() as connection:
        subjects.merge(connection, first.id, second.id)
        for named in ("crm:A-1", "crm:A-2", NUMBER, str(first.id), str(second.id)):
            assert subjects.find(connection, named) == first
        assert {contact.alias for contact in subjects.contacts(connection, first.id)} == {
            Alias.crm("A-1"),
            Alias.crm("A-2"),
            NUMBER,
        }
        assert subjects.profile(connection, first.id) == Profile("Anna", date(1990, 5, 1))
        assert subjects.profile(connection, second.id) == Profile()
        roles = sorted((number, role.role) for number, role in subjects.lines(connection, first.id))
        assert roles == [(NUMBER, "holder"), (NUMBER, "user")]
        mandates = subjects.mandates(connection, first.id)
        assert {(held.representative == first.id, held.subject == first.id) for held in mandates} == {
            (True, False),
            (False, True),
        }


def test_merged_identity_keeps_its_key_for_its_records(
    subjects: Subjects, database: Database, pair: tuple[Subject, Subject]
) -> None:
    first, second = pair
    with database.transaction() as connection:
        before = subjects.key(connection, second.id)
        subjects.merge(connection, first.id, second.id)
        assert subjects.key(connection, second.id) == before


def test_what_is_added_to_a_merged_identity_reaches_the_person(
    subjects: Subjects, database: Database, pair: tuple[Subject, Subject], now: datetime
) -> None:
    first, second = pair
    with database.transaction() as connection:
        subjects.merge(connection, first.id, second.id)
        subjects.add_contact(connection, second.id, Alias.crm("A-3"), now=now)
        subjects.rectify(connection, second.id, Profile("Anna Liepa", None), now=now)
        assert Alias.crm("A-3") in {contact.alias for contact in subjects.contacts(connection, first.id)}
        assert subjects.profile(connection, first.id).name == "Anna Liepa"


def test_erasing_the_person_erases_every_merged_identity(
    subjects: Subjects, database: Database, pair: tuple[Subject, Subject], now: datetime
) -> None:
    first, second = pair
    with database.transaction() as connection:
        subjects.merge(connection, first.id, second.id)
        assert subjects.erase_key(connection, second.id, now) == [first.id, second.id]
        assert subjects.find(connection, "crm:A-2") is None
        assert [subjects.get(connection, id).number for id in (first.id, second.id)] == [first.number, second.number]
    assert subjects.keys([first.id, second.id, new_subject_id()]) == {first.id: None, second.id: None}


def test_chain_of_merges_leads_to_its_end(
    subjects: Subjects, database: Database, pair: tuple[Subject, Subject], now: datetime
) -> None:
    first, second = pair
    with database.transaction() as connection:
        third = subjects.add(connection, aliases=[], now=now + timedelta(days=1))
        subjects.merge(connection, first.id, second.id)
        subjects.merge(connection, third.id, first.id)
        assert subjects.find(connection, str(second.id)) == third
        assert subjects.find(connection, "crm:A-2") == third


def test_what_cannot_be_one_person_is_not_merged(
    subjects: Subjects, database: Database, pair: tuple[Subject, Subject], now: datetime
) -> None:
    first, second = pair
    with database.transaction() as connection:
        child = next(held.subject for held in subjects.mandates(connection, second.id) if held.subject != second.id)
        with pytest.raises(BadInput, match="itself"):
            subjects.merge(connection, first.id, first.id)
        with pytest.raises(NotFound):
            subjects.merge(connection, first.id, new_subject_id())
        with pytest.raises(Conflict, match="two persons"):
            subjects.merge(connection, second.id, child)
        subjects.merge(connection, first.id, second.id)
        with pytest.raises(Conflict, match="merged"):
            subjects.merge(connection, first.id, second.id)
        subjects.erase_key(connection, child, now)
        with pytest.raises(Conflict, match="erased"):
            subjects.merge(connection, first.id, child)
