"""A delivered day: what is taken in, what is refused and why, and what an accident leaves of it."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from event_town import CELLS, DAY, MOBILITY, NOW, EventTown, local, seconds, whole

from placet.bootstrap import merge
from placet.gate import restrictions, stops, uses
from placet.kernel.errors import BadInput, Conflict, Unavailable
from placet.sources import forgetting
from placet.sources.model import Suspect
from placet.sources.taking_in import day_of
from placet.subjects.model import Alias

NOON, ONE = local(12), local(13)


def test_only_events_within_a_consent_that_holds_still_are_taken_in(town: EventTown) -> None:
    town.add("carla", at=datetime.fromisoformat(local(12, 30)))
    town.add("dace")
    town.say("dace", "withdrawn", datetime.fromisoformat(local(15)))
    town.add("edgars")
    with town.placet.database.transaction() as connection:
        restrictions.restrict(connection, town.people["edgars"].number, None, now=NOW)
    taken = town.deliver([[f"crm:{name}", at, "riga", 7] for name in town.people for at in (NOON, ONE)])
    assert {name: town.events(name) for name in town.people} == {
        "anna": [(DAY, seconds(NOON), 0, 7), (DAY, seconds(ONE), 0, 7)],
        "berta": [],
        "carla": [(DAY, seconds(ONE), 0, 7)],
        "dace": [],
        "edgars": [],
    }
    assert (taken.manifest.rows, taken.manifest.faults) == (3, {"no-consent": 7})
    # Who said no is in no list: the list itself would tell where they were.
    assert town.refused() == []


def test_a_subject_is_named_by_id_alias_or_number(town: EventTown) -> None:
    anna = town.people["anna"]
    with town.placet.database.transaction() as connection:
        town.placet.subjects.add_contact(
            connection, anna.id, Alias.msisdn("+37120001234"), now=NOW - timedelta(days=20)
        )
    names = [str(anna.id), "crm:anna", str(anna.number), "msisdn:+371 2000 1234", "msisdn:20001234"]
    taken = town.deliver([[name, local(12, minute), "riga", 1] for minute, name in enumerate(names)])
    assert (taken.manifest.rows, taken.manifest.faults) == (5, {})


def test_a_telephone_number_means_whoever_had_it_then(town: EventTown) -> None:
    with town.placet.database.transaction() as connection:
        since = datetime.fromisoformat(NOON)
        town.placet.subjects.add_contact(connection, town.people["anna"].id, Alias.msisdn("+37120001234"), now=since)
    town.deliver([["msisdn:+37120001234", at, "riga", 1] for at in (local(11, 59, 59), NOON)])
    assert town.events("anna") == [(DAY, seconds(NOON), 0, 1)]
    assert town.refused() == [(2, "unknown-subject")]


def test_every_refused_row_is_reported_with_its_line_and_none_is_lost(town: EventTown) -> None:
    good = ["crm:anna", NOON, "riga", 5]
    taken = town.deliver(
        [
            good,
            ["crm:anna", "2040-06-04T12:00:00", "riga", 5],
            ["crm:anna", "yesterday", "riga", 5],
            ["crm:anna", local(12, day=date(2040, 6, 5)), "riga", 5],
            ["crm:anna", local(12, day=date(2040, 6, 11)), "riga", 5],
            ["crm:nobody", NOON, "riga", 5],
            ["nonsense", NOON, "riga", 5],
            ["crm:anna", NOON, "nowhere", 5],
            ["crm:anna", NOON, "riga", -5],
            ["crm:anna", NOON, "riga", "5.0"],
            ["crm:anna", NOON],
            good,
            ["crm:berta", NOON, "riga", 5],
        ]
    )
    assert sorted(town.refused()) == [
        (3, "no-zone"), (4, "bad-time"), (5, "other-day"), (6, "future"), (7, "unknown-subject"),
        (8, "unknown-subject"), (9, "unknown-cell"), (10, "syntax"), (11, "syntax"), (12, "syntax"), (13, "duplicate"),
    ]  # fmt: skip
    assert (taken.manifest.read, taken.manifest.rows, taken.listed) == (13, 1, 11)
    assert taken.manifest.faults["no-consent"] == 1
    assert whole(taken.manifest)
    assert "anna" not in town.report.read_text("utf-8")


def test_zones_may_be_mixed_but_never_left_out(town: EventTown) -> None:
    town.deliver(
        [["crm:anna", at, "riga", 1] for at in ("2040-06-04T09:00:00Z", "2040-06-04T11:00:01+02:00", local(12, 0, 2))]
    )
    assert [event[1] - seconds(NOON) for event in town.events("anna")] == [0, 1, 2]


@pytest.mark.parametrize(("day", "hours"), [(date(2040, 3, 25), 23), (date(2039, 10, 30), 25)], ids=["short", "long"])
def test_a_day_of_the_changed_clock_has_all_its_hours(town: EventTown, day: date, hours: int) -> None:
    town.add("carla", at=datetime(2039, 1, 1, tzinfo=UTC))
    first = datetime.combine(day, datetime.min.time(), town.placet.mobility.zone).astimezone(UTC)
    every = [first + timedelta(minutes=30 + 60 * hour) for hour in range(-1, hours + 1)]
    town.cells([*CELLS, ("dome", 24.1, 56.95, 500)])
    taken = town.deliver([["crm:carla", at.isoformat(), "dome", 1] for at in every], day=day)
    assert (taken.manifest.rows, taken.manifest.faults) == (hours, {"other-day": 2})


def test_a_cell_that_moves_has_two_codes(town: EventTown) -> None:
    town.cells([("riga", 24.2, 56.95, 800)], since=datetime.fromisoformat(NOON))
    town.deliver([["crm:anna", at, "riga", 1] for at in (local(11), NOON)])
    assert [code for _, _, code, _ in town.events("anna")] == [0, len(CELLS)]


def test_the_same_delivery_again_changes_nothing(town: EventTown) -> None:
    rows = [["crm:anna", NOON, "riga", 1]]
    first, again = town.deliver(rows), town.deliver(rows)
    assert (again.again, again.manifest) == (True, first.manifest)


def test_another_delivery_for_the_day_is_refused_unless_it_shall_replace(town: EventTown) -> None:
    town.deliver([["crm:anna", NOON, "riga", 1]])
    with pytest.raises(Conflict, match="--replace"):
        town.deliver([["crm:anna", ONE, "riga", 2]])
    assert town.events("anna") == [(DAY, seconds(NOON), 0, 1)]
    town.deliver([["crm:anna", ONE, "riga", 2]], replace=True)
    assert town.events("anna") == [(DAY, seconds(ONE), 0, 2)]
    assert len([path for path in town.lake.folder.glob("events/*/*") if path.is_dir()]) == 1


def test_the_order_of_rows_does_not_matter(town: EventTown) -> None:
    town.add("carla")
    rows = [
        [f"crm:{name}", local(8 + n % 5, n % 60), cell, n]
        for n in range(40)
        for name in ("anna", "carla")
        for cell in ("riga", "jelgava")
    ]
    first = town.deliver(rows)
    turned = town.deliver(rows[::-1], replace=True)
    assert first.manifest.rows == len(rows)
    assert dict(turned.manifest.parts) == dict(first.manifest.parts)


def test_a_day_that_is_missing_is_named(town: EventTown) -> None:
    for day in (DAY, DAY + timedelta(days=3)):
        town.deliver([["crm:anna", local(12, day=day), "riga", 1]], day=day)
    quality = town.placet.mobility.quality()
    assert [manifest.day for manifest in quality.days] == [DAY, DAY + timedelta(days=3)]
    assert quality.missing == [DAY + timedelta(days=1), DAY + timedelta(days=2)]
    assert town.placet.mobility.quality(DAY, DAY + timedelta(days=1)).missing == []


def test_a_full_disk_leaves_the_old_day_whole(town: EventTown) -> None:
    town.deliver([["crm:anna", NOON, "riga", 1]])
    many = [["crm:anna", local(12, n // 60 % 60, n % 60), "riga", n] for n in range(3000)]
    taking_in, file = town.taking_in, town.folder / "events-big.csv"
    file.write_text("subject,at,cell,load\n" + "".join(",".join(map(str, row)) + "\n" for row in many), "utf-8")
    with _no_file_above(20_000), pytest.raises(Unavailable) as refused:
        taking_in.take(file, day=DAY, replace=True, report=town.report)
    assert refused.value.code == "disk"
    assert town.events("anna") == [(DAY, seconds(NOON), 0, 1)]
    assert len(list(town.lake.folder.glob("events/*/*"))) == 2
    assert town.take(file, replace=True).manifest.rows == 3000


@contextmanager
def _no_file_above(size: int) -> Iterator[None]:
    """As a full disk does, the system refuses to write on, in the middle of a file."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_two_ingests_at_once_are_one_too_many(town: EventTown) -> None:
    with town.lake.taking_in(), pytest.raises(Conflict) as refused:
        town.deliver([["crm:anna", NOON, "riga", 1]])
    assert refused.value.code == "ingest-running"
    assert town.deliver([["crm:anna", NOON, "riga", 1]]).manifest.rows == 1


