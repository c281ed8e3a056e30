"""
Takes what comes back by mail over LMTP (RFC 2033), from the mail server of this machine: `250` is said when what the
mail does is committed, or when it lies on the disk for a person; until then the mail server keeps it, and comes again.

An answer that is lost makes the mail come a second time, which changes nothing. One process listens; another that is
told to as well waits, and takes over when the first is gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import socket
import stat
import threading
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from pathlib import Path

import attrs
import structlog

from placet.delivery import lmtp
from placet.delivery.lmtp import LARGEST, LONGEST, Conversation, Reply, Then
from placet.delivery.returns import Returns
from placet.kernel.errors import Misconfigured

MOST = 10
"""Connections at a time; each may hold one mail in memory."""
SILENCE = 300.0
"""Seconds until a connection is given up on which nothing comes (RFC 5321 §4.5.3.2.7)."""
AGAIN = 5.0
"""Seconds until the place is tried again."""
POLL = 0.25
_CHUNK = 65_536
_OWNER_AND_GROUP = 0o660
_PORT_OF_SMTP = 25
_LONGEST_PATH = 100
"""Bytes of a socket's path; the systems stop at 104 and 108."""
_HOW = "PLACET_RETURNS_LMTP must be inet:127.0.0.1:PORT or unix:/PATH, as mail servers write it"

log = structlog.get_logger()


