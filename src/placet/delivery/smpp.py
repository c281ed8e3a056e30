"""
One connection to a carrier's SMSC: bound as a transceiver, a window of submissions under way, kept alive (SMPP 3.4).

Whatever was written and not answered when the connection ends is `Lost`: the carrier may have it. What could not be
written is `Closed`: nothing was taken.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import ssl
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Literal, TypeAlias

import attrs

from placet.delivery import pdu
from placet.delivery.pdu import Command, Malformed, Pdu, Reader, Short, Status
from placet.kernel.errors import Unavailable

Handler: TypeAlias = Callable[[Short], Awaitable[None]]
"""Takes a `deliver_sm`; it is acknowledged afterwards. `Unavailable` lets the carrier send it again."""

_LATER = 0x64
"""ESME_RX_T_APPN: the receiver cannot take it now."""


class Closed(ConnectionError):
    """Nothing was written."""


class Lost(ConnectionError):
    """It was written, and no answer came."""


@attrs.frozen
class Smsc:
    """Where SMS are handed over. *window*: how many may be under way, which the carrier's contract names."""

    host: str
    port: int
    system_id: str
    password: str = attrs.field(repr=False)
    sender: str
    system_type: str = ""
    security: Literal["tls", "none"] = "tls"
    window: int = 10
    timeout: float = 30.0
    enquire_after: float = 30.0


class Session:
    """Made by `bound`. Owned by the event loop that made it."""

    def __init__(
        self, smsc: Smsc, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, handler: Handler
    ) -> None:
        self._smsc, self._reader, self._writer, self._handler = smsc, reader, writer, handler
        self._sequence = 0
        self._waiting: dict[int, asyncio.Future[Pdu]] = {}
        self._window = asyncio.Semaphore(smsc.window)
        self._tasks: set[asyncio.Task[None]] = set()
        self.open = True

    async def submit(self, short: Short, *, deadline: float) -> Pdu:
        """Submit one part when the window has room, and wait for the answer until *deadline* (the loop's time)."""
        try:
            async with asyncio.timeout_at(deadline):
                await self._window.acquire()
        except TimeoutError:
            raise Closed("the window had no room in time") from None
        try:
            return await self._ask(Command.SUBMIT_SM, short.encode(), deadline)
        finally:
            self._window.release()

    async def query(self, carrier_id: str) -> int | None:
        """The state of a message by the carrier's own name for it, None if it does not know it."""
        async with self._window:
            answer = await self._ask(Command.QUERY_SM, pdu.query(carrier_id, self._smsc.sender))
        if answer.status != Status.OK:
            return None
        reader = Reader(answer.body)
        reader.text()
        reader.text()
        return reader.take(1)[0]

    async def close(self) -> None:
        """Say goodbye (§4.2) and end."""
        if self.open:
            with contextlib.suppress(ConnectionError):
                await self._ask(Command.UNBIND, b"")
        await self._end()

    async def bind(self) -> None:
        """Bind as a transceiver (§4.1.5)."""
        self._spawn(self._read())
        who = pdu.bind(self._smsc.system_id, self._smsc.password, self._smsc.system_type)
        try:
            answer = await self._ask(Command.BIND_TRANSCEIVER, who)
        except BaseException:
            await self._end()
            raise
        if answer.status != Status.OK:
            await self._end()
            raise Closed(f"the carrier refuses the bind with status {answer.status:#x}")
        self._spawn(self._keep_alive())

    async def _ask(self, command: Command, body: bytes, deadline: float = math.inf) -> Pdu:
        if not self.open or self._writer.is_closing():
            raise Closed("the connection has ended")
        self._sequence = self._sequence % 0x7FFF_FFFF + 1
        number = self._sequence
        answer: asyncio.Future[Pdu] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            self._writer.write(Pdu(command, 0, number, body).encode())
            async with asyncio.timeout_at(min(deadline, asyncio.get_running_loop().time() + self._smsc.timeout)):
                await self._writer.drain()
                return await answer
        except OSError as error:
            raise Lost("no answer came") from error
        finally:
            self._waiting.pop(number, None)

    async def _read(self) -> None:
        try:
            while True:
                length, command, status, sequence = pdu.decode_header(await self._reader.readexactly(pdu.HEADER.size))
                self._took(Pdu(command, status, sequence, await self._reader.readexactly(length)))
        except (OSError, EOFError):
            self.open = False
            self._writer.close()
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(ConnectionResetError())

    def _took(self, found: Pdu) -> None:
        if found.command & pdu.RESPONSE:
            answer = self._waiting.get(found.sequence)
            # An answer that comes after its time, or twice, is nobody's.
            if answer is not None and not answer.done():
                answer.set_result(found)
        elif found.command == Command.DELIVER_SM:
            self._spawn(self._deliver(found))
        elif found.command == Command.ENQUIRE_LINK:
            self._answer(found)
        elif found.command == Command.UNBIND:
            self._answer(found)
            self.open = False
        else:
            self._writer.write(Pdu(Command.GENERIC_NACK, Status.INVALID_COMMAND, found.sequence).encode())

    async def _deliver(self, found: Pdu) -> None:
        try:
            await self._handler(pdu.decode_short(found.body))
        except Malformed:
            self._answer(found, status=Status.SYSTEM_ERROR)
        except Unavailable:
            self._answer(found, status=_LATER)
        else:
            self._answer(found)

    def _answer(self, found: Pdu, *, status: int = Status.OK) -> None:
        body = b"\0" if found.command == Command.DELIVER_SM else b""
        self._writer.write(Pdu(found.command | pdu.RESPONSE, status, found.sequence, body).encode())

    async def _keep_alive(self) -> None:
        """A connection on which nothing answers is ended, so that nobody waits on it (§2.6)."""
        while self.open:
            await asyncio.sleep(self._smsc.enquire_after)
            try:
                await self._ask(Command.ENQUIRE_LINK, b"")
            except ConnectionError:
                self._writer.close()
                return

    async def _end(self) -> None:
        self.open = False
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def bound(smsc: Smsc, handler: Handler) -> Session:
    """A bound session; `Closed` if the carrier is away, refuses us, or does not answer."""
    try:
        async with asyncio.timeout(smsc.timeout):
            secure = ssl.create_default_context() if smsc.security == "tls" else None
            session = Session(smsc, *await asyncio.open_connection(smsc.host, smsc.port, ssl=secure), handler)
            await session.bind()
    except Closed:
        raise
    except OSError as error:
        raise Closed("the carrier cannot be reached") from error
    return session
