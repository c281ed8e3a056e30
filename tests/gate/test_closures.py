"""A place that must stop and does not answer closes the gate for its purposes; when it answers the gate opens again."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import psycopg
import pytest
from gate_clocks import Clocks
from gate_town import NOW
from pyroaring import BitMap

from placet.gate import audiences, roles, stops
from placet.gate.acknowledging import GONE, LIMIT, Acknowledger
from placet.gate.actions import Allowed
from placet.gate.feed import Feed
from placet.gate.memory import Memory
from placet.gate.model import Question, Reason
from placet.gate.replica import Replica
from placet.gate.roles import under_purpose
from placet.gate.stops import Stop, StopId
from placet.gate.view import CODES, Plan
from placet.kernel.ids import Position, PurposeId

MAIL = StopId("queue/mail")


@pytest.fixture
def clocks() -> Clocks:
    return Clocks(NOW)


@pytest.fixture
def replica(database, clocks, tmp_path) -> Replica:
    memory = Memory(bound=2.0)
    return Replica(memory, Feed(memory, database, tmp_path / "snapshot", clock=clocks.wall, monotonic=clocks.monotonic))


@pytest.fixture
def silent(town, database, clocks):
    """Person 1 consents to offers and usage; the mail queue, a stop for offers, is silent about person 2."""
    town.connection.execute("UPDATE ledger.head SET recorded_at = %s", [NOW])
    stop = Stop(MAIL, "queue", frozenset({PurposeId("offers")}), timedelta(seconds=10), NOW)
    with database.transaction() as connection:
        stops.register(connection, stop, now=NOW)
    for purpose in ("offers", "usage"):
        town.say(1, purpose, "given")
    town.say(1, "offers", "given", channel="email")
    position = town.say(2, "offers", "withdrawn")
    clocks.pass_(11)
    return Position(position)


def watch(database, clocks) -> stops.Watched:
    with database.transaction() as connection:
        return stops.watch(connection, now=clocks.now)


def answer(database, gate, town, clocks, asked: str, number: int = 1) -> str:
    with database.transaction() as connection:
        found = gate.check(connection, town.add(number), asked, now=clocks.now)
    return "yes" if isinstance(found, Allowed) else found.reason.value


def told(replica, clocks, asked: str, number: int = 1) -> str:
    found = replica.check(number, asked, None, clocks.monotonic())
    return "yes" if found.allowed else found.reason


def test_silent_stop_closes_its_purposes_and_no_other(town, database, gate, clocks, silent) -> None:
    assert answer(database, gate, town, clocks, "offers") == "yes"
    assert watch(database, clocks).closed == ((MAIL, {"offers"}),)
    assert [answer(database, gate, town, clocks, asked) for asked in ("offers", "offers.email", "usage")] == [
        "stop-silent",
        "stop-silent",
        "yes",
    ]


def test_own_no_of_a_person_says_more_than_a_closure(town, database, gate, clocks, silent) -> None:
    watch(database, clocks)
    assert answer(database, gate, town, clocks, "offers", 2) == "withdrawn"
    assert answer(database, gate, town, clocks, "offers", 3) == "no-decision"


def test_acknowledgement_opens_the_gate_by_itself_and_the_row_keeps_both_ends(
    town, database, gate, clocks, silent
) -> None:
    watch(database, clocks)
    since = clocks.now
    clocks.pass_(5)
    with database.transaction() as connection:
        stops.acknowledge(connection, MAIL, upto=silent, at=clocks.now)
        assert stops.closures(connection) == []
        (closure,) = stops.past_closures(connection)
    assert (closure.purpose, closure.stop, closure.since, closure.until) == ("offers", MAIL, since, clocks.now)
    assert answer(database, gate, town, clocks, "offers") == "yes"


def test_watching_again_changes_nothing(database, clocks, silent) -> None:
    watch(database, clocks)
    assert watch(database, clocks) == stops.Watched()
    with database.transaction() as connection:
        assert len(stops.past_closures(connection)) == 1


def test_two_silent_stops_keep_closed_until_both_have_answered(town, database, gate, clocks, silent) -> None:
    with database.transaction() as connection:
        other = Stop(StopId("queue/sms"), "queue", frozenset({PurposeId("offers")}), timedelta(seconds=1), clocks.now)
        stops.register(connection, other, now=clocks.now)
    position = town.say(3, "offers", "withdrawn")
    clocks.pass_(20)
    assert len(watch(database, clocks).closed) == 2
    for id, expected in ((MAIL, "stop-silent"), (other.id, "yes")):
        with database.transaction() as connection:
            stops.acknowledge(connection, id, upto=Position(position), at=clocks.now)
        assert answer(database, gate, town, clocks, "offers") == expected


def test_retired_stop_keeps_nothing_closed(town, database, gate, clocks, silent) -> None:
    watch(database, clocks)
    with database.transaction() as connection:
        stops.retire(connection, MAIL, now=clocks.now)
    assert answer(database, gate, town, clocks, "offers") == "yes"


def test_replica_learns_of_a_closure_at_its_next_look_and_of_its_end(town, database, replica, clocks, silent) -> None:
    replica.catch_up()
    assert told(replica, clocks, "offers") == "yes"
    watch(database, clocks)
    replica.catch_up()
    assert [told(replica, clocks, asked) for asked in ("offers", "offers/email", "offers.email", "usage")] == [
        "stop-silent",
        "stop-silent",
        "stop-silent",
        "yes",
    ]
    assert [told(replica, clocks, "offers", number) for number in (2, 3)] == ["closed", "no-decision"]
    codes = replica.check_many(np.array([1, 2, 3]), "offers", None, clocks.monotonic())
    assert [CODES[code] for code in codes] == ["stop-silent", "closed", "no-decision"]
    with database.transaction() as connection:
        stops.acknowledge(connection, MAIL, upto=silent, at=clocks.now)
    replica.catch_up()
    assert told(replica, clocks, "offers") == "yes"


def test_replica_that_does_not_look_says_yes_no_longer_than_its_bound(database, replica, clocks, silent) -> None:
    replica.catch_up()
    watch(database, clocks)
    clocks.pass_(2)
    assert told(replica, clocks, "offers") == "stale"


def test_replica_that_starts_while_the_gate_is_closed_knows_it(database, replica, clocks, silent) -> None:
    watch(database, clocks)
    replica.catch_up()
    assert told(replica, clocks, "offers") == "stop-silent"


def test_publication_during_a_closure_opens_nothing(town, database, replica, clocks, silent) -> None:
    watch(database, clocks)
    replica.catch_up()
    town.publish({"offers": 1, "usage": 1, "credit": 1, "loyalty": 1})
    replica.catch_up()
    assert told(replica, clocks, "offers") == "stop-silent"


def test_closed_purpose_mints_no_permit_from_memory(town, database, gate, replica, clocks, silent, monkeypatch) -> None:
    monkeypatch.setattr(Replica, "now", staticmethod(clocks.monotonic))
    watch(database, clocks)
    replica.catch_up()
    subject = town.add(1)
    gate.check_somehow(database, replica, Question(subject, PurposeId("usage"), at=clocks.now))
    replica.remember(subject, 1)
    found = gate.check_quickly(replica, subject, PurposeId("offers"), now=clocks.now)
    assert found is not None
    assert found.reason is Reason.STOP_SILENT


def test_audience_counts_whom_a_closure_leaves_out_and_confirming_leaves_nobody(
    town, database, gate, replica, clocks, silent, monkeypatch
) -> None:
    monkeypatch.setattr(Replica, "now", staticmethod(clocks.monotonic))
    replica.catch_up()
    with database.transaction() as connection:
        before = gate.audience(connection, replica, PurposeId("offers"), now=clocks.now)
    assert set(before.members) == {1}
    watch(database, clocks)
    replica.catch_up()
    with database.transaction() as connection:
        during = gate.audience(connection, replica, PurposeId("offers"), now=clocks.now)
    assert (during.count, during.excluded[Reason.STOP_SILENT], during.excluded[Reason.CLOSED]) == (0, 1, 1)
    confirmed = gate.confirm(replica, before, now=clocks.now)
    assert (confirmed.members, confirmed.gone) == (BitMap(), 1)


@pytest.fixture
def bills(town, admin_url, clone) -> None:
    """A table with customer data behind the gate: a bill each for persons 1 to 3."""
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute(f'CREATE SCHEMA shop AUTHORIZATION "{clone[1].owner}"')
        connection.execute(f'SET ROLE "{clone[1].owner}"')
        connection.execute("CREATE TABLE shop.bill (number int NOT NULL)")
        connection.execute(f'GRANT USAGE ON SCHEMA shop TO "{clone[1].app}"')
        connection.execute(f'GRANT SELECT, INSERT ON shop.bill TO "{clone[1].app}"')
        connection.execute("INSERT INTO shop.bill VALUES (1), (2), (3)")
        connection.execute("SELECT gate.guard('shop.bill')")
        connection.execute("RESET ROLE")
        roles.ensure(connection, clone[1].prefix)


def seen(database, activity: str, channel: str | None = None) -> list[int]:
    with database.transaction() as connection, under_purpose(connection, activity, channel):
        return [number for (number,) in connection.execute("SELECT number FROM shop.bill ORDER BY number")]


def test_purpose_role_shows_nothing_while_a_purpose_it_needs_is_closed(town, database, clocks, bills, silent) -> None:
    town.say(1, "profiling", "given")
    town.say(1, "credit", "given")
    asked = [("offers.greeting", None), ("profiling.best-offer-email", "email"), ("credit.care", None)]
    assert [seen(database, *one) for one in asked] == [[1], [1], [1]]
    watch(database, clocks)
    assert [seen(database, *one) for one in asked] == [[], [], [1]]
    with database.transaction() as connection:
        stops.acknowledge(connection, MAIL, upto=silent, at=clocks.now)
    assert seen(database, "offers.greeting") == [1]


# Replicas as stops


def acknowledger(database, clocks) -> Acknowledger:
    return Acknowledger(database, bound=2.0, clock=clocks.wall)


def test_replica_acknowledges_only_what_its_view_holds(town, database, clocks, tmp_path) -> None:
    town.connection.execute("UPDATE ledger.head SET recorded_at = %s", [NOW])
    own = acknowledger(database, clocks)
    own.look(clocks.now)
    memory = Memory(bound=2.0)
    swapped: list[tuple[int, int]] = []

    def note(position: Position) -> None:
        swapped.append((position, memory.view.position))
        own.swapped(position)

    feed = Feed(memory, database, tmp_path / "snapshot", clock=clocks.wall, swapped=note)
    feed.look_once()
    position = town.say(1, "offers", "withdrawn")
    clocks.pass_(1)
    own.look(clocks.now)
    with database.transaction() as connection:
        (following,) = stops.listing(connection)
    assert following.owes == position
    feed.look_once()
    own.look(clocks.now)
    with database.transaction() as connection:
        found = stops.clock(connection, Position(position), now=clocks.now)
    assert found.stopped_everywhere_at == clocks.now
    assert swapped[-1] == (position, position)


def test_change_that_ends_nothing_is_not_acknowledged_by_the_replica(town, database, clocks, tmp_path) -> None:
    heard: list[Position] = []
    memory = Memory(bound=2.0)
    feed = Feed(memory, database, tmp_path / "snapshot", clock=clocks.wall, swapped=heard.append)
    feed.look_once()
    heard.clear()
    town.say(1, "offers", "given")
    feed.look_once()
    assert heard == []


def test_killed_replica_is_retired_before_its_limit_and_closes_nothing(town, database, gate, clocks) -> None:
    town.connection.execute("UPDATE ledger.head SET recorded_at = %s", [NOW])
    acknowledger(database, clocks).look(clocks.now)
    town.say(1, "offers", "given")
    position = town.say(2, "offers", "withdrawn")
    for _ in range(2 * LIMIT):
        clocks.pass_(2)
        assert watch(database, clocks).closed == ()
        assert answer(database, gate, town, clocks, "offers") == "yes"
    with database.transaction() as connection:
        assert stops.listing(connection) == []
        found = stops.clock(connection, Position(position), now=clocks.now)
    assert found.stopped_everywhere_at == NOW + timedelta(seconds=2 * GONE)


def test_replica_that_lives_and_does_not_acknowledge_closes_the_gate(town, database, gate, clocks) -> None:
    town.connection.execute("UPDATE ledger.head SET recorded_at = %s", [NOW])
    own = acknowledger(database, clocks)
    own.look(clocks.now)
    town.say(1, "offers", "given")
    town.say(2, "offers", "withdrawn")
    for _ in range(LIMIT + 1):
        clocks.pass_(2)
        own.look(clocks.now)
    assert answer(database, gate, town, clocks, "offers") == "stop-silent"


def test_replica_taken_for_gone_goes_on_as_another_stop(town, database, clocks) -> None:
    own = acknowledger(database, clocks)
    own.look(clocks.now)
    first = own.id
    clocks.pass_(2 * GONE + 1)
    assert watch(database, clocks).gone == (first,)
    own.look(clocks.now)
    assert own.id != first
    with database.transaction() as connection:
        assert [following.stop.id for following in stops.listing(connection)] == [own.id]


def test_process_registers_its_replica_and_retires_it_when_it_ends(town, database, config) -> None:
    replica = Replica.of(database, config)
    replica.start()
    try:
        with database.transaction() as connection:
            (following,) = stops.listing(connection)
        assert following.stop.kind == "replica"
        assert following.stop.purposes == {"offers", "usage", "credit", "profiling", "location", "mobility"}
    finally:
        replica.stop()
    with database.transaction() as connection:
        assert stops.listing(connection) == []


def test_new_purpose_is_a_matter_of_replicas_and_subscribers_too(town, database, clocks) -> None:
    own = acknowledger(database, clocks)
    own.look(clocks.now)
    town.publish({"offers": 1, "loyalty": 1})
    watch(database, clocks)
    with database.transaction() as connection:
        (following,) = stops.listing(connection)
    assert {"loyalty", "offers", "mobility"} <= following.stop.purposes


def test_stop_that_owes_nothing_is_not_looked_at_from_the_beginning(town, database, clocks) -> None:
    with database.transaction() as connection:
        stop = Stop(MAIL, "queue", frozenset({PurposeId("offers")}), timedelta(seconds=10), NOW)
        stops.register(connection, stop, now=NOW)
    town.connection.execute("UPDATE ledger.head SET position = position + 5000")
    watch(database, clocks)
    ((upto,),) = town.connection.execute("SELECT upto FROM gate.stop").fetchall()
    position = town.say(1, "offers", "withdrawn")
    with database.transaction() as connection:
        (following,) = stops.listing(connection)
    assert (upto, following.upto, following.owes) == (position - 1, position - 1, position)


def test_drawing_for_a_closed_purpose_leaves_nobody() -> None:
    plan = Plan("consent", (0,), (), closed=True)
    empty = BitMap()
    drawn = audiences.draw(plan, [empty, BitMap([1, 2]), BitMap([3]), empty], people=4)
    assert drawn.members == BitMap()
    assert drawn.excluded == {
        Reason.RESTRICTED: 0,
        Reason.NO_DECISION: 1,
        Reason.CLOSED: 1,
        Reason.LAPSED: 0,
        Reason.NO_CHANNEL: 0,
        Reason.STOP_SILENT: 2,
    }
