"""
A delivered day, into the lake: only what belongs to people who had said yes at that very time and say so still.

1. Nobody else takes in a day, and this one is new: the same file again changes nothing, another one only if told to.
2. The gate is asked for everyone; whoever withdraws meanwhile is left out at the next step.
3. Rows are judged block by block, and kept by shard on the disk: memory stays bounded whatever the day.
4. Each shard is put in order; what was delivered twice counts once; clocks that are an hour off are looked for.
5. The manifest names the new files, in one step. Every refused row is reported with its line and reason.
"""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from uuid import uuid4
from zoneinfo import ZoneInfo

import attrs
import numpy as np
import pyarrow as pa
from psycopg import Connection
from pyroaring import BitMap

from placet.consents.in_force import CatalogueInForce
from placet.gate import stops, uses
from placet.gate.actions import Confirmed, Gate
from placet.gate.periods import Periods, periods
from placet.gate.replica import Replica
from placet.kernel.errors import BadInput, Conflict
from placet.kernel.ids import ActivityId
from placet.sources import cells, clocks, shards
from placet.sources.deliveries import blocks
from placet.sources.forgetting import Reading, abandon, epoch_of, reading
from placet.sources.judging import ROW, Measure, Rows, faults_of, ordered
from placet.sources.lake import Lake
from placet.sources.model import SHARDS, Manifest, Part, Suspect
from placet.sources.people import People
from placet.sources.reporting import RefusedRows
from placet.store.database import Database
from placet.subjects.actions import Subjects

Told = Callable[[float, int], None]
"""How much of the file was read (0 to 1), and how many rows were taken in."""
_STEP = timedelta(seconds=1)
"""Between two looks at who has gone, while rows are read."""
_DAY = re.compile(r"(?<!\d)\d{4}-\d{2}-\d{2}(?!\d)")


@attrs.frozen
class Taken:
    """What became of a delivery."""

    manifest: Manifest
    report: Path
    again: bool = False
    """The very same file had been taken in before; nothing was changed."""
    listed: int = 0
    """Rows in *report*; without any there is none."""


@attrs.frozen
class TakingIn:
    """Takes days into *lake* under *activity*."""

    lake: Lake
    activity: ActivityId
    zone: ZoneInfo
    database: Database
    subjects: Subjects
    in_force: CatalogueInForce
    gate: Gate
    replica: Replica
    clock: Callable[[], datetime]

    def take(
        self,
        path: Path,
        *,
        day: date,
        replace: bool = False,
        report: Path,
        progress: Told = lambda _read, _rows: None,
    ) -> Taken:
        """
        Take in *path* as what happened on the local *day*; refused rows are listed in *report*, if there are any.

        Raises `BadInput` for what is no file of events, `Conflict` for a day that stands already or while another
        ingest runs, `Unavailable` for a full disk; the lake is then as it was.
        """
        with self.lake.taking_in():
            source, before = shards.digest(path), self._standing(day)
            if before is not None and before.source == source:
                return Taken(before, report, again=True)
            if before is not None and not replace:
                raise Conflict(
                    f"{day} was delivered before with other content; --replace takes this one instead",
                    code="day-delivered",
                )
            with self.lake.draft(day) as draft, RefusedRows(report) as refused, self._consenting() as (now, held, read):
                measure = Measure.of(day, self.zone, now=self.clock(), codes=self._codes(), consents=held)
                intake = _Intake(draft, measure, People(self.database, self.subjects), refused, read, self.clock)
                intake.read_all(path, progress)
                manifest = self._finished(intake, Manifest(
                    day, self.zone.key, now.token.epoch, uuid4().hex, source, intake.count, 0, {}, {}, self.clock(),
                ))  # fmt: skip
                with self.database.transaction() as connection:
                    self._publish(connection, draft, manifest, now, intake.gone)
                return Taken(manifest, report, listed=refused.count)

    def _standing(self, day: date) -> Manifest | None:
        with self.database.transaction() as connection:
            epoch = epoch_of(connection)
        manifest = self.lake.manifest(day)
        return manifest if manifest is not None and manifest.epoch == epoch else None

    def _codes(self) -> cells.Codes:
        table = cells.read(self.lake.folder)
        if not table.num_rows:
            raise BadInput(
                "no cells are known yet: deliver them by `placet mobility ingest --cells` first", code="no-cells"
            )
        return cells.Codes.of(table)

    @contextlib.contextmanager
    def _consenting(self) -> Iterator[tuple[Confirmed, Periods, Reading]]:
        """Whose events may be taken in, and since when; confirmed after everybody can see that it begins."""
        self.replica.catch_up()
        with self.database.transaction() as connection:
            # Only one takes in at a time: what another one left behind when it was killed holds nobody up.
            abandon(connection, "ingest")
            audience = self.gate.audience(connection, self.replica, self.activity, now=self.clock())
        with reading(self.database, "ingest", audience.members, self.clock) as begun:
            self.replica.catch_up()
            confirmed = self.gate.confirm(self.replica, audience, now=self.clock())
            with self.database.transaction() as connection:
                stops.demand_open(connection, self.lake.purpose)
                known = periods(connection, self.activity, known_at=None, purposes=self.in_force.terms(connection))
            newest = known.newest()
            members = np.array(confirmed.members, np.uint32)
            yield confirmed, newest.where(np.isin(newest.numbers, members)), begun

    def _finished(self, intake: _Intake, manifest: Manifest) -> Manifest:
        parts = intake.parts()
        table = cells.read(self.lake.folder)
        suspects = tuple(_suspects(intake.draft, parts, table))
        late = intake.leave_out(parts)
        rows = sum(part.rows for part in parts.values())
        faults = dict(sorted((intake.faults + late).items()))
        return attrs.evolve(manifest, rows=rows, parts=parts, faults=faults, suspects=suspects)

    def _publish(
        self, connection: Connection, draft: Path, manifest: Manifest, confirmed: Confirmed, gone: BitMap
    ) -> None:
        """The use is told in the transaction that the day appears in."""
        left = attrs.evolve(confirmed, members=confirmed.members - gone)
        uses.record_use(connection, uses.under_audience(left, outcome="events taken in", at=self.clock()))
        self.lake.publish(draft, manifest)


