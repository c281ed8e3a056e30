"""One batch of days and shards becomes a piece: its events are cleaned once, and each wanted file is written."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import attrs
import numpy as np
import pyarrow as pa

from placet.purposes.mobility.counting import calendar, events, keyed
from placet.purposes.mobility.counting.batches import paths
from placet.purposes.mobility.counting.model import Batch, Cleaning, Session, Step
from placet.purposes.mobility.counting.pieces import Pieces, digest_of
from placet.purposes.mobility.counting.products import pieces
from placet.sources.model import SHARDS, Scan

EVENTS = pa.schema([("number", pa.int32()), ("at", pa.int64()), ("cell", pa.int32()), ("load", pa.int64())])


@attrs.frozen
class Making:
    """What all batches of a run share; `hours` and `cells` are given to the session already."""

    scan: Scan
    days: Sequence[date]
    zone: ZoneInfo
    key: bytes = attrs.field(repr=False)
    atlas_sha256: str
    sources: frozenset[str]
    hours: pa.Table = attrs.field(repr=False)
    kept: Pieces

    def participants(self, shards: Sequence[int]) -> pa.Table:
        """Whoever takes part, in *shards*: number, person (their name in this run), since, until."""
        table = self.scan.participants
        number = table["number"].to_numpy()
        chosen = np.isin(number % SHARDS, shards)
        return pa.table(
            {
                "number": number[chosen].astype(np.int32),
                "person": keyed.names(self.key, number[chosen]),
                "since": table["since"].to_numpy()[chosen].astype(np.int64),
                "until": table["until"].to_numpy()[chosen].astype(np.int64),
            }
        )

    def piece(self, session: Session, batch: Batch, participants: pa.Table) -> Cleaning:
        """Make *batch* unless it is done."""
        here, after = paths(self.scan, batch.days, batch.shards), self._following(batch)
        steps = [events.marked(), *pieces(keyed.numbers(self.key), self.sources)]
        digest = self._digest(here, after, steps)
        if (done := self.kept.done(batch, digest, participants.drop(["number"]))) is not None:
            return done
        self._give(session, batch, here, after)
        return self.kept.make(
            batch, digest, participants.drop(["number"]), lambda folder: _made(session, steps, folder)
        )

    def _following(self, batch: Batch) -> list[Path]:
        """The day after, if the window has it: its first hour ends what the batch's last events hold."""
        after = batch.days[-1] + timedelta(1)
        return paths(self.scan, [after], batch.shards) if after in self.days else []

    def _digest(self, here: Sequence[Path], after: Sequence[Path], steps: Sequence[Step]) -> str:
        told = [step.sql("duckdb") for step in steps]
        days = " ".join(day.isoformat() for day in self.days)
        return digest_of([*here, *after], self.atlas_sha256, keyed.seal(self.key), self.zone.key, days, *told)

    def _give(self, session: Session, batch: Batch, here: Sequence[Path], after: Sequence[Path]) -> None:
        places = [self.days.index(day) for day in batch.days]
        _, end = calendar.span(batch.days[-1], self.zone)
        session.find("events", here, EVENTS)
        session.find("following", after, EVENTS)
        session.give("batch_hours", self.hours.filter(pa.array(np.isin(self.hours["day"].to_numpy(), places))))
        session.give("next_hour", pa.table({"hour": pa.array([end // calendar.HOUR], pa.int64())}))


def _made(session: Session, steps: Sequence[Step], folder: Path) -> Cleaning:
    marked, *wanted = steps
    session.keep(marked)
    (read,) = session.fetch(events.read())["read"].to_pylist()
    (told,) = session.fetch(events.cleaned()).to_pylist()
    for step in wanted:
        session.write(step, folder / f"{step.name}.parquet")
    kept = told["single"] - told["jumps"] - told["ping_pong"]
    return Cleaning(
        read, read - told["placed"], told["placed"] - told["single"], told["jumps"], told["ping_pong"], kept
    )
