"""
Nothing in the database joins an anonymous answer to a person: no column, no time, no order.

What is asserted absent was planted: every person's answer is another, so a row that led back to its person would be
found to.
"""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest
from psycopg import sql

from placet.duties import Person
from placet.kernel.errors import Conflict
from placet.purposes.offers.surveys.model import Survey
from placet.subjects.model import Subject
from surveys.conftest import Office
from surveys.survey_forms import HAPPY, MORE, USED

TABLES = {"offers.survey_ballot", "offers.survey_answer"}


def contents(connection: psycopg.Connection) -> dict[str, list[str]]:
    """Every row of every table of ours as text, with what PostgreSQL itself notes of it."""
    names = connection.execute(
        "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
    ).fetchall()
    return {
        ".".join(name): sorted(
            row
            for (row,) in connection.execute(
                sql.SQL("SELECT ctid::text || xmin::text || it::text FROM {} AS it").format(sql.Identifier(*name))
            )
        )
        for name in names
    }


def answer_all(office: Office, survey: Survey, people: list[Subject]) -> None:
    """Each says something else, in the order of their numbers."""
    for place, person in enumerate(people):
        token = office.link(survey, person)
        office.answer(token, USED, "a")
        office.answer(token, HAPPY, str(1 + place % 5))
        office.answer(token, MORE, text=f"{place:03} said this")
        office.send(token)


def written(office: Office, survey: Survey, order: str) -> list[int]:
    """Whose texts stand in the answers, in an *order* that somebody with the database could sort by."""
    with office.house.placet.database.transaction() as connection:
        rows = connection.execute(f"SELECT sealed FROM offers.survey_answer ORDER BY {order}").fetchall()
        opened = [office.surveys.answering.opened(survey, row[0]) for row in rows]
    return [int(text[MORE][:3]) for text in opened]


def correlation(found: list[int]) -> float:
    """Spearman's: 1 for the order in which they answered, -1 for the opposite, about 0 for a lot."""
    n = len(found)
    ranked = {value: rank for rank, value in enumerate(sorted(found))}
    return 1 - 6 * sum((place - ranked[value]) ** 2 for place, value in enumerate(found)) / (n * (n * n - 1))


def test_answering_changes_no_table_but_the_two_that_name_nobody(
    office: Office, crowd: Callable[[int], list[Subject]], admin_connection: psycopg.Connection
) -> None:
    survey, people = office.opened(anonymous=True), crowd(12)
    before = contents(admin_connection)
    answer_all(office, survey, people)
    after = contents(admin_connection)
    assert {name for name, rows in after.items() if rows != before[name]} == TABLES
    kinds = admin_connection.execute(
        "SELECT table_schema || '.' || table_name, column_name, data_type FROM information_schema.columns"
        " WHERE table_schema || '.' || table_name = ANY(%s)",
        [sorted(TABLES)],
    ).fetchall()
    assert {(name.rpartition("_")[2], column): kind for name, column, kind in kinds} == {
        ("ballot", "ticket"): "bytea", ("ballot", "survey"): "uuid", ("ballot", "anonymous"): "boolean",
        ("ballot", "answers"): "jsonb", ("ballot", "sealed"): "bytea", ("ballot", "is_cast"): "boolean",
        ("answer", "id"): "uuid", ("answer", "survey"): "uuid", ("answer", "answers"): "jsonb",
        ("answer", "sealed"): "bytea",
    }  # fmt: skip


def test_answers_move_ten_at_a_time_and_leave_their_ticket_behind(
    office: Office, crowd: Callable[[int], list[Subject]], admin_connection: psycopg.Connection
) -> None:
    survey, people = office.opened(anonymous=True), crowd(21)
    answer_all(office, survey, people[:9])
    count = "SELECT count(*) FROM offers.survey_answer"
    assert admin_connection.execute(count).fetchone() == (0,)
    answer_all(office, survey, people[9:])
    together = "SELECT count(*) FROM offers.survey_answer GROUP BY xmin"
    assert admin_connection.execute(together).fetchall() == [(10,), (10,)]
    left = "SELECT is_cast, answers IS NULL AND sealed IS NULL, count(*) FROM offers.survey_ballot GROUP BY 1, 2"
    assert sorted(admin_connection.execute(left).fetchall()) == [(True, False, 1), (True, True, 20)]
    office.close(survey)
    assert admin_connection.execute(together).fetchall() == [(21,)]
    assert sorted(admin_connection.execute(left).fetchall()) == [(True, True, 21)]


@pytest.mark.parametrize("order", ["ctid", "id", "xmin::text, ctid", "sealed"], ids=["place", "id", "time", "bytes"])
def test_no_order_of_the_answers_is_the_order_of_those_who_answered(
    office: Office, crowd: Callable[[int], list[Subject]], order: str
) -> None:
    survey, people = office.opened(anonymous=True), crowd(40)
    answer_all(office, survey, people)
    office.close(survey)
    found = written(office, survey, order)
    assert sorted(found) == list(range(40))
    # By lot it would be further from 0 than this in fewer than one of ten million runs.
    assert abs(correlation(found)) < 0.8


def test_a_link_is_used_up_although_nobody_knows_whose_it_was(office: Office, anna: Subject) -> None:
    survey = office.opened(anonymous=True)
    token = office.link(survey, anna)
    office.answer(token, USED, "a")
    assert office.sheet(token).answers.chosen == {USED: ("a",)}
    office.send(token)
    sheet = office.sheet(token)
    assert sheet.is_sent
    with pytest.raises(Conflict):
        office.answer(token, USED, "b")
    with office.house.placet.database.transaction() as connection:
        assert office.surveys.duties.export(connection, Person(anna.id, anna.number))[0].rows == []


def test_the_database_itself_refuses_a_name_beside_an_anonymous_answer(
    office: Office, anna: Subject, admin_connection: psycopg.Connection
) -> None:
    survey = office.opened(anonymous=True)
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        admin_connection.execute(
            "INSERT INTO offers.survey_reply (survey, number, answers, started_at) VALUES (%s, %s, '{}', now())",
            [survey.id, anna.number],
        )
