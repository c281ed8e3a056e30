"""The duties of `offers`: those of its parts, joined (placet/duties.py). Rights and the stop clock know only these."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import chain
from typing import Protocol

import attrs
from psycopg import Connection

from placet.duties import Brought, Correction, Holding, Person, Withdrawn
from placet.kernel.ids import PurposeId

OFFERS = PurposeId("offers")


class Part(Protocol):
    """What a room of offers owes a person; each method as in `duties.Duties`."""

    def stop(self, connection: Connection, withdrawn: Withdrawn, *, now: datetime) -> bool: ...

    def export(self, connection: Connection, person: Person) -> Sequence[Holding]: ...

    def rectify(self, connection: Connection, person: Person, correction: Correction, *, now: datetime) -> int: ...

    def erase(self, connection: Connection, person: Person, *, now: datetime) -> int: ...

    def explain(self, connection: Connection, person: Person, language: str) -> Sequence[str]: ...

    def brought(self, connection: Connection, person: Person, *, limit: int) -> Sequence[Brought]: ...


@attrs.frozen
class OffersDuties:
    """Fulfils `duties.Duties` by *parts*, each asked in turn."""

    parts: tuple[Part, ...]
    purpose: PurposeId = OFFERS

    def stop(self, connection: Connection, withdrawn: Withdrawn, *, now: datetime) -> bool:
        # Each is asked: none is left out because an earlier one still runs.
        stopped = [part.stop(connection, withdrawn, now=now) for part in self.parts]
        return all(stopped)

    def export(self, connection: Connection, person: Person) -> Sequence[Holding]:
        return list(chain.from_iterable(part.export(connection, person) for part in self.parts))

    def rectify(self, connection: Connection, person: Person, correction: Correction, *, now: datetime) -> int:
        return sum(part.rectify(connection, person, correction, now=now) for part in self.parts)

    def erase(self, connection: Connection, person: Person, *, now: datetime) -> int:
        return sum(part.erase(connection, person, now=now) for part in self.parts)

    def explain(self, connection: Connection, person: Person, language: str) -> Sequence[str]:
        return list(chain.from_iterable(part.explain(connection, person, language) for part in self.parts))

    def brought(self, connection: Connection, person: Person, *, limit: int) -> Sequence[Brought]:
        found = chain.from_iterable(part.brought(connection, person, limit=limit) for part in self.parts)
        return sorted(found, key=lambda one: one.at, reverse=True)[:limit]
