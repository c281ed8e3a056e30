"""
What pages show of the whole, kept up beside the worker: how many said what, and uses replayed against the ledger.

In a thread of its own, so that a long replay delays no expiry; each step is a transaction of its own, and of two
processes one does it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

import structlog

from placet.bootstrap import Application
from placet.consents import counts
from placet.gate import audited

PERIOD = 1.0
"""Seconds between two looks; what is far behind is caught up in steps of one each."""

log = structlog.get_logger()


class Bookkeeping:
    """Counts and audits what came since the last look."""

    def __init__(self, application: Application) -> None:
        self._application = application

    def follow(self, stop: threading.Event, now: Callable[[], datetime]) -> None:
        """Work until *stop* is set."""
        while not stop.wait(PERIOD):
            try:
                self.round(now())
            except Exception as error:  # noqa: BLE001 - the worker loop: report, and try again
                log.error("books.failed", error=type(error).__name__, code=getattr(error, "code", None))

    def round(self, now: datetime) -> None:
        """One slice of each."""
        application = self._application
        with application.database.transaction() as connection:
            counts.advance(connection, zone=application.config.time_zone)
        with application.database.transaction() as connection:
            purposes = application.in_force.terms(connection)
            audited.advance(connection, application.gate, purposes=purposes, now=now)
