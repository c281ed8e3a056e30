"""Register subscribers, and hand out to whoever delivers what each must be told next."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import attrs
from psycopg import Connection

from placet.config import Config
from placet.gate import stops
from placet.gate.stops import Stop, StopId
from placet.kernel.errors import Conflict, NotFound
from placet.kernel.ids import Position
from placet.kernel.seal import MasterKey
from placet.store.queries import queries
from placet.subscribers import rules
from placet.subscribers.model import Acknowledged, Answer, Delivery, Registered, Subscriber, SubscriberId

SQL = queries("placet.subscribers")

MOST = 100
"""Most subscribers: each has its own connection at the same time, so that none waits for another."""
BATCH = 100
"""Changes in one message, a few more where one decision changed several channels."""
LIMIT = timedelta(hours=1)
"""How long a subscriber may leave a withdrawal unanswered before it closes the gate, unless it says otherwise."""
HOLD = timedelta(seconds=60)
"""How long a process keeps a subscriber for itself; longer than any attempt may take."""


@attrs.frozen
class Subscribers:
    """Every method takes the connection whose transaction it joins. Thread-safe."""

    master: MasterKey = attrs.field(repr=False)
    production: bool

    @classmethod
    def of(cls, config: Config, master: MasterKey) -> Subscribers:
        return cls(master, production=config.mode == "production")

    def register(
        self,
        connection: Connection,
        *,
        client: str,
        url: str,
        after: int | None = None,
        limit: timedelta = LIMIT,
        now: datetime,
    ) -> Registered:
        """
        From now on tell *url* of every change behind the position *after* (0: since the beginning; None: from now).

        It is a stop (B8): silent about a withdrawal for longer than *limit*, it closes the gate until it answers.
        Raises `BadInput` (`bad-url`) for what must not be called and `Conflict` (`too-many-webhooks`).
        """
        rules.target(url, production=self.production)
        connection.execute(SQL["lock_registering"])
        row = connection.execute(SQL["count"]).fetchone()
        if row is not None and row[0] >= MOST:
            raise Conflict(f"there are {MOST} webhooks already; remove one first", code="too-many-webhooks")
        id = SubscriberId(UUID(bytes=os.urandom(16), version=4))
        values = {"id": id, "client": client, "url": url, "after": after, "now": now}
        connection.execute(SQL["add"], values)
        purposes = stops.all_purposes(connection)
        stops.register(connection, Stop(stop_of(id), "subscriber", purposes, limit, registered_at=now), now=now)
        return Registered(self.get(connection, id), rules.secret_text(self._secret(id)))

    def listing(self, connection: Connection, *, after: UUID | None = None, limit: int = 50) -> list[Subscriber]:
        """Subscribers in the order of their ids, those behind *after*."""
        rows = connection.execute(SQL["listing"], {"after": after or UUID(int=0), "limit": limit})
        return [_subscriber(row) for row in rows]

    def get(self, connection: Connection, id: SubscriberId) -> Subscriber:
        row = connection.execute(SQL["one"], {"id": id}).fetchone()
        if row is None:
            raise _unknown()
        return _subscriber(row)

    def remove(self, connection: Connection, id: SubscriberId, *, now: datetime) -> None:
        """Tell it nothing more; a message under way may still arrive. It keeps nothing closed any more."""
        if connection.execute(SQL["remove"], {"id": id}).fetchone() is None:
            raise _unknown()
        stops.retire(connection, stop_of(id), now=now)

    # For whoever delivers

    def due(self, connection: Connection, *, now: datetime) -> list[SubscriberId]:
        """Those that are behind and may be tried now."""
        return [SubscriberId(id) for (id,) in connection.execute(SQL["due"], _limits(now))]

    def next_delivery(self, connection: Connection, id: SubscriberId, *, now: datetime) -> Delivery | None:
        """Take the next message for *id* into our hands; None when another process has it or nothing is left."""
        limits = _limits(now)
        held = connection.execute(SQL["hold"], limits | {"id": id}).fetchone()
        if held is None:
            return None
        url, position = held
        # The end is read before the changes: what is missing among them up to there does not exist.
        epoch, end = connection.execute(SQL["ending"]).fetchone() or ("", 0)
        rows = connection.execute(SQL["changes"], {"after": position, "limit": BATCH}).fetchall()
        if not rows:
            connection.execute(SQL["passed"], limits | {"id": id, "position": end})
            return None
        first, last = rows[0][0], rows[-1][0]
        body = rules.message(epoch=epoch, rows=rows)
        headers = rules.headers(
            self._secret(id), id, epoch=epoch, first=first, last=last, sent_at=int(now.timestamp()), body=body
        )
        through = last if len(rows) >= BATCH else max(last, end)
        return Delivery(id, url, Position(through), limits["held_until"], headers, body)

    def settle(self, connection: Connection, delivery: Delivery, answer: Answer, *, now: datetime) -> None:
        """Move the subscriber on, or try again later. Nothing happens if another process took over meanwhile."""
        values: dict[str, Any] = {"id": delivery.subscriber, "held_until": delivery.held_until, "now": now}
        if isinstance(answer, Acknowledged):
            moved = connection.execute(SQL["acknowledged"], values | {"position": delivery.through, "answered_at": now})
            if moved.fetchone() is not None:
                stops.acknowledge(connection, stop_of(delivery.subscriber), upto=delivery.through, at=now)
        else:
            connection.execute(SQL["failed"], values | {"failure": answer.why, "longest": rules.LONGEST_PAUSE})

    def _secret(self, id: SubscriberId) -> bytes:
        return self.master.derive(f"placet/webhook/v1/{id}")


def stop_of(id: SubscriberId) -> StopId:
    """The stop that a subscriber is."""
    return StopId(f"subscriber/{id}")


def _limits(now: datetime) -> dict[str, datetime]:
    return {"now": now, "held_until": now + HOLD, "longest_pause": now + rules.LONGEST_PAUSE}


def _subscriber(row: tuple[Any, ...]) -> Subscriber:
    id, client, url, position, *rest = row
    return Subscriber(SubscriberId(id), client, url, Position(position), *rest)


def _unknown() -> NotFound:
    return NotFound("there is no webhook with this id; GET /v1/webhooks lists them", code="unknown-webhook")
