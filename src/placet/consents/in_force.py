"""What the published catalogues mean for decisions: the terms of each purpose, now and at any position of the log."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from psycopg import Connection

from placet.catalogue import store as catalogue_store
from placet.catalogue.model import Catalogue
from placet.catalogue.rules import classify, lapsed
from placet.consents.model import Wish
from placet.consents.rebuild import Edition
from placet.consents.rules import Shown, Terms
from placet.kernel.errors import Misconfigured
from placet.kernel.ids import MandateId, Position, PurposeId, SubjectId
from placet.subjects.actions import Subjects
from placet.subjects.vault import Vault


class CatalogueInForce:
    """The published catalogue, read again when another process publishes."""

    def __init__(self) -> None:
        self._position = -1
        self._catalogue: Catalogue | None = None
        self._terms: Mapping[PurposeId, Terms] = {}

    def read(self, connection: Connection) -> Catalogue:
        """The catalogue in force in this transaction."""
        position = catalogue_store.latest_position(connection)
        if position is None:
            raise Misconfigured("no catalogue is published yet; run `placet catalogue publish amigo`")
        if self._catalogue is None or position != self._position:
            catalogue = catalogue_store.current(connection)
            self._catalogue, self._terms, self._position = catalogue, terms_of(catalogue), position
        return self._catalogue

    def position(self, connection: Connection) -> Position:
        """Where the catalogue in force was published."""
        self.read(connection)
        return Position(self._position)

    def at(self, connection: Connection, position: Position) -> Catalogue:
        """The catalogue that was in force at *position*, as a receipt of that time needs it."""
        current = self.read(connection)
        if position >= self._position:
            return current
        return catalogue_store.at(connection, position) or current

    def terms(self, connection: Connection) -> Mapping[PurposeId, Terms]:
        self.read(connection)
        return self._terms


def terms_of(catalogue: Catalogue) -> dict[PurposeId, Terms]:
    """What a decision needs to know of each purpose."""
    return {
        purpose.id: Terms(
            purpose=purpose.id,
            major=purpose.version.major,
            minor=purpose.version.minor,
            channels=purpose.channels,
            languages=frozenset(catalogue.languages),
            line_tied=purpose.line_tied,
            valid_for=purpose.valid_for,
        )
        for purpose in catalogue.purposes.values()
    }


def editions(connection: Connection) -> list[Edition]:
    """What a rebuild of the states needs to know of every catalogue that was ever in force."""
    found, before = [], None
    for position, catalogue in catalogue_store.editions(connection):
        ended = () if before is None else lapsed(classify(before, catalogue))
        found.append(Edition(position, terms_of(catalogue), ended))
        before = catalogue
    return found


class Rulebook:
    """What the rules of decisions ask of the rooms below (`consents.actions.Rulebook`)."""

    def __init__(self, in_force: CatalogueInForce, subjects: Subjects, vault: Vault, rest: timedelta) -> None:
        self.rest = rest
        self._in_force = in_force
        self._subjects = subjects
        self._vault = vault
        self._remembered: dict[bytes, Shown] = {}

    def terms(self, connection: Connection) -> Mapping[PurposeId, Terms]:
        return self._in_force.terms(connection)

    def unwrap(self, wrapped_key: bytes, subject: SubjectId) -> bytes:
        return self._vault.unwrap(wrapped_key, subject)

    def shown(self, connection: Connection, digest: bytes) -> Shown | None:
        """Remembered texts never change, so what was read once is kept; there are few of them."""
        if (known := self._remembered.get(digest)) is not None:
            return known
        found = catalogue_store.shown(connection, digest)
        if found is None:
            return None
        shown = Shown(found.purpose, found.version.major, found.version.minor, found.language)
        self._remembered[digest] = shown
        return shown

    def covers(
        self, connection: Connection, representative: SubjectId, mandate: MandateId, wish: Wish, now: datetime
    ) -> bool:
        held = self._subjects.mandate_for(connection, representative, wish.subject, wish.purpose, now)
        return held is not None and held.id == mandate