def test_who_withdraws_while_their_events_are_taken_in_is_left_out(town: EventTown) -> None:
    town.add("carla")
    file = town.folder / f"events-{DAY}.csv"
    file.write_text(f"subject,at,cell,load\ncrm:anna,{NOON},riga,1\ncrm:carla,{NOON},riga,1\n", "utf-8")
    taking_in, stopped = town.taking_in, []

    def withdraw(_read: float, _rows: int) -> None:
        if not stopped:
            town.say("anna", "withdrawn", NOW - timedelta(hours=1))
            stopped.append(_stop(town, "anna"))

    taken = taking_in.take(file, day=DAY, report=town.report, progress=withdraw)
    assert (town.events("anna"), len(town.events("carla"))) == ([], 1)
    assert taken.manifest.faults == {"no-consent": 1}
    # While it ran the withdrawal had not stopped here yet; then it has.
    assert (stopped, _stop(town, "anna")) == ([False], True)


def _stop(town: EventTown, name: str) -> bool:
    with town.placet.database.transaction() as connection:
        return forgetting.forget(connection, town.people[name].number, before=NOW, now=NOW)


def test_while_a_place_is_silent_no_day_is_taken_in_as_if_nobody_had_consented(town: EventTown) -> None:
    stop = stops.Stop(stops.StopId("queue/deaf"), "queue", frozenset({MOBILITY}), timedelta(seconds=1), NOW)
    with town.placet.database.transaction() as connection:
        stops.register(connection, stop, now=NOW)
    town.add("carla")
    town.say("carla", "withdrawn", NOW)
    with town.placet.database.transaction() as connection:
        stops.watch(connection, now=NOW + timedelta(minutes=1))
    with pytest.raises(Unavailable) as refused:
        town.deliver([["crm:anna", NOON, "riga", 1]])
    assert (refused.value.code, town.lake.days()) == ("stop-silent", [])


