"""Restricted processing (GDPR 18): the gate says no for one person, on one purpose or all; nothing else changes."""

from __future__ import annotations

import numpy as np
import pytest
from gate_clocks import Clocks
from gate_town import NOW
from pyroaring import BitMap

from placet.bootstrap import Application, merge
from placet.gate import restrictions
from placet.gate.actions import Allowed
from placet.gate.feed import Feed
from placet.gate.memory import Memory
from placet.gate.model import Reason
from placet.gate.replica import Replica
from placet.gate.view import CODES
from placet.kernel.ids import Number, PurposeId

OFFERS, USAGE = PurposeId("offers"), PurposeId("usage")


@pytest.fixture
def clocks() -> Clocks:
    return Clocks(NOW)


def replica_of(database, clocks, folder) -> Replica:
    memory = Memory(bound=2.0)
    return Replica(memory, Feed(memory, database, folder / "snapshot", clock=clocks.wall, monotonic=clocks.monotonic))


@pytest.fixture
def replica(database, clocks, tmp_path) -> Replica:
    return replica_of(database, clocks, tmp_path)


@pytest.fixture
def said(town) -> None:
    """Persons 1 and 2 consent to offers and usage."""
    for number in (1, 2):
        for purpose in ("offers", "usage"):
            town.say(number, purpose, "given")


def restrict(database, number: int, purpose: PurposeId | None = None) -> None:
    with database.transaction() as connection:
        restrictions.restrict(connection, Number(number), purpose, now=NOW)


def lift(database, number: int, purpose: PurposeId | None = None) -> None:
    with database.transaction() as connection:
        restrictions.lift(connection, Number(number), purpose, now=NOW)


def answers(database, gate, town, number: int = 1) -> list[str]:
    """What the gate says of offers, usage and of billing, which runs on the contract."""
    with database.transaction() as connection:
        found = [
            gate.check(connection, town.add(number), one, now=NOW) for one in ("offers", "usage", "service.billing")
        ]
    return ["yes" if isinstance(one, Allowed) else one.reason.value for one in found]


def told(replica, clocks, number: int = 1) -> list[str]:
    found = [replica.check(number, asked, None, clocks.monotonic()) for asked in ("offers", "usage")]
    return ["yes" if one.allowed else one.reason for one in found]


def test_one_purpose_is_restricted_for_one_person(town, database, gate, said) -> None:
    restrict(database, 1, OFFERS)
    assert answers(database, gate, town, 1) == ["restricted", "yes", "yes"]
    assert answers(database, gate, town, 2) == ["yes", "yes", "yes"]


def test_all_purposes_are_restricted_and_the_contract_goes_on(town, database, gate, said) -> None:
    restrict(database, 1)
    assert answers(database, gate, town) == ["restricted", "restricted", "yes"]


def test_lifting_brings_back_what_was_consented_to_and_no_more(town, database, gate, said) -> None:
    restrict(database, 1)
    town.say(1, "usage", "withdrawn")
    lift(database, 1)
    assert answers(database, gate, town) == ["yes", "withdrawn", "yes"]


def test_lifting_all_leaves_the_restriction_of_a_single_purpose(town, database, gate, said) -> None:
    restrict(database, 1)
    restrict(database, 1, OFFERS)
    lift(database, 1)
    assert answers(database, gate, town) == ["restricted", "yes", "yes"]


def test_restricting_twice_and_lifting_what_is_not_there_change_nothing(database) -> None:
    restrict(database, 1, OFFERS)
    restrict(database, 1, OFFERS)
    lift(database, 1, USAGE)
    with database.transaction() as connection:
        assert restrictions.of(connection, Number(1)) == [restrictions.Restriction(OFFERS, NOW)]
    lift(database, 1, OFFERS)
    lift(database, 1, OFFERS)
    with database.transaction() as connection:
        assert restrictions.of(connection, Number(1)) == []


