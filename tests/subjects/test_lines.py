from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from placet.kernel.errors import BadInput, Conflict, NotFound
from placet.kernel.ids import ChannelId, PurposeId
from placet.store.database import Database
from placet.subjects.actions import Subjects
from placet.subjects.model import Alias, Subject
from placet.subjects.rules import Suspend

NUMBER = Alias.msisdn("+37120000001")
TIED = [(PurposeId("offers"), ChannelId("sms"))]
DAY = timedelta(days=1)


@pytest.fixture
def anna(subjects: Subjects, database: Database, now: datetime) -> Subject:
    """Holder of the line, found by its number."""
    with database.transaction() as connection:
        anna = subjects.add(connection, aliases=[NUMBER, Alias.crm("A-1")], now=now)
        subjects.add_line(connection, NUMBER, since=now)
        subjects.add_role(connection, NUMBER, anna.id, "holder", since=now)
        return anna


@pytest.fixture
def zane(subjects: Subjects, database: Database, anna: Subject, now: datetime) -> Subject:
    """A child on Anna's line."""
    with database.transaction() as connection:
        zane = subjects.add(connection, aliases=[Alias.crm("Z-1")], now=now)
        subjects.add_role(connection, NUMBER, zane.id, "child", since=now)
        return zane


def test_roles_are_listed_with_the_number_of_the_line(
    subjects: Subjects, database: Database, anna: Subject, zane: Subject
) -> None:
    with database.transaction() as connection:
        ((number, role),) = subjects.lines(connection, zane.id)
        view = connection.execute("SELECT number, id, role FROM subjects.line_role_current ORDER BY number").fetchall()
        stored = connection.execute(
            "SELECT line::text, line_role::text FROM subjects.line_role, subjects.line"
        ).fetchall()
    assert (number, role.subject, role.role) == (NUMBER, zane.id, "child")
    assert view == [(anna.number, anna.id, "holder"), (zane.number, zane.id, "child")]
    assert NUMBER.value.encode().hex() not in str(stored)


def test_line_has_one_holder(
    subjects: Subjects, database: Database, anna: Subject, zane: Subject, now: datetime
) -> None:
    with database.transaction() as connection:
        with pytest.raises(Conflict, match="holder"):
            subjects.add_role(connection, NUMBER, zane.id, "holder", since=now)
        with pytest.raises(Conflict):
            subjects.add_role(connection, NUMBER, zane.id, "child", since=now)
        with pytest.raises(Conflict, match="open line"):
            subjects.add_line(connection, NUMBER, since=now)


def test_nobody_stands_to_a_line_before_it_begins(
    subjects: Subjects, database: Database, anna: Subject, now: datetime
) -> None:
    with database.transaction() as connection, pytest.raises(BadInput, match="before it begins"):
        subjects.add_role(connection, NUMBER, anna.id, "user", since=now - DAY)


def test_recycled_number_leaves_everyone_and_starts_a_new_line(
    subjects: Subjects, database: Database, anna: Subject, zane: Subject, now: datetime
) -> None:
    later = now + DAY
    with database.transaction() as connection:
        suspended = subjects.line_event(connection, NUMBER, "recycled", TIED, occurred_at=later, now=later)
        assert suspended == [Suspend(person.id, *TIED[0], "recycled") for person in (anna, zane)]
        assert subjects.find(connection, NUMBER) is None
        assert subjects.find(connection, "crm:A-1") == anna
        assert [role.period.end for _, role in subjects.lines(connection, anna.id)] == [later]
        newcomer = subjects.add(connection, aliases=[NUMBER], now=later)
        subjects.add_line(connection, NUMBER, since=later)
        subjects.add_role(connection, NUMBER, newcomer.id, "holder", since=later)
        assert subjects.find(connection, NUMBER) == newcomer
        assert subjects.line_event(connection, NUMBER, "sim-swap", TIED, occurred_at=later + DAY, now=later + DAY) == [
            Suspend(newcomer.id, *TIED[0], "sim-swap")
        ]


