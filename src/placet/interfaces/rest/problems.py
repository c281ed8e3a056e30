"""Errors on the wire: RFC 9457 problem+json with a stable `code`. One table maps codes to HTTP status."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import msgspec

from placet.kernel.errors import (
    BadInput,
    Conflict,
    Denied,
    NotFound,
    PlacetError,
    TooMany,
    Unavailable,
)

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_BY_CODE = {
    "body-too-large": 413,
    "no-key": 401,
    "key": 401,
    "key-reused": 409,
    "audience-expired": 409,
    "not-json": 400,
    "no-such-route": 404,
    "log-rolled-back": 503,
    "method-not-allowed": 405,
}
_BY_KIND: tuple[tuple[type[PlacetError], int], ...] = (
    (NotFound, 404),
    (Conflict, 409),
    (BadInput, 422),
    (TooMany, 429),
    (Denied, 403),
    (Unavailable, 503),
)
TITLES = {
    400: "The request cannot be read",
    401: "An API key is needed",
    403: "Not allowed",
    404: "Not found",
    405: "Not with this method",
    409: "Conflict",
    413: "Too large",
    422: "Understood and refused",
    429: "Too many requests",
    500: "Our fault",
    503: "Try again later",
}


def status_of(error: PlacetError) -> int:
    """The HTTP status for *error*: its code's, else its kind's, else 500."""
    if (status := _BY_CODE.get(error.code)) is not None:
        return status
    return next((status for kind, status in _BY_KIND if isinstance(error, kind)), 500)


def broken() -> PlacetError:
    """What a caller is told of a failure that nobody foresaw: nothing of its cause."""
    return PlacetError("something broke on our side; try the same request again", code="internal")


def problem(error: PlacetError) -> tuple[int, dict[str, Any], dict[str, str]]:
    """Status, body and headers for *error*."""
    status = status_of(error)
    body = {
        "type": f"urn:placet:error:{error.code}",
        "title": TITLES[status],
        "status": status,
        "code": error.code,
        "detail": error.message,
    }
    headers = {"content-type": "application/problem+json"}
    if status == 401:
        headers["www-authenticate"] = "Bearer"
    if error.retry_after is not None or status == 503:
        headers["retry-after"] = str(error.retry_after or 1)
    return status, body, headers


async def respond(send: Send, error: PlacetError) -> None:
    """Answer an ASGI request with *error*."""
    status, body, headers = problem(error)
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }
    )
    await send({"type": "http.response.body", "body": msgspec.json.encode(body)})
