"""
Days of events are kept as long as the catalogue says of the activities that read them, and no longer (GDPR 5(1)(e)).

Days of another epoch go too: a restored database may give the numbers in them to other people.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import attrs
import psycopg
import structlog
from psycopg import Connection

from placet.consents.in_force import CatalogueInForce
from placet.kernel.errors import PlacetError
from placet.sources.forgetting import epoch_of
from placet.sources.lake import Lake
from placet.store.database import Database

PERIOD = 3600.0
"""Seconds between two looks."""

log = structlog.get_logger()


@attrs.frozen
class Retention:
    """Several processes may: what one has deleted the other does not find."""

    database: Database
    in_force: CatalogueInForce
    lake: Lake
    zone: ZoneInfo

    def follow(self, stop: threading.Event, clock: Callable[[], datetime]) -> None:
        """Sweep at once, and then each hour."""
        while True:
            try:
                self.round(clock())
            except (PlacetError, psycopg.Error, OSError) as error:
                log.warning("sources.waiting", error=type(error).__name__)
            if stop.wait(PERIOD):
                return

    def round(self, now: datetime) -> Sequence[date]:
        """Delete what is over; returns which days."""
        with self.database.transaction() as connection:
            kept, epoch = self._kept(connection), epoch_of(connection)
        gone = self.lake.sweep(now.astimezone(self.zone).date() - kept, epoch=epoch)
        if gone:
            log.info("sources.swept", days=len(gone))
        return gone

    def _kept(self, connection: Connection) -> timedelta:
        """For the longest of the activities of the lake's purpose; without any, not at all."""
        days = [
            activity.retention.days
            for activity in self.in_force.read(connection).activities.values()
            if self.lake.purpose in activity.needs and activity.retention.after == "collection"
        ]
        return timedelta(days=max(days, default=0))
