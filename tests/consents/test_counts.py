"""The roll-up equals a count from the records, whatever was said in which order and however often counting stopped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import attrs
import pytest
from consents_support import PlainRulebook, wish
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from placet.consents import actions, counts
from placet.consents.counts import Said
from placet.consents.model import CLOSING, Decision, Record, Recorded, Wish
from placet.consents.shares import (
    Interval,
    Share,
    Tally,
    exact,
    grouped,
    released,
    rounded,
    tally,
    wilson,
)
from placet.consents.store import records
from placet.store.database import Database
from placet.subjects.actions import Subjects
from placet.subjects.model import Subject

NOON = datetime(2026, 3, 12, 12, tzinfo=UTC)
RIGA = "Europe/Riga"
EVER = {"since": date(2000, 1, 1), "until": date(2100, 1, 1)}

SAID = st.tuples(
    st.integers(0, 1),
    st.sampled_from(["given", "refused", "withdrawn"]),
    st.sampled_from([None, None, "email", "sms"]),
    st.sampled_from(["portal", "phone"]),
    st.integers(0, 15 * 24),
)
"""Who, what, of which channel, by which route, and how many hours later than noon."""


def say(database: Database, rulebook: PlainRulebook, wishes: Sequence[tuple[Wish, datetime]]) -> None:
    for each, at in wishes:
        with database.transaction() as connection:
            (outcome,) = actions.record(connection, [each], rulebook=rulebook, now=at)
            assert isinstance(outcome, Recorded), outcome


def counted_by_hand(found: Sequence[Record]) -> Counter[tuple[object, ...]]:
    """What the roll-up should hold, from the records alone; the regretted under a key of their own."""
    expected: Counter[tuple[object, ...]] = Counter()
    for at, record in enumerate(found):
        version = None if record.notice is None else record.notice.version
        day = record.occurred_at.astimezone(ZoneInfo(RIGA)).date()
        key = (day, record.purpose, record.channel, record.decision, record.language, record.route, version)
        expected[key] += 1
        if record.decision is Decision.GIVEN and any(takes_back(record, later) for later in found[at + 1 :]):
            expected["regretted", *key] += 1
    return expected


def takes_back(yes: Record, later: Record) -> bool:
    return (
        later.decision in CLOSING
        and (later.subject, later.purpose) == (yes.subject, yes.purpose)
        and later.channel in (None, yes.channel)
        and yes.occurred_at <= later.occurred_at < yes.occurred_at + timedelta(days=7)
    )


def rolled_up(database: Database) -> Counter[tuple[object, ...]]:
    found: Counter[tuple[object, ...]] = Counter()
    with database.transaction() as connection:
        for day, purpose, channel, decision, language, route, version, count, regretted in connection.execute(
            "SELECT * FROM consents.said"
        ):
            key = (day, purpose, channel or None, Decision(decision), language or None, route, version or None)
            found[key] = count
            if regretted:
                found["regretted", *key] = regretted
    return found


def count_all(database: Database) -> None:
    while True:
        with database.transaction() as connection:
            if not counts.advance(connection, zone=RIGA):
                return


@pytest.fixture
def pair(database: Database, subjects: Subjects) -> tuple[Subject, Subject]:
    with database.transaction() as connection:
        one, other = (subjects.add(connection, aliases=[], language="lv", now=NOON) for _ in range(2))
    return one, other


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=st.lists(SAID, min_size=1, max_size=14), slice_=st.integers(1, 6))
def test_the_roll_up_equals_a_count_from_the_records(
    database: Database,
    rulebook: PlainRulebook,
    pair: tuple[Subject, Subject],
    said: list[tuple[int, str, str | None, str, int]],
    slice_: int,
) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(counts, "SLICE", slice_)
        wishes = [
            (said_of(pair[who], decision, channel, route, NOON + timedelta(hours=hours)), NOON + timedelta(days=30))
            for who, decision, channel, route, hours in said
        ]
        say(database, rulebook, wishes)
        with database.transaction() as connection:
            found = sorted(
                (record for subject in pair for record in records(connection, subject.id)),
                key=lambda record: record.position or 0,
            )
        count_all(database)
        expected = counted_by_hand(found)
        assert rolled_up(database) == expected
        with database.transaction() as connection:
            again = counts.rebuild(connection, zone=RIGA)
        assert again.mended == 0
        assert rolled_up(database) == expected


def said_of(subject: Subject, decision: str, channel: str | None, route: str, at: datetime) -> Wish:
    found = wish(subject, decision, channel, route="phone")
    return attrs.evolve(found, route=route, occurred_at=at if route == "phone" else None)


def test_a_rebuild_puts_right_what_was_changed(
    database: Database, rulebook: PlainRulebook, anna: Subject, now: datetime
) -> None:
    say(database, rulebook, [(wish(anna, "given"), now), (wish(anna, "withdrawn"), now + timedelta(days=1))])
    count_all(database)
    before = rolled_up(database)
    with database.transaction() as connection:
        connection.execute("UPDATE consents.said SET count = 7 WHERE decision = 'given'")
        assert counts.rebuild(connection, zone=RIGA).mended == 1
    assert rolled_up(database) == before


def test_a_yes_taken_back_on_the_seventh_day_is_kept_and_within_it_regretted(
    database: Database, rulebook: PlainRulebook, pair: tuple[Subject, Subject], now: datetime
) -> None:
    week = timedelta(days=7)
    for subject, later in zip(pair, (week, week - timedelta(seconds=1)), strict=True):
        say(database, rulebook, [(wish(subject, "given"), now)])
        say(database, rulebook, [(wish(subject, "withdrawn"), now + later)])
    count_all(database)
    with database.transaction() as connection:
        found = tally(counts.said(connection, **EVER))
    assert found == Tally(yes=2, taken_back=2, regretted=1)


def test_another_zone_counts_the_days_anew(
    database: Database, rulebook: PlainRulebook, anna: Subject, now: datetime
) -> None:
    late = now.replace(hour=23)
    say(database, rulebook, [(wish(anna, "given"), late)])
    count_all(database)
    with database.transaction() as connection:
        assert days(connection) == [late.date() + timedelta(days=1)]
        assert counts.advance(connection, zone="UTC") == 1
        assert days(connection) == [late.date()]


def days(connection: object) -> list[date]:
    return [day for (day,) in connection.execute("SELECT day FROM consents.said")]  # type: ignore[attr-defined]


def test_two_who_count_at_once_count_once(
    database: Database, rulebook: PlainRulebook, anna: Subject, now: datetime
) -> None:
    say(database, rulebook, [(wish(anna, "given"), now)])
    with database.transaction() as first:
        assert counts.advance(first, zone=RIGA) == 1
        with database.transaction() as second:
            assert counts.advance(second, zone=RIGA) == 0
    with database.transaction() as connection:
        assert sum(row.count for row in counts.said(connection, **EVER)) == 1


def test_weeks_begin_on_monday_and_months_on_their_first_day(
    database: Database, rulebook: PlainRulebook, anna: Subject
) -> None:
    sunday = datetime(2026, 3, 1, 12, tzinfo=UTC)
    for at in (sunday, sunday + timedelta(days=1), sunday + timedelta(days=2)):
        say(database, rulebook, [(wish(anna, "given"), at)])
    count_all(database)
    with database.transaction() as connection:
        weeks = counts.over_time(connection, **EVER, step="week")
        months = counts.over_time(connection, **EVER, step="month")
    assert [(spell.first, spell.count) for spell in weeks] == [(date(2026, 2, 23), 1), (date(2026, 3, 2), 2)]
    assert [(spell.first, spell.count) for spell in months] == [(date(2026, 3, 1), 3)]


def test_what_is_shown_to_those_who_see_no_persons_tells_no_small_count() -> None:
    assert [rounded(count).is_small for count in (0, 1, 9, 10, 14)] == [False, True, True, False, False]
    assert [rounded(count).shown for count in (10, 14, 15, 104)] == [10, 10, 20, 100]
    assert released(Share(3, 200), rounded) is None
    assert released(Share(44, 203), rounded) == Share(40, 200)
    assert released(Share(3, 200), exact) == Share(3, 200)


@given(st.integers(1, 5_000), st.floats(0, 1))
def test_the_interval_holds_the_share_and_narrows_with_more_answers(whole: int, share: float) -> None:
    part = round(share * whole)
    found, more = wilson(part, whole), wilson(part * 4, whole * 4)
    assert 0 <= found.low <= part / whole <= found.high <= 1
    assert more.high - more.low <= found.high - found.low


def test_the_interval_is_wilsons() -> None:
    # Newcombe 1998, table I: 81 of 263.
    found = wilson(81, 263)
    assert (round(found.low, 4), round(found.high, 4)) == (0.2553, 0.3662)
    assert wilson(0, 20) == Interval(0.0, pytest.approx(0.1611, abs=1e-4))


def test_groups_keep_their_order_and_add_up() -> None:
    rows = [
        Said("offers", None, Decision(word), "lv", route, "1.0", count, 0)  # type: ignore[arg-type]
        for word, route, count in (("given", "portal", 3), ("refused", "desk", 1), ("refused", "portal", 2))
    ]
    found = grouped(rows, lambda row: row.route)
    assert list(found) == ["portal", "desk"]
    assert found["portal"] == Tally(yes=3, no=2)
    assert sum(each.answers for each in found.values()) == tally(rows).answers


def test_no_share_is_told_of_nothing() -> None:
    assert Share(0, 0).value is None
    assert Share(0, 0).interval is None
