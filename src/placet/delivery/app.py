"""
The app as a channel: its wire is our own inbox, so what became of a message is always known.

A text is in the inbox when its row has committed. Whoever died in between is answered by looking whether it lies there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import structlog
from psycopg import Connection

from placet.delivery.inbox import Inbox
from placet.delivery.model import Delivered, Failed, MessageId, Outcome, Outgoing, Started
from placet.delivery.notes import Notes
from placet.kernel.errors import NotFound, PlacetError
from placet.kernel.ids import ChannelId
from placet.store.database import Database

APP = ChannelId("app")
_WIDTH = 200

log = structlog.get_logger()


class App:
    """Fulfils `model.Channel`."""

    id = APP
    width = _WIDTH
    needs_address = False

    def __init__(self, database: Database, inbox: Inbox, notes: Notes, *, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._inbox = inbox
        self._notes = notes
        self._clock = clock

    async def send(self, batch: Sequence[Outgoing]) -> Mapping[MessageId, Outcome]:
        try:
            return await asyncio.to_thread(self.put, batch)
        except PlacetError as error:
            # All or nothing is written; which of the two, `find` tells.
            log.warning("app.away", code=error.code)
            return {}

    async def find(self, started: Sequence[Started]) -> Mapping[MessageId, Outcome]:
        """What lies in the inbox was delivered; what does not never will be."""
        there = await asyncio.to_thread(self._there, [one.id for one in started])
        return {one.id: Delivered() if one.id in there else Failed("not-put") for one in started}

    async def listen(self) -> None:
        """Nothing comes back."""

    async def close(self) -> None:
        """Nothing is open."""

    def put(self, batch: Sequence[Outgoing]) -> Mapping[MessageId, Outcome]:
        """What `send` does, by whoever has no event loop."""
        now = self._clock()
        with self._database.transaction() as connection:
            return {message.id: self._put(connection, message, now) for message in batch}

    def _put(self, connection: Connection, message: Outgoing, now: datetime) -> Outcome:
        note = self._notes(APP, message.template, message.language)
        if note is None:
            return Failed("no-template")
        try:
            filled = note.fill(message.values)
        except KeyError:
            return Failed("no-value")
        try:
            self._inbox.put(connection, message.subject, message.id, filled, now=now)
        except NotFound:
            return Failed("erased")
        return Delivered()

    def _there(self, ids: Sequence[MessageId]) -> set[MessageId]:
        with self._database.transaction() as connection:
            return self._inbox.there(connection, ids)
