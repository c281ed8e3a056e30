"""Restriction of processing (GDPR 18): the gate keeps to it, and the person is told before it ends."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from rights_people import add

from placet import bootstrap
from placet.bootstrap import Application
from placet.consents.model import Actor
from placet.gate import restrictions as gate
from placet.kernel.errors import BadInput, Conflict, NotFound
from placet.kernel.ids import PurposeId
from placet.rights import restriction
from placet.rights.restriction import RestrictionId
from placet.subjects.model import Subject

OFFERS = PurposeId("offers")
AGENT = Actor("agent", str(uuid4()))
DAY = timedelta(days=1)


@pytest.fixture
def zane(placet: Application, now: datetime) -> Subject:
    return add(placet, "+37126123456", now)


def test_a_restriction_closes_the_gate_until_it_is_lifted(placet: Application, zane: Subject, now: datetime) -> None:
    with placet.database.transaction() as connection:
        made = restriction.restrict(connection, placet.subjects, zane.id, OFFERS, ground="accuracy", by=AGENT, now=now)
        assert [one.purpose for one in gate.of(connection, zane.number)] == [OFFERS]
        assert restriction.of_subject(connection, zane.id) == [made]
        lifted = restriction.lift(
            connection, placet.subjects, made.id, by=Actor("subject", str(zane.id)), now=now + DAY
        )
        assert gate.of(connection, zane.number) == []
        assert lifted.lifted_at == now + DAY
        with pytest.raises(NotFound, match="no such restriction"):
            restriction.lift(connection, placet.subjects, made.id, by=AGENT, now=now + DAY)


def test_a_member_lifts_it_only_after_the_person_was_told_and_the_day_has_come(
    placet: Application, zane: Subject, now: datetime
) -> None:
    with placet.database.transaction() as connection:
        made = restriction.restrict(connection, placet.subjects, zane.id, None, ground="objection", by=AGENT, now=now)
        with pytest.raises(Conflict) as refused:
            restriction.lift(connection, placet.subjects, made.id, by=AGENT, now=now + DAY)
        assert refused.value.code == "not-told"
        with pytest.raises(BadInput, match="before it is lifted"):
            restriction.tell(connection, made.id, lifting_at=now, now=now)
        told = restriction.tell(connection, made.id, lifting_at=now + 7 * DAY, now=now + DAY)
        assert (told.told_at, told.lifting_at) == (now + DAY, now + 7 * DAY)
        with pytest.raises(Conflict):
            restriction.lift(connection, placet.subjects, made.id, by=AGENT, now=now + 7 * DAY - timedelta(seconds=1))
        assert len(gate.of(connection, zane.number)) == 1
        restriction.lift(connection, placet.subjects, made.id, by=AGENT, now=now + 7 * DAY)
        assert gate.of(connection, zane.number) == []
        with pytest.raises(NotFound):
            restriction.tell(connection, made.id, lifting_at=now + 9 * DAY, now=now + 8 * DAY)


def test_of_two_grounds_the_last_one_opens_the_gate(placet: Application, zane: Subject, now: datetime) -> None:
    self = Actor("subject", str(zane.id))
    with placet.database.transaction() as connection:
        first = restriction.restrict(connection, placet.subjects, zane.id, OFFERS, ground="accuracy", by=self, now=now)
        second = restriction.restrict(connection, placet.subjects, zane.id, OFFERS, ground="claims", by=self, now=now)
        restriction.restrict(connection, placet.subjects, zane.id, None, ground="claims", by=self, now=now)
        restriction.lift(connection, placet.subjects, first.id, by=self, now=now + DAY)
        assert {one.purpose for one in gate.of(connection, zane.number)} == {OFFERS, None}
        restriction.lift(connection, placet.subjects, second.id, by=self, now=now + DAY)
        assert {one.purpose for one in gate.of(connection, zane.number)} == {None}


def test_a_request_restricts_once_and_an_erased_person_is_restricted_no_more(
    placet: Application, zane: Subject, now: datetime
) -> None:
    self = Actor("subject", str(zane.id))
    with placet.database.transaction() as connection:
        request = placet.requests.file(
            connection, zane.id, "restriction", text=None, route="portal", filed_by=self, now=now
        )
        more = {"ground": "unlawful", "by": self, "request": request.id, "now": now}
        first = restriction.restrict(connection, placet.subjects, zane.id, None, **more)  # type: ignore[arg-type]
        again = restriction.restrict(connection, placet.subjects, zane.id, None, **more)  # type: ignore[arg-type]
        assert again == first
        bootstrap.erase(placet, connection, zane.id, now=now + DAY)
        (ended,) = restriction.of_subject(connection, zane.id)
        assert ended.lifted_at == now + DAY
        assert gate.of(connection, zane.number) == []
        with pytest.raises(Conflict):
            restriction.restrict(connection, placet.subjects, zane.id, None, ground="claims", by=self, now=now + DAY)
        with pytest.raises(NotFound):
            restriction.get(connection, RestrictionId(uuid4()))
