"""The request boundary of `/v1`: whatever goes wrong becomes a problem, and every answer is counted."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from placet.interfaces.rest.answered import Answered
from placet.interfaces.rest.problems import broken, problem, respond
from placet.kernel.errors import BadInput, NotFound, PlacetError

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[Message, Receive, Send], Awaitable[None]]

log = structlog.get_logger()


class Boundary:
    """Outermost of `/v1`: answers 500 for what nobody foresaw, and logs its kind only: a message may hold data."""

    def __init__(self, app: Asgi, answered: Answered) -> None:
        self._inner = app
        self._answered = answered

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        started = time.perf_counter()
        status = 0

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", []), (b"cache-control", b"no-store")]
            await send(message)

        async def without_nul() -> Message:
            message = await receive()
            if b"\0" in message.get("body", b""):
                # No JSON in UTF-8 has this byte (RFC 8259 §7, §8.1).
                raise BadInput("the body is not valid JSON in UTF-8", code="not-json")
            return message

        try:
            await self._inner(scope, without_nul, noted)
        except Exception as error:  # noqa: BLE001 - the request boundary
            log.error("request.failed", route=_route(scope), error=type(error).__name__)
            if status == 0:
                await respond(noted, broken())
        seconds = time.perf_counter() - started
        self._answered.note(method=_method(scope), route=_route(scope), status=status, seconds=seconds)


def handle_errors(app: FastAPI) -> None:
    """Turn our errors, and the framework's, into problems with a stable code."""
    app.add_exception_handler(PlacetError, _placet)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)


def _answer(error: PlacetError, extra: dict[str, str] | None = None) -> JSONResponse:
    status, body, headers = problem(error)
    return JSONResponse(body, status, {**headers, **(extra or {})})


async def _placet(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, PlacetError)
    return _answer(error)


async def _invalid(_request: Request, error: Exception) -> JSONResponse:
    """Name the place and what it should be; the value itself may be personal data."""
    assert isinstance(error, RequestValidationError)
    faults = error.errors()
    if any(fault["type"] == "json_invalid" for fault in faults):
        return _answer(BadInput("the body is not valid JSON in UTF-8", code="not-json"))
    in_body = any(fault["loc"][0] == "body" for fault in faults)
    said = "; ".join(f"{_place(fault)}: {_expected(fault['msg'])}" for fault in faults[:5])
    return _answer(BadInput(f"{said}. See /v1/openapi.json", code="bad-body" if in_body else "bad-parameter"))


async def _http(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if error.status_code == 400:
        return _answer(BadInput("the body is not valid JSON in UTF-8, or nested too deeply", code="not-json"))
    if error.status_code == 405:
        allowed = dict(error.headers or {})
        return _answer(
            BadInput("this path has no such method; see /v1/openapi.json", code="method-not-allowed"), allowed
        )
    return _answer(NotFound("there is nothing at this path; see /v1/openapi.json", code="no-such-route"))


def _place(fault: Mapping[str, Any]) -> str:
    """Where it is; the name of a field that we do not know is the sender's, and may be personal data itself."""
    known = fault["loc"][:-1] if fault["type"] == "extra_forbidden" else fault["loc"]
    return ".".join(map(str, known))


def _expected(message: str) -> str:
    """What was expected, without the part that quotes what was sent."""
    return message.partition(", found")[0].partition(": invalid")[0].partition(", invalid")[0]


def _route(scope: Message) -> str:
    """The template of the path, never the path: it holds ids."""
    return getattr(scope.get("route"), "path", "none")


def _method(scope: Message) -> str:
    """Only known methods become labels: a caller must not be able to make new ones."""
    method = str(scope["method"])
    return method if method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} else "other"
