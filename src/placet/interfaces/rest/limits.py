"""Bodies have a limit before anybody parses them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from placet.interfaces.rest.problems import respond
from placet.kernel.errors import BadInput

MAX_BODY = 1_000_000
"""Bytes; larger amounts belong to `placet import`."""

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[Message, Receive, Send], Awaitable[None]]


class BodyTooLarge(BadInput):
    """The body exceeds `MAX_BODY`."""

    code = "body-too-large"

    def __init__(self) -> None:
        super().__init__(f"the body is larger than {MAX_BODY} bytes; send less at once, or use `placet import`")


async def read_body(receive: Receive) -> bytes:
    """The whole body; more than `MAX_BODY` raises `BodyTooLarge` without keeping it."""
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > MAX_BODY:
            raise BodyTooLarge
        chunks.append(chunk)
        if not message.get("more_body", False):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)


class BodyLimit:
    """Reads at most `MAX_BODY` before *inner* sees the request; answers 413 as plain problem+json otherwise."""

    def __init__(self, inner: Asgi) -> None:
        self._inner = inner

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD"):
            await self._inner(scope, receive, send)
            return
        try:
            body = await read_body(receive)
        except BodyTooLarge as error:
            await respond(send, error)
            return
        sent = False

        async def replay() -> Message:
            nonlocal sent
            if sent:
                return {"type": "http.disconnect"}
            sent = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self._inner(scope, replay, send)
