"""
A synthetic country for the figures of mobility: a week of events in a lake, and runs over it in processes of their own.

The lake is laid out as `placet.sources` lays it out, by a hand that needs no customers: everybody in it takes part.
"""

from __future__ import annotations

import multiprocessing
import resource
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import attrs
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.harness import QUICK
from placet.gate.model import Token
from placet.purposes.mobility.counting.duck import DuckEngine
from placet.purposes.mobility.counting.model import Engine
from placet.purposes.mobility.counting.run import run
from placet.purposes.mobility.model import Product, ProductName, Window
from placet.purposes.mobility.places.model import Atlas
from placet.purposes.mobility.privacy.debit import Sampler
from placet.purposes.mobility.privacy.drawing import discrete_gaussian
from placet.purposes.mobility.privacy.noisy import NoisyCounts
from placet.purposes.mobility.privacy.raw import RawCounts
from placet.purposes.mobility.world import plan
from placet.sources.model import SHARDS, Scan, Under

RIGA = ZoneInfo("Europe/Riga")
PEOPLE = 2_000 if QUICK else 168_000
"""Some 50 million events a week, heard of about 43 times a day each; less at the weekend."""
FIRST = date(2026, 10, 5)
DAYS = [FIRST + timedelta(n) for n in range(2 if QUICK else 7)]
_FOREVER = 2**62
_GIGABYTE = 1e6
"""`ru_maxrss` is in kilobytes."""


@attrs.frozen
class Lake:
    folder: Path
    people: int
    atlas: Atlas
    rows: int

    @property
    def scan(self) -> Scan:
        files = {(day, shard): _file(self.folder, day, shard) for day in DAYS for shard in range(SHARDS)}
        number = np.arange(1, self.people + 1, dtype=np.int32)
        everybody = pa.table(
            {"number": number, "since": np.zeros(len(number), np.int64), "until": np.full(len(number), _FOREVER)}
        )
        under = Under(UUID(int=1), bytes(32), Token("00000000", 1), datetime(2026, 11, 1, tzinfo=UTC))
        return Scan(DAYS, everybody, under, files)

    def rows_of(self, day: date) -> int:
        return sum(pq.read_metadata(_file(self.folder, day, shard)).num_rows for shard in range(SHARDS))


@attrs.frozen
class Ended:
    """What a run in a process of its own came to."""

    seconds: float
    cpu: float
    """Seconds of this process on all cores: on a machine with other work, what the clock says is a share of it."""
    gigabytes: float
    """The most memory that the process ever held."""


@contextmanager
def laid_out(people: int = PEOPLE) -> Iterator[Lake]:
    """A week of a country of *people* under /var/tmp, removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="placet-mobility-", dir="/var/tmp"))
    try:
        yield lay(folder, people)
    finally:
        shutil.rmtree(folder)


def lay(folder: Path, people: int) -> Lake:
    world = plan(people, seed=1)
    rows = 0
    for day in DAYS:
        events = world.events(day)
        rows += len(events)
        shards = events["number"].to_numpy() % SHARDS
        for shard in range(SHARDS):
            path = _file(folder, day, shard)
            path.parent.mkdir(exist_ok=True)
            pq.write_table(events.filter(pa.array(shards == shard)), path, compression="zstd")
    return Lake(folder, people, world.atlas, rows)


def counted(lake: Lake, window: Window, products: Sequence[Product], engine: Engine) -> dict[ProductName, RawCounts]:
    with tempfile.TemporaryDirectory(dir=lake.folder) as work:
        return dict(
            run(
                lake.scan, lake.atlas, window, products, engine, zone=RIGA, key=bytes(32), work=Path(work), progress=str
            )
        )


def released(
    lake: Lake, window: Window, products: Sequence[Product], engine: Engine, sampler: Sampler
) -> list[NoisyCounts]:
    """Counted, and under noise: what a release costs in time, without the rows of its debit."""
    return [
        NoisyCounts(
            raw.product,
            raw.domain,
            raw.values + discrete_gaussian(raw.product.sigma(), raw.domain.size, sampler).reshape(raw.domain.shape),
            raw.product.sigma(),
        )
        for raw in counted(lake, window, products, engine).values()
    ]


def days_released(lake: Lake, days: Sequence[date], product: Product, engine: Engine) -> None:
    """*product* of each of *days* by itself, under OpenDP's noise."""
    for day in days:
        released(lake, Window(day.isoformat(), day, day + timedelta(1)), [product], engine, Sampler.OPENDP)


def week_released(lake: Lake, product: Product, engine: Engine) -> None:
    released(lake, week(), [product], engine, Sampler.OPENDP)


def week() -> Window:
    return Window("week", DAYS[0], DAYS[-1] + timedelta(1))


def quick() -> DuckEngine:
    return DuckEngine()


def apart(action: Callable[..., None], *args: object) -> Ended:
    """*action* in a new process, with its time (without the start) and its memory."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_measured, args=(theirs, action, args))
    process.start()
    theirs.close()
    try:
        seconds, cpu, kilobytes = ours.recv()
    except EOFError:
        raise RuntimeError("the run in a process of its own failed; its words are above") from None
    process.join()
    return Ended(seconds, cpu, kilobytes / _GIGABYTE)


def _measured(pipe: Connection, action: Callable[..., None], args: tuple[object, ...]) -> None:
    start, cpu = time.perf_counter(), time.process_time()
    action(*args)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    pipe.send((seconds, cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))


def _file(folder: Path, day: date, shard: int) -> Path:
    return folder / f"day={day}" / f"shard={shard:02}.parquet"
