"""Whose events a release counts, and who of them is left just before the noise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

import attrs
from psycopg import Connection

from placet.consents.in_force import CatalogueInForce
from placet.gate import stops
from placet.gate.actions import Audience, Confirmed, Gate
from placet.gate.periods import periods
from placet.gate.replica import Replica
from placet.gate.uses import record_use, under_audience
from placet.kernel.ids import ActivityId
from placet.purposes.mobility.model import Window
from placet.purposes.mobility.privacy.debit import CUSTOMERS, Population
from placet.sources.forgetting import reading
from placet.sources.lake import Lake
from placet.sources.model import Scan
from placet.store.database import Database

RELEASE = ActivityId("mobility.release")


class People(Protocol):
    """Those whose events are counted."""

    @property
    def population(self) -> Population:
        """Whose privacy budget is charged."""

    def scan(self, window: Window) -> Scan:
        """What may be read of the window now."""

    def left(self, scan: Scan) -> Scan | None:
        """Asked just before the noise: None when everybody may still be counted, else the same without the others."""

    def reading(self, scan: Scan) -> AbstractContextManager[Callable[[], bool]]:
        """While their events are read: what yields says at each step whether somebody has withdrawn since the last."""

    def used(self, connection: Connection, *, now: datetime) -> UUID | None:
        """Note that their events were used, with what came of it; returns the audience that they were read under."""


@attrs.define
class Consenting:
    """Customers whom the gate allows, one release long: each scan is drawn and confirmed here."""

    database: Database
    gate: Gate
    replica: Replica
    in_force: CatalogueInForce
    lake: Lake
    clock: Callable[[], datetime]
    population: Population = CUSTOMERS
    _audience: Audience | None = attrs.field(init=False, default=None)
    _confirmed: Confirmed | None = attrs.field(init=False, default=None)

    def scan(self, window: Window) -> Scan:
        self.replica.catch_up()
        with self.database.transaction() as connection:
            stops.demand_open(connection, self.lake.purpose)
            self._audience = self.gate.audience(connection, self.replica, RELEASE, now=self.clock())
        return self._scan(self._audience, window.days)

    def left(self, scan: Scan) -> Scan | None:
        """Also whoever withdrew and said yes again meanwhile is counted anew: by the consent that holds now."""
        assert self._audience is not None
        again = self._scan(self._audience, scan.days)
        self.replica.catch_up()
        self._confirmed = self.gate.confirm(self.replica, self._audience, now=self.clock())
        with self.database.transaction() as connection:
            # Else a release of nobody would be made, and paid for.
            stops.demand_open(connection, self.lake.purpose)
        if not self._confirmed.gone:
            return None if again.participants.equals(scan.participants) else again
        members = self._confirmed.members
        with self.database.transaction() as connection:
            self._audience = self.gate.audience(connection, self.replica, RELEASE, among=members, now=self.clock())
        return self._scan(self._audience, scan.days)

    @contextmanager
    def reading(self, scan: Scan) -> Iterator[Callable[[], bool]]:
        members = scan.participants["number"].to_pylist()
        with reading(self.database, "release", members, self.clock) as begun:
            yield lambda: bool(begun.step(self.clock()))

    def used(self, connection: Connection, *, now: datetime) -> UUID | None:
        assert self._confirmed is not None
        record_use(connection, under_audience(self._confirmed, outcome="counted, with noise", at=now))
        return self._confirmed.audience.id

    def _scan(self, audience: Audience, days: Sequence[date]) -> Scan:
        with self.database.transaction() as connection:
            terms = self.in_force.terms(connection)
            held = periods(connection, RELEASE, known_at=None, purposes=terms)
        return self.lake.scan(audience, held, days)
