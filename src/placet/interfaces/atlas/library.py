"""The releases that are public, and each of them read once: what it says never changes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock
from typing import Self

import attrs

from placet.bootstrap import Application
from placet.interfaces.atlas import volume
from placet.interfaces.atlas.volume import Volume
from placet.kernel.errors import NotFound
from placet.purposes.mobility.model import ZONE_PROFILE, ReleaseId
from placet.purposes.mobility.releasing.actions import Releases
from placet.purposes.mobility.releasing.model import Release, State
from placet.store.database import Database

_KEPT = 4
"""Releases in memory: readers look at the newest, and compare it with few."""
_MOST = 500


@attrs.frozen(eq=False)
class Library:
    """What the pages take releases from; safe to share between threads."""

    database: Database
    releases: Releases
    _volumes: OrderedDict[ReleaseId, Volume] = attrs.field(factory=OrderedDict, repr=False)
    """The last used last; guarded by `_lock`."""
    _lock: Lock = attrs.field(factory=Lock, repr=False)

    @classmethod
    def of(cls, application: Application) -> Self:
        return cls(application.database, application.mobility.releases)

    def newest(self) -> Release | None:
        """The newest month that has maps: a single day, hour by hour, has figures alone."""
        with self.database.transaction() as connection:
            found = self.releases.public(connection, limit=_MOST)
        return next((release for release in found if ZONE_PROFILE.name in release.products), None)

    def shown(self) -> Sequence[Release]:
        """Those that are or were public, the newest first."""
        with self.database.transaction() as connection:
            found = self.releases.listing(connection, limit=_MOST)
        return [release for release in found if release.public_at is not None]

    def release(self, id: str) -> Release:
        """One that is public, or was."""
        with self.database.transaction() as connection:
            release = self.releases.get(connection, ReleaseId(id))
        if release.public_at is None:
            raise NotFound("no such release is public; `/atlas/releases` lists those that are", code="unknown-release")
        return release

    def volume(self, id: str) -> Volume:
        """All of a public release; one that was withdrawn is shown no longer."""
        release = self.release(id)
        if release.state is not State.PUBLIC:
            raise NotFound("this release was withdrawn; `/atlas/releases` says why", code="unknown-release")
        with self._lock:
            if release.id not in self._volumes:
                self._volumes[release.id] = volume.read(self.releases, release)
            self._volumes.move_to_end(release.id)
            while len(self._volumes) > _KEPT:
                self._volumes.popitem(last=False)
            return self._volumes[release.id]
