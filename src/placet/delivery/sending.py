"""
The sender: takes what is due, commits, hands it to the channel, and writes down what became of it.

One thread runs one event loop, each channel has its lanes in it. A lane has one batch on the wire and claims the next
when it has settled the last, so no more messages are ever in `sending` than the channel is wide.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import datetime
from typing import Any

import structlog

from placet.delivery.actions import Delivery
from placet.delivery.model import Channel, MessageId, Outcome, Outgoing, Started
from placet.delivery.starting import Claim
from placet.kernel.errors import PlacetError
from placet.store.database import Database

POLL = 0.25
"""Seconds between two looks at an empty queue."""
RECONCILE = 5.0
"""Seconds between two looks at what is unknown."""
LANES = 2
"""Batches of a channel at a time: while one is on the wire, another is being claimed."""
MARGIN = 5.0
"""Seconds before the end of a lease at which a channel is given up."""

log = structlog.get_logger()


class Sender:
    """Sends through *channels*; several processes may, each message is one process's."""

    def __init__(self, database: Database, delivery: Delivery, channels: Sequence[Channel]) -> None:
        self._database = database
        self._delivery = delivery
        self._channels = channels

    def follow(self, stop: threading.Event, clock: Callable[[], datetime]) -> None:
        """Send until *stop* is set, also after the database was away."""
        asyncio.run(self._follow(stop, clock))

    async def send_once(self, channel: Channel, limit: int, clock: Callable[[], datetime]) -> Claim:
        """Claim one batch, send it, settle it."""
        claim = await asyncio.to_thread(self._claim, channel, limit, clock())
        if claim.started:
            outcomes = await self._send(channel, claim.started)
            await asyncio.to_thread(self._settle, outcomes, clock())
        return claim

    async def reconcile_once(self, channel: Channel, clock: Callable[[], datetime]) -> int:
        """Ask the carrier about what is unknown; returns how many it could tell of."""
        started = await asyncio.to_thread(self._unknown, channel, clock())
        found = await self._answered(channel, channel.find(started)) if started else {}
        return await asyncio.to_thread(self._settle, found, clock()) if found else 0

    async def _follow(self, stop: threading.Event, clock: Callable[[], datetime]) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                for channel in self._channels:
                    for _ in range(min(LANES, channel.width)):
                        tasks.create_task(self._lane(channel, stop, clock))
                    tasks.create_task(self._reconcile(channel, stop, clock))
        finally:
            for channel in self._channels:
                await channel.close()

    async def _lane(self, channel: Channel, stop: threading.Event, clock: Callable[[], datetime]) -> None:
        limit = max(1, channel.width // LANES)
        while not stop.is_set():
            try:
                claim = await self.send_once(channel, limit, clock)
            except PlacetError as error:
                log.warning("sender.waiting", channel=channel.id, code=error.code)
                claim = Claim()
            # What was refused is no reason to wait; who is deciding at this moment is.
            if not claim.started and not claim.refused:
                await asyncio.sleep(POLL)

    async def _reconcile(self, channel: Channel, stop: threading.Event, clock: Callable[[], datetime]) -> None:
        while not stop.is_set():
            try:
                # First: a lease ends also while the carrier is away.
                await self.reconcile_once(channel, clock)
                await channel.listen()
            except ConnectionError:
                log.warning("sender.deaf", channel=channel.id)
            except PlacetError as error:
                log.warning("sender.unreconciled", channel=channel.id, code=error.code)
            for _ in range(int(RECONCILE / POLL)):
                if not stop.is_set():
                    await asyncio.sleep(POLL)

    async def _send(self, channel: Channel, batch: Sequence[Outgoing]) -> Mapping[MessageId, Outcome]:
        """What became of *batch*, as far as the channel says; the rest is left in `sending`, and becomes `unknown`."""
        return await self._answered(channel, channel.send(batch))

    async def _answered(
        self, channel: Channel, answers: Coroutine[Any, Any, Mapping[MessageId, Outcome]]
    ) -> Mapping[MessageId, Outcome]:
        """What the channel answers in time. It should raise nothing: if it has a fault, it alone sends no more."""
        seconds = max(0.0, self._delivery.policy.lease.total_seconds() - MARGIN)
        try:
            async with asyncio.timeout(seconds):
                return await answers
        except Exception as error:  # noqa: BLE001 - the worker's loop: a channel that breaks must not end the others
            log.error("channel.failed", channel=channel.id, error=type(error).__name__)
            return {}

    def _claim(self, channel: Channel, limit: int, now: datetime) -> Claim:
        with self._database.transaction() as connection:
            return self._delivery.claim(connection, channel, limit=limit, now=now)

    def _settle(self, outcomes: Mapping[MessageId, Outcome], now: datetime) -> int:
        with self._database.transaction() as connection:
            return self._delivery.settle(connection, outcomes, now=now)

    def _unknown(self, channel: Channel, now: datetime) -> Sequence[Started]:
        with self._database.transaction() as connection:
            self._delivery.expire(connection, now=now)
            self._delivery.close(connection, now=now)
            return self._delivery.unknown(connection, channel.id)
