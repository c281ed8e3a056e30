"""The worker: what must happen without anybody asking. Every step is idempotent; two workers do no harm."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import structlog

from placet.access import accounts, ceremonies, codes, guesses, openings, sessions, staff_sessions
from placet.bootstrap import Application
from placet.consents import actions as consents
from placet.consents import agents, assisted
from placet.delivery.retention import Retention
from placet.delivery.sending import Sender
from placet.delivery.stopping import QueueStop
from placet.gate import stops
from placet.interfaces.bookkeeping import Bookkeeping
from placet.kernel import clock
from placet.preparing import embedded
from placet.rights import erasure
from placet.rights.propagation import Propagation
from placet.subscribers.actions import Subscribers
from placet.subscribers.delivery import Courier

PERIOD = 1.0
"""Seconds between two rounds; what is far behind is caught up in steps of one each."""
KEEP_ANSWERS = timedelta(days=30)
"""How long an idempotency key is remembered."""

Follow = Callable[[threading.Event, Callable[[], datetime]], None]

log = structlog.get_logger()


class Worker:
    """
    Writes the records of expiries, forgets old idempotency keys, watches the stops; beside it the keeper follows with
    the tree, the propagation with what purposes must stop, and the courier with what subscribers must be told; where a
    channel is set up, the sender with what people are sent, and the queue that withdrawals empty; where a Maildir or
    a place for LMTP is, the mail that comes back.
    """

    def __init__(self, application: Application) -> None:
        self._application = application
        subscribers = Subscribers.of(application.config, application.master)
        self._courier = Courier(application.database, subscribers)
        self._books = Bookkeeping(application)
        self._propagation = Propagation(application.database, application.duties)
        self._queue = QueueStop(application.database, application.delivery)
        self._retention = Retention(application.database, application.in_force, application.maildir)
        self._sender = Sender(application.database, application.delivery, application.channels)

    def run(self, stop: threading.Event) -> None:
        """Work until *stop* is set."""
        followers = [
            threading.Thread(target=follow, args=(stop, clock.now), name=name, daemon=True)
            for name, follow in self._followers()
        ]
        for follower in followers:
            follower.start()
        _repeat(stop, clock.now, step=self.round, failed="work.failed")
        for follower in followers:
            follower.join(timeout=10)

    def _followers(self) -> list[tuple[str, Follow]]:
        followers: list[tuple[str, Follow]] = [
            ("keeper", self._application.keeper.follow),
            ("courier", self._courier.follow),
            # In a thread of its own, so that a long replay delays no expiry.
            ("books", partial(_repeat, step=self._books.round, failed="books.failed")),
            ("propagation", self._propagation.follow),
            # So does planning a campaign for a million people; and a room of offers that fails keeps no other waiting.
            *(
                ("offers", partial(_repeat, step=room.round, failed="offers.failed"))
                for room in self._application.offers.busy
            ),
            ("retention", self._retention.follow),
            # Files of events are rewritten for minutes when many withdraw at once.
            ("mobility", partial(_repeat, step=self._application.mobility.round, failed="mobility.failed")),
            ("lake", self._application.mobility.retention.follow),
        ]
        if (ours := embedded(self._application.config)) is not None:
            followers.append(("database", ours.keep_up))
        if self._application.channels:
            followers += [("queue", self._queue.follow), ("sender", self._sender.follow)]
        if self._application.service.channels:
            followers.append(("receipting", self._application.receipting.follow))
            followers.append(("renewing", self._application.renewing.follow))
        if (returns := self._application.returns) is not None and self._application.config.returns_maildir is not None:
            followers.append(("returns", returns.follow))
        if (lmtp := self._application.lmtp) is not None:
            followers.append(("lmtp", lmtp.follow))
        return followers

    def round(self, now: datetime) -> None:
        """One round of what is due."""
        application = self._application
        # First and by itself: what fails after it keeps no gate open.
        with application.database.transaction() as connection:
            watched = stops.watch(connection, now=now)
        stops.alarm(watched)
        with application.database.transaction() as connection:
            erasure.settle(application, connection, now=now)
        with application.database.transaction() as connection:
            if count := consents.expire(connection, rulebook=application.rulebook, now=now):
                log.info("work.expired", count=count)
            consents.forget_answers(connection, before=now - KEEP_ANSWERS)
            sessions.sweep(connection, now=now)
            codes.sweep(connection, now=now)
            for room in (accounts, ceremonies, guesses, staff_sessions):
                room.sweep(connection, now=now)
            openings.sweep(connection, now=now)
            assisted.sweep(connection, now=now)
            agents.sweep(connection, now=now)
            application.calls.sweep(connection, now=now)


def _repeat(
    stop: threading.Event, now: Callable[[], datetime], *, step: Callable[[datetime], None], failed: str
) -> None:
    """Take *step* again and again until *stop* is set; one that fails is reported as *failed*, and tried again."""
    while not stop.wait(PERIOD):
        try:
            step(now())
        except Exception as error:  # noqa: BLE001 - the worker loop: nothing may end it but *stop*
            log.error(failed, error=type(error).__name__, code=getattr(error, "code", None))
