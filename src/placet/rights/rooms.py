"""What the reading side of rights needs of the composed application: `bootstrap.Application` is one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Protocol

from psycopg import Connection

from placet.catalogue import store as catalogue_store
from placet.catalogue.model import Catalogue
from placet.config import Config
from placet.consents.assisted import Assisted
from placet.consents.rules import Terms
from placet.delivery.actions import Delivery
from placet.delivery.inbox import Inbox
from placet.duties import Duties
from placet.gate.actions import Gate
from placet.kernel.ids import Position, PurposeId
from placet.ledger.keys import Keys
from placet.rights.requests import Requests
from placet.store.database import Database
from placet.subjects.actions import Subjects
from placet.subjects.vault import Vault


class InForce(Protocol):
    """The published catalogue."""

    def read(self, connection: Connection) -> Catalogue: ...
    def terms(self, connection: Connection) -> Mapping[PurposeId, Terms]: ...


class Rooms(Protocol):
    """The parts that a person's rights reach."""

    @property
    def config(self) -> Config: ...
    @property
    def database(self) -> Database: ...
    @property
    def subjects(self) -> Subjects: ...
    @property
    def vault(self) -> Vault: ...
    @property
    def in_force(self) -> InForce: ...
    @property
    def keys(self) -> Keys: ...
    @property
    def gate(self) -> Gate: ...
    @property
    def requests(self) -> Requests: ...
    @property
    def assisted(self) -> Assisted: ...
    @property
    def delivery(self) -> Delivery: ...
    @property
    def inbox(self) -> Inbox: ...
    @property
    def duties(self) -> Sequence[Duties]: ...


class Editions:
    """Every catalogue that was ever in force, read once: a person with ten thousand uses asks ten thousand times."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @cached_property
    def every(self) -> list[tuple[Position, Catalogue]]:
        """Each with the position of its publication, in order."""
        return catalogue_store.editions(self._connection)

    def at(self, position: int | None) -> Catalogue:
        """The catalogue in force at *position*; the newest when nothing says where."""
        if position is None:
            return self.every[-1][1]
        earlier = [catalogue for published, catalogue in self.every if published <= position]
        return earlier[-1] if earlier else self.every[0][1]
