"""
The inbox of the operator's app: what was put there, read over REST and in the portal. Sealed under the person's key.

It is not pushed: the app shows it when the person opens the app. Each text but a service message carries the link by
which the person stops what it belongs to.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import attrs
import msgspec
from psycopg import Connection

from placet.delivery.model import Kind, MessageId
from placet.delivery.notes import Filled
from placet.delivery.tokens import Tokens
from placet.kernel.errors import NotFound
from placet.kernel.ids import SubjectId
from placet.store.queries import queries
from placet.subjects.actions import Subjects
from placet.subjects.vault import open_field, seal_field

SQL = queries("placet.delivery", "inbox.sql")

_FIELD = "delivery/inbox"


@attrs.frozen(repr=False)
class Item:
    """One text in the inbox."""

    message: MessageId
    kind: Kind
    topic: str | None
    template: str
    title: str
    paragraphs: tuple[str, ...]
    put_at: datetime
    read_at: datetime | None
    stop: str | None
    """Where the person ends it, below the server's address; None of a service message."""


@attrs.frozen
class Inbox:
    """Every method takes the connection whose transaction it joins. Thread-safe."""

    subjects: Subjects
    tokens: Tokens = attrs.field(repr=False)

    def put(
        self, connection: Connection, subject: SubjectId, message: MessageId, filled: Filled, *, now: datetime
    ) -> None:
        """Let *filled* lie in the inbox of *subject*; a message that lies there already changes nothing."""
        text = msgspec.json.encode((filled.title, filled.paragraphs)).decode()
        sealed = seal_field(self.subjects.key(connection, subject), subject, _FIELD, text)
        connection.execute(SQL["put"], {"subject": subject, "message": message, "sealed": sealed, "now": now})

    def there(self, connection: Connection, messages: Collection[MessageId]) -> set[MessageId]:
        """Which of *messages* lie in an inbox."""
        rows = connection.execute(SQL["there"], {"messages": list(messages)})
        return {MessageId(message) for (message,) in rows}

    def of_subject(
        self, connection: Connection, subject: SubjectId, *, before: MessageId | None = None, limit: int = 50
    ) -> list[Item]:
        """What lies in the inbox, newest first."""
        values = {"subject": subject, "before": before, "message": None, "limit": limit}
        return [self._item(*row) for row in connection.execute(SQL["lying"], values)]

    def item(self, connection: Connection, subject: SubjectId, message: MessageId) -> Item:
        """One of them; what is not in their inbox raises `NotFound`."""
        values = {"subject": subject, "before": None, "message": message, "limit": 1}
        row = connection.execute(SQL["lying"], values).fetchone()
        if row is None:
            raise _not_there()
        return self._item(*row)

    def unread(self, connection: Connection, subject: SubjectId) -> int:
        """How many the person has not read."""
        row = connection.execute(SQL["unread"], {"subject": subject}).fetchone()
        assert row is not None
        return int(row[0])

    def read(self, connection: Connection, subject: SubjectId, message: MessageId, *, now: datetime) -> None:
        """The person has read it; what is not in their inbox raises `NotFound`."""
        values = {"subject": subject, "message": message, "now": now}
        if connection.execute(SQL["read"], values).fetchone() is None:
            raise _not_there()

    def _item(
        self,
        message: MessageId,
        owner: SubjectId,
        wrapped: bytes,
        sealed: bytes,
        put_at: datetime,
        read_at: datetime | None,
        kind: str,
        topic: str | None,
        template: str,
    ) -> Item:
        text = open_field(self.subjects.key_of(wrapped, owner), owner, _FIELD, sealed)
        title, paragraphs = msgspec.json.decode(text, type=tuple[str, tuple[str, ...]])
        stop = None if kind == Kind.SERVICE else f"/u/{self.tokens.make(message)}"
        return Item(message, Kind(kind), topic, template, title, paragraphs, put_at, read_at, stop)


def _not_there() -> NotFound:
    return NotFound("no such message in this inbox; nothing was changed", code="unknown-message")
