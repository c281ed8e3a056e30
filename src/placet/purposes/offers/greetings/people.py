"""Who may be greeted: what a greeting reads of a person, and the name day that they chose, sealed under their key."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from psycopg import Connection

from placet.kernel.ids import Number, SubjectId
from placet.purposes.offers.greetings import store
from placet.purposes.offers.greetings.calendar import YearDay
from placet.purposes.offers.greetings.model import Celebrant
from placet.subjects.actions import Subjects
from placet.subjects.vault import open_field, seal_field

_NAME_DAY = "offers/name-day"


def celebrants(connection: Connection, people: Subjects, numbers: Sequence[Number]) -> list[Celebrant]:
    """What we know of these persons; the erased and the merged are left out."""
    picked = store.picked(connection, numbers)
    return [
        Celebrant(
            person.id,
            person.number,
            person.language,
            profile.name,
            profile.birth_date,
            None if (sealed := picked.get(person.number)) is None else opened(connection, people, person.id, sealed),
        )
        for person, profile in people.profiles(connection, numbers)
    ]


def opened(connection: Connection, people: Subjects, subject: SubjectId, sealed: bytes) -> YearDay:
    """The name day that somebody chose."""
    return YearDay.parse(open_field(people.key(connection, subject), subject, _NAME_DAY, sealed))


def pick(connection: Connection, people: Subjects, subject: SubjectId, day: YearDay, *, now: datetime) -> None:
    """They celebrate their name day on *day*."""
    person, key = people.get(connection, subject), people.key(connection, subject)
    sealed = seal_field(key, subject, _NAME_DAY, str(day))
    connection.execute(store.SQL["pick"], {"number": person.number, "name_day": sealed, "now": now})


def unpick(connection: Connection, people: Subjects, subject: SubjectId) -> None:
    """The calendar decides again."""
    connection.execute(store.SQL["unpick"], {"number": people.get(connection, subject).number})
