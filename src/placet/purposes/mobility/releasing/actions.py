"""
Releases as everybody reaches them: listed, read, made public by a second person, withdrawn with a notice.

Making one is `making`, which imports engines and noise; this module is light enough for the pages.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import attrs
import pyarrow as pa
from psycopg import Connection

from placet.kernel.errors import BadInput, Conflict, Denied, NotFound
from placet.kernel.ids import StaffId
from placet.purposes.mobility.model import ReleaseId
from placet.purposes.mobility.releasing import comparing, files, store, stored
from placet.purposes.mobility.releasing.model import TABLES, Release, State, TableName

_MOST_NOTICE = 1_000
_TABLES_KEPT = 32


@attrs.frozen
class Releases:
    """The shelf of releases: rows in the database, files in *folder*, one folder each."""

    folder: Path

    def listing(self, connection: Connection, *, before: ReleaseId | None = None, limit: int = 50) -> list[Release]:
        """All of them, the newest first; *before* continues a list."""
        return store.listing(connection, public=False, before=before, limit=limit)

    def public(self, connection: Connection, *, before: ReleaseId | None = None, limit: int = 50) -> list[Release]:
        """Those that are public, the newest first."""
        return store.listing(connection, public=True, before=before, limit=limit)

    def get(self, connection: Connection, id: ReleaseId) -> Release:
        """One of all, made public or not."""
        return store.get(connection, id)

    def get_public(self, connection: Connection, id: ReleaseId) -> Release:
        """One that is public; else there is no such release, whatever was made."""
        found = store.find(connection, id)
        if found is None or found.state is not State.PUBLIC:
            raise NotFound("no release of this name is public; the list names those that are", code="unknown-release")
        return found

    # Files

    def files(self, release: Release) -> Mapping[str, str]:
        """The name of every file with its SHA-256."""
        return {**files.sums(self.place(release)), files.SUMS: release.sha256}

    def file(self, release: Release, name: str) -> Path:
        """Where a file lies; only those that `SHA256SUMS` names, and itself, are there."""
        if name not in self.files(release):
            raise NotFound("the release has no such file; SHA256SUMS names them", code="unknown-file")
        return self.place(release) / name

    def table(self, release: Release, name: TableName) -> pa.Table:
        """A table with the columns of `model.TABLES`; releases never change, so it is read once."""
        if name not in TABLES or f"{name}.parquet" not in self.files(release):
            raise NotFound("the release has no such table; its dictionary names them", code="unknown-table")
        return _table(self.place(release), name, release.sha256)

    def changes(self, release: Release, baseline: Release, name: TableName) -> pa.Table:
        """What changed in a table since *baseline*, the largest changes first (`comparing`)."""
        comparing.demand_comparable(release, baseline)
        after, before = self.table(release, name), self.table(baseline, name)
        return comparing.largest_first(comparing.changes(TABLES[name], after, before))

    def zones(self, release: Release) -> Mapping[str, Any]:
        """Zones and regions as GeoJSON: `id`, `title_lv|ru|en`, `population`, `parent`, `level` of each."""
        return _zones(self.place(release), release.sha256)

    def demand_whole(self, release: Release) -> None:
        """Every file is the one that the log committed to; else `release-broken`."""
        files.demand_whole(self.place(release), release.sha256)

    def place(self, release: Release) -> Path:
        """The folder of a release."""
        return self.folder / release.id

    # Steps

    def publish(self, connection: Connection, id: ReleaseId, *, by: StaffId, now: datetime) -> Release:
        """Make a release public: a second person's step, after its files were held against the log."""
        release = self._locked(connection, id)
        if release.state is State.PUBLIC:
            raise Conflict("this release is public already", code="release-public")
        if release.made_by == by:
            raise Denied("whoever made a release does not make it public; a colleague does", code="same-person")
        self.demand_whole(release)
        store.step(connection, id, "published", by=by, now=now)
        return store.get(connection, id)

    def withdraw(self, connection: Connection, id: ReleaseId, *, by: StaffId, notice: str, now: datetime) -> Release:
        """Show a release no longer, and *notice* in its place. What it cost in privacy stays spent."""
        if not 0 < len(notice.strip()) <= _MOST_NOTICE:
            raise BadInput(f"a notice says why, in up to {_MOST_NOTICE} characters", code="bad-notice")
        self._locked(connection, id)
        store.step(connection, id, "withdrawn", by=by, now=now, notice=notice.strip())
        return store.get(connection, id)

    def _locked(self, connection: Connection, id: ReleaseId) -> Release:
        release = store.lock(connection, id)
        if release.state is State.WITHDRAWN:
            raise Conflict("this release was withdrawn, for good", code="release-withdrawn")
        return release


@lru_cache(maxsize=_TABLES_KEPT)
def _table(folder: Path, name: TableName, sha256: str) -> pa.Table:
    """*sha256* only tells releases of one name apart, in databases that share a process."""
    del sha256
    return files.table(folder, name)


@lru_cache(maxsize=_TABLES_KEPT)
def _zones(folder: Path, sha256: str) -> Mapping[str, Any]:
    del sha256
    found: Mapping[str, Any] = json.loads((folder / stored.ZONES).read_bytes())
    return found
