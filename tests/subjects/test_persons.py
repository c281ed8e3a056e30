from __future__ import annotations

from datetime import date, datetime, timedelta

import psycopg
import pytest

from placet.kernel.errors import BadInput, Conflict, Misconfigured, NotFound, Tampered
from placet.kernel.ids import new_subject_id
from placet.kernel.seal import MasterKey
from placet.store.database import Database
from placet.subjects.actions import Subjects
from placet.subjects.model import Alias, Newcomer, Profile, Subject

ANNA = (Alias.parse("msisdn:+37120000001"), Alias.parse("email:anna@example.lv"), Alias.parse("crm:A-1"))


@pytest.fixture
def anna(subjects: Subjects, database: Database, now: datetime) -> Subject:
    with database.transaction() as connection:
        return subjects.add(connection, aliases=ANNA, language="ru", name="Anna", birth_date=date(1990, 5, 1), now=now)


@pytest.mark.parametrize("named", ["msisdn:20000001", "MSISDN: 00371 2000-0001", "email:ANNA@Example.LV ", "crm:A-1"])
def test_person_is_found_by_any_spelling_of_an_alias(
    subjects: Subjects, database: Database, anna: Subject, named: str
) -> None:
    with database.transaction() as connection:
        assert subjects.find(connection, named) == anna


def test_person_is_found_by_id(subjects: Subjects, database: Database, anna: Subject) -> None:
    with database.transaction() as connection:
        assert subjects.find(connection, str(anna.id)) == anna
        assert subjects.find(connection, str(new_subject_id())) is None
        assert subjects.find(connection, "crm:a-1") is None


@pytest.mark.parametrize(
    "named",
    ["anna@example.lv", "tel:+37120000001", "msisdn:abc-secret", "email:secret", "crm:", "msisdn:+3712\x00", "crm:a b"],
)
def test_unreadable_name_is_refused_without_repeating_it(subjects: Subjects, database: Database, named: str) -> None:
    with database.transaction() as connection, pytest.raises(BadInput) as refusal:
        subjects.find(connection, named)
    assert named.partition(":")[2] not in refusal.value.message or not named.partition(":")[2]
    assert "secret" not in refusal.value.message
    assert refusal.value.__context__ is None or "secret" not in str(refusal.value.__cause__)


def test_personal_fields_are_readable_with_the_key_and_nowhere_in_clear(
    subjects: Subjects, database: Database, anna: Subject
) -> None:
    with database.transaction() as connection:
        assert subjects.profile(connection, anna.id) == Profile("Anna", date(1990, 5, 1))
        assert {str(contact.alias) for contact in subjects.contacts(connection, anna.id)} == {
            str(alias) for alias in ANNA
        }
        stored = connection.execute(
            "SELECT p::text, c::text FROM subjects.person p JOIN subjects.contact c USING (number)"
        ).fetchall()
    for secret in ("Anna", "1990-05-01", "20000001", "anna@example.lv", "A-1"):
        assert secret.encode().hex() not in str(stored)
        assert secret not in str(stored)


def test_alias_of_somebody_else_is_a_conflict_that_says_what_to_do(
    subjects: Subjects, database: Database, anna: Subject, now: datetime
) -> None:
    with pytest.raises(Conflict, match="placet subjects merge") as refusal, database.transaction() as connection:
        subjects.add(connection, aliases=[Alias.parse("crm:new"), ANNA[0]], now=now)
    assert "2000" not in refusal.value.message
    with database.transaction() as connection:
        assert subjects.find(connection, "crm:new") is None


def test_alias_that_ended_may_go_to_somebody_else(
    subjects: Subjects, database: Database, anna: Subject, now: datetime
) -> None:
    later = now + timedelta(days=1)
    with database.transaction() as connection:
        subjects.end_contact(connection, anna.id, ANNA[0], now=later)
        other = subjects.add(connection, aliases=[ANNA[0]], now=later)
        assert subjects.find(connection, ANNA[0]) == other
        ended = [contact for contact in subjects.contacts(connection, anna.id) if contact.period.end]
        assert [contact.alias for contact in ended] == [ANNA[0]]


def test_numbers_are_dense_and_never_reused(
    subjects: Subjects, database: Database, anna: Subject, now: datetime
) -> None:
    with pytest.raises(Conflict), database.transaction() as connection:
        subjects.add(connection, aliases=[ANNA[0]], now=now)
    with database.transaction() as connection:
        subjects.erase_key(connection, anna.id, now)
        assert subjects.add(connection, aliases=[], now=now).number > anna.number + 1
    with pytest.raises(psycopg.errors.InsufficientPrivilege), database.transaction() as connection:
        connection.execute("SELECT setval('subjects.numbering', 1)")
    with pytest.raises(psycopg.errors.InsufficientPrivilege), database.transaction() as connection:
        connection.execute("DELETE FROM subjects.person")