def test_replica_learns_of_a_restriction_and_of_its_end(database, replica, clocks, said) -> None:
    replica.catch_up()
    restrict(database, 1, OFFERS)
    replica.catch_up()
    assert [told(replica, clocks, 1), told(replica, clocks, 2)] == [["restricted", "yes"], ["yes", "yes"]]
    restrict(database, 1)
    replica.catch_up()
    assert told(replica, clocks, 1) == ["restricted", "restricted"]
    for purpose in (None, OFFERS):
        lift(database, 1, purpose)
    replica.catch_up()
    assert told(replica, clocks, 1) == ["yes", "yes"]


def test_what_is_said_during_a_restriction_holds_after_it(town, database, replica, clocks, said) -> None:
    restrict(database, 1)
    replica.catch_up()
    town.say(1, "offers", "withdrawn")
    replica.catch_up()
    assert told(replica, clocks, 1) == ["restricted", "restricted"]
    lift(database, 1)
    replica.catch_up()
    assert told(replica, clocks, 1) == ["closed", "yes"]


def test_restricted_person_who_never_said_anything_needs_no_state(town, database, replica, clocks) -> None:
    town.add(70_000)
    restrict(database, 70_000)
    replica.catch_up()
    assert told(replica, clocks, 70_000) == ["restricted", "restricted"]
    codes = replica.check_many(np.array([70_000, 69_999, 10**9]), "offers", None, clocks.monotonic())
    assert [CODES[code] for code in codes] == ["restricted", "no-decision", "no-decision"]


def test_batch_tells_the_same(database, replica, clocks, said) -> None:
    restrict(database, 2, USAGE)
    replica.catch_up()
    for asked, expected in (("offers", [None, None, "no-decision"]), ("usage", [None, "restricted", "no-decision"])):
        codes = replica.check_many(np.array([1, 2, 3]), asked, None, clocks.monotonic())
        assert [CODES[code] for code in codes] == expected


def test_snapshot_that_was_kept_before_knows_of_it_when_it_starts(database, replica, clocks, tmp_path, said) -> None:
    restrict(database, 1, OFFERS)
    replica.catch_up()
    replica.feed.save()
    lift(database, 1, OFFERS)
    restrict(database, 2, OFFERS)
    again = replica_of(database, clocks, tmp_path)
    again.catch_up()
    assert [told(again, clocks, 1), told(again, clocks, 2)] == [["yes", "yes"], ["restricted", "yes"]]


def test_audience_leaves_out_the_restricted_and_confirming_takes_them_out(
    town, database, gate, replica, clocks, said, monkeypatch
) -> None:
    monkeypatch.setattr(Replica, "now", staticmethod(clocks.monotonic))
    restrict(database, 1, OFFERS)
    replica.catch_up()
    with database.transaction() as connection:
        drawn = gate.audience(connection, replica, OFFERS, now=NOW)
        other = gate.audience(connection, replica, USAGE, among=BitMap([1, 2]), now=NOW)
    assert (set(drawn.members), drawn.excluded[Reason.RESTRICTED]) == ({2}, 1)
    assert (set(other.members), other.excluded[Reason.RESTRICTED]) == ({1, 2}, 0)
    restrict(database, 1)
    replica.catch_up()
    confirmed = gate.confirm(replica, other, now=NOW)
    assert (set(confirmed.members), confirmed.gone) == ({2}, 1)


def test_erased_person_is_not_counted_as_restricted(town, database, gate, replica, clocks, said) -> None:
    restrict(database, 1)
    replica.catch_up()
    town.erase(1)
    replica.catch_up()
    assert told(replica, clocks, 1) == ["no-decision", "no-decision"]
    assert answers(database, gate, town, 1) == ["erased", "erased", "erased"]


def test_merged_identity_hands_on_what_was_restricted(placet: Application, now) -> None:
    with placet.database.transaction() as connection:
        survivor, merged = (placet.subjects.add(connection, aliases=[], now=now) for _ in range(2))
        restrictions.restrict(connection, merged.number, OFFERS, now=now)
    with placet.database.transaction() as connection:
        merge(placet, connection, survivor.id, merged.id, now=now)
        found = [placet.gate.check(connection, subject.id, OFFERS, now=now) for subject in (survivor, merged)]
    assert [one.reason for one in found] == [Reason.RESTRICTED, Reason.RESTRICTED]
