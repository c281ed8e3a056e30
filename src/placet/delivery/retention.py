"""
Messages are kept as long as the catalogue says of their activity, and no longer (GDPR 5(1)(e)).

`after: use` counts from the end of a message: a receipt, a code. `after: withdrawal` counts from the no to a purpose
that it needed; until then the person sees what they were sent, its link stops it, and its key is not sent again.
Mail that came back names people, and its effect stands in rows: it goes after a month.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import attrs
import psycopg
import structlog

from placet.catalogue.model import Activity
from placet.consents.in_force import CatalogueInForce
from placet.delivery.mailbox import Maildir
from placet.kernel.errors import PlacetError
from placet.kernel.ids import ActivityId
from placet.store.database import Database
from placet.store.queries import queries

SQL = queries("placet.delivery", "retention.sql")

PERIOD = 3600.0
"""Seconds between two looks."""
BATCH = 10_000
"""Most messages deleted in one transaction: a campaign's end must not hold locks for long."""
MAIL = timedelta(days=30)

log = structlog.get_logger()


@attrs.frozen
class Retention:
    """Several processes may: what one has deleted the other does not find."""

    database: Database
    in_force: CatalogueInForce
    maildir: Maildir | None

    def follow(self, stop: threading.Event, clock: Callable[[], datetime]) -> None:
        """Sweep at once, and then each hour."""
        while True:
            try:
                self.round(clock())
            except (PlacetError, psycopg.Error, OSError) as error:
                log.warning("retention.waiting", error=type(error).__name__)
            if stop.wait(PERIOD):
                return

    def round(self, now: datetime) -> int:
        """Delete what is over; returns how many messages."""
        if self.maildir is not None:
            self.maildir.sweep(before=now - MAIL)
        with self.database.transaction() as connection:
            activities = self.in_force.read(connection).activities
        swept = sum(self._swept(activity, now) for activity in _with_retention(activities).values())
        if swept:
            log.info("retention.swept", messages=swept)
        return swept

    def _swept(self, activity: Activity, now: datetime) -> int:
        """Batch by batch, each its own transaction."""
        name = "used" if activity.retention.after == "use" else "withdrawn"
        values = {
            "activity": activity.id, "purposes": list(activity.needs), "limit": BATCH,
            "before": now - timedelta(days=activity.retention.days),
        }  # fmt: skip
        total = 0
        while True:
            with self.database.transaction() as connection:
                count = connection.execute(SQL[name], values).rowcount
            total += count
            if count < BATCH:
                return total


def _with_retention(activities: Mapping[ActivityId, Activity]) -> Mapping[ActivityId, Activity]:
    """Those whose messages end by themselves; what is kept for a contract ends with it."""
    return {
        id: activity
        for id, activity in activities.items()
        if activity.retention.after == "use" or (activity.retention.after == "withdrawal" and activity.needs)
    }
