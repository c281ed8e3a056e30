"""What counted links owe a person: a part of the duties of `offers` (placet/duties.py)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

import attrs
from psycopg import Connection
from psycopg.rows import dict_row

from placet.duties import Brought, Correction, Holding, Person, Withdrawn
from placet.purposes.offers.clicks.actions import EMAIL, SQL, Clicks
from placet.purposes.offers.clicks.questions import words

_ORIGIN: Mapping[str, Literal["provided", "observed"]] = {"presses": "observed", "answers": "provided"}


@attrs.frozen
class ClickDuties:
    """The permission stands on the consent to offers by e-mail: it ends with it, and what was noted goes at once."""

    clicks: Clicks

    def stop(self, connection: Connection, withdrawn: Withdrawn, *, now: datetime) -> bool:
        if withdrawn.channel in (None, EMAIL):
            self.clicks.end(connection, withdrawn.person.number, now=now)
        return True

    def export(self, connection: Connection, person: Person) -> Sequence[Holding]:
        return [self._holding(connection, person, name) for name in _ORIGIN]

    def rectify(self, connection: Connection, person: Person, correction: Correction, *, now: datetime) -> int:  # noqa: ARG002
        """An answer is what was said, and a press was noted or not: neither is put right, but forgotten."""
        return 0

    def erase(self, connection: Connection, person: Person, *, now: datetime) -> int:  # noqa: ARG002
        names = ("erase_counted", "erase_answers")
        return sum(connection.execute(SQL[name], {"number": person.number}).rowcount for name in names)

    def explain(self, connection: Connection, person: Person, language: str) -> Sequence[str]:
        answer = self.clicks.answer(connection, person.subject)
        said = "given" if answer is not None and answer.allows else "other"
        return [str(words()["explain"][said][language])]

    def brought(self, connection: Connection, person: Person, *, limit: int) -> Sequence[Brought]:  # noqa: ARG002
        """Counting brings nothing by itself."""
        return ()

    def _holding(self, connection: Connection, person: Person, name: str) -> Holding:
        said: Mapping[str, Any] = words()["holdings"][name]
        with connection.cursor(row_factory=dict_row) as cursor:
            rows = cursor.execute(SQL[f"held_{name}"], {"number": person.number}).fetchall()
        return Holding(
            f"offers.{name}", "consent", said["why"], said["until"], rows,
            title=said["title"], columns=said["columns"], origin=_ORIGIN[name],
        )  # fmt: skip
