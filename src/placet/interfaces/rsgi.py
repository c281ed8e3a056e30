"""
The server's own interface (granian's RSGI), which costs a quarter less a request than ASGI: docs/decisions/0006.

The hot routes are answered on it directly; everything else is handed on as ASGI 3.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any, Protocol
from urllib.parse import quote

from placet.interfaces.rest.hot import HotRoutes
from placet.interfaces.rest.limits import MAX_BODY, BodyTooLarge

Message = MutableMapping[str, Any]
Asgi = Callable[[Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]


class Scope(Protocol):
    """What granian tells of a request."""

    proto: str
    http_version: str
    server: str
    client: str
    scheme: str
    method: str
    path: str
    query_string: str

    @property
    def headers(self) -> Any: ...


class Stream(Protocol):
    """A response under way."""

    async def send_bytes(self, data: bytes) -> None: ...


class Exchange(Protocol):
    """One request and its response."""

    def __call__(self) -> Awaitable[bytes]: ...
    def __aiter__(self) -> AsyncIterator[bytes]: ...
    async def client_disconnect(self) -> None: ...
    def response_empty(self, status: int, headers: list[tuple[str, str]]) -> None: ...
    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None: ...
    def response_stream(self, status: int, headers: list[tuple[str, str]]) -> Stream: ...


class Rsgi:
    """Serves *hot* directly and *rest* as ASGI; *start* and *stop* are called in each worker process."""

    def __init__(self, hot: HotRoutes, rest: Asgi, *, start: Callable[[], None], stop: Callable[[], None]) -> None:
        self._hot = hot
        self._rest = rest
        self._start = start
        self._stop = stop

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._start()

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._stop()

    async def __rsgi__(self, scope: Scope, exchange: Exchange) -> None:
        if scope.proto != "http":
            return
        path = scope.path
        if path not in self._hot or scope.method != "POST":
            await _Asgi(scope, exchange).run(self._rest)
            return
        headers = scope.headers
        body = exchange() if _fits(headers.get("content-length")) else _limited(exchange)
        reply = await self._hot.reply(path, headers, body)
        exchange.response_bytes(reply.status, reply.pairs, reply.body)


def _fits(length: str | None) -> bool:
    """Whether the body is said to have at most `MAX_BODY` bytes; the server holds it to what was said."""
    return length is not None and length.isdecimal() and int(length) <= MAX_BODY


async def _limited(exchange: Exchange) -> bytes:
    """The whole body, which is at most `MAX_BODY`."""
    parts, size = [], 0
    async for part in exchange:
        size += len(part)
        if size > MAX_BODY:
            raise BodyTooLarge
        parts.append(part)
    return b"".join(parts)


class _Asgi:
    """One request as ASGI 3 tells it. The body comes as it arrives: its limit is the application's."""

    def __init__(self, scope: Scope, exchange: Exchange) -> None:
        self._exchange = exchange
        self._scope = _asgi_scope(scope)
        self._parts: AsyncIterator[bytes] | None = None
        self._whole = False
        self._head: tuple[int, list[tuple[str, str]]] = (500, [])
        self._stream: Stream | None = None

    async def run(self, application: Asgi) -> None:
        await application(self._scope, self._receive, self._send)

    async def _receive(self) -> Message:
        if self._whole:
            await self._exchange.client_disconnect()
            return {"type": "http.disconnect"}
        if self._parts is None:
            self._parts = aiter(self._exchange)
        try:
            part = await anext(self._parts)
        except StopAsyncIteration:
            self._whole = True
            return {"type": "http.request", "body": b"", "more_body": False}
        return {"type": "http.request", "body": bytes(part), "more_body": True}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            pairs = [(str(name, "latin-1"), str(value, "latin-1")) for name, value in message.get("headers", [])]
            self._head = (message["status"], pairs)
        elif message["type"] == "http.response.body":
            await self._send_body(message.get("body", b""), more=message.get("more_body", False))

    async def _send_body(self, body: bytes, *, more: bool) -> None:
        if self._stream is None and not more:
            self._exchange.response_bytes(*self._head, bytes(body))
            return
        if self._stream is None:
            self._stream = self._exchange.response_stream(*self._head)
        if body:
            await self._stream.send_bytes(bytes(body))


def _asgi_scope(scope: Scope) -> Message:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": scope.http_version,
        "method": scope.method,
        "scheme": scope.scheme,
        "path": scope.path,
        "raw_path": quote(scope.path, safe="/%").encode(),
        "query_string": scope.query_string.encode(),
        "root_path": "",
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in scope.headers.items()],
        "server": _address(scope.server),
        "client": _address(scope.client),
        "state": {},
    }


def _address(text: str) -> tuple[str, int] | None:
    host, _, port = text.rpartition(":")
    return (host.strip("[]"), int(port)) if port.isdecimal() else None