def test_erased_person_leaves_a_tombstone_and_nothing_else(
    subjects: Subjects, database: Database, anna: Subject, now: datetime
) -> None:
    erased_at = now + timedelta(days=2)
    with database.transaction() as connection:
        assert subjects.erase_key(connection, anna.id, erased_at) == [anna.id]
        assert [subjects.find(connection, alias) for alias in ANNA] == [None, None, None]
        tombstone = subjects.find(connection, str(anna.id))
        assert tombstone == Subject(anna.id, anna.number, "und", anna.created_at, erased_at)
        assert subjects.contacts(connection, anna.id) == []
        assert subjects.profile(connection, anna.id) == Profile()
        view = connection.execute("SELECT number, id, wrapped_key, erased_at FROM subjects.current").fetchall()
        assert view == [(anna.number, anna.id, None, erased_at)]
        assert connection.execute("SELECT count(*) FROM subjects.contact").fetchone() == (0,)
        with pytest.raises(NotFound):
            subjects.key(connection, anna.id)
        with pytest.raises(Conflict, match="erased"):
            subjects.add_contact(connection, anna.id, ANNA[0], now=now)
        assert subjects.erase_key(connection, anna.id, erased_at) == []
        assert subjects.get(connection, anna.id).erased_at == erased_at


def test_key_opens_only_for_its_own_subject_and_master(subjects: Subjects, database: Database, anna: Subject) -> None:
    with database.transaction() as connection:
        row = connection.execute("SELECT wrapped_key FROM subjects.current").fetchone()
        assert row is not None
        assert subjects.key_of(row[0], anna.id) == subjects.key(connection, anna.id)
    with pytest.raises(Tampered):
        subjects.key_of(row[0], new_subject_id())
    with pytest.raises(Tampered):
        Subjects(database, MasterKey(b"x" * 32)).key_of(row[0], anna.id)


def test_other_master_key_is_refused_at_the_start(subjects: Subjects, database: Database) -> None:
    with database.transaction() as connection:
        subjects.check_master(connection)
        subjects.check_master(connection)
        with pytest.raises(Misconfigured, match="another master key"):
            Subjects(database, MasterKey(b"x" * 32)).check_master(connection)


def test_language_and_profile_change(subjects: Subjects, database: Database, anna: Subject, now: datetime) -> None:
    with database.transaction() as connection:
        subjects.speak(connection, anna.id, "en")
        subjects.rectify(connection, anna.id, Profile("Anna Liepa", None), now=now)
        assert subjects.get(connection, anna.id).language == "en"
        assert subjects.profile(connection, anna.id) == Profile("Anna Liepa", None)
        with pytest.raises(BadInput, match="language"):
            subjects.speak(connection, anna.id, "de")
        with pytest.raises(BadInput, match="birth date"):
            subjects.rectify(connection, anna.id, Profile(None, date(2030, 1, 1)), now=now)


def test_many_are_recorded_as_one_would_be(subjects: Subjects, database: Database, now: datetime) -> None:
    newcomers = [
        Newcomer([Alias.crm(f"C-{n}"), Alias.email(f"{n}@example.lv")], "en", f"Name {n}", date(2000, 1, 1))
        for n in range(50)
    ]
    with database.transaction() as connection:
        added = subjects.add_many(connection, newcomers, now=now)
        found = subjects.find_many(connection, [Alias.crm(f"C-{n}") for n in range(60)])
        assert [found[Alias.crm(f"C-{n}")] for n in range(50)] == added
        assert len(found) == 50
        assert subjects.profile(connection, added[7].id) == Profile("Name 7", date(2000, 1, 1))
        assert {str(contact.alias) for contact in subjects.contacts(connection, added[7].id)} == {
            "crm:C-7",
            "email:7@example.lv",
        }
    with pytest.raises(Conflict, match="alias"), database.transaction() as connection:
        subjects.add_many(
            connection, [Newcomer([Alias.crm("C-99")], "lv"), Newcomer([Alias.crm("C-7")], "lv")], now=now
        )
    with database.transaction() as connection:
        assert subjects.find(connection, "crm:C-99") is None


def test_aliases_never_print_themselves() -> None:
    assert "20000001" not in repr(ANNA)
    assert "anna" not in f"{Newcomer(ANNA, 'lv', 'anna')!r} {Profile('anna')!r}"
