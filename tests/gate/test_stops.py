"""The stop clock: who must stop, when each had, who is late, who is silent."""

from __future__ import annotations

from datetime import datetime, timedelta

import psycopg
import pytest
from gate_town import NOW

from placet.gate import stops
from placet.gate.stops import Clock, Stop, StopId
from placet.kernel.errors import NotFound
from placet.kernel.ids import Position, PurposeId

LIMIT = timedelta(seconds=10)


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


@pytest.fixture
def recorded_now(town) -> None:
    """The town's ledger is at this day, so that lags are those of the test."""
    town.connection.execute("UPDATE ledger.head SET recorded_at = %s", [NOW])


@pytest.fixture
def house(town, database, recorded_now):
    """Registers stops and lets them acknowledge, each in a transaction of its own."""

    class House:
        def register(self, id: str, *purposes: str, kind: str = "queue", **more) -> StopId:
            stop = Stop(StopId(id), kind, frozenset(purposes), LIMIT, NOW, **more)
            self.do(stops.register, stop, now=NOW)
            return stop.id

        def acknowledge(self, id: str, upto: int, at: datetime) -> None:
            self.do(stops.acknowledge, StopId(id), upto=Position(upto), at=at)

        def clock(self, position: int, now: datetime = NOW) -> Clock:
            return self.do(stops.clock, Position(position), now=now)

        def do(self, action, *values, **named):
            with database.transaction() as connection:
                return action(connection, *values, **named)

    return House()


def rows(town) -> list[tuple]:
    return town.connection.execute("SELECT stop, upto FROM gate.stop_ack ORDER BY stop, upto").fetchall()


def test_stop_without_purposes_or_without_a_limit_cannot_be(now) -> None:
    with pytest.raises(ValueError, match="purposes"):
        Stop(StopId("queue/x"), "queue", frozenset(), LIMIT, now)
    with pytest.raises(ValueError, match="limit"):
        Stop(StopId("queue/x"), "queue", frozenset({PurposeId("offers")}), timedelta(0), now)


def test_withdrawal_shows_each_place_with_its_time_and_when_it_had_stopped_everywhere(town, house) -> None:
    for id in ("queue/mail", "queue/sms"):
        house.register(id, "offers")
    house.register("queue/bills", "credit")
    position = town.say(1, "offers", "withdrawn")
    assert [(place.stop, place.stopped_at) for place in house.clock(position).places] == [
        ("queue/mail", None),
        ("queue/sms", None),
    ]
    assert house.clock(position).stopped_everywhere_at is None
    house.acknowledge("queue/mail", position, at(1))
    assert house.clock(position).stopped_everywhere_at is None
    house.acknowledge("queue/sms", position, at(3))
    assert [place.stopped_at for place in house.clock(position).places] == [at(1), at(3)]
    assert house.clock(position).stopped_everywhere_at == at(3)


def test_clock_of_what_ended_nothing_has_no_places_and_claims_nothing(town, house) -> None:
    house.register("queue/mail", "offers")
    for word in ("given", "requested"):
        found = house.clock(town.say(1, "offers", word))
        assert (found.places, found.stopped_everywhere_at) == ((), None)


@pytest.mark.parametrize("word", ["refused", "withdrawn", "objected", "expired", "invalidated", "suspended"])
def test_everything_that_ends_a_consent_must_be_acknowledged(town, house, word) -> None:
    house.register("queue/mail", "offers")
    assert [place.stop for place in house.clock(town.say(1, "offers", word)).places] == ["queue/mail"]


def test_erasure_concerns_every_place(town, house) -> None:
    house.register("queue/mail", "offers")
    house.register("queue/bills", "credit")
    town.add(1)
    assert len(house.clock(town.erase(1)).places) == 2


def test_record_that_is_not_there_has_no_clock(house) -> None:
    with pytest.raises(NotFound):
        house.clock(99)


def test_batch_without_anything_of_the_stops_purposes_writes_no_row(town, house) -> None:
    house.register("queue/mail", "offers")
    house.acknowledge("queue/mail", town.say(1, "credit", "withdrawn"), at(1))
    house.acknowledge("queue/mail", town.say(1, "offers", "given"), at(2))
    assert rows(town) == []


