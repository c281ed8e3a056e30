"""What greetings owe a person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import attrs
from psycopg import Connection
from psycopg.rows import dict_row

from placet.delivery import by_purpose
from placet.delivery.model import Kind
from placet.duties import Brought, Correction, Holding, Json, Person, Withdrawn
from placet.kernel.errors import BadInput
from placet.purposes.offers.greetings import people, store
from placet.purposes.offers.greetings.calendar import YearDay
from placet.purposes.offers.greetings.texts import said
from placet.subjects.actions import Subjects

HOLDING = "offers.greetings"


@attrs.frozen
class GreetingDuties:
    """A part of the duties of `offers`; the messages themselves are the whole purpose's (`WishDuties`)."""

    subjects: Subjects

    def stop(self, connection: Connection, withdrawn: Withdrawn, *, now: datetime) -> bool:
        """Nothing runs here but the planning, which asks the gate. What the person chose goes with the consent."""
        if withdrawn.channel is None:
            self.erase(connection, withdrawn.person, now=now)
        return True

    def export(self, connection: Connection, person: Person) -> Sequence[Holding]:
        with connection.cursor(row_factory=dict_row) as cursor:
            rows = cursor.execute(store.SQL["held"], {"number": person.number}).fetchall()
        shown = [self._shown(connection, person, row) for row in rows]
        words = said("holding")
        return [
            Holding(
                HOLDING, "consent", words["why"], words["until"], shown,
                title=words["title"], columns=words["columns"], origin="provided",
            )
        ]  # fmt: skip

    def rectify(self, connection: Connection, person: Person, correction: Correction, *, now: datetime) -> int:
        """The name day that the person chose; name and birth date are put right where they are kept (`subjects`)."""
        if (correction.holding, correction.field) != (HOLDING, "name_day"):
            return 0
        sealed = store.picked(connection, [person.number]).get(person.number)
        if sealed is None or str(people.opened(connection, self.subjects, person.subject, sealed)) != correction.old:
            return 0
        try:
            day = YearDay.parse(correction.new)
        except BadInput:
            return 0
        people.pick(connection, self.subjects, person.subject, day, now=now)
        return 1

    def erase(self, connection: Connection, person: Person, *, now: datetime) -> int:  # noqa: ARG002 - the Protocol's
        values = {"number": person.number}
        return sum(connection.execute(store.SQL[name], values).rowcount for name in ("erase_wish", "erase_greeted"))

    def explain(self, connection: Connection, person: Person, language: str) -> Sequence[str]:  # noqa: ARG002 - the Protocol's
        return [str(said("explain")[language])]

    def brought(self, connection: Connection, person: Person, *, limit: int) -> Sequence[Brought]:
        words = said("brought")
        arrived = by_purpose.arrived(connection, person.number, Kind.GREETING, limit=limit)
        return [Brought(at, words[occasion]) for occasion, at in arrived if occasion in words]

    def _shown(self, connection: Connection, person: Person, row: Json) -> Json:
        sealed = row["name_day"]
        day = None if sealed is None else people.opened(connection, self.subjects, person.subject, bytes(sealed))
        # A year is no quantity: as a number a page would write it in groups of digits.
        year = None if row["year"] is None else str(row["year"])
        return {**row, "year": year, "name_day": None if day is None else str(day)}
