"""What the wishes about topics, and the messages of this purpose, owe a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

import yaml
from psycopg import Connection
from psycopg.rows import dict_row

from placet.delivery import by_purpose
from placet.delivery.model import Kind
from placet.duties import Brought, Correction, Holding, Person, Withdrawn
from placet.purposes.offers import topics
from placet.purposes.offers.duties import OFFERS
from placet.purposes.offers.wishes import SQL

WISHES = "offers.wishes"


class WishDuties:
    """A part of the duties of `offers`."""

    def stop(self, connection: Connection, withdrawn: Withdrawn, *, now: datetime) -> bool:
        """Nothing planned under this purpose starts; False while something is on the wire."""
        return by_purpose.stop(connection, withdrawn.person.number, withdrawn.purpose, withdrawn.channel, now=now)

    def export(self, connection: Connection, person: Person) -> Sequence[Holding]:
        with connection.cursor(row_factory=dict_row) as cursor:
            rows = cursor.execute(SQL["held_wishes"], {"number": person.number}).fetchall()
        said = _said()["wishes"]
        return [
            Holding(
                WISHES, "consent", said["why"], said["until"], rows,
                title=said["title"], columns=said["columns"], origin="provided",
            )
        ]  # fmt: skip

    def rectify(self, connection: Connection, person: Person, correction: Correction, *, now: datetime) -> int:  # noqa: ARG002
        """What the person wants they say themselves; the learner's reason can be put right."""
        if (correction.holding, correction.field) != (WISHES, "reason"):
            return 0
        values = {"number": person.number, "old": correction.old, "new": correction.new}
        return connection.execute(SQL["correct_wish"], values).rowcount

    def erase(self, connection: Connection, person: Person, *, now: datetime) -> int:  # noqa: ARG002
        wishes = connection.execute(SQL["erase_wishes"], {"number": person.number}).rowcount
        return wishes + by_purpose.erase(connection, person.number, OFFERS)

    def explain(self, connection: Connection, person: Person, language: str) -> Sequence[str]:  # noqa: ARG002
        return [str(sentence) for sentence in _said()["explain"][language]]

    def brought(self, connection: Connection, person: Person, *, limit: int) -> Sequence[Brought]:
        sent = by_purpose.arrived(connection, person.number, Kind.OFFER, limit=limit)
        return [Brought(at, _offered(topic)) for topic, at in sent]


def _offered(topic: str | None) -> Mapping[str, str]:
    said = _said()["brought"]
    titles = {} if topic is None else topics.get(topic).titles
    return {language: words.format(topic=titles.get(language, "")).strip() for language, words in said.items()}


@cache
def _said() -> Mapping[str, Any]:
    found: Mapping[str, Any] = yaml.safe_load(files("placet.purposes.offers").joinpath("words.yaml").read_text("utf-8"))
    return found
