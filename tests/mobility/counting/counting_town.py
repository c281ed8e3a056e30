"""A town for the tests of counting: four zones on a strip of tiles, cells that overlap, people heard of oddly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import attrs
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from placet.gate.model import Token
from placet.purposes.mobility.counting.calendar import span
from placet.purposes.mobility.counting.duck import DuckEngine
from placet.purposes.mobility.counting.model import Engine, Told
from placet.purposes.mobility.counting.run import run
from placet.purposes.mobility.model import Product, ProductName, Window, ZoneId
from placet.purposes.mobility.places.model import CELL_TILES, Atlas, Tiles, Zone
from placet.purposes.mobility.privacy.raw import RawCounts
from placet.sources.model import SHARDS, Scan, Under

RIGA = ZoneInfo("Europe/Riga")
KEY = bytes(range(32))
FOREVER = 2**62
EVENTS = ("number", "at", "cell", "load")
_UNDER = Under(UUID(int=1), bytes(32), Token("00000000", 1), datetime(2026, 11, 1, tzinfo=UTC))
DAY = date(2026, 10, 24)
"""A Saturday; the day after has 25 hours."""

Event = tuple[int, int, int, int]
Span = tuple[int, int, int]


@attrs.frozen
class Town:
    atlas: Atlas
    days: Sequence[date]
    events: Sequence[Event]
    spans: Sequence[Span]

    @property
    def window(self) -> Window:
        return Window("test", self.days[0], self.days[-1] + timedelta(1))

    def without(self, number: int) -> Town:
        return attrs.evolve(self, spans=[span for span in self.spans if span[0] != number])

    def on(self, day: date) -> Town:
        """One day of it."""
        first, after = span(day, RIGA)
        return attrs.evolve(self, days=[day], events=[event for event in self.events if first <= event[1] < after])


def atlas() -> Atlas:
    """Forty tiles in a row, 2 km apart; ten to a zone, the last five in none; a cell on every other one."""
    east = np.arange(5000, 5080, 2, dtype=np.int32)
    tiles = Tiles(np.full(40, 3700, np.int32), east, east * 0.001, np.full(40, 56.9))
    tile_zone = np.minimum(np.arange(40) // 10, 3).astype(np.int32)
    tile_zone[35:] = -1
    outline = {"type": "Polygon", "coordinates": [[[24, 57], [25, 57], [25, 56], [24, 57]]]}
    zones = tuple(Zone(ZoneId(f"zone-{n}"), {"en": f"Zone {n}"}, 5000, None, outline) for n in range(4))
    rows = [
        (cell, tile, share)
        for cell in range(20)
        for tile, share in ((2 * cell - 1, 237), (2 * cell, 523), (2 * cell + 1, 240))
        if 0 <= tile < 40
    ]
    columns = [pa.array(column, pa.int32()) for column in zip(*rows, strict=True)]
    return Atlas(tiles, zones, (), tile_zone, pa.Table.from_arrays(columns, schema=CELL_TILES))


def town(seed: int, *, people: int = 40, days: int = 3) -> Town:
    """Days of people who linger, hop between cells, fly, stammer, say nothing for hours, and change their minds."""
    draw = np.random.default_rng(seed)
    dates = [DAY + timedelta(n) for n in range(days)]
    first, _ = span(dates[0], RIGA)
    _, after = span(dates[-1], RIGA)
    events: list[Event] = []
    for number in range(1, people + 1):
        events += _life(draw, number, first, after)
    return Town(atlas(), dates, sorted(set(events)), _minds(draw, people, first, after))


def _life(draw: np.random.Generator, number: int, first: int, after: int) -> list[Event]:
    at, cell, events = first + int(draw.integers(0, 9000)), int(draw.integers(0, 20)), []
    while at < after:
        load = int(draw.integers(0, 40_000_000))
        events.append((number, at, cell, load))
        kind = draw.random()
        if kind < 0.03:
            events.append((number, at, int(draw.integers(0, 22)), 5))  # The same second elsewhere, or an unknown cell.
        if kind > 0.97:
            events.append((number, at + 40, (cell + 14) % 20, 7))  # A flight there, and back below.
        if draw.random() < 0.1:
            events += [(number, at + 50, (cell + 1) % 20, 9), (number, at + 100, cell, 9)]  # Ping-pong.
        if draw.random() < 0.3:
            cell = int(draw.integers(0, 20)) if draw.random() < 0.5 else min(cell + 1, 19)
        at += int(draw.choice([60, 240, 700, 1500, 3000, 9000]))
    return [event for event in events if event[1] < after]


def _minds(draw: np.random.Generator, people: int, first: int, after: int) -> list[Span]:
    """Most take part all the time, some in two spans, some not at all."""
    spans: list[Span] = []
    for number in range(1, people + 1):
        kind = draw.random()
        middle = int(draw.integers(first, after))
        if kind < 0.7:
            spans.append((number, 0, FOREVER))
        elif kind < 0.9:
            spans += [(number, 0, middle), (number, middle + 7200, FOREVER)]
    return spans


def scanned(told: Town, folder: Path, *, seed: int | None = None) -> Scan:
    """*told* as a lake in *folder*; with a *seed* the rows of a file are in no order."""
    files: dict[tuple[date, int], Path] = {}
    for day in told.days:
        first, after = span(day, RIGA)
        today = [event for event in told.events if first <= event[1] < after]
        for shard in range(SHARDS):
            if rows := [event for event in today if event[0] % SHARDS == shard]:
                files[day, shard] = _written(rows, folder / f"day={day}" / f"shard={shard:02}.parquet", seed)
    return Scan(told.days, spans_of(told.spans), _UNDER, files)


def spans_of(spans: Sequence[Span]) -> pa.Table:
    numbers, since, until = zip(*spans, strict=True) if spans else ((), (), ())
    return pa.table(
        {"number": pa.array(numbers, pa.int32()), "since": pa.array(since, pa.int64()),
         "until": pa.array(until, pa.int64())}
    )  # fmt: skip


def counted(
    told: Town, products: Sequence[Product], scan: Scan, work: Path, engine: Engine | None = None, progress: Told = str
) -> Mapping[ProductName, RawCounts]:
    engine = engine or DuckEngine(memory="500MB")
    return run(scan, told.atlas, told.window, products, engine, zone=RIGA, key=KEY, work=work, progress=progress)


def _written(rows: list[Event], path: Path, seed: int | None) -> Path:
    if seed is not None:
        np.random.default_rng(seed).shuffle(rows)
    kinds = (pa.int32(), pa.int64(), pa.int32(), pa.int64())
    columns = [pa.array(column, kind) for column, kind in zip(zip(*rows, strict=True), kinds, strict=True)]
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(dict(zip(EVENTS, columns, strict=True))), path, compression="zstd")
    return path