def day_of(path: Path) -> date:
    """The day that a file's name says: events-2026-10-05.csv."""
    found = _DAY.findall(path.stem)
    try:
        (text,) = found
        return date.fromisoformat(text)
    except ValueError:
        raise BadInput(
            "the name of the file does not say which day it holds; say it by --day 2026-10-05", code="no-day"
        ) from None


@attrs.define
class _Intake:
    """A day on its way into the folder *draft*; for one thread."""

    draft: Path
    measure: Measure
    people: People
    refused: RefusedRows
    reading: Reading
    clock: Callable[[], datetime]
    count: int = 0
    taken: int = 0
    faults: Counter[str] = attrs.field(factory=Counter)
    gone: BitMap = attrs.field(factory=BitMap)
    stepped: datetime = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.stepped = self.clock()

    def read_all(self, path: Path, progress: Told) -> None:
        """Judge every row; those that are taken in lie by shard in the draft."""
        with path.open("rb") as file, contextlib.ExitStack() as stack:
            streams = [stack.enter_context(self._raw(shard).open("ab")) for shard in range(SHARDS)]
            for block in blocks(path, file):
                number, since = self.people.meant(block.subjects)
                judged = self.measure.judge(block, number, since)
                self.refused.write(judged.refused)
                self.faults += faults_of(judged.refused, judged.without_consent)
                for shard, stream in enumerate(streams):
                    stream.write(judged.rows[judged.rows["number"] % SHARDS == shard].tobytes())
                self.count += len(block.lines) + len(block.wrong)
                self.taken += len(judged.rows)
                if (now := self.clock()) - self.stepped >= _STEP:
                    self.gone, self.stepped = self.gone | self.reading.step(now), now
                progress(block.read, self.taken)

    def parts(self) -> dict[str, Part]:
        """Each shard put in order, without those who have gone meanwhile."""
        found: dict[str, Part] = {}
        for shard in range(SHARDS):
            self.gone |= self.reading.step(self.clock())
            rows = np.fromfile(self._raw(shard), ROW)
            self._raw(shard).unlink()
            rows, again = ordered(rows)
            self.refused.write(again)
            self.faults += faults_of(again, 0)
            kept = rows[~np.isin(rows["number"], np.array(self.gone, np.int64))]
            self.faults += faults_of([], len(rows) - len(kept))
            if len(kept):
                found[f"{shard:02}"] = shards.write(self.draft / _file(shard), _table(kept))
        return found

    def leave_out(self, parts: dict[str, Part]) -> Counter[str]:
        """Who has gone since their shard was written goes out of it again; how many rows that was."""
        late = self.reading.step(self.clock())
        self.gone |= late
        numbers = np.array(late, np.int64)
        left_out = 0
        for name in sorted({f"{number % SHARDS:02}" for number in late} & parts.keys()):
            path = self.draft / _file(int(name))
            kept = shards.without(shards.read(path), numbers, np.full(len(numbers), self.measure.beyond))
            left_out += parts[name].rows - kept.num_rows
            parts[name] = shards.write(path, kept)
        return faults_of([], left_out)

    def _raw(self, shard: int) -> Path:
        return self.draft / f"rows-{shard:02}"


def _suspects(draft: Path, parts: dict[str, Part], table: pa.Table) -> Iterator[Suspect]:
    """The cells whose clock seems an hour off."""
    names, order = table["cell"].to_pylist(), np.argsort(table["code"].to_numpy())
    places = clocks.Places(table["lon"].to_numpy()[order], table["lat"].to_numpy()[order])
    events = bad = np.zeros(len(order), np.int64)
    for name in parts:
        one, other = clocks.suspicious(_events(draft, name), places)
        events, bad = events + one, bad + other
    off: list[int] = []
    for code in clocks.candidates(events, bad):
        tries = [clocks.tried(_events(draft, name), places, code, without=off) for name in parts]
        if (shift := clocks.verdict(tries)) is not None:
            off.append(code)
            yield Suspect(names[order[code]], shift, int(events[code]))


def _events(draft: Path, name: str) -> clocks.Events:
    table = shards.read(draft / _file(int(name)))
    return clocks.Events(*(table[column].to_numpy().astype(np.int64) for column in ("number", "at", "cell")))


def _table(rows: Rows) -> pa.Table:
    return pa.table({name: np.ascontiguousarray(rows[name]) for name in shards.SCHEMA.names})


def _file(shard: int) -> str:
    return f"shard={shard:02}.parquet"
