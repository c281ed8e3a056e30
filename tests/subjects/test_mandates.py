from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from placet.kernel.errors import BadInput, Conflict, NotFound
from placet.kernel.ids import MandateId, PurposeId, new_subject_id
from placet.store.database import Database
from placet.subjects.actions import Subjects
from placet.subjects.model import Mandate, Subject

OFFERS, USAGE = PurposeId("offers"), PurposeId("usage")


@pytest.fixture
def anna(subjects: Subjects, database: Database, now: datetime) -> Subject:
    with database.transaction() as connection:
        return subjects.add(connection, aliases=[], now=now)


@pytest.fixture
def zane(subjects: Subjects, database: Database, now: datetime) -> Subject:
    with database.transaction() as connection:
        return subjects.add(connection, aliases=[], birth_date=date(2012, 6, 15), now=now)


@pytest.fixture
def mandate(subjects: Subjects, database: Database, anna: Subject, zane: Subject, now: datetime) -> Mandate:
    with database.transaction() as connection:
        return grant(subjects, connection, anna, zane, now)


def grant(subjects: Subjects, connection: Any, anna: Subject, zane: Subject, now: datetime, **changes: Any) -> Mandate:
    values: dict[str, Any] = {"kind": "parent", "purposes": [OFFERS], "proof": "birth register 17/2012", "since": now}
    return subjects.add_mandate(connection, representative=anna.id, subject=zane.id, **(values | changes))


def test_mandate_covers_its_purposes_for_its_holder_in_its_time(
    subjects: Subjects, database: Database, anna: Subject, zane: Subject, mandate: Mandate, now: datetime
) -> None:
    of_age = datetime(2030, 6, 14, 21, tzinfo=now.tzinfo)
    with database.transaction() as connection:
        assert subjects.mandate_for(connection, anna.id, zane.id, OFFERS, now) == mandate
        assert subjects.mandate_for(connection, anna.id, zane.id, OFFERS, of_age - timedelta(seconds=1)) == mandate
        for representative, subject, purpose, at in (
            (anna, zane, USAGE, now),
            (zane, anna, OFFERS, now),
            (anna, anna, OFFERS, now),
            (anna, zane, OFFERS, now - timedelta(seconds=1)),
            (anna, zane, OFFERS, of_age),
        ):
            assert subjects.mandate_for(connection, representative.id, subject.id, purpose, at) is None
        assert subjects.mandate_for(connection, new_subject_id(), new_subject_id(), OFFERS, now) is None


def test_ended_mandate_covers_nothing_from_its_end(
    subjects: Subjects, database: Database, anna: Subject, zane: Subject, mandate: Mandate, now: datetime
) -> None:
    later = now + timedelta(days=1)
    with database.transaction() as connection:
        subjects.end_mandate(connection, mandate.id, at=later)
        assert subjects.mandate_for(connection, anna.id, zane.id, OFFERS, now) is not None
        assert subjects.mandate_for(connection, anna.id, zane.id, OFFERS, later) is None
        assert [held.period.end for held in subjects.mandates(connection, anna.id)] == [later]
        with pytest.raises(NotFound):
            subjects.end_mandate(connection, mandate.id, at=later)
        with pytest.raises(NotFound):
            subjects.end_mandate(connection, MandateId(new_subject_id()), at=later)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"purposes": []}, "purposes"),
        ({"proof": " "}, "proof"),
        ({"until": datetime(2020, 1, 1).astimezone()}, "period"),
        ({"since": datetime(2031, 1, 1).astimezone()}, "minor"),
    ],
)
def test_mandate_that_could_cover_nothing_is_refused(
    subjects: Subjects,
    database: Database,
    anna: Subject,
    zane: Subject,
    now: datetime,
    changes: dict[str, Any],
    why: str,
) -> None:
    with database.transaction() as connection, pytest.raises(BadInput, match=why):
        grant(subjects, connection, anna, zane, now, **changes)


def test_mandate_over_oneself_or_an_erased_person_is_refused(
    subjects: Subjects, database: Database, anna: Subject, zane: Subject, now: datetime
) -> None:
    with database.transaction() as connection:
        with pytest.raises(BadInput, match="themselves"):
            grant(subjects, connection, zane, zane, now)
        subjects.erase_key(connection, anna.id, now)
        with pytest.raises(Conflict, match="erased"):
            grant(subjects, connection, anna, zane, now)


def test_proof_is_sealed_and_goes_with_the_person(
    subjects: Subjects, database: Database, anna: Subject, zane: Subject, mandate: Mandate, now: datetime
) -> None:
    with database.transaction() as connection:
        row = connection.execute("SELECT mandate::text, proof FROM subjects.mandate").fetchone()
        assert row is not None
        assert b"birth register" not in row[1]
        assert b"birth register".hex() not in row[0]
        subjects.erase_key(connection, zane.id, now)
        assert connection.execute("SELECT count(*) FROM subjects.mandate").fetchone() == (0,)
        assert subjects.mandate_for(connection, anna.id, zane.id, OFFERS, now) is None
