"""
What counting speaks of: steps written once, the engine that runs them, batches of days and shards, and what it reports.

"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import attrs
import ibis
import pyarrow as pa

HOLD = 3600
"""Seconds that an event holds its cell when no other follows."""
STAY = 15 * 60
"""Seconds between the first and the last event of a stay, at least (as in Eurostat's multimno)."""
JUMP_METRES = 10_000
JUMP_SPEED = 55
"""Metres a second. An event as far and as fast from the one before and from the next is where nobody was."""
PING_PONG = 180
"""Seconds within which A, B, A is one place that two cells serve."""


@attrs.frozen
class Step:
    """One relation by name: an Ibis expression over named tables."""

    name: str
    expression: Any = attrs.field(repr=False)

    def sql(self, dialect: str) -> str:
        """The step in *dialect*, with the types that it declares: engines widen their sums."""
        quote = '"' if dialect == "duckdb" else "`"
        kinds = {"int32": "INT", "int64": "BIGINT"}
        columns = ", ".join(
            f"CAST({quote}{name}{quote} AS {kinds[str(kind)]}) AS {quote}{name}{quote}"
            for name, kind in self.expression.schema().items()
        )
        return f"SELECT {columns} FROM ({_text(self.expression.op(), dialect)}) AS step"  # noqa: S608


@lru_cache(128)
def _text(operation: Any, dialect: str) -> str:
    """Ibis takes its time for this, and the same steps are taken for every batch."""
    return str(ibis.to_sql(operation.to_expr(), dialect=dialect))


class Session(Protocol):
    """An engine that has been started, and its named tables. Whatever it keeps besides is gone when it is closed."""

    def give(self, name: str, table: pa.Table) -> None:
        """A small table under *name*; one that was there is replaced."""

    def find(self, name: str, paths: Sequence[Path], schema: pa.Schema) -> None:
        """What lies in the Parquet files (or folders of such) *paths*, under *name*; empty where there are none."""

    def keep(self, step: Step) -> None:
        """Work *step* out once, under its name, for the steps that follow."""

    def write(self, step: Step, path: Path) -> None:
        """*step* as Parquet."""

    def fetch(self, step: Step) -> pa.Table: ...


class Engine(Protocol):
    """What runs steps. A batch is as many whole days and shards as it takes at once."""

    @property
    def name(self) -> str: ...

    @property
    def batch_bytes(self) -> int:
        """How much of the lake it reads in one batch."""

    @property
    def group_bytes(self) -> int:
        """How much of the window it puts together at once: the people of some shards, over all days."""

    def opened(self, folder: Path) -> AbstractContextManager[Session]:
        """A session that spills into *folder*."""


@attrs.frozen
class Batch:
    """Consecutive days of some shards, and where their pieces lie."""

    days: tuple[date, ...]
    shards: tuple[int, ...]

    @property
    def name(self) -> str:
        return f"{self.days[0]}_{self.days[-1]}_{self.shards[0]:02}-{self.shards[-1]:02}"


@attrs.frozen
class Cleaning:
    """
    What became of the events, exactly: for the operator's quality report and for nobody else.

    `left_out`: of nobody who takes part, not within a consent, in an unknown cell, or outside the window.
    """

    read: int = 0
    left_out: int = 0
    duplicates: int = 0
    jumps: int = 0
    ping_pong: int = 0
    kept: int = 0

    def __add__(self, other: Cleaning) -> Cleaning:
        return Cleaning(
            *(mine + theirs for mine, theirs in zip(attrs.astuple(self), attrs.astuple(other), strict=True))
        )


@attrs.frozen
class Progress:
    """*done* of *total* pieces of work; *cleaning* of everything done so far."""

    done: int
    total: int
    what: str
    cleaning: Cleaning


Told = Callable[[Progress], None]