@attrs.frozen
class Inet:
    """A port of this machine that no other machine reaches."""

    host: str
    port: int

    def bound(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        return socket.create_server((self.host, self.port), family=family)

    def left(self) -> None:
        """Nothing stays behind."""


@attrs.frozen
class Unix:
    """A socket in a folder; whoever its owner and its group are may connect."""

    path: Path

    def bound(self) -> socket.socket:
        """What a process left behind that died is cleared away; where another listens, `OSError`."""
        self._clear()
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            made.bind(str(self.path))
            # Before it listens, so that nobody else is ever let in.
            self.path.chmod(_OWNER_AND_GROUP)
        except BaseException:
            made.close()
            raise
        return made

    def left(self) -> None:
        self.path.unlink(missing_ok=True)

    def _clear(self) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe, contextlib.suppress(FileNotFoundError):
            try:
                probe.connect(str(self.path))
            except ConnectionRefusedError:
                if stat.S_ISSOCK(self.path.stat().st_mode):
                    self.path.unlink()
                return
            raise OSError(errno.EADDRINUSE, "another process listens there")


Place = Inet | Unix


def place(text: str) -> Place:
    """Where to listen: `inet:127.0.0.1:PORT`, `inet:[::1]:PORT` or `unix:/PATH`: nothing that others reach."""
    kind, _, where = text.partition(":")
    if kind == "unix" and where.startswith("/") and len(where.encode()) <= _LONGEST_PATH:
        return Unix(Path(where))
    host, _, port = where.rpartition(":")
    if kind != "inet" or not (port.isascii() and port.isdigit() and 0 < int(port) < 65_536):
        raise Misconfigured(_HOW)
    host = host.removeprefix("[").removesuffix("]")
    try:
        is_here = ipaddress.ip_address(host).is_loopback
    except ValueError:
        raise Misconfigured(_HOW) from None
    if not is_here:
        raise Misconfigured(f"{_HOW}: what comes back is personal data, and whoever reaches it is believed")
    if int(port) == _PORT_OF_SMTP:
        raise Misconfigured("PLACET_RETURNS_LMTP must not be port 25, which is SMTP's (RFC 2033 §5)")
    return Inet(host, int(port))


@attrs.frozen
class Lmtp:
    """Listens at *place*, and gives *returns* what comes."""

    place: Place
    returns: Returns

    def follow(self, stop: threading.Event, clock: Callable[[], datetime]) -> None:
        """Take mail until *stop* is set; while the place is another's, wait for it."""
        is_told = False
        while not stop.is_set():
            try:
                asyncio.run(self._listen(stop, clock))
            except OSError as error:
                if not is_told:
                    log.warning("lmtp.waiting", error=type(error).__name__, errno=error.errno)
                is_told = True
                stop.wait(AGAIN)

    async def _listen(self, stop: threading.Event, clock: Callable[[], datetime]) -> None:
        guests: set[asyncio.Task[None]] = set()

        async def welcome(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            async with _closed(writer):
                wire = Wire(reader, writer)
                if len(guests) >= MOST:
                    await wire.say(lmtp.TOO_MANY.line)
                    return
                guests.add(task)
                try:
                    await self._talk(wire, clock)
                finally:
                    guests.discard(task)

        listening = self.place.bound()
        start = asyncio.start_unix_server if listening.family == socket.AF_UNIX else asyncio.start_server
        server = await start(welcome, sock=listening, limit=_CHUNK)
        log.info("lmtp.listening")
        try:
            while not stop.is_set():
                await asyncio.sleep(POLL)
        finally:
            server.close()
            for guest in tuple(guests):
                guest.cancel()
            await asyncio.gather(*guests, return_exceptions=True)
            self.place.left()

    async def _talk(self, wire: Wire, clock: Callable[[], datetime]) -> None:
        talk = Conversation(self.returns.maildir.domain)
        await wire.say(talk.greeting)
        then = Then.LISTEN
        while then is not Then.HANG_UP:
            said, then = talk.hear(await wire.line())
            await wire.say(said)
            if then is Then.MAIL:
                content = await wire.mail()
                # §4.2: one answer for each recipient, in their order, also where all are the same.
                for to in talk.recipients():
                    await wire.say((await self._answer(content, to, clock)).line)

    async def _answer(self, content: bytes | None, to: str, clock: Callable[[], datetime]) -> Reply:
        """What is said of a mail for *to*; None is one that was too large."""
        if content is None:
            return lmtp.TOO_LARGE
        try:
            await asyncio.to_thread(self.returns.take, content, to=to, now=clock())
        except Exception as error:  # noqa: BLE001 - the request boundary: whatever failed, the mail server keeps the mail
            log.warning("lmtp.not-taken", error=type(error).__name__, code=getattr(error, "code", None))
            return lmtp.NOT_NOW
        return lmtp.TAKEN


@attrs.frozen
class Wire:
    """A connection in lines. What ends it, ends it: nothing of a mail that is not whole is ever looked at."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def say(self, said: bytes) -> None:
        self.writer.write(said)
        async with asyncio.timeout(SILENCE):
            await self.writer.drain()

    async def line(self) -> bytes:
        """The next command; one that is longer than any is as good as none."""
        line, is_ended = await self._part()
        while not is_ended:
            line, (_, is_ended) = b"", await self._part()
        return line[:-2] if len(line) <= LONGEST else b""

    async def mail(self) -> bytes | None:
        """The mail up to its dot, without the dots put before others (RFC 5321 §4.5.2); None if it is too large."""
        parts: list[bytes] = []
        size, begins = 0, True
        while True:
            part, is_ended = await self._part()
            if begins and part.startswith(b"."):
                if part == b".\r\n":
                    return b"".join(parts) if size <= LARGEST else None
                part = part[1:]
            size, begins = size + len(part), is_ended
            if size <= LARGEST:
                parts.append(part)
            else:
                parts.clear()

    async def _part(self) -> tuple[bytes, bool]:
        """The next line, or some of it, and whether that is its end; a bare CR or LF is none."""
        async with asyncio.timeout(SILENCE):
            try:
                return await self.reader.readuntil(b"\r\n"), True
            except asyncio.LimitOverrunError as error:
                return await self.reader.readexactly(error.consumed), False


@contextlib.asynccontextmanager
async def _closed(writer: asyncio.StreamWriter) -> AsyncIterator[None]:
    """Close the connection in the end; that the other side is gone, or silent, is nothing special."""
    try:
        yield
    except TimeoutError:
        writer.write(lmtp.SILENT.line)
    except (ConnectionError, asyncio.IncompleteReadError):
        log.info("lmtp.broken-off")
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
