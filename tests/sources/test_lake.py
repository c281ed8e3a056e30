"""The lake: only an audience opens it, who leaves is out of it, and what is old goes."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from event_town import DAY, MOBILITY, NOW, EventTown, local, seconds
from pyroaring import FrozenBitMap

from placet.gate import stops
from placet.gate.actions import Audience
from placet.gate.periods import OPEN, Periods
from placet.kernel.errors import Denied, Tampered
from placet.kernel.ids import ActivityId, Position
from placet.ledger.keeper import start_epoch
from placet.rights.propagation import Propagation
from placet.sources import forgetting, shards
from placet.sources.lake import Lake, participants
from placet.sources.model import SHARDS, Scan

NOON = local(12)


@pytest.fixture
def filled(town: EventTown) -> EventTown:
    """Two days of Anna and of Carla."""
    town.add("carla")
    for day in (DAY, DAY + timedelta(days=1)):
        at = local(12, day=day)
        town.deliver([[f"crm:{name}", at, "riga", 1] for name in ("anna", "carla")], day=day)
    return town


def audience(town: EventTown, activity: str) -> Audience:
    with town.placet.database.transaction() as connection:
        return town.placet.gate.audience(connection, town.replica, ActivityId(activity), now=town.now)


def scan(town: EventTown, days: list[date]) -> Scan:
    with town.placet.database.transaction() as connection:
        drawn, held = town.placet.mobility.drawn(connection, town.replica, now=town.now)
    return town.lake.scan(drawn, held, days)


def forget(town: EventTown, name: str, *, before: datetime = NOW) -> bool:
    with town.placet.database.transaction() as connection:
        return forgetting.forget(connection, town.people[name].number, before=before, now=town.now)


def test_a_scan_shows_members_their_span_and_the_files_of_each_day(filled: EventTown) -> None:
    filled.say("carla", "withdrawn", NOW - timedelta(minutes=1))
    found = scan(filled, [DAY, DAY + timedelta(days=9)])
    anna = filled.people["anna"].number
    assert found.participants.to_pylist() == [
        {"number": anna, "since": seconds("2040-05-11T12:00:00Z"), "until": OPEN},
    ]
    path = found.paths(DAY, anna % SHARDS)
    assert path is not None
    assert shards.read(path).to_pylist() == [{"number": anna, "at": seconds(NOON), "cell": 0, "load": 1}]
    assert found.paths(DAY, (anna + 5) % SHARDS) is None
    assert (found.missing, list(found.shards)) == ((DAY + timedelta(days=9),), list(range(SHARDS)))


def test_an_audience_of_another_purpose_opens_nothing(filled: EventTown) -> None:
    offers = audience(filled, "offers.email-campaign")
    with pytest.raises(Denied):
        filled.lake.scan(offers, Periods.of([]), [DAY])


def test_events_of_an_earlier_consent_do_not_count_under_a_later_one(filled: EventTown) -> None:
    filled.say("anna", "withdrawn", NOW - timedelta(hours=2))
    filled.say("anna", "given", NOW - timedelta(hours=1))
    since = {row["number"]: row["since"] for row in scan(filled, [DAY]).participants.to_pylist()}
    assert since[filled.people["anna"].number] == int((NOW - timedelta(hours=1)).timestamp())


def test_only_members_take_part() -> None:
    held = Periods.of([(1, 0, 5), (1, 7, OPEN), (2, 0, OPEN), (4, 0, OPEN)])
    assert participants(FrozenBitMap([1, 3, 4]), held).to_pydict() == {
        "number": [1, 4], "since": [7, 0], "until": [OPEN, OPEN],
    }  # fmt: skip


def test_who_withdrew_is_out_of_the_files_after_the_next_round(filled: EventTown) -> None:
    assert forget(filled, "anna")
    filled.placet.mobility.round(filled.now)
    assert (filled.events("anna"), len(filled.events("carla"))) == ([], 2)
    assert [filled.lake.manifest(day).deleted for day in filled.lake.days()] == [1, 1]  # type: ignore[union-attr]
    with filled.placet.database.transaction() as connection:
        assert forgetting.forgotten_before(connection, filled.people["anna"].number) is None


def test_events_of_a_new_consent_stay(filled: EventTown) -> None:
    forget(filled, "anna", before=datetime.fromisoformat(local(13)))
    filled.placet.mobility.round(filled.now)
    assert [day for day, *_ in filled.events("anna")] == [DAY + timedelta(days=1)]


def test_while_somebody_is_read_their_withdrawal_has_not_stopped(filled: EventTown) -> None:
    numbers = [filled.people[name].number for name in ("anna", "carla")]
    with forgetting.reading(filled.placet.database, "release", numbers, lambda: filled.now) as reading:
        assert not forget(filled, "anna")
        filled.placet.mobility.round(filled.now)
        assert len(filled.events("anna")) == 2
        assert list(reading.step(filled.now)) == [numbers[0]]
        assert forget(filled, "anna")
        assert list(reading.step(filled.now)) == []
        filled.placet.mobility.round(filled.now)
        assert filled.events("anna") == []
    assert forget(filled, "carla")


def test_a_reading_that_died_holds_nobody_for_long(filled: EventTown) -> None:
    held = forgetting.reading(filled.placet.database, "release", [filled.people["anna"].number], lambda: filled.now)
    held.__enter__()
    assert not forget(filled, "anna")
    filled.now += forgetting.LEASE
    assert forget(filled, "anna")


def test_a_rewriting_that_was_interrupted_is_made_good(filled: EventTown) -> None:
    anna = filled.people["anna"].number
    manifest = filled.lake.manifest(DAY)
    assert manifest is not None
    shards.write(filled.lake.file(manifest, anna % SHARDS), shards.SCHEMA.empty_table())
    filled.lake.delete({anna: seconds(local(13))})
    again = filled.lake.manifest(DAY)
    assert again is not None
    assert (again.parts[f"{anna % SHARDS:02}"].rows, again.deleted) == (0, 1)


def test_a_reading_that_was_taken_for_dead_holds_its_people_again(filled: EventTown) -> None:
    anna, carla = (filled.people[name].number for name in ("anna", "carla"))
    with forgetting.reading(filled.placet.database, "release", [anna, carla], lambda: filled.now) as slow:
        filled.now += forgetting.LEASE
        with forgetting.reading(filled.placet.database, "ingest", [], lambda: filled.now):
            assert forget(filled, "anna")
        assert list(slow.step(filled.now)) == [anna]
        assert not forget(filled, "carla")


def test_a_withdrawal_stops_here_and_its_clock_ends(filled: EventTown) -> None:
    propagation = Propagation(filled.placet.database, filled.placet.duties)
    propagation.register(now=filled.now)
    filled.say("anna", "withdrawn", NOW - timedelta(minutes=1))
    with filled.placet.database.transaction() as connection:
        (position,) = connection.execute("SELECT position FROM ledger.ending").fetchone() or (0,)
    with forgetting.reading(
        filled.placet.database, "release", [filled.people["anna"].number], lambda: filled.now
    ) as one:
        assert propagation.look(lambda: filled.now)
        assert _stopped_at(filled, position) is None
        one.step(filled.now)
        propagation.look(lambda: filled.now)
    assert _stopped_at(filled, position) == filled.now
    filled.placet.mobility.round(filled.now)
    assert filled.events("anna") == []


def _stopped_at(town: EventTown, position: Position) -> datetime | None:
    with town.placet.database.transaction() as connection:
        clock = stops.clock(connection, position, now=town.now)
    (place,) = [place for place in clock.places if place.stop == "purpose/mobility"]
    return place.stopped_at


def test_what_a_killed_ingest_left_goes_with_the_next_sweep(filled: EventTown) -> None:
    day = filled.lake.folder / f"events/day={DAY}"
    other = filled.lake.folder / f"events/day={DAY + timedelta(days=5)}"
    for left in (day / ".draft", day / "unnamed", other / ".draft"):
        left.mkdir(parents=True)
        (left / "rows-01").write_bytes(b"somebody")
    with filled.lake.taking_in():
        filled.placet.mobility.retention.round(filled.now)
        assert (other / ".draft" / "rows-01").exists()
    filled.placet.mobility.retention.round(filled.now)
    assert not list(filled.lake.folder.glob("events/*/*/rows-*"))
    assert len(filled.events("anna")) == 2


def test_days_go_when_the_catalogue_says(filled: EventTown) -> None:
    last = DAY + timedelta(days=45)
    noon = datetime(last.year, last.month, last.day, 12, tzinfo=filled.placet.mobility.zone)
    filled.placet.mobility.retention.round(noon)
    assert filled.lake.days() == [DAY, DAY + timedelta(days=1)]
    filled.placet.mobility.retention.round(noon + timedelta(days=1))
    assert filled.lake.days() == [DAY + timedelta(days=1)]


def test_after_a_restore_what_was_taken_in_before_is_nobodys(filled: EventTown) -> None:
    """Numbers that were given after the backup are given again: to others."""
    start_epoch(filled.placet.database, filled.placet.outside, reason="a disk was lost", now=filled.now)
    assert filled.events("anna") == []
    assert scan(filled, [DAY]).missing == (DAY,)
    again = filled.deliver([["crm:anna", NOON, "riga", 1]])
    assert (again.manifest.rows, len(filled.events("anna"))) == (1, 1)
    assert filled.placet.mobility.retention.round(filled.now) == [DAY + timedelta(days=1)]
    assert filled.lake.days() == [DAY]


def test_a_manifest_that_cannot_be_read_is_told(filled: EventTown) -> None:
    (filled.lake.folder / f"events/day={DAY}/manifest.json").write_text("{}")
    with pytest.raises(Tampered):
        filled.lake.manifest(DAY)


def test_a_lake_without_days_is_empty(town: EventTown) -> None:
    assert Lake(town.folder / "nowhere", MOBILITY).days() == []
    assert town.placet.mobility.retention.round(NOW) == []
