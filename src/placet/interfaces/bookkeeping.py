"""
What pages show of the whole, kept up beside the worker: how many said what, and uses replayed against the ledger.

Each step is a transaction of its own, and of two processes one does it.
"""

from __future__ import annotations

from datetime import datetime

from placet.bootstrap import Application
from placet.consents import counts
from placet.gate import audited


class Bookkeeping:
    """Counts and audits what came since the last look."""

    def __init__(self, application: Application) -> None:
        self._application = application

    def round(self, now: datetime) -> None:
        """One slice of each."""
        application = self._application
        with application.database.transaction() as connection:
            counts.advance(connection, zone=application.config.time_zone)
        with application.database.transaction() as connection:
            purposes = application.in_force.terms(connection)
            audited.advance(connection, application.gate, purposes=purposes, now=now)
