"""
A month of a world, released as any month is: counted, paid for, with noise; so that the public pages have what to show.

Nobody in it is a customer, and nothing of it touches their events or their privacy budget: it is another population.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID

import attrs
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from psycopg import Connection

from placet.gate.model import Token
from placet.gate.periods import OPEN
from placet.purposes.mobility.model import Window
from placet.purposes.mobility.privacy.debit import Population
from placet.purposes.mobility.world.world import World
from placet.sources.model import SHARDS, Scan, Under

SAMPLE = Population("sample")
"""People who do not exist."""
_NOBODY = Under(UUID(int=0), bytes(32), Token("00000000", 0), datetime.fromtimestamp(0, UTC))


@attrs.frozen
class Imagined:
    """Everybody in *world*, all the time: their events are written into *folder*, which the caller deletes."""

    world: World
    folder: Path
    told: Callable[[date], None] = lambda _day: None
    population: Population = SAMPLE

    def scan(self, window: Window) -> Scan:
        numbers = np.arange(1, self.world.people + 1, dtype=np.int32)
        always = {"since": np.zeros(len(numbers), np.int64), "until": np.full(len(numbers), OPEN)}
        files = {}
        for day in window.days:
            files.update(self._written(day))
            self.told(day)
        return Scan(window.days, pa.table({"number": numbers, **always}), _NOBODY, files)

    def left(self, scan: Scan) -> Scan | None:
        """Nobody withdraws who does not exist."""
        del scan
        return None

    @contextmanager
    def reading(self, scan: Scan) -> Iterator[Callable[[], bool]]:
        del scan
        yield lambda: False

    def used(self, connection: Connection, *, now: datetime) -> UUID | None:
        """No use: nobody's events were."""
        del connection, now
        return None

    def _written(self, day: date) -> dict[tuple[date, int], Path]:
        events = self.world.events(day)
        shard = events["number"].to_numpy() % SHARDS
        order = np.argsort(shard, kind="stable")
        ends = np.searchsorted(shard[order], np.arange(SHARDS + 1))
        folder = self.folder / f"day={day.isoformat()}"
        folder.mkdir(parents=True, exist_ok=True)
        found = {}
        for at in range(SHARDS):
            path = found[day, at] = folder / f"shard={at:02}.parquet"
            pq.write_table(events.take(order[ends[at] : ends[at + 1]]), path)
        return found