def test_an_ingest_that_was_killed_holds_nobody_once_another_begins(town: EventTown) -> None:
    killed = forgetting.reading(town.placet.database, "ingest", [town.people["anna"].number], lambda: town.now)
    killed.__enter__()
    assert not _stop(town, "anna")
    town.deliver([["crm:anna", NOON, "riga", 1]])
    assert _stop(town, "anna")


def test_taking_in_is_a_use_that_the_person_is_shown(town: EventTown) -> None:
    town.deliver([["crm:anna", NOON, "riga", 1]])
    with town.placet.database.transaction() as connection:
        told = {name: uses.uses_of(connection, person.id) for name, person in town.people.items()}
    assert [use.activity for use in told["anna"]] == ["mobility.intensity"]
    assert told["berta"] == []


def test_events_of_a_merged_identity_go(town: EventTown) -> None:
    town.add("carla")
    town.deliver([["crm:anna", NOON, "riga", 1], ["crm:carla", NOON, "riga", 1]])
    with town.placet.database.transaction() as connection:
        merge(town.placet, connection, town.people["anna"].id, town.people["carla"].id, now=NOW)
    town.placet.mobility.round(NOW)
    assert (len(town.events("anna")), town.events("carla")) == (1, [])


def test_a_clock_that_is_an_hour_off_is_reported(town: EventTown) -> None:
    """Twelve people ride from Rīga to Liepāja; in between stands Jelgava, whose clock is an hour fast."""
    rows = []
    for rider in range(12):
        town.add(f"rider{rider}")
        for cell, minutes in (("riga", 0), ("riga", 40), ("jelgava", 75 + 60), ("liepaja", 135), ("liepaja", 150)):
            at = datetime.fromisoformat(local(9, rider)) + timedelta(minutes=minutes)
            rows.append([f"crm:rider{rider}", at.isoformat(), cell, 1])
    taken = town.deliver(rows)
    assert taken.manifest.suspects == (Suspect("jelgava", -3600, 12),)
    right = [[*row[:1], row[1] if row[2] != "jelgava" else _earlier(row[1]), *row[2:]] for row in rows]
    assert town.deliver(right, replace=True).manifest.suspects == ()


