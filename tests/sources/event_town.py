"""People of an operator with something to say about mobility, three cells, and deliveries of what the network heard."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import attrs

from placet.bootstrap import Application
from placet.consents import actions as consents
from placet.consents.model import Actor, Provenance, Recorded, Wish
from placet.gate.replica import Replica
from placet.kernel.ids import PurposeId
from placet.sources import forgetting, networks
from placet.sources.lake import Lake
from placet.sources.model import Manifest
from placet.sources.taking_in import Taken, TakingIn
from placet.subjects.model import Alias, Subject

MOBILITY = PurposeId("mobility")
ZONE = ZoneInfo("Europe/Riga")
DAY = date(2040, 6, 4)
"""A Monday long after the catalogue of the tests was published, whenever they run."""
NOW = datetime(2040, 6, 10, 12, tzinfo=UTC)
MONTH_BEFORE = NOW - timedelta(days=30)
CELLS = (("riga", 24.105, 56.949, 800), ("jelgava", 23.713, 56.652, 2000), ("liepaja", 21.011, 56.511, 2000))


@attrs.define
class EventTown:
    """Its clock stands at `now` until a test moves it."""

    placet: Application
    folder: Path
    now: datetime = NOW
    people: dict[str, Subject] = attrs.field(factory=dict)

    @property
    def lake(self) -> Lake:
        return self.placet.mobility.lake

    @property
    def replica(self) -> Replica:
        """Of now: a test asks when what it did has been committed."""
        replica = Replica.of(self.placet.database, self.placet.config)
        replica.catch_up()
        return replica

    @property
    def taking_in(self) -> TakingIn:
        return self.placet.mobility.taking_in(self.replica, lambda: self.now)

    def add(self, name: str, *, at: datetime | None = MONTH_BEFORE) -> Subject:
        """Somebody called `crm:name`, who said yes at *at*."""
        with self.placet.database.transaction() as connection:
            person = self.placet.subjects.add(connection, aliases=[Alias.crm(name)], now=MONTH_BEFORE)
        self.people[name] = person
        if at is not None:
            self.say(name, "given", at)
        return person

    def say(self, name: str, decision: str, at: datetime, *, version: str = "1.0", recorded: datetime = NOW) -> None:
        """A letter of *at*, written down at *recorded*."""
        wish = Wish(
            subject=self.people[name].id, purpose=MOBILITY, decision=decision, route="import", actor=Actor("subject"),
            occurred_at=at, notice_version=version, provenance=Provenance("letters", "B", at),
        )  # fmt: skip
        with self.placet.database.transaction() as connection:
            (outcome,) = consents.record(connection, [wish], rulebook=self.placet.rulebook, now=recorded)
        assert isinstance(outcome, Recorded), outcome

    def cells(self, rows: Sequence[Sequence[object]] = CELLS, *, since: datetime = MONTH_BEFORE) -> networks.Known:
        file = self.folder / "cells.csv"
        write(file, ("cell", "lon", "lat", "range_m"), rows)
        return networks.cells_known(self.lake, file, since=since, report=self.folder / "cells.refused.csv")

    def deliver(self, rows: Sequence[Sequence[object]], *, day: date = DAY, replace: bool = False) -> Taken:
        """Rows of subject, at, cell, load as a CSV file."""
        file = self.folder / f"events-{day}.csv"
        write(file, ("subject", "at", "cell", "load"), rows)
        return self.take(file, day=day, replace=replace)

    def take(self, file: Path, *, day: date = DAY, replace: bool = False) -> Taken:
        return self.taking_in.take(file, day=day, replace=replace, report=self.report)

    @property
    def report(self) -> Path:
        return self.folder / "refused.csv"

    def refused(self) -> list[tuple[int, str]]:
        """Line and kind of each row in the report."""
        if not self.report.exists():
            return []
        with self.report.open(encoding="utf-8", newline="") as stream:
            return [(int(row["line"]), row["code"]) for row in csv.DictReader(stream)]

    def events(self, name: str) -> list[tuple[date, int, int, int]]:
        """What the lake holds of a person: day, second, code of the cell, load."""
        with self.placet.database.transaction() as connection:
            epoch = forgetting.epoch_of(connection)
        return [
            (day, *row)
            for day, table in self.lake.of_person(self.people[name].number, epoch=epoch)
            for row in zip(*(table[column].to_pylist() for column in ("at", "cell", "load")), strict=True)
        ]


def local(hour: int, minute: int = 0, second: int = 0, *, day: date = DAY) -> str:
    """A local time as operators write it, with its offset."""
    return datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=ZONE).isoformat()


def seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def write(file: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([header, *rows])


def whole(manifest: Manifest) -> bool:
    """No row is lost: each one that was read was taken in or refused for one reason."""
    return manifest.read == manifest.rows + sum(manifest.faults.values())
