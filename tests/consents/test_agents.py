"""Whose yes comes too often: counts, intervals, and who is named."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from placet.consents import agents
from placet.consents.agents import Count, Interval, compare, wilson
from placet.kernel.ids import PurposeId, StaffId
from placet.store.database import Database


@pytest.mark.parametrize(
    ("asked", "given", "low", "high"),
    [
        # Newcombe, Statist. Med. 17 (1998) 857-872, table I, method 3 (95 %).
        (263, 81, 0.2553, 0.3662),
        (148, 15, 0.0624, 0.1605),
        (20, 0, 0.0, 0.1611),
        (29, 1, 0.0061, 0.1718),
    ],
)
def test_wilson_interval_is_the_published_one(asked: int, given: int, low: float, high: float) -> None:
    interval = wilson(Count("", asked, given), deviations=1.959964)
    assert (round(interval.low, 4), round(interval.high, 4)) == (low, high)


def test_nobody_asked_means_anything_is_possible() -> None:
    assert wilson(Count("", 0, 0)) == Interval(0.0, 1.0)


def test_only_a_far_off_rate_with_enough_answers_is_named() -> None:
    counts = [Count("honest", 200, 90), Count("pushes", 120, 118), Count("shy", 100, 5), Count("new", 12, 12)]
    found = {each.count.who: each.standing for each in compare(counts)}
    assert found == {"honest": "in-line", "pushes": "far-above", "shy": "far-below", "new": "too-few"}


def test_small_difference_among_thousands_is_no_alarm() -> None:
    assert {each.standing for each in compare([Count("a", 50_000, 25_000), Count("b", 50_000, 22_000)])} == {"in-line"}


def test_whoever_works_alone_has_no_peers_to_be_far_from() -> None:
    (alone,) = compare([Count("alone", 500, 499)])
    assert alone.standing == "too-few"


def test_no_answers_are_no_members() -> None:
    assert compare([]) == []


def test_members_and_shops_are_compared_by_what_was_written_down(database: Database, now: datetime) -> None:
    honest, pushy = StaffId(uuid4()), StaffId(uuid4())
    offers = PurposeId("offers")
    with database.transaction() as connection:
        for count in range(60):
            agents.note(connection, honest, "Rīga", offers, "desk", "given" if count % 3 == 0 else "refused", now=now)
            agents.note(connection, pushy, "Liepāja", offers, "phone", "later" if count == 0 else "given", now=now)
        until = now + timedelta(seconds=1)
        found = agents.members(connection, since=now, until=until)
        assert {agents.member_of(each.count): (each.count.given, each.standing) for each in found} == {
            honest: (20, "far-below"),
            pushy: (59, "far-above"),
        }
        assert {each.count.who for each in agents.shops(connection, since=now, until=until)} == {"Rīga", "Liepāja"}
        assert agents.far_off(connection, now=until) == 4
        assert agents.members(connection, since=until, until=until + timedelta(1)) == []
        assert agents.sweep(connection, now=now + agents.KEEP + timedelta(1)) == 120
