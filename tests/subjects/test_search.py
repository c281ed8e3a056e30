"""Finding at the desk: whole words of a name in any script, personal codes in both forms, and nothing in clear."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from placet.kernel.errors import BadInput, Conflict
from placet.store.database import Database
from placet.subjects.actions import Subjects
from placet.subjects.model import Alias, Newcomer, Profile, Subject
from placet.subjects.names import initials, words_of
from placet.subjects.personal_code import normalised, written

OLD, NEW = "161175-19997", "320000-12345"


@pytest.fixture
def anna(subjects: Subjects, database: Database, now: datetime) -> Subject:
    aliases = [Alias.msisdn("20000001"), Alias.email("anna@example.lv"), Alias.personal_code(OLD)]
    with database.transaction() as connection:
        return subjects.add(connection, aliases=aliases, name="Anna Bērziņa-Ozola", language="lv", now=now)


def found(subjects: Subjects, database: Database, text: str) -> list[object]:
    with database.transaction() as connection:
        return [each.subject for each in subjects.search(connection, text).found]


@pytest.mark.parametrize(
    "text",
    [
        "Anna Bērziņa-Ozola", "berzina", "OZOLA anna", "  Bērziņa , Anna ", "anna",
        "+371 20 000 001", "20000001", "37120000001", "ANNA@example.lv", "msisdn:20000001",
        OLD, "16117519997", "161175 19997", "personal-code:161175-19997",
    ],
)  # fmt: skip
def test_person_is_found_by_what_they_are_called_or_known_by(
    subjects: Subjects, database: Database, anna: Subject, text: str
) -> None:
    assert found(subjects, database, text) == [anna.id]


@pytest.mark.parametrize("text", ["Ann", "Bērz", "Anna Kalniņa", "20000002", "nobody@example.lv", NEW])
def test_part_of_a_word_or_another_contact_finds_nobody(
    subjects: Subjects, database: Database, anna: Subject, text: str
) -> None:
    assert found(subjects, database, text) == []


@pytest.mark.parametrize("text", ["", "   ", "—", "'", "123", "161175-19998", "@", "x" * 201, "crm:"])
def test_what_cannot_be_searched_for_is_refused_without_repeating_it(
    subjects: Subjects, database: Database, text: str
) -> None:
    with database.transaction() as connection, pytest.raises(BadInput) as refusal:
        subjects.search(connection, text)
    assert text.strip() not in refusal.value.message or len(text.strip()) < 2


def test_results_show_initials_and_masked_contacts_only(subjects: Subjects, database: Database, anna: Subject) -> None:
    with database.transaction() as connection:
        (result,) = subjects.search(connection, "anna").found
    assert (result.initials, sorted(result.contacts)) == ("A. B.", ["+371 ··· ·· 001", "a···@example.lv"])


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Фёдоров Иван", {"федоров", "иван"}),
        ("O'Neil", {"oneil"}),
        ("Strauß İpek", {"strauss", "ipek"}),
        ("王小明", {"王小明"}),
        ("محمد علي", {"محمد", "علي"}),
        ("Ｆｕｌｌ Wídth", {"full", "width"}),
        ("- — '", set()),
    ],
)
def test_names_of_any_script_fold_to_words(name: str, words: set[str]) -> None:
    assert words_of(name) == words


def test_initials_show_three_words_at_most() -> None:
    assert initials("anna māra de la bērziņa") == "A. M. D."
    assert initials(None) == initials("— -") == ""


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        (OLD, "16117519997"),
        ("161175–19997", "16117519997"),
        (NEW, "32000012345"),
        ("399999-99999", "39999999999"),
        ("161175-19998", None),
        ("311175-19997", None),
        ("320000-1234", None),
        ("161375-19997", None),
        ("161175-99997", None),
        ("٣٢٠٠٠٠-١٢٣٤٥", None),
    ],
)
def test_personal_code_is_judged_by_its_form(text: str, digits: str | None) -> None:
    assert normalised(text) == digits


def test_personal_code_is_written_with_its_dash() -> None:
    assert written("32000012345") == NEW


def test_eleven_bare_digits_may_be_a_code_and_a_phone_number(
    subjects: Subjects, database: Database, anna: Subject, now: datetime
) -> None:
    with database.transaction() as connection:
        other = subjects.add(connection, aliases=[Alias("personal-code", "37120000001")], language="lv", now=now)
    assert set(found(subjects, database, "37120000001")) == {anna.id, other.id}


def test_two_people_cannot_have_one_personal_code(
    subjects: Subjects, database: Database, anna: Subject, now: datetime
) -> None:
    with database.transaction() as connection, pytest.raises(Conflict):
        subjects.add(connection, aliases=[Alias.personal_code(OLD)], language="lv", now=now)


def test_renamed_person_is_found_by_the_new_name_alone(
    subjects: Subjects, database: Database, anna: Subject, now: datetime
) -> None:
    with database.transaction() as connection:
        subjects.rectify(connection, anna.id, Profile("Anna Kalniņa"), now=now)
    assert found(subjects, database, "kalnina") == [anna.id]
    assert found(subjects, database, "berzina") == []


def test_erased_person_is_found_by_nothing_and_leaves_no_word(
    subjects: Subjects, database: Database, anna: Subject, now: datetime
) -> None:
    with database.transaction() as connection:
        subjects.erase_key(connection, anna.id, now)
        assert connection.execute("SELECT count(*) FROM subjects.name_token").fetchone() == (0,)
    assert found(subjects, database, "berzina") == found(subjects, database, OLD) == []


def test_merged_person_is_found_once_under_the_name_that_goes_on(
    subjects: Subjects, database: Database, anna: Subject, now: datetime
) -> None:
    with database.transaction() as connection:
        twin = subjects.add(connection, aliases=[], name="Anna Veca", language="lv", now=now)
        nameless = subjects.add(connection, aliases=[], language="lv", now=now)
        subjects.merge(connection, nameless.id, twin.id)
    assert found(subjects, database, "veca") == [nameless.id]
    assert set(found(subjects, database, "anna")) == {anna.id, nameless.id}


def test_many_recorded_at_once_are_found_and_only_the_first_are_shown(
    subjects: Subjects, database: Database, now: datetime
) -> None:
    with database.transaction() as connection:
        subjects.add_many(
            connection, [Newcomer((), "lv", f"Jānis Ozols {count}") for count in range(25)], now=now + timedelta(0)
        )
        search = subjects.search(connection, "janis ozols")
    assert (len(search.found), search.more) == (20, True)


def test_no_word_of_a_name_is_in_the_tables_in_clear(subjects: Subjects, database: Database, anna: Subject) -> None:
    with database.transaction() as connection:
        rows = connection.execute("SELECT t::text FROM subjects.name_token t").fetchall()
    assert len(rows) == 3
    for word in ("anna", "berzina", "ozola"):
        assert word not in str(rows).lower()
        assert word.encode().hex() not in str(rows).lower()
