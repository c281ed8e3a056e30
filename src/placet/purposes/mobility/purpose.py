"""
The purpose `mobility`, composed: what `bootstrap` wires, and what the interfaces reach it by.

It stays light: what loads an engine or the grid is imported where it runs, and a serving process never does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import attrs
from psycopg import Connection

from placet.config import Config
from placet.consents.in_force import CatalogueInForce
from placet.duties import Person
from placet.gate.actions import Audience, Gate
from placet.gate.periods import Periods, periods, periods_of
from placet.gate.replica import Replica
from placet.kernel.ids import ActivityId, Number
from placet.purposes.mobility.duties import MOBILITY, MobilityDuties
from placet.purposes.mobility.model import Rho
from placet.purposes.mobility.quality import Quality, noted
from placet.purposes.mobility.releasing import store as released
from placet.purposes.mobility.releasing.actions import Releases
from placet.purposes.mobility.releasing.model import Release
from placet.purposes.mobility.releasing.whom import Consenting
from placet.sources.forgetting import Forgetting, forget
from placet.sources.lake import Lake
from placet.sources.retention import Retention
from placet.store.database import Database
from placet.subjects.actions import Subjects

if TYPE_CHECKING:
    from placet.purposes.mobility.releasing.making import Maker
    from placet.sources.taking_in import TakingIn

INTENSITY = ActivityId("mobility.intensity")
"""Under which events are taken in."""
RELEASE = ActivityId("mobility.release")
"""Under which they are counted."""
_MOST_RELEASES = 1_000


@attrs.frozen
class Mobility:
    """Thread-safe."""

    lake: Lake
    duties: MobilityDuties
    zone: ZoneInfo
    database: Database
    subjects: Subjects
    in_force: CatalogueInForce
    gate: Gate
    cap: Rho
    """What all releases that touch a calendar month may cost each person."""

    @classmethod
    def of(
        cls, config: Config, database: Database, subjects: Subjects, in_force: CatalogueInForce, gate: Gate
    ) -> Mobility:
        lake, zone = Lake(config.data_dir / "mobility", MOBILITY), ZoneInfo(config.time_zone)

        def took_part(connection: Connection, person: Person) -> Sequence[Release]:
            return _took_part(connection, in_force, zone, person.number)

        duties = MobilityDuties(lake, took_part)
        return cls(lake, duties, zone, database, subjects, in_force, gate, Rho(config.mobility_rho))

    # Events

    def taking_in(self, replica: Replica, clock: Callable[[], datetime]) -> TakingIn:
        """What takes in a delivered day."""
        from placet.sources.taking_in import TakingIn

        return TakingIn(
            self.lake, INTENSITY, self.zone, self.database, self.subjects, self.in_force, self.gate, replica, clock
        )

    def drawn(self, connection: Connection, replica: Replica, *, now: datetime) -> tuple[Audience, Periods]:
        """Whose events may be counted now, and when each consent held: what `Lake.scan` asks for."""
        audience = self.gate.audience(connection, replica, RELEASE, now=now)
        return audience, periods(connection, RELEASE, known_at=None, purposes=self.in_force.terms(connection))

    def quality(self, first: date | None = None, until: date | None = None) -> Quality:
        """What was delivered for the days from *first* up to *until*; without them, of all that there are."""
        days = self.lake.days()
        days = [day for day in days if (first is None or first <= day) and (until is None or day < until)]
        counted = noted(self.lake.folder)
        if not days:
            return Quality((), (), counted)
        begin, end = first or days[0], until or days[-1] + timedelta(days=1)
        every = [begin + timedelta(days=n) for n in range((end - begin).days)]
        found = [manifest for day in days if (manifest := self.lake.manifest(day)) is not None]
        return Quality(found, [day for day in every if day not in set(days)], counted)

    # Releases

    @property
    def releases(self) -> Releases:
        """What was released."""
        return Releases(self.lake.folder / "releases")

    def maker(self, clock: Callable[[], datetime]) -> Maker:
        """What makes releases."""
        from placet.purposes.mobility.privacy.budget import Budget
        from placet.purposes.mobility.privacy.journal import Journal
        from placet.purposes.mobility.releasing.making import Maker

        with self.database.transaction() as connection:
            controller = self.in_force.read(connection).controller.name
        budget = Budget(self.cap, Journal(self.lake.folder / "debits.jsonl"))
        return Maker(self.database, self.lake.folder, budget, controller, clock)

    def consenting(self, replica: Replica, clock: Callable[[], datetime]) -> Consenting:
        """Whose events a release may count."""
        return Consenting(self.database, self.gate, replica, self.in_force, self.lake, clock)

    # Persons

    def took_part(self, connection: Connection, number: Number) -> Sequence[Release]:
        """The public releases that this person took part in, the newest first (M4)."""
        return _took_part(connection, self.in_force, self.zone, number)

    def inherit(self, connection: Connection, merged: Number, *, now: datetime) -> None:
        """Two identities were one person: events under the one that goes on no more are deleted."""
        forget(connection, merged, before=now, now=now)

    # Time

    def round(self, now: datetime) -> None:
        """Delete the events of who withdrew."""
        Forgetting(self.database, self.lake).round(now)

    @property
    def retention(self) -> Retention:
        """What deletes days that are kept no longer."""
        return Retention(self.database, self.in_force, self.lake, self.zone)


def _took_part(connection: Connection, in_force: CatalogueInForce, zone: ZoneInfo, number: Number) -> Sequence[Release]:
    """From when consents held and never from events: a window that a consent meets which still held at the release."""
    spans = periods_of(connection, number, RELEASE, known_at=None, purposes=in_force.terms(connection))
    found = released.listing(connection, public=True, before=None, limit=_MOST_RELEASES)
    return [release for release in found if any(_met(release, zone, since, until) for since, until in spans)]


def _met(release: Release, zone: ZoneInfo, since: int, until: int) -> bool:
    first, beyond = (instant.timestamp() for instant in release.window.instants(zone))
    return since < beyond and first < until and since <= release.made_at.timestamp() < until
