"""
Deliver to subscribers: each at its own pace, in order, at least once.

One thread runs one event loop; each subscriber that is behind has one task, one message in memory and one connection.
So one that never answers, answers a byte a second or does not resolve costs its own attempts and nobody else's.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import structlog

from placet.kernel.errors import BadInput, PlacetError
from placet.store.database import Database
from placet.subscribers import rules
from placet.subscribers.actions import MOST, Subscribers
from placet.subscribers.model import Acknowledged, Answer, Delivery, Failed, SubscriberId, Target

POLL = 0.25
"""Seconds between two looks at who is behind."""
DEADLINE = 10.0
"""Seconds for an attempt: name, connection, handshake, sending and the first line of the answer together."""
ANSWER_BYTES = 4096
"""How much of an answer is read, at most."""

log = structlog.get_logger()


class Courier:
    """Delivers from one process; several processes share the subscribers by holding them for a time."""

    def __init__(self, database: Database, subscribers: Subscribers, *, deadline: float = DEADLINE) -> None:
        self._database = database
        self._subscribers = subscribers
        self._deadline = deadline
        # Names that hang must not take the threads that talk to the database.
        self._names = ThreadPoolExecutor(MOST, thread_name_prefix="webhook-names")
        self._tls = ssl.create_default_context()
        # Tasks under way, by subscriber; only the event loop's thread touches it.
        self._serving: dict[SubscriberId, asyncio.Task[None]] = {}

    def follow(self, stop: threading.Event, clock: Callable[[], datetime]) -> None:
        """Deliver until *stop* is set, also after the database was away."""
        asyncio.run(self._follow(stop, clock))
        self._names.shutdown(wait=False, cancel_futures=True)

    async def _follow(self, stop: threading.Event, clock: Callable[[], datetime]) -> None:
        away = False
        while not stop.is_set():
            try:
                await self._look(clock)
                away = False
            except PlacetError as error:
                if not away:
                    log.warning("webhooks.waiting", code=error.code)
                away = True
            await asyncio.sleep(POLL)
        for task in self._serving.values():
            task.cancel()
        await asyncio.gather(*self._serving.values(), return_exceptions=True)

    async def _look(self, clock: Callable[[], datetime]) -> None:
        for id in await asyncio.to_thread(self._due, clock()):
            if id not in self._serving:
                task = asyncio.create_task(self._serve(id, clock))
                self._serving[id] = task
                task.add_done_callback(lambda _, id=id: self._serving.pop(id, None))  # type: ignore[misc]

    async def _serve(self, id: SubscriberId, clock: Callable[[], datetime]) -> None:
        """Tell one subscriber what it has missed, until it has everything or does not answer."""
        try:
            while (delivery := await asyncio.to_thread(self._next, id, clock())) is not None:
                answer = await self._attempt(delivery)
                await asyncio.to_thread(self._settle, delivery, answer, clock())
                if isinstance(answer, Failed):
                    log.info("webhook.failed", subscriber=str(id), why=answer.why)
                    return
        except PlacetError as error:
            # The message is still held for us; after that time it is tried again.
            log.warning("webhook.unsettled", subscriber=str(id), code=error.code)

    async def _attempt(self, delivery: Delivery) -> Answer:
        try:
            async with asyncio.timeout(self._deadline):
                return await self._post(rules.target(delivery.url, production=self._subscribers.production), delivery)
        except TimeoutError:
            return Failed("timeout")
        except BadInput as error:
            return Failed(error.code)
        except ssl.SSLError:
            return Failed("tls")
        except (OSError, ValueError, EOFError):
            return Failed("no-connection")

    async def _post(self, target: Target, delivery: Delivery) -> Answer:
        address = await self._resolve(target)
        if address is None:
            return Failed("private-target")
        reader, writer = await asyncio.open_connection(
            address,
            target.port,
            limit=ANSWER_BYTES,
            ssl=self._tls if target.secure else None,
            server_hostname=target.host if target.secure else None,
        )
        try:
            writer.write(_request(target, delivery))
            await writer.drain()
            return _answer(await reader.readline())
        finally:
            writer.transport.abort()
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _resolve(self, target: Target) -> str | None:
        """The address to call; None if the name leads to one that must not be. What is checked is what is called."""
        found = await asyncio.get_running_loop().run_in_executor(
            self._names, lambda: socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
        )
        addresses = [str(place[4][0]) for place in found]
        if not all(rules.may_be_called(address, production=self._subscribers.production) for address in addresses):
            return None
        return addresses[0]

    def _due(self, now: datetime) -> list[SubscriberId]:
        with self._database.transaction() as connection:
            return self._subscribers.due(connection, now=now)

    def _next(self, id: SubscriberId, now: datetime) -> Delivery | None:
        with self._database.transaction() as connection:
            return self._subscribers.next_delivery(connection, id, now=now)

    def _settle(self, delivery: Delivery, answer: Answer, now: datetime) -> None:
        with self._database.transaction() as connection:
            self._subscribers.settle(connection, delivery, answer, now=now)


def _request(target: Target, delivery: Delivery) -> bytes:
    """HTTP/1.1 (RFC 9112), one request a connection; redirects are not followed, so there is nothing more to speak."""
    lines = [
        f"POST {target.path} HTTP/1.1",
        f"host: {target.authority}",
        "user-agent: placet-webhook/1",
        "connection: close",
        f"content-length: {len(delivery.body)}",
        *(f"{name}: {value}" for name, value in delivery.headers),
    ]
    return "\r\n".join(lines).encode("ascii") + b"\r\n\r\n" + delivery.body


def _answer(line: bytes) -> Answer:
    """Read the status line: 2xx acknowledges, anything else does not."""
    parts = line.split(b" ", 2)
    if len(parts) < 2 or not parts[0].startswith(b"HTTP/1.") or not parts[1].isdigit() or len(parts[1]) != 3:
        return Failed("not-http")
    return Acknowledged() if parts[1].startswith(b"2") else Failed(f"status-{parts[1].decode()}")
