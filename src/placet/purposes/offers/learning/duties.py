# ruff: noqa: ARG002 - the Protocol has the arguments
"""What the learner owes a person: a part of the duties of `offers` (placet/duties.py)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from psycopg import Connection
from psycopg.rows import dict_row

from placet.duties import Brought, Correction, Holding, Person, Withdrawn
from placet.purposes.offers.learning.model import SAID
from placet.purposes.offers.learning.store import SQL
from placet.purposes.offers.learning.telling import words

HEARD = "offers.heard"
_ORIGIN: Mapping[str, Literal["provided", "observed", "derived"]] = {
    "heard": "provided",
    "picks": "derived",
    "ended": "derived",
}


class LearningDuties:
    """Nothing of the learner runs between two questions to the gate, so there is nothing to wait for."""

    def stop(self, connection: Connection, withdrawn: Withdrawn, *, now: datetime) -> bool:
        return True

    def export(self, connection: Connection, person: Person) -> Sequence[Holding]:
        return [self._holding(connection, person, name) for name in _ORIGIN]

    def rectify(self, connection: Connection, person: Person, correction: Correction, *, now: datetime) -> int:
        """What was told can be told otherwise; what was derived from it follows by itself."""
        if (correction.holding, correction.field) != (HEARD, "sign") or correction.new not in SAID:
            return 0
        values = {"number": person.number, "old": correction.old, "new": correction.new}
        return connection.execute(SQL["correct_sign"], values).rowcount

    def erase(self, connection: Connection, person: Person, *, now: datetime) -> int:
        return sum(
            connection.execute(SQL[name], {"number": person.number}).rowcount
            for name in ("erase_heard", "erase_picks", "erase_ended")
        )

    def explain(self, connection: Connection, person: Person, language: str) -> Sequence[str]:
        return [str(sentence) for sentence in words()["explain"][language]]

    def brought(self, connection: Connection, person: Person, *, limit: int) -> Sequence[Brought]:
        """Sorting brings nothing by itself: the offers that it picked are told of by the queue."""
        return ()

    def _holding(self, connection: Connection, person: Person, name: str) -> Holding:
        said: Mapping[str, Any] = words()["holdings"][name]
        with connection.cursor(row_factory=dict_row) as cursor:
            rows = cursor.execute(SQL[f"held_{name}"], {"number": person.number}).fetchall()
        return Holding(
            f"offers.{name}", "consent", said["why"], words()["until"], rows,
            title=said["title"], columns=said["columns"], origin=_ORIGIN[name],
        )  # fmt: skip
