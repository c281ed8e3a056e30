"""
A purpose that does its duties: greetings, with tables of its own. What the services must do is shown here in little.

`Greetings` are its duties; `GreetingsGround` is what it brings to the examination in `conformance.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import attrs
from psycopg import Connection
from psycopg.rows import dict_row

from placet.duties import Brought, Correction, Holding, Person, Withdrawn
from placet.kernel.ids import ChannelId, PurposeId

SCHEMA = """
CREATE SCHEMA greetings;
GRANT USAGE ON SCHEMA greetings TO PUBLIC;
CREATE TABLE greetings.person (number int PRIMARY KEY, nickname text NOT NULL);
CREATE TABLE greetings.message (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    number   int NOT NULL,
    channel  text,
    nickname text NOT NULL,
    text     text NOT NULL,
    state    text NOT NULL CHECK (state IN ('waiting', 'running', 'sent', 'cancelled')),
    at       timestamptz NOT NULL
);
GRANT SELECT, INSERT, UPDATE, DELETE ON greetings.person, greetings.message TO PUBLIC;
"""

WHY = {
    "en": "To greet you on your birthday and name day.",
    "lv": "Lai sveiktu Jūs dzimšanas un vārda dienā.",
    "ru": "Чтобы поздравить вас с днём рождения и именинами.",
}
UNTIL = {
    "en": "Until you withdraw or ask us to erase it.",
    "lv": "Līdz Jūs atsaucat piekrišanu vai lūdzat dzēst.",
    "ru": "Пока вы не отзовёте согласие или не попросите удалить.",
}
LOGIC = {
    "en": "We send a greeting on the day itself; nothing is decided about you.",
    "lv": "Sveicienu sūtām pašā dienā; par Jums nekas netiek izlemts.",
    "ru": "Мы отправляем поздравление в сам день; о вас ничего не решается.",
}
SENT = {
    "en": "We greeted you.",
    "lv": "Mēs Jūs apsveicām.",
    "ru": "Мы вас поздравили.",
}


class Greetings:
    """The duties of a purpose that greets people."""

    purpose = PurposeId("offers")

    def stop(self, connection: Connection, withdrawn: Withdrawn, *, now: datetime) -> bool:
        connection.execute(
            "UPDATE greetings.message SET state = 'cancelled', at = %(now)s"
            " WHERE number = %(number)s AND state = 'waiting' AND (%(channel)s::text IS NULL OR channel = %(channel)s)",
            {"number": withdrawn.person.number, "channel": withdrawn.channel, "now": now},
        )
        return self.running(connection, withdrawn.person) == 0

    def export(self, connection: Connection, person: Person) -> Sequence[Holding]:
        return [
            Holding("offers.nickname", "consent", WHY, UNTIL, self.rows(connection, person, _PERSON)),
            Holding("offers.messages", "consent", WHY, UNTIL, self.rows(connection, person, _MESSAGES)),
        ]

    def rectify(self, connection: Connection, person: Person, correction: Correction, *, now: datetime) -> int:
        if (correction.holding, correction.field) != ("offers.nickname", "nickname"):
            return 0
        return sum(self.rename(connection, person, table, correction) for table in ("person", "message"))

    def erase(self, connection: Connection, person: Person, *, now: datetime) -> int:
        return sum(self.delete(connection, person, table) for table in ("person", "message"))

    def explain(self, connection: Connection, person: Person, language: str) -> Sequence[str]:
        return [WHY[language], LOGIC[language]]

    def brought(self, connection: Connection, person: Person, *, limit: int) -> Sequence[Brought]:
        rows = connection.execute(
            "SELECT at FROM greetings.message WHERE number = %s AND state = 'sent' ORDER BY at DESC LIMIT %s",
            [person.number, limit],
        )
        return [Brought(at, SENT) for (at,) in rows]

    def running(self, connection: Connection, person: Person) -> int:
        return _count(connection, person, "running")

    def rows(self, connection: Connection, person: Person, statement: str) -> list[dict[str, object]]:
        with connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(statement, [person.number]).fetchall()

    def rename(self, connection: Connection, person: Person, table: str, correction: Correction) -> int:
        return connection.execute(
            f"UPDATE greetings.{table} SET nickname = %s WHERE number = %s AND nickname IS DISTINCT FROM %s",
            [correction.new, person.number, correction.new],
        ).rowcount

    def delete(self, connection: Connection, person: Person, table: str) -> int:
        return connection.execute(f"DELETE FROM greetings.{table} WHERE number = %s", [person.number]).rowcount


_PERSON = "SELECT nickname FROM greetings.person WHERE number = %s"
_MESSAGES = "SELECT channel, nickname, text, state, at FROM greetings.message WHERE number = %s ORDER BY id"


@attrs.frozen
class GreetingsGround:
    """What greetings bring to their examination."""

    duties: Greetings = attrs.field(factory=Greetings)
    channels: tuple[ChannelId, ...] = (ChannelId("email"), ChannelId("sms"))

    def plant(self, connection: Connection, person: Person, word: str, *, now: datetime) -> int:
        connection.execute("INSERT INTO greetings.person VALUES (%s, %s)", [person.number, word])
        for state in ("sent", "cancelled"):
            _message(connection, person, None, state, now, nickname=word)
        return 3

    def queue(self, connection: Connection, person: Person, channel: ChannelId | None, *, now: datetime) -> None:
        _message(connection, person, channel, "waiting", now)

    def waiting(self, connection: Connection, person: Person) -> int:
        return _count(connection, person, "waiting")

    def begin(self, connection: Connection, person: Person, *, now: datetime) -> Callable[[], None]:
        id = _message(connection, person, None, "running", now)
        return lambda: _end(connection, id)

    def bring(self, connection: Connection, person: Person, *, at: datetime) -> None:
        _message(connection, person, None, "sent", at)

    def correction(self, word: str, new: str) -> Correction:
        return Correction("offers.nickname", "nickname", word, new)


def _message(
    connection: Connection,
    person: Person,
    channel: ChannelId | None,
    state: str,
    at: datetime,
    *,
    nickname: str = "friend",
) -> int:
    row = connection.execute(
        "INSERT INTO greetings.message (number, channel, nickname, text, state, at)"
        " VALUES (%s, %s, %s, 'Congratulations!', %s, %s) RETURNING id",
        [person.number, channel, nickname, state, at],
    ).fetchone()
    assert row is not None
    return int(row[0])


def _end(connection: Connection, id: int) -> None:
    connection.execute("UPDATE greetings.message SET state = 'sent' WHERE id = %s", [id])


def _count(connection: Connection, person: Person, state: str) -> int:
    row = connection.execute(
        "SELECT count(*) FROM greetings.message WHERE number = %s AND state = %s", [person.number, state]
    ).fetchone()
    assert row is not None
    return int(row[0])
