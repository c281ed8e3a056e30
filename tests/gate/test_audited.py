"""Uses are replayed once, soon after they happened; what is kept of it is what a whole audit finds."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from psycopg import Connection

from placet.bootstrap import Application
from placet.catalogue import store as catalogue_store
from placet.catalogue.render import render
from placet.consents import actions as consents
from placet.consents.model import Actor, Recorded, Wish
from placet.gate import audited
from placet.gate.actions import Allowed
from placet.gate.audit import audit
from placet.gate.uses import Told, record_uses, under_permit
from placet.kernel import clock
from placet.kernel.ids import ActivityId, ChannelId, PurposeId
from placet.subjects.model import Subject

CAMPAIGN = ActivityId("offers.email-campaign")


@pytest.fixture
def start() -> datetime:
    return clock.now()


@pytest.fixture
def anna(placet: Application, start: datetime) -> Subject:
    """Somebody who allowed offers by e-mail: both in one batch, so the ledger's clock is ahead of *start*."""
    with placet.database.transaction() as connection:
        person = placet.subjects.add(connection, aliases=[], language="lv", now=start)
        shown = render(placet.catalogue(connection), purpose="offers", language="lv", route="portal")
        catalogue_store.remember_shown(connection, shown, start)
        wishes = [
            Wish(person.id, PurposeId("offers"), "given", "portal", Actor("subject", str(person.id)),
                 channel=channel, language="lv", shown=shown.sha256)
            for channel in (None, ChannelId("email"))
        ]  # fmt: skip
        outcomes = consents.record(connection, wishes, rulebook=placet.rulebook, now=start)
    assert all(isinstance(outcome, Recorded) for outcome in outcomes)
    return person


def permitted(placet: Application, connection: Connection, person: Subject, at: datetime) -> Told:
    answer = placet.gate.check(connection, person.id, CAMPAIGN, now=at)
    assert isinstance(answer, Allowed)
    assert answer.permit is not None
    return under_permit(answer.permit, outcome="sent", at=at)


def unpermitted(person: Subject, at: datetime) -> Told:
    return Told(CAMPAIGN, at, "sent", ChannelId("email"), subject=person.id)


def go_on(placet: Application, now: datetime) -> int:
    with placet.database.transaction() as connection:
        purposes = placet.in_force.terms(connection)
        return audited.advance(connection, placet.gate, purposes=purposes, now=now)


def known(placet: Application) -> tuple[int, int]:
    with placet.database.transaction() as connection:
        found = audited.audited(connection)
    return found.uses, found.without_permit


def test_a_permit_of_the_very_instant_of_the_records_passes(placet: Application, anna: Subject, start) -> None:
    with placet.database.transaction() as connection:
        record_uses(connection, [permitted(placet, connection, anna, start)])
    with placet.database.transaction() as connection:
        found = audit(connection, placet.gate, purposes=placet.in_force.terms(connection))
    assert (found.uses, found.findings) == (1, ())


def test_each_use_is_replayed_once_and_what_is_found_is_kept(placet: Application, anna: Subject, start) -> None:
    at = start + timedelta(seconds=1)
    with placet.database.transaction() as connection:
        record_uses(connection, [permitted(placet, connection, anna, at), unpermitted(anna, at)])
    assert go_on(placet, at) == 2
    assert go_on(placet, at) == 0
    assert known(placet) == (2, 1)
    with placet.database.transaction() as connection:
        (finding,) = audited.findings(connection, limit=10)
    assert (finding.use, finding.activity, finding.why) == (2, CAMPAIGN, "no-permit")


def test_a_use_that_commits_after_later_ones_is_replayed_too(placet: Application, anna: Subject, start) -> None:
    slow = placet.database.dedicated(autocommit=False)
    try:
        record_uses(slow, [unpermitted(anna, start)])
        with placet.database.transaction() as connection:
            record_uses(connection, [permitted(placet, connection, anna, start)])
        assert go_on(placet, start) == 1
        assert known(placet) == (1, 0)
        slow.commit()
    finally:
        slow.close()
    assert go_on(placet, start) == 1
    assert go_on(placet, start) == 0
    assert known(placet) == (2, 1)


def test_a_whole_audit_sets_right_what_is_known(placet: Application, anna: Subject, start) -> None:
    with placet.database.transaction() as connection:
        record_uses(connection, [unpermitted(anna, start), permitted(placet, connection, anna, start)])
    go_on(placet, start)
    with placet.database.transaction() as connection:
        connection.execute("DELETE FROM gate.audit_finding")
    assert known(placet) == (2, 0)
    with placet.database.transaction() as connection:
        purposes = placet.in_force.terms(connection)
        assert audited.whole(connection, placet.gate, purposes=purposes, now=start).uses == 2
    assert known(placet) == (2, 1)
    assert go_on(placet, start) == 0


def test_a_forged_permit_is_found(placet: Application, anna: Subject, start) -> None:
    with placet.database.transaction() as connection:
        record_uses(connection, [Told(CAMPAIGN, start, "sent", ChannelId("email"), subject=anna.id, permit="forged")])
    assert go_on(placet, start) == 1
    assert known(placet) == (1, 1)


@pytest.mark.parametrize(
    ("first", "last", "ids", "left_out"),
    [
        (1, 3, [1, 2, 3], []),
        (1, 5, [2, 5], [(1, 1), (3, 4)]),
        (1, 0, [], []),
        (4, 9, [4, 9], [(5, 8)]),
    ],
)
def test_gaps_are_what_is_left_out(first: int, last: int, ids: list[int], left_out: list[tuple[int, int]]) -> None:
    assert audited.gaps(first, last, ids) == left_out
