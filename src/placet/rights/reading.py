"""One person being read: who they are, under which ids, and what stands in the ledger about them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import attrs
from psycopg import Connection

from placet.catalogue.model import Catalogue
from placet.consents import store as consents
from placet.consents.model import Record
from placet.kernel.ids import SubjectId
from placet.kernel.periods import format_instant
from placet.rights.rooms import Editions, Rooms
from placet.subjects.model import LANGUAGES, Identity, Subject

PAGE = 200
"""Rows that are read at once where there may be thousands."""


@attrs.frozen
class Reading:
    """One person being read, in one transaction, for a reader of *language*."""

    rooms: Rooms
    connection: Connection
    person: Subject
    identities: Sequence[Identity]
    records: Sequence[Record]
    """Every record, oldest first, under whichever id it was made."""
    editions: Editions
    catalogue: Catalogue
    language: str
    now: datetime

    @classmethod
    def begin(
        cls, rooms: Rooms, connection: Connection, subject: SubjectId, *, language: str | None, now: datetime
    ) -> Reading:
        """Read who it is; an unknown one raises `NotFound`. Without *language*, the person's own is taken."""
        person = rooms.subjects.get(connection, subject)
        identities = rooms.subjects.identities(connection, person.id)
        found = [record for identity in identities for record in consents.records(connection, identity.id)]
        return cls(
            rooms,
            connection,
            person,
            identities,
            sorted(found, key=lambda record: record.position or 0),
            Editions(connection),
            rooms.in_force.read(connection),
            language or (person.language if person.language in LANGUAGES else "en"),
            now,
        )

    @property
    def is_erased(self) -> bool:
        return self.person.erased_at is not None


def instant(moment: datetime | None) -> str | None:
    """An instant as rows write it."""
    return None if moment is None else format_instant(moment)
