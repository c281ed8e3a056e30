"""
A small proxy between Placet and PostgreSQL that cuts, delays and swallows replies on request.

It listens on a Unix socket and connects to the server's, so peer authentication sees the same user on both sides.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

_CHUNK = 65_536


class Proxy:
    """Passes bytes through until told otherwise. Faults hit what is under way; after `heal` all is well again."""

    def __init__(self, listen: Path, server: Path) -> None:
        self.listen, self.server = listen, server
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        # Owned by the loop's thread.
        self._delay = 0.0
        self._swallowing = False
        self._refusing = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        self._thread.start()
        self._do(self._serve())

    def stop(self) -> None:
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def cut(self) -> None:
        """Close every connection at once, as a broken cable does."""
        self._do(self._cut())

    def refuse(self) -> None:
        """Cut, and accept nobody until `heal`."""
        self._refusing = True
        self.cut()

    def swallow(self) -> None:
        """Let requests through and drop every reply: what was sent is done, and nobody hears of it."""
        self._swallowing = True

    def delay(self, seconds: float) -> None:
        """Hold every reply back for *seconds*."""
        self._delay = seconds

    def heal(self) -> None:
        """Pass everything again; connections whose replies were swallowed are cut, since they cannot be continued."""
        if self._swallowing:
            self.cut()
        self._delay, self._swallowing, self._refusing = 0.0, False, False

    def _do(self, coroutine: object) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()  # type: ignore[arg-type]

    async def _serve(self) -> None:
        self._server = await asyncio.start_unix_server(self._accept, str(self.listen))

    async def _close(self) -> None:
        self._server.close()
        await self._cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refusing:
            writer.transport.abort()
            return
        up_reader, up_writer = await asyncio.open_unix_connection(str(self.server))
        self._writers |= {writer, up_writer}
        for task in (self._pump(reader, up_writer, replies=False), self._pump(up_reader, writer, replies=True)):
            running = asyncio.create_task(task)
            self._tasks.add(running)
            running.add_done_callback(self._tasks.discard)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, replies: bool) -> None:
        with contextlib.suppress(ConnectionError, OSError):
            while data := await reader.read(_CHUNK):
                if replies and self._delay:
                    await asyncio.sleep(self._delay)
                if replies and self._swallowing:
                    continue
                writer.write(data)
                await writer.drain()
        self._writers.discard(writer)
        writer.transport.abort()


@contextlib.contextmanager
def proxied(url: str, folder: Path) -> Iterator[tuple[str, Proxy]]:
    """A URL that goes through a proxy to the embedded server at *url*, and the proxy."""
    parts = urlsplit(url)
    sockets = Path(parse_qs(parts.query)["host"][0])
    name = ".s.PGSQL.5432"
    folder.mkdir(parents=True, exist_ok=True)
    proxy = Proxy(folder / name, sockets / name)
    proxy.start()
    try:
        yield urlunsplit((parts.scheme, parts.netloc, parts.path, urlencode({"host": str(folder)}), "")), proxy
    finally:
        proxy.stop()
