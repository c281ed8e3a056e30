from __future__ import annotations

from datetime import datetime

import psycopg
import pytest

from placet.access import reads, staff
from placet.access.staff import Member, Role
from placet.kernel.errors import BadInput, Denied, NotFound
from placet.kernel.ids import StaffId, new_subject_id
from placet.store.database import Database

ANNA, IVAN = new_subject_id(), new_subject_id()


@pytest.fixture
def agnese(database: Database, now: datetime) -> Member:
    with database.transaction() as connection:
        return staff.add(
            connection,
            "agnese",
            name="Agnese",
            roles=[Role.AGENT, Role.DPO],
            shop="Rīga",
            source="demo",
            by=None,
            now=now,
        )


def test_a_read_keeps_who_in_which_role_where_what_and_why(database: Database, agnese: Member, now: datetime) -> None:
    with database.transaction() as connection:
        reads.note(connection, staff=agnese.id, what="record", reason=" She  asked. ", subject=ANNA, now=now)
        reads.note(connection, staff=agnese.id, what="export", reason="", subject=ANNA, role=Role.DPO, now=now)
        reads.note(connection, staff=agnese.id, what="record", reason="x", subject=IVAN, now=now)
        # What happens later changes nothing that was written down.
        staff.set_shop(connection, agnese.id, "Liepāja", by=None, now=now)
        found = reads.of_subject(connection, ANNA)
        everything = reads.listing(connection)
    told = [(read.what, read.role, read.shop, read.reason) for read in found]
    assert told == [("export", "dpo", "Rīga", ""), ("record", "agent", "Rīga", "She asked.")]
    assert len(everything) == 3


def test_reads_are_paged_newest_first(database: Database, agnese: Member, now: datetime) -> None:
    with database.transaction() as connection:
        for number in range(5):
            reads.note(connection, staff=agnese.id, what=f"page-{number}", reason="", subject=ANNA, now=now)
        first = reads.of_subject(connection, ANNA, limit=2)
        rest = reads.of_subject(connection, ANNA, before=first[-1].id, limit=10)
    assert [read.what for read in [*first, *rest]] == [f"page-{number}" for number in (4, 3, 2, 1, 0)]


def test_nobody_can_change_or_delete_what_was_read_not_even_the_owner(
    database: Database, admin_url: str, agnese: Member, now: datetime
) -> None:
    with database.transaction() as connection:
        reads.note(connection, staff=agnese.id, what="record", reason="", subject=ANNA, now=now)
    for url in (database.url, admin_url):
        for statement in ("UPDATE access.read_log SET what = ''", "DELETE FROM access.read_log"):
            with psycopg.connect(url) as connection, pytest.raises(psycopg.Error):
                connection.execute(statement)
    with psycopg.connect(database.url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("UPDATE access.read_reason SET reason = ''")


def test_of_an_erased_person_stays_that_somebody_looked_and_none_of_the_words(
    database: Database, agnese: Member, now: datetime
) -> None:
    with database.transaction() as connection:
        for subject in (ANNA, IVAN):
            reads.note(connection, staff=agnese.id, what="record", reason="Anna Bērziņa rang", subject=subject, now=now)
        reads.forget(connection, ANNA)
        (read,) = reads.of_subject(connection, ANNA)
        (other,) = reads.of_subject(connection, IVAN)
    assert (read.what, read.reason, read.member) == ("record", "", agnese.id)
    assert other.reason == "Anna Bērziņa rang"


def test_an_account_without_a_role_reads_nothing(database: Database, agnese: Member, now: datetime) -> None:
    with database.transaction() as connection:
        staff.set_roles(connection, agnese.id, [], by=None, now=now)
        with pytest.raises(Denied):
            reads.note(connection, staff=agnese.id, what="record", reason="", subject=ANNA, now=now)
        with pytest.raises(NotFound):
            reads.note(connection, staff=StaffId(ANNA), what="record", reason="", subject=ANNA, now=now)
        with pytest.raises(BadInput):
            reads.note(connection, staff=agnese.id, what="record", reason="x" * 501, subject=ANNA, now=now)
