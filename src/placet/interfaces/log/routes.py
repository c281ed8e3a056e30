"""
The public log over HTTP: C2SP tlog-tiles under `/log`, the verifier keys, and where witnesses hand back cosignatures.

Tiles and full entry bundles never change, so they may be cached for a year; the checkpoint for a second.
Nothing beyond the newest checkpoint is served.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Protocol

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from placet.config import Config
from placet.kernel.clock import now
from placet.kernel.errors import BadInput, Denied, NotFound, PlacetError, Tampered
from placet.ledger import cosigning, proof, store, tiles
from placet.ledger.append import ending
from placet.ledger.keys import Keys, LogSigner, receipt_verifier
from placet.ledger.outside import Outside
from placet.ledger.reader import TileReader
from placet.ledger.tiles import WIDTH
from placet.store.database import Database

_TEXT = "text/plain; charset=utf-8"
_BYTES = "application/octet-stream"
_BRIEF = "public, max-age=1"
_FOR_EVER = "public, max-age=31536000, immutable"
_OPEN_PLACES: Mapping[str, int] = {"demo": 4, "development": 4, "production": 0}
"""How many witnesses may introduce themselves; in production the operator names each (`placet ledger trust`)."""


class LogHolder(Protocol):
    """What these routes need of the application."""

    @property
    def database(self) -> Database: ...
    @property
    def config(self) -> Config: ...
    @property
    def keys(self) -> Keys: ...


def routes(application: LogHolder) -> Starlette:
    """The log as an ASGI application; its paths begin with `/log`."""
    reader = TileReader()

    def checkpoint(request: Request) -> Response:
        with application.database.transaction() as connection:
            found = proof.latest_checkpoint(connection)
        if found is None:
            return _absent("nothing was logged yet")
        return _answer(request, found.note.encode(), _TEXT, _BRIEF)

    def cosigned(request: Request) -> Response:
        with application.database.transaction() as connection:
            found = store.latest_cosigned_checkpoint(connection, ending(connection).epoch)
        if found is None:
            return _absent("no witness has cosigned yet")
        return _answer(request, found.note.encode(), _TEXT, _BRIEF)

    def tile(request: Request) -> Response:
        try:
            path = tiles.parse_path(request.path_params["path"])
        except BadInput as error:
            return _absent(error.message)
        body = _tile(application.database, reader, path)
        return _absent("the log has no such tile") if body is None else _answer(request, body, _BYTES, _FOR_EVER)

    def keys(request: Request) -> Response:
        log = LogSigner(application.config.log_origin, application.keys.checkpoint)
        with application.database.transaction() as connection:
            epochs = store.epochs(connection)
        verifiers = [key for epoch in epochs for key in log.verifiers(epoch)]
        verifiers.append(receipt_verifier(log.base, application.keys.receipt))
        return _answer(request, "".join(f"{key}\n" for key in verifiers).encode(), _TEXT, "public, max-age=60")

    async def cosignatures(request: Request) -> Response:
        if (body := await _short_body(request)) is None:
            return PlainTextResponse(f"at most {cosigning.MOST_BYTES} bytes\n", status_code=413)
        return await run_in_threadpool(_accepted, application, body)

    return Starlette(
        routes=[
            Route("/log/checkpoint", checkpoint),
            Route("/log/checkpoint/cosigned", cosigned),
            Route("/log/tile/{path:path}", tile),
            Route("/log/keys", keys),
            Route("/log/cosignatures", cosignatures, methods=["POST"]),
        ]
    )


def _tile(database: Database, reader: TileReader, path: tiles.TilePath) -> bytes | None:
    with database.transaction() as connection:
        newest = proof.latest_checkpoint(connection)
        size = 0 if newest is None else newest.size
        if not 0 < path.width <= tiles.tile_width(path.level or 0, path.n, size):
            return None
        if path.level is not None:
            return reader.tile(connection, path.level, path.n, path.width)
        first = path.n * WIDTH + 1
        return tiles.format_bundle(store.entries(connection, first, first + path.width - 1))


async def _short_body(request: Request) -> str | None:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > cosigning.MOST_BYTES:
            return None
    return body.decode(errors="replace")


def _accepted(application: LogHolder, text: str) -> Response:
    places = _OPEN_PLACES[application.config.mode]
    try:
        with application.database.transaction() as connection:
            memory, base = Outside.of(application.config), application.config.log_origin
            cosigning.accept(connection, memory, text, base=base, places=places, now=now())
    except (BadInput, Denied, Tampered) as error:
        return PlainTextResponse(f"{error.code}: {error.message}\n", status_code=_status(error))
    return PlainTextResponse("kept\n")


def _status(error: PlacetError) -> int:
    statuses: list[tuple[type[PlacetError], int]] = [(NotFound, 404), (Denied, 403), (Tampered, 403)]
    return next((status for kind, status in statuses if isinstance(error, kind)), 400)


def _answer(request: Request, body: bytes, content_type: str, caching: str) -> Response:
    etag = f'"{sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": caching, "X-Content-Type-Options": "nosniff"}
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=content_type, headers=headers)


def _absent(reason: str) -> Response:
    return PlainTextResponse(f"{reason}\n", status_code=404, headers={"Cache-Control": "no-store"})