def test_sim_swap_suspends_and_leaves_the_line_as_it_is(
    subjects: Subjects, database: Database, anna: Subject, zane: Subject, now: datetime
) -> None:
    later = now + DAY
    with database.transaction() as connection:
        suspended = subjects.line_event(connection, NUMBER, "sim-swap", TIED, occurred_at=later, now=later)
        assert [one.subject for one in suspended] == [anna.id, zane.id]
        assert subjects.find(connection, NUMBER) == anna
        assert [role.period.end for _, role in subjects.lines(connection, anna.id)] == [None]


def test_change_of_holder_takes_the_number_from_the_old_one(
    subjects: Subjects, database: Database, anna: Subject, zane: Subject, now: datetime
) -> None:
    later = now + DAY
    with database.transaction() as connection:
        suspended = subjects.line_event(connection, NUMBER, "holder-changed", TIED, occurred_at=later, now=later)
        assert [one.subject for one in suspended] == [anna.id, zane.id]
        assert subjects.find(connection, NUMBER) is None
        subjects.add_role(connection, NUMBER, zane.id, "holder", since=later)
        subjects.add_contact(connection, zane.id, NUMBER, now=later)
        assert subjects.find(connection, NUMBER) == zane


def test_event_heard_of_late_spares_who_came_after_it(
    subjects: Subjects, database: Database, anna: Subject, zane: Subject, now: datetime
) -> None:
    with database.transaction() as connection:
        juris = subjects.add(connection, aliases=[], now=now)
        subjects.end_role(connection, NUMBER, zane.id, "child", at=now + 3 * DAY)
        subjects.add_role(connection, NUMBER, juris.id, "user", since=now + 4 * DAY)
        suspended = subjects.line_event(
            connection, NUMBER, "user-changed", TIED, occurred_at=now + 2 * DAY, now=now + 5 * DAY
        )
        assert [one.subject for one in suspended] == [zane.id]
        assert [role.period.end for _, role in subjects.lines(connection, juris.id)] == [None]


def test_event_reaches_who_has_the_number_even_if_no_line_was_recorded(
    subjects: Subjects, database: Database, now: datetime
) -> None:
    with database.transaction() as connection:
        juris = subjects.add(connection, aliases=[NUMBER], now=now)
        suspended = subjects.line_event(connection, NUMBER, "recycled", TIED, occurred_at=now + DAY, now=now + DAY)
        assert suspended == [Suspend(juris.id, *TIED[0], "recycled")]
        assert subjects.find(connection, NUMBER) is None
        assert [role.role for _, role in subjects.lines(connection, juris.id)] == ["holder"]


@pytest.mark.parametrize("days", [-1, 0, 2])
def test_event_outside_the_life_of_the_line_is_refused(
    subjects: Subjects, database: Database, anna: Subject, now: datetime, days: int
) -> None:
    with database.transaction() as connection, pytest.raises(BadInput, match="between its beginning and now"):
        subjects.line_event(connection, NUMBER, "recycled", TIED, occurred_at=now + days * DAY, now=now + DAY)


def test_event_on_a_number_without_a_line_is_refused(subjects: Subjects, database: Database, now: datetime) -> None:
    with database.transaction() as connection:
        with pytest.raises(NotFound, match="no open line"):
            subjects.line_event(connection, NUMBER, "recycled", TIED, occurred_at=now, now=now)
        with pytest.raises(BadInput, match="phone number"):
            subjects.add_line(connection, Alias.crm("A-1"), since=now)


def test_erased_holder_leaves_no_line_behind_unless_others_stand_to_it(
    subjects: Subjects, database: Database, anna: Subject, zane: Subject, now: datetime
) -> None:
    with database.transaction() as connection:
        subjects.line_event(connection, NUMBER, "sim-swap", TIED, occurred_at=now + DAY, now=now + DAY)
        subjects.erase_key(connection, anna.id, now)
        assert subjects.lines(connection, anna.id) == []
        assert len(subjects.lines(connection, zane.id)) == 1
        subjects.erase_key(connection, zane.id, now)
        left = connection.execute(
            "SELECT (SELECT count(*) FROM subjects.line), (SELECT count(*) FROM subjects.line_event)"
        ).fetchone()
        assert left == (0, 0)
