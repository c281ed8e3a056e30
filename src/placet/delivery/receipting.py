"""
A receipt for what others wrote down: follows the ledger, and tells whoever decided at a desk, by phone or by letter.

Who decides on the page sees the receipt there. The cursor and what was planned are one transaction, so each record is
told of once; a batch of an import is passed over.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import attrs
import psycopg
import structlog
from psycopg import Connection

from placet.catalogue.model import Catalogue
from placet.consents.in_force import CatalogueInForce
from placet.consents.model import SPOKEN, Record, from_json
from placet.delivery.service import News, ServiceMessages, What, said_of
from placet.delivery.wording import LANGUAGES
from placet.kernel import jcs
from placet.kernel.errors import PlacetError
from placet.kernel.ids import Position, SubjectId
from placet.store.database import Database
from placet.store.queries import queries

SQL = queries("placet.delivery", "receipting.sql")

POLL = 2.0
"""Seconds between two looks: what is decided in one conversation is mostly one message."""
BATCH = 2000

log = structlog.get_logger()


@attrs.frozen
class Receipting:
    """Several processes may follow; one at a time moves the cursor."""

    database: Database
    in_force: CatalogueInForce
    service: ServiceMessages

    def follow(self, stop: threading.Event, clock: Callable[[], datetime]) -> None:
        while not stop.wait(POLL):
            try:
                while self.look(clock()):
                    pass
            except (PlacetError, psycopg.Error) as error:
                log.warning("receipting.waiting", error=type(error).__name__)

    def look(self, now: datetime) -> bool:
        """One batch; whether there may be more. What was recorded before the first look is nobody's news."""
        with self.database.transaction() as connection:
            connection.execute(SQL["begin"])
            found = connection.execute(SQL["span"], {"limit": BATCH}).fetchone()
            if found is None or found[0] >= found[1]:
                return False
            after, upto = found
            for subject, records in _by_person(connection, after, upto).items():
                self._tell(connection, subject, records, now)
            connection.execute(SQL["reached"], {"position": upto})
        return bool(upto - after >= BATCH)

    def _tell(self, connection: Connection, subject: SubjectId, records: Sequence[Record], now: datetime) -> None:
        person = self.service.delivery.subjects.get(connection, subject)
        if person.erased_at is not None:
            return
        language = person.language if person.language in LANGUAGES else LANGUAGES[0]
        first, catalogue = records[0], self.in_force.read(connection)
        values = {
            "said": "; ".join(_said(record, catalogue, language) for record in records),
            "route": said_of(language, "routes", first.route),
        }
        news = News(
            what=What.RECEIPT, key=f"receipt/{first.id}", path=f"/receipts/{first.id}", at=first.recorded_at,
            values=values,
        )  # fmt: skip
        self.service.tell(connection, subject, news, now=now)


def _by_person(connection: Connection, after: int, upto: int) -> Mapping[SubjectId, Sequence[Record]]:
    found: defaultdict[SubjectId, list[Record]] = defaultdict(list)
    for position, body in connection.execute(SQL["written_down"], {"after": after, "upto": upto}):
        record = from_json(jcs.parse(body), Position(position))
        if record.decision in SPOKEN:
            found[record.subject].append(record)
    return found


def _said(record: Record, catalogue: Catalogue, language: str) -> str:
    """`Offers (e-mail): consent given`."""
    purpose = catalogue.purposes.get(record.purpose)
    title = record.purpose if purpose is None else purpose.notice(language).title
    channel = None if record.channel is None else catalogue.channels.get(record.channel)
    over = "" if channel is None else f" ({channel.titles[language]})"
    return f"{title}{over}: {said_of(language, 'decisions', record.decision)}"
