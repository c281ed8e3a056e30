"""
The lake of network events: `events/day=YYYY-MM-DD/<version>/shard=NN.parquet`, guarded by an audience.

A day is replaced whole. Its new files are written beside the old ones; the manifest, written last and in one step,
says which are meant: a crash, or a disk that is full, leaves the old day as it was. `scan` is the only way to read
events of many; it takes an `Audience`, and gives the rows of its members only from the beginning of the consent that
they hold now: what was collected under an earlier one was promised to be deleted when that ended.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import attrs
import msgspec
import numpy as np
from pyroaring import FrozenBitMap

from placet.gate.actions import Audience
from placet.gate.model import Need
from placet.gate.periods import Periods
from placet.kernel.errors import Conflict, Denied, Tampered, Unavailable
from placet.kernel.ids import Number, PurposeId
from placet.ledger.files import write_durably
from placet.sources.model import SHARDS, Manifest, Part, Scan, Suspect, Under

if TYPE_CHECKING:
    import pyarrow as pa

_DAY = "day="


@attrs.frozen
class Lake:
    """The events that were collected under *purpose*, in *folder*. Several processes may read and write."""

    folder: Path
    purpose: PurposeId

    # What stands there

    def days(self) -> list[date]:
        """The days of which something was delivered, in order."""
        found = [path.parent.name.removeprefix(_DAY) for path in self._events.glob(f"{_DAY}*/manifest.json")]
        return sorted(map(date.fromisoformat, found))

    def manifest(self, day: date) -> Manifest | None:
        """What stands of *day*; None when nothing was delivered for it."""
        try:
            text = self._place(day).joinpath("manifest.json").read_bytes()
        except FileNotFoundError:
            return None
        try:
            return _manifest(msgspec.json.decode(text))
        except (msgspec.DecodeError, KeyError, TypeError, ValueError):
            raise Tampered(f"the manifest of {day} cannot be read; deliver that day again", code="bad-lake") from None

    def scan(self, audience: Audience, periods: Periods, days: Sequence[date]) -> Scan:
        """What may be read of *days* under *audience*; *periods* are when its people's consents held."""
        if self.purpose not in {Need.parse(need).purpose for need in audience.needs}:
            raise Denied(f"these events were collected under {self.purpose}; draw an audience for it", code="denied")
        files: dict[tuple[date, int], Path] = {}
        missing = []
        for day in days:
            manifest = self.manifest(day)
            if manifest is None or manifest.epoch != audience.token.epoch:
                missing.append(day)
            else:
                files |= {(day, int(shard)): self.file(manifest, int(shard)) for shard in manifest.parts}
        under = Under(audience.id, audience.sha256, audience.token, audience.as_of)
        return Scan(tuple(days), participants(audience.members, periods), under, files, missing=tuple(missing))

    def file(self, manifest: Manifest, shard: int) -> Path:
        """Where a shard of a day lies."""
        return self._place(manifest.day) / manifest.version / f"shard={shard:02}.parquet"

    # One person's own

    def of_person(self, number: Number, *, epoch: str) -> Iterator[tuple[date, pa.Table]]:
        """Each day's events of one person (GDPR 15), for that person and for nobody else."""
        from placet.sources import shards

        for manifest, path in self._files_of(number, epoch):
            if (found := shards.of_person(path, number)).num_rows:
                yield manifest.day, found

    def amend(self, number: Number, old: int, new: int, *, epoch: str) -> int:
        """Put a person's cell *old* right to *new* (GDPR 16); returns in how many events."""
        from placet.sources import shards

        changed = 0
        for manifest, path in self._files_of(number, epoch):
            wrong = int(np.count_nonzero(shards.of_person(path, number)["cell"].to_numpy() == old))
            if wrong:
                changed += wrong
                self._rewrite(
                    manifest.day,
                    [number % SHARDS],
                    lambda path, _: shards.write(path, shards.recoded(shards.read(path), number, old, new)),
                )
        return changed

    def delete(self, before: Mapping[Number, int]) -> int:
        """Delete the events of these people that lie before the second said of each; returns how many went."""
        from placet.sources import shards

        if not before:
            return 0
        numbers = np.array(sorted(before), np.int64)
        ends = np.array([before[Number(int(number))] for number in numbers], np.int64)

        def change(path: Path, part: Part) -> Part:
            if not shards.holds(path, numbers):
                return part
            return shards.write(path, shards.without(shards.read(path), numbers, ends))

        touched = sorted({int(number) % SHARDS for number in numbers})
        return sum(self._rewrite(day, touched, change) for day in self.days())

    # Writing

    @contextlib.contextmanager
    def taking_in(self) -> Iterator[None]:
        """Nobody else takes in a day meanwhile; a second one who wants to is refused at once."""
        with self._locked("ingest", fcntl.LOCK_EX | fcntl.LOCK_NB):
            yield

    @contextlib.contextmanager
    def draft(self, day: date) -> Iterator[Path]:
        """A folder for the new files of *day*; it goes away again unless `publish` names it."""
        place = self._place(day)
        folder = place / f".{uuid4().hex}"
        try:
            folder.mkdir(mode=0o700, parents=True)
            _clear(place, keep={folder.name, self._version(day)})
            yield folder
        except OSError as error:
            raise full(error) from error
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def publish(self, draft: Path, manifest: Manifest) -> None:
        """Let the files in *draft* be those of the day, in one step, and delete the ones before."""
        place = self._place(manifest.day)
        with self._locked(_name(manifest.day), fcntl.LOCK_EX):
            draft.rename(place / manifest.version)
            try:
                self._say(manifest)
            finally:
                _clear(place, keep={self._version(manifest.day)})

    def sweep(self, first: date, *, epoch: str) -> list[date]:
        """
        Delete the days before *first*, those of another *epoch*, and what an interrupted ingest left; returns the days.
        """
        old = [day for day in self.days() if day < first or self._epoch(day) != epoch]
        for day in old:
            with self._locked(_name(day), fcntl.LOCK_EX):
                # The manifest first: from then on nothing stands of the day, whatever interrupts the rest.
                self._place(day).joinpath("manifest.json").unlink(missing_ok=True)
                shutil.rmtree(self._place(day))
        if self._events.exists():
            with contextlib.suppress(Conflict), self.taking_in():
                for place in self._events.glob(f"{_DAY}*"):
                    _clear(place, keep={self._version(date.fromisoformat(place.name.removeprefix(_DAY)))})
        return old

    @property
    def _events(self) -> Path:
        return self.folder / "events"

    def _place(self, day: date) -> Path:
        return self._events / _name(day)

    def _version(self, day: date) -> str | None:
        manifest = self.manifest(day)
        return None if manifest is None else manifest.version

    def _epoch(self, day: date) -> str | None:
        manifest = self.manifest(day)
        return None if manifest is None else manifest.epoch

    def _files_of(self, number: Number, epoch: str) -> Iterator[tuple[Manifest, Path]]:
        for day in self.days():
            manifest = self.manifest(day)
            if manifest is not None and manifest.epoch == epoch and f"{number % SHARDS:02}" in manifest.parts:
                yield manifest, self.file(manifest, number % SHARDS)

    def _rewrite(self, day: date, touched: Sequence[int], change: Callable[[Path, Part], Part]) -> int:
        """Change some shards of *day*, each file in one step; returns how many rows went."""
        with self._locked(_name(day), fcntl.LOCK_EX):
            if (manifest := self.manifest(day)) is None:
                return 0
            parts = dict(manifest.parts)
            for shard in touched:
                if (part := parts.get(f"{shard:02}")) is not None:
                    path = self.file(manifest, shard)
                    parts[f"{shard:02}"] = change(path, _as_it_is(path, part))
            if parts == manifest.parts:
                return 0
            rows = sum(part.rows for part in parts.values())
            gone = manifest.rows - rows
            self._say(attrs.evolve(manifest, parts=parts, rows=rows, deleted=manifest.deleted + gone))
            return gone

    def _say(self, manifest: Manifest) -> None:
        told = attrs.asdict(manifest) | {
            "day": manifest.day.isoformat(),
            "ingested_at": manifest.ingested_at.isoformat(),
        }
        write_durably(self._place(manifest.day) / "manifest.json", msgspec.json.encode(told))

    @contextlib.contextmanager
    def _locked(self, what: str, how: int) -> Iterator[None]:
        locks = self.folder / "locks"
        locks.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(locks / what, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(descriptor, how)
            except BlockingIOError:
                raise Conflict("another ingest runs; try again when it is done", code="ingest-running") from None
            yield
        finally:
            os.close(descriptor)


def participants(members: FrozenBitMap, periods: Periods) -> pa.Table:
    """The newest span of each of *members*, one row a person."""
    import pyarrow as pa

    newest = periods.newest()
    chosen = newest.where(np.isin(newest.numbers, np.array(members, np.uint32)))
    columns = {"number": chosen.numbers.astype(np.int32), "since": chosen.since, "until": chosen.until}
    return pa.table(columns)


def _manifest(told: dict[str, Any]) -> Manifest:
    parts = {shard: Part(**part) for shard, part in told["parts"].items()}
    suspects = tuple(Suspect(**one) for one in told["suspects"])
    day, at = date.fromisoformat(told["day"]), datetime.fromisoformat(told["ingested_at"])
    return Manifest(**told | {"parts": parts, "suspects": suspects, "day": day, "ingested_at": at})


def _name(day: date) -> str:
    return f"{_DAY}{day.isoformat()}"


def _as_it_is(path: Path, part: Part) -> Part:
    """*part*, unless an earlier change was interrupted between the file and what is said of it."""
    from placet.sources import shards

    return part if shards.rows(path) == part.rows else Part(shards.rows(path), shards.digest(path))


def _clear(place: Path, *, keep: set[str | None]) -> None:
    """Delete what an interrupted writing left, and what was replaced."""
    for folder in place.iterdir():
        if folder.is_dir() and folder.name not in keep:
            shutil.rmtree(folder, ignore_errors=True)


def full(error: OSError) -> Unavailable:
    """What is said when the disk does not take what is written."""
    return Unavailable(f"the lake cannot be written ({error.strerror}); it is as it was", code="disk")