def _earlier(at: str) -> str:
    return (datetime.fromisoformat(at) - timedelta(hours=1)).isoformat()


def test_parquet_is_read_as_operators_write_it(town: EventTown) -> None:
    instants = pa.array([seconds(NOON), seconds(ONE), None], pa.int64()).cast(pa.timestamp("s", "UTC"))
    number = town.people["anna"].number
    table = pa.table({
        "at": instants, "subject": pa.array([number, number, number], pa.int32()),
        "cell": pa.array(["riga", "jelgava", "riga"]).dictionary_encode(), "load": pa.array([1, 2, 3], pa.int16()),
        "extra": [1, 2, 3],
    })  # fmt: skip
    file = town.folder / "events.parquet"
    pq.write_table(table, file)
    taken = town.take(file)
    assert town.events("anna") == [(DAY, seconds(NOON), 0, 1), (DAY, seconds(ONE), 1, 2)]
    assert (town.refused(), whole(taken.manifest)) == ([(3, "syntax")], True)


@pytest.mark.parametrize(
    ("columns", "code"),
    [
        ({"subject": ["crm:anna"], "at": [datetime(2040, 6, 4, 12)], "cell": ["riga"], "load": [1]}, "naive-time"),  # noqa: DTZ001
        ({"subject": ["crm:anna"], "at": [1.5], "cell": ["riga"], "load": [1]}, "bad-type"),
        ({"subject": ["crm:anna"], "at": [NOON], "cell": [1], "load": [1]}, "bad-type"),
        ({"subject": ["crm:anna"], "when": [NOON], "cell": ["riga"], "load": [1]}, "bad-header"),
    ],
    ids=["naive", "number", "cell", "column"],
)
def test_parquet_with_another_schema_is_refused_whole(town: EventTown, columns: dict, code: str) -> None:
    file = town.folder / "events.parquet"
    pq.write_table(pa.table(columns), file)
    with pytest.raises(BadInput) as refused:
        town.take(file)
    assert (refused.value.code, town.lake.days()) == (code, [])


def test_without_cells_nothing_can_be_placed(town: EventTown) -> None:
    (town.lake.folder / "cells.parquet").unlink()
    with pytest.raises(BadInput) as refused:
        town.deliver([["crm:anna", NOON, "riga", 1]])
    assert refused.value.code == "no-cells"


def test_the_name_of_a_file_says_its_day() -> None:
    assert day_of(Path("events-2040-06-04.csv")) == DAY
    for name in ("events.csv", "2040-06-04_2040-06-05.csv", "events-2040-13-01.csv"):
        with pytest.raises(BadInput):
            day_of(Path(name))
