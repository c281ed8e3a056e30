"""Counting is held to a reference in plain Python, to the bounds of one person, and to itself however it is cut up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import Path

import attrs
import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
import pytest
from counting_reference import Reference
from counting_town import FOREVER, RIGA, Town, counted, scanned, spans_of, town

from placet.kernel.errors import BadInput, Conflict
from placet.purposes.mobility.counting import calendar, keyed
from placet.purposes.mobility.counting.domains import domains
from placet.purposes.mobility.counting.duck import DuckEngine
from placet.purposes.mobility.counting.model import Cleaning, Progress
from placet.purposes.mobility.counting.pieces import clear, key_of, locked
from placet.purposes.mobility.model import MONTHLY, TILE_HOURS, ProductName, Window
from placet.purposes.mobility.privacy.raw import RawCounts
from placet.sources.model import SHARDS

Counts = Mapping[ProductName, npt.NDArray[np.int64]]
CUT = DuckEngine(memory="500MB", batch_bytes=1, group_bytes=30_000)
"""A batch for each day and for some of the shards."""


def expected(told: Town) -> Counts:
    reference = Reference(told)
    flows, minutes = reference.trips()
    values = (
        reference.profile(by_zone=True), reference.load(), flows, reference.anchors(), reference.profile(by_zone=False),
        minutes,
    )  # fmt: skip
    return {product.name: value for product, value in zip(MONTHLY, values, strict=True)}


def values(found: Mapping[ProductName, RawCounts]) -> Counts:
    return {name: raw.values for name, raw in found.items()}


def same(one: Counts, other: Counts) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("quick", [True, False], ids=["quick", "plain"])
@pytest.mark.parametrize("seed", [1, 2])
def test_what_is_counted_is_what_the_reference_counts(seed: int, quick: bool, tmp_path: Path) -> None:
    told = town(seed)
    found = values(counted(told, MONTHLY, scanned(told, tmp_path), tmp_path / "work", DuckEngine("500MB", quick=quick)))
    for name, wanted in expected(told).items():
        assert wanted.any(), name
        assert np.array_equal(found[name], wanted), name


@pytest.mark.parametrize("quick", [True, False], ids=["quick", "plain"])
def test_the_tile_hours_of_a_day_are_those_of_the_reference(quick: bool, tmp_path: Path) -> None:
    told = town(3).on(date(2026, 10, 25))
    found = counted(told, [TILE_HOURS], scanned(told, tmp_path), tmp_path / "work", DuckEngine("500MB", quick=quick))
    wanted = Reference(told).tile_hours()
    assert wanted.sum() > 100
    assert np.array_equal(found[TILE_HOURS.name].values, wanted)


def test_neither_batches_nor_the_order_of_rows_matter(tmp_path: Path) -> None:
    told = town(4, people=30)
    whole = counted(told, MONTHLY, scanned(told, tmp_path / "sorted"), tmp_path / "whole")
    mixed = scanned(told, tmp_path / "mixed", seed=5)
    assert same(values(counted(told, MONTHLY, mixed, tmp_path / "cut", CUT)), values(whole))
    plain = DuckEngine("500MB", quick=False, batch_bytes=1)
    assert same(values(counted(told, MONTHLY, mixed, tmp_path / "plain", plain)), values(whole))


def test_a_run_that_was_killed_goes_on_where_it_was(tmp_path: Path) -> None:
    told, work = town(6, people=25), tmp_path / "work"
    scan = scanned(told, tmp_path / "lake")
    tests = Path(__file__).parent
    ended = subprocess.run([sys.executable, __file__, tmp_path / "lake", work], check=False, cwd=tests)
    assert ended.returncode == -signal.SIGKILL
    before = {folder.name: folder.stat().st_mtime_ns for folder in (work / "pieces").iterdir()}
    assert len(before) == 3
    found = values(counted(told, MONTHLY, scan, work, CUT))
    after = {folder.name: folder.stat().st_mtime_ns for folder in (work / "pieces").iterdir()}
    assert len(after) > 5
    assert before.items() <= after.items()
    assert same(found, values(counted(told, MONTHLY, scan, tmp_path / "other")))


def killed_in_the_middle(lake: Path, work: Path) -> None:
    def progress(told: Progress) -> None:
        if told.done == 4:
            os.kill(os.getpid(), signal.SIGKILL)

    told = town(6, people=25)
    files = {(day, n): lake / f"day={day}" / f"shard={n:02}.parquet" for day in told.days for n in range(SHARDS)}
    scan = attrs.evolve(scanned(attrs.evolve(told, events=[]), lake), files=files)
    counted(told, MONTHLY, scan, work, CUT, progress)


def test_whoever_withdrew_since_is_left_out_and_nothing_is_read_again(tmp_path: Path) -> None:
    told, work = town(7, people=25), tmp_path / "work"
    scan = scanned(told, tmp_path / "lake")
    counted(told, MONTHLY, scan, work)
    (piece,) = (work / "pieces").iterdir()
    made = piece.stat().st_mtime_ns
    fewer = attrs.evolve(scan, participants=spans_of(told.without(3).spans))
    assert same(values(counted(told, MONTHLY, fewer, work)), expected(told.without(3)))
    assert piece.stat().st_mtime_ns == made


def test_a_piece_is_made_again_when_consents_or_events_are_others(tmp_path: Path) -> None:
    told, work = town(8, people=10), tmp_path / "work"
    counted(told, MONTHLY, scanned(told, tmp_path / "lake"), work)
    second, _ = calendar.span(told.days[1], RIGA)
    later = attrs.evolve(told, spans=[(who, max(since, second), until) for who, since, until in told.spans])
    again = attrs.evolve(told, events=[event for event in told.events if event[0] != 1])
    for other in (later, again):
        found = values(counted(other, MONTHLY, scanned(other, tmp_path / "lake"), work))
        assert same(found, expected(other))


def test_the_key_is_drawn_once_a_run_and_decides_what_is_kept(tmp_path: Path) -> None:
    one, two = key_of(tmp_path / "one"), key_of(tmp_path / "two")
    assert one == key_of(tmp_path / "one")
    assert len({one, two, bytes(32)}) == 3
    assert keyed.numbers(one) != keyed.numbers(two)
    people = np.arange(10_000, dtype=np.int32)
    assert len(set(keyed.names(one, people).tolist())) == 10_000


def test_two_runs_of_one_window_are_refused_and_the_end_leaves_nothing(tmp_path: Path) -> None:
    told, work = town(9, people=5), tmp_path / "work"
    scan = scanned(told, tmp_path / "lake")
    with locked(work), pytest.raises(Conflict) as refused:
        counted(told, MONTHLY, scan, work)
    assert refused.value.code == "counting-under-way"
    key_of(work)
    counted(told, MONTHLY, scan, work)
    assert {path.name for path in work.iterdir()} == {"key", "lock", "pieces"}
    clear(work)
    assert not work.exists()


def test_pieces_hold_no_numbers_of_people(tmp_path: Path) -> None:
    told, work = town(10, people=20), tmp_path / "work"
    events, spans = ([(who + 77_000, *rest) for who, *rest in rows] for rows in (told.events, told.spans))
    told = attrs.evolve(told, events=events, spans=spans)
    counted(told, MONTHLY, scanned(told, tmp_path / "lake"), work)
    numbers = set(range(77_001, 77_021))
    for file in (work / "pieces").rglob("*.parquet"):
        table = pq.read_table(file)
        assert "number" not in table.column_names
        assert "person" in table.column_names
        assert not numbers & set(table["person"].to_pylist())


def test_nobody_and_no_day_count_nought(tmp_path: Path) -> None:
    told = attrs.evolve(town(1, people=3), spans=[])
    scan = scanned(told, tmp_path / "lake")
    assert not any(value.any() for value in values(counted(told, MONTHLY, scan, tmp_path / "work")).values())
    missing = attrs.evolve(scan, missing=told.days, participants=spans_of([(1, 0, FOREVER)]))
    assert not any(value.any() for value in values(counted(told, MONTHLY, missing, tmp_path / "none")).values())


@pytest.mark.parametrize("day", [date(2026, 10, 25), date(2026, 3, 29)], ids=["autumn", "spring"])
def test_the_day_that_is_longer_or_shorter_is_a_typical_day_all_the_same(day: date, tmp_path: Path) -> None:
    first, after = calendar.span(day, RIGA)
    events = [(1, at, 4, 0) for at in range(first, after, 1800)]
    told = attrs.evolve(town(1, people=0), days=[day], events=events, spans=[(1, 0, FOREVER)])
    found = counted(told, MONTHLY[:1], scanned(told, tmp_path / "lake"), tmp_path / "work")
    hours = found[MONTHLY[0].name].values.sum(axis=0)[1]
    there = {datetime.fromtimestamp(at, RIGA).hour for at in range(first, after, 3600)}
    assert hours.tolist() == [1000 * (hour in there) for hour in range(24)]


def test_what_was_cleaned_is_told_to_the_last_event(tmp_path: Path) -> None:
    first, _ = calendar.span(date(2026, 10, 24), RIGA)
    minutes = [(0, 3), (1, 3), (1, 3), (2, 17), (3, 3), (30, 4), (31, 5), (32, 4), (60, 21)]
    events = [(1, first + 60 * at, cell, at) for at, cell in minutes] + [(2, first, 3, 0)]
    told = attrs.evolve(town(1, people=0), days=[date(2026, 10, 24)], events=events, spans=[(1, 0, FOREVER)])
    heard: list[Progress] = []
    counted(told, MONTHLY, scanned(told, tmp_path / "lake"), tmp_path / "work", progress=heard.append)
    cleaning = Cleaning(read=10, left_out=2, duplicates=1, jumps=1, ping_pong=1, kept=5)
    assert [(one.done, one.total, one.cleaning) for one in heard] == [(1, 2, cleaning), (2, 2, cleaning)]


def test_the_axes_are_the_atlas_and_the_calendar() -> None:
    told = town(1, people=0)
    found = domains(told.atlas, told.window, MONTHLY)
    assert [found[product.name].shape for product in MONTHLY] == [
        (4, 2, 24), (4, 2, 24), (4, 4, 4), (4, 5), (40, 2, 24), (4, 4, 4),
    ]  # fmt: skip
    day = Window("2026-10-24", told.days[0], told.days[0] + timedelta(1))
    assert domains(told.atlas, day, [TILE_HOURS])[TILE_HOURS.name].shape == (20, 24)
    with pytest.raises(BadInput) as refused:
        domains(told.atlas, told.window, [TILE_HOURS])
    assert refused.value.code == "bad-window"


if __name__ == "__main__":
    killed_in_the_middle(Path(sys.argv[1]), Path(sys.argv[2]))
