"""What `mobility` brings to its examination: events in a lake, readings of them, releases that were taken part in."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4
from zoneinfo import ZoneInfo

import attrs
import pyarrow as pa
from psycopg import Connection
from pyroaring import BitMap

from placet.duties import Correction, Person
from placet.kernel.ids import ChannelId
from placet.purposes.mobility.duties import EVENTS, MOBILITY, MobilityDuties
from placet.purposes.mobility.model import ReleaseId, Window
from placet.purposes.mobility.releasing.model import Release
from placet.sources import cells, forgetting, shards
from placet.sources.lake import Lake
from placet.sources.model import SHARDS, Manifest

ZONE = ZoneInfo("Europe/Riga")
NAMES = ("kaija", "gulbis", "zīlīte")


@attrs.define
class MobilityGround:
    """Each check has a transaction of its own that is rolled back, and so a lake of its own that is left."""

    channels: Sequence[ChannelId] = ()
    _root: tempfile.TemporaryDirectory[str] = attrs.field(factory=tempfile.TemporaryDirectory)
    _check: str = "none"
    _epoch: str = "none"
    _brought: dict[tuple[str, int], list[datetime]] = attrs.field(factory=dict)

    @property
    def duties(self) -> MobilityDuties:
        return MobilityDuties(self._lake, self._took_part)

    def plant(self, connection: Connection, person: Person, word: str, *, now: datetime) -> int:
        self._begins(connection)
        self._add(person, word, [now - timedelta(days=days, hours=1) for days in (0, 0, 1)])
        return 3

    def queue(self, connection: Connection, person: Person, channel: ChannelId | None, *, now: datetime) -> None:
        self._begins(connection)
        self._add(person, "kaija", [now - timedelta(hours=2)])

    def waiting(self, connection: Connection, person: Person) -> int:
        """Events that a later release would still count."""
        return sum(len(holding.rows) for holding in self.duties.export(connection, person))

    def begin(self, connection: Connection, person: Person, *, now: datetime) -> Callable[[], None]:
        self._begins(connection)
        id = uuid4()
        connection.execute(
            "INSERT INTO sources.reading VALUES (%s, 'release', %s, %s, %s)",
            [id, BitMap([person.number]).serialize(), now, now + timedelta(minutes=10)],
        )

        def end() -> None:
            connection.execute("DELETE FROM sources.reading WHERE id = %s", [id])

        return end

    def bring(self, connection: Connection, person: Person, *, at: datetime) -> None:
        self._begins(connection)
        self._brought.setdefault((self._check, person.number), []).append(at)

    def correction(self, word: str, new: str) -> Correction:
        return Correction(EVENTS, "cell", word, new)

    def _took_part(self, connection: Connection, person: Person) -> Sequence[Release]:
        """Whether a window meets a consent is `test_participation`'s; here is what follows from it."""
        at = sorted(self._brought.get((self._check, person.number), []), reverse=True)
        return [_release(instant) for instant in at]

    @property
    def _lake(self) -> Lake:
        return Lake(Path(self._root.name) / self._check, MOBILITY)

    def _begins(self, connection: Connection) -> None:
        connection.execute("CREATE TEMPORARY TABLE IF NOT EXISTS mobility_check (name text)")
        row = connection.execute("SELECT name FROM mobility_check").fetchone()
        if row is not None:
            return
        self._check, self._epoch = uuid4().hex, forgetting.epoch_of(connection)
        connection.execute("INSERT INTO mobility_check VALUES (%s)", [self._check])
        table = pa.table(
            {
                "code": range(len(NAMES)), "cell": NAMES, "lon": [24.1] * 3, "lat": [56.9] * 3, "range_m": [500.0] * 3,
                "since": [0] * 3, "until": [2**62] * 3,
            },
        )  # fmt: skip
        cells.write(self._lake.folder, table.cast(cells.SCHEMA))

    def _add(self, person: Person, word: str, instants: Sequence[datetime]) -> None:
        """More events, into the day of each, as a replaced day."""
        for at in instants:
            day, shard = at.astimezone(ZONE).date(), person.number % SHARDS
            before = self._lake.manifest(day)
            tables = {} if before is None else {
                name: shards.read(self._lake.file(before, int(name))) for name in before.parts
            }  # fmt: skip
            own = pa.table(
                [[person.number], [int(at.timestamp())], [NAMES.index(word)], [1]], names=shards.SCHEMA.names
            )
            kept = tables.get(f"{shard:02}", shards.SCHEMA.empty_table())
            tables[f"{shard:02}"] = pa.concat_tables([kept, own.cast(shards.SCHEMA)]).sort_by(
                [("number", "ascending"), ("at", "ascending")]
            )
            with self._lake.draft(day) as draft:
                parts = {name: shards.write(draft / f"shard={name}.parquet", table) for name, table in tables.items()}
                rows = sum(part.rows for part in parts.values())
                version = uuid4().hex
                manifest = Manifest(
                    day, ZONE.key, self._epoch, version, version, rows, rows, parts, {}, datetime.now(UTC)
                )
                self._lake.publish(draft, manifest)


def _release(at: datetime) -> Release:
    window = Window.month("2026-02")
    return Release(
        id=ReleaseId(f"2026-02-{at:%H}"), window=window, made_at=at, made_by=None, products={}, population=None,
        atlas="", sha256="", position=1, public_at=at, public_by=None, withdrawn_at=None, notice=None,
    )  # type: ignore[arg-type]  # fmt: skip
