"""Which days and shards are worked on together: as much as an engine takes at once, by the sizes of the files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from math import ceil
from pathlib import Path

from placet.purposes.mobility.counting.model import Batch, Engine
from placet.sources.model import Scan


def groups(scan: Scan, days: Sequence[date], engine: Engine) -> Sequence[tuple[int, ...]]:
    """The shards, in as few equal groups as keep the window of each below what *engine* puts together at once."""
    whole = sum(path.stat().st_size for path in paths(scan, days, scan.shards))
    many = min(len(scan.shards), max(1, ceil(whole / engine.group_bytes)))
    size = ceil(len(scan.shards) / many)
    return [tuple(scan.shards[n : n + size]) for n in range(0, len(scan.shards), size)]


def batches(scan: Scan, days: Sequence[date], shards: tuple[int, ...], engine: Engine) -> Iterator[Batch]:
    """*days* in consecutive runs, each as long as it stays below what *engine* reads at once."""
    taken: list[date] = []
    size = 0
    for day in days:
        more = sum(path.stat().st_size for path in paths(scan, [day], shards))
        if taken and (size + more > engine.batch_bytes or day != taken[-1] + timedelta(1)):
            yield Batch(tuple(taken), shards)
            taken, size = [], 0
        taken.append(day)
        size += more
    if taken:
        yield Batch(tuple(taken), shards)


def paths(scan: Scan, days: Sequence[date], shards: Sequence[int]) -> list[Path]:
    """The files that stand there."""
    found = (scan.paths(day, shard) for day in days for shard in shards)
    return [path for path in found if path is not None]