def test_one_row_acknowledges_a_whole_batch_and_an_older_word_changes_nothing(town, house) -> None:
    house.register("queue/mail", "offers")
    first, second = town.say(1, "offers", "withdrawn"), town.say(2, "offers", "withdrawn")
    house.acknowledge("queue/mail", second, at(1))
    house.acknowledge("queue/mail", first, at(5))
    house.acknowledge("queue/mail", second, at(6))
    assert rows(town) == [("queue/mail", second)]
    assert [house.clock(position).stopped_everywhere_at for position in (first, second)] == [at(1), at(1)]


def test_word_ahead_of_the_ledger_acknowledges_only_what_there_is(town, house) -> None:
    house.register("queue/mail", "offers")
    first = town.say(1, "offers", "withdrawn")
    house.acknowledge("queue/mail", first + 1000, at(1))
    assert rows(town) == [("queue/mail", first)]
    assert house.clock(town.say(2, "offers", "withdrawn")).stopped_everywhere_at is None


def test_acknowledgements_cannot_be_changed_or_deleted(town, house, database) -> None:
    house.register("queue/mail", "offers")
    house.acknowledge("queue/mail", town.say(1, "offers", "withdrawn"), at(1))
    for statement in ("UPDATE gate.stop_ack SET at = at", "DELETE FROM gate.stop_ack"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            house.do(lambda connection, statement=statement: connection.execute(statement))
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            town.connection.execute(statement)


def test_stop_registered_after_a_withdrawal_is_not_on_its_clock(town, house) -> None:
    position = town.say(1, "offers", "withdrawn")
    house.register("queue/mail", "offers")
    assert house.clock(position).places == ()


def test_registering_again_keeps_what_is_owed(town, house) -> None:
    house.register("queue/mail", "offers")
    position = town.say(1, "offers", "withdrawn")
    house.register("queue/mail", "offers", "usage")
    (following,) = house.do(stops.listing)
    assert (following.owes, following.stop.purposes) == (position, {"offers", "usage"})


def test_retired_stop_is_shown_with_what_it_did_and_is_not_on_later_clocks(town, house) -> None:
    house.register("queue/mail", "offers")
    acknowledged = town.say(1, "offers", "withdrawn")
    house.acknowledge("queue/mail", acknowledged, at(1))
    open_one = town.say(2, "offers", "withdrawn")
    house.do(stops.retire, StopId("queue/mail"), now=at(4))
    later = town.say(3, "offers", "withdrawn")
    assert house.clock(acknowledged).stopped_everywhere_at == at(1)
    (place,) = house.clock(open_one).places
    assert (place.stopped_at, place.retired_at, house.clock(open_one).stopped_everywhere_at) == (None, at(4), at(4))
    assert house.clock(later).places == ()
    house.acknowledge("queue/mail", later, at(5))
    assert rows(town) == [("queue/mail", acknowledged)]


def test_retired_stop_that_is_back_owes_what_it_missed_and_has_its_limit_to_answer(town, house) -> None:
    house.register("queue/mail", "offers")
    house.do(stops.retire, StopId("queue/mail"), now=at(1))
    missed = town.say(1, "offers", "withdrawn")
    house.do(stops.register, Stop(StopId("queue/mail"), "queue", frozenset({"offers"}), LIMIT, at(60)), now=at(60))
    (following,) = house.do(stops.listing)
    assert following.owes == missed
    assert [silent(house, 69), silent(house, 71)] == [[], ["queue/mail"]]


def test_place_is_late_when_it_took_longer_or_is_past_its_limit(town, house) -> None:
    house.register("queue/mail", "offers")
    position = town.say(1, "offers", "withdrawn")

    def late(seconds: float) -> bool:
        (place,) = house.clock(position, at(seconds)).places
        return place.late

    assert [late(9), late(11)] == [False, True]
    house.acknowledge("queue/mail", position, at(9))
    assert late(99) is False
    second = town.say(2, "offers", "withdrawn")
    house.acknowledge("queue/mail", second, at(30))
    assert house.clock(second, at(30)).places[0].late


def silent(house, seconds: float) -> list[str]:
    return [following.stop.id for following in house.do(stops.silent, now=at(seconds))]


def test_place_is_silent_when_it_owes_an_answer_for_longer_than_its_limit(town, house) -> None:
    house.register("queue/mail", "offers")
    assert silent(house, 999) == []
    town.say(1, "credit", "withdrawn")
    town.say(1, "offers", "given")
    assert silent(house, 999) == []
    town.say(1, "offers", "withdrawn")
    assert [silent(house, 9), silent(house, 11)] == [[], ["queue/mail"]]


def test_place_that_works_off_a_backlog_is_late_and_not_silent(town, house) -> None:
    house.register("queue/mail", "offers")
    first = town.say(1, "offers", "withdrawn")
    second = town.say(2, "offers", "withdrawn")
    house.acknowledge("queue/mail", first, at(9))
    assert house.clock(second, at(11)).places[0].late
    assert [silent(house, 11), silent(house, 20)] == [[], ["queue/mail"]]


def test_percentiles_are_of_each_stop_and_of_the_last_place(town, house) -> None:
    for id in ("queue/mail", "queue/sms"):
        house.register(id, "offers")
    for place in range(1, 5):
        position = town.say(place, "offers", "withdrawn")
        house.acknowledge("queue/mail", position, at(1))
        house.acknowledge("queue/sms", position, at(place))
    town.say(9, "offers", "withdrawn")  # nobody has answered this one
    found = house.do(stops.percentiles, since=NOW, until=at(60))
    mail, sms = (found.stops[StopId(id)] for id in ("queue/mail", "queue/sms"))
    assert (mail.count, round(mail.p50), round(mail.slowest)) == (4, 1000, 1000)
    assert (sms.count, round(sms.p50), round(sms.slowest)) == (4, 2500, 4000)
    assert found.everywhere is not None
    assert (found.everywhere.count, round(found.everywhere.p50), round(found.everywhere.p99)) == (4, 2500, 3970)


def test_percentiles_look_at_the_half_open_time_only(town, house) -> None:
    house.register("queue/mail", "offers")
    found = []
    for moment in (at(0), at(100), at(200)):
        town.connection.execute("UPDATE ledger.head SET recorded_at = %s", [moment])
        house.acknowledge("queue/mail", town.say(1, "offers", "withdrawn"), moment + timedelta(seconds=1))
    found = house.do(stops.percentiles, since=at(100), until=at(200))
    assert found.everywhere is not None
    assert found.everywhere.count == 1
    empty = house.do(stops.percentiles, since=at(300), until=at(400))
    assert (empty.everywhere, empty.stops) == (None, {})


def test_clock_costs_the_same_among_many_acknowledgements(town, house, database) -> None:
    """The place's look-up is one probe of the index, whatever it has acknowledged before and after."""
    house.register("queue/mail", "offers")
    position = town.say(1, "offers", "withdrawn")
    town.connection.execute(
        "INSERT INTO gate.stop_ack SELECT 'queue/mail', n, %s FROM generate_series(%s::bigint, 50000) AS n",
        [at(1), position],
    )
    town.connection.execute("ANALYZE gate.stop_ack")
    statement = stops.SQL["places"].decode()
    with database.transaction() as connection:
        asked = {"position": position, "everything": False, "purposes": ["offers"]}
        (plan,) = connection.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + statement, asked).fetchone()
    assert touched(plan[0]["Plan"], "stop_ack") == [("Index Scan", 1)]


def test_what_is_owed_is_found_without_reading_what_began(town, house, database) -> None:
    """A million imported consents lie between two withdrawals: who owes what is still a few probes of an index."""
    house.register("queue/mail", "offers")
    town.connection.execute(
        "INSERT INTO consents.outbox (position, item, number, purpose, decision)"
        " SELECT n, 0, 1, 'offers', 'given' FROM generate_series(100, 50000) AS n"
    )
    town.connection.execute("UPDATE ledger.head SET position = 50000")
    position = town.say(1, "offers", "withdrawn")
    town.connection.execute("ANALYZE consents.outbox")
    with database.transaction() as connection:
        assert [following.owes for following in stops.listing(connection)] == [position]
        statement = stops.SQL["following"].decode()
        (plan,) = connection.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + statement).fetchone()
    assert touched(plan[0]["Plan"], "outbox") == [("Index Scan", 1)]


def touched(node: dict, relation: str) -> list[tuple[str, int]]:
    """How a plan reads *relation*: kind of scan and rows, for each time."""
    own = [(node["Node Type"].replace("Index Only", "Index"), node["Actual Rows"])]
    found = own if node.get("Relation Name") == relation else []
    return found + [one for child in node.get("Plans", []) for one in touched(child, relation)]
