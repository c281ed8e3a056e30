"""
Tells whoever said yes to a text that has changed in substance that the yes holds no longer (GDPR 7(1), 13(3)).

Once for each person and version, in neutral words: nothing runs under it, an answer is free, and silence stays a no.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import attrs
import psycopg
import structlog
from psycopg import Connection
from pyroaring import BitMap

from placet.consents.in_force import CatalogueInForce
from placet.delivery.batches import Batch
from placet.delivery.codes import ACTIVITY
from placet.delivery.model import Kind
from placet.delivery.service import PREFIX, VALID, ServiceMessages, What
from placet.kernel.errors import PlacetError
from placet.kernel.ids import PurposeId, SubjectId
from placet.store.database import Database
from placet.store.queries import queries

SQL = queries("placet.delivery", "renewing.sql")

POLL = 5.0

log = structlog.get_logger()


@attrs.frozen
class Renewing:
    """Several processes may follow; one at a time moves the cursor."""

    database: Database
    in_force: CatalogueInForce
    service: ServiceMessages

    def follow(self, stop: threading.Event, clock: Callable[[], datetime]) -> None:
        """Tell of publications until *stop* is set, also after the database was away."""
        while not stop.wait(POLL):
            try:
                self.look(clock())
            except (PlacetError, psycopg.Error) as error:
                log.warning("renewing.waiting", error=type(error).__name__)

    def look(self, now: datetime) -> int:
        """What was published since the last look; returns how many messages were planned for it."""
        with self.database.transaction() as connection:
            connection.execute(SQL["begin"])
            found = connection.execute(SQL["span"]).fetchone()
            if found is None or found[0] >= found[1]:
                return 0
            between = {"after": found[0], "upto": found[1]}
            planned = 0
            for purpose, major in connection.execute(SQL["published"], between).fetchall():
                planned += self._tell(connection, PurposeId(purpose), major, now)
            connection.execute(SQL["reached"], {"position": found[1]})
        return planned

    def fill(
        self, connection: Connection, template: str, subjects: Sequence[SubjectId]
    ) -> Mapping[SubjectId, Mapping[str, str]]:
        """The purpose in each person's language, and where it is answered (`model.Filler`)."""
        purpose = PurposeId(template.rpartition("/")[2])
        if (asked := self.in_force.read(connection).purposes.get(purpose)) is None:
            return {}
        people = {id: self.service.delivery.subjects.get(connection, id) for id in subjects}
        return {
            id: {"purpose": asked.notice(person.language).title, "link": f"{self.service.url}/choices/{purpose}"}
            for id, person in people.items()
            if person.language in asked.notices
        }

    def _tell(self, connection: Connection, purpose: PurposeId, major: int, now: datetime) -> int:
        if (channel := self.service.widest) is None:
            return 0
        lapsed = connection.execute(SQL["lapsed"], {"purpose": purpose, "major": major})
        batch = Batch(
            key=f"{What.TEXT_CHANGED}/{purpose}/{major}", kind=Kind.SERVICE, activity=ACTIVITY, channel=channel,
            template=f"{PREFIX}{What.TEXT_CHANGED}/{purpose}", topic=None, not_before=now, not_after=now + VALID,
        )  # fmt: skip
        numbers = BitMap(number for (number,) in lapsed)
        return self.service.delivery.plan_many(connection, batch, numbers, now=now).planned
