"""The worker: what must happen without anybody asking. Every step is idempotent; two workers do no harm."""

from __future__ import annotations

import threading
from datetime import timedelta

import structlog

from placet.bootstrap import Application
from placet.consents import actions as consents
from placet.kernel import clock

PERIOD = 1.0
"""Seconds between two rounds."""
KEEP_ANSWERS = timedelta(days=30)
"""How long an idempotency key is remembered."""

log = structlog.get_logger()


class Worker:
    """Writes the records of expiries, forgets old idempotency keys, and keeps the tree up with the ledger."""

    def __init__(self, application: Application) -> None:
        self._application = application

    def run(self, stop: threading.Event) -> None:
        """Work until *stop* is set."""
        keeper = threading.Thread(
            target=self._application.keeper.follow, args=(stop, clock.now), name="keeper", daemon=True
        )
        keeper.start()
        while not stop.wait(PERIOD):
            try:
                self.round()
            except Exception as error:  # noqa: BLE001 - the worker loop: report, and try again
                log.error("work.failed", error=type(error).__name__, code=getattr(error, "code", None))
        keeper.join(timeout=10)

    def round(self) -> None:
        """One round of what is due."""
        now = clock.now()
        application = self._application
        with application.database.transaction() as connection:
            if count := consents.expire(connection, rulebook=application.rulebook, now=now):
                log.info("work.expired", count=count)
            consents.forget_answers(connection, before=now - KEEP_ANSWERS)
