"""
Acts on the mail that comes back: bounces and delays settle their message, a complaint is an objection, and a mail to
`u+TOKEN@` takes back as the link does. What nobody understood is counted, and kept for a person to look at.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import attrs
import psycopg
import structlog
from psycopg import Connection

from placet.consents import actions as consents
from placet.consents.actions import Rulebook
from placet.consents.model import Decision, Route
from placet.delivery import store
from placet.delivery.mail_returns import Bounce, Complaint, Returned, StopAsked, Unread, returned
from placet.delivery.mailbox import Maildir
from placet.delivery.model import Belonging
from placet.delivery.unsubscribing import Unsubscribing, belonging
from placet.kernel.errors import PlacetError
from placet.store.database import Database
from placet.store.queries import queries

SQL = queries("placet.delivery", "returns.sql")

AGAIN, TIMES = timedelta(days=30), 3
"""On so many days of that time mail to an address came back for no lasting reason."""
POLL = 2.0
"""Seconds between two looks into the Maildir."""
log = structlog.get_logger()


@attrs.frozen
class Returns:
    """Follows one Maildir, or is handed mail (`lmtp_server`); several processes may: acting twice changes nothing."""

    database: Database
    links: Unsubscribing
    rulebook: Rulebook
    maildir: Maildir

    def follow(self, stop: threading.Event, clock: Callable[[], datetime]) -> None:
        """Act on what comes until *stop* is set, also after the database was away."""
        while not stop.wait(POLL):
            try:
                self.round(clock())
            except (PlacetError, psycopg.Error, OSError) as error:
                log.warning("returns.waiting", error=type(error).__name__)

    def round(self, now: datetime) -> int:
        """Act on what is new; returns how many mails there were."""
        return self.maildir.collect(lambda found: self.act(found, now))

    def take(self, content: bytes, *, to: str, now: datetime) -> None:
        """One mail that was handed over for *to*: on return its effect is committed, or it is kept for a person."""
        found = returned(content, domain=self.maildir.domain, to=to)
        if isinstance(found, Unread):
            self.maildir.keep(content)
        self.act(found, now)

    def act(self, found: Returned, now: datetime) -> None:
        """What one mail says is done and counted in one transaction."""
        with self.database.transaction() as connection:
            match found:
                case Bounce(reference, outcome):
                    if outcome is not None:
                        self.links.delivery.report(connection, reference, outcome, now=now)
                        self._spare(connection, reference, now)
                case Complaint(reference):
                    self._complained(connection, reference, now)
                case StopAsked(token):
                    to = self.links.belonging(connection, token)
                    if isinstance(to, Belonging):
                        self._close(connection, to, Decision.WITHDRAWN, "portal", now)
                case Unread():
                    log.info("returns.unread")
            connection.execute(SQL["count_returned"], {"what": _WORDS[type(found)], "now": now})

    def _spare(self, connection: Connection, reference: str, now: datetime) -> None:
        """A mailbox that is full or out of reach again and again is nobody's: it is not written to any more."""
        values = {"reference": reference, "since": now - AGAIN, "most": TIMES}
        for channel, address in connection.execute(SQL["worn_out"], values).fetchall():
            store.suppress(connection, channel, address, "bounce", now=now)

    def _complained(self, connection: Connection, reference: str, now: datetime) -> None:
        """GDPR 21(3): marketing on that channel ends, and none goes to that address, whosever it is."""
        found = connection.execute(SQL["by_reference"], {"reference": reference}).fetchone()
        if found is None:
            return
        message, channel, address = found
        to = belonging(connection, message)
        if isinstance(to, Belonging):
            self._close(connection, to, Decision.OBJECTED, "api", now)
        if address is not None:
            store.suppress(connection, channel, address, "complaint", now=now)
        connection.execute(SQL["complain"], {"message": message, "now": now})

    def _close(self, connection: Connection, to: Belonging, decision: Decision, route: Route, now: datetime) -> None:
        # The ledger's head before the message's row: as an erasure takes them.
        wishes = self.links.channel(connection, to, decision=decision, route=route)
        if wishes:
            consents.record(connection, wishes, rulebook=self.rulebook, now=now)
        self.links.arrived(connection, to, now=now)


_WORDS = {Bounce: "bounce", Complaint: "complaint", StopAsked: "stop", Unread: "unread"}
