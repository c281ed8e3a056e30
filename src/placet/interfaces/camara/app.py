"""The door of CAMARA's interfaces: keys, correlators, errors in its words."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

import structlog
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from placet.bootstrap import Application
from placet.interfaces.bearer import credentials
from placet.interfaces.camara.population_density import PopulationDensity
from placet.interfaces.camara.problems import Refused, of
from placet.kernel import clock
from placet.kernel.errors import PlacetError

SCOPE = "mobility:read"
_CORRELATOR = re.compile(r"[a-zA-Z0-9\-_:;./<>{}]{1,256}", re.ASCII)

log = structlog.get_logger()


def camara(application: Application, *, now: Callable[[], datetime] = clock.now) -> Starlette:
    """`/population-density-data/v0.3`."""
    density = PopulationDensity(application, now)

    def answered(authorization: str, body: bytes) -> tuple[object, int]:
        try:
            _admit(application, authorization, now())
            return density.retrieve(body), 200
        except PlacetError as error:
            return _told(of(error))
        except Refused as refused:
            return _told(refused)
        except Exception as error:  # noqa: BLE001 - the request boundary
            log.error("request.failed", route="population-density", error=type(error).__name__)
            return _told(Refused(500, "INTERNAL", "this is our fault, and it was noted"))

    async def retrieve(request: Request) -> JSONResponse:
        content, status = await run_in_threadpool(
            answered, request.headers.get("authorization", ""), await request.body()
        )
        return JSONResponse(content, status, _headers(request, status))

    return Starlette(routes=[Route("/population-density-data/v0.3/retrieve", retrieve, methods=["POST"])])


def _admit(application: Application, authorization: str, now: datetime) -> None:
    client = application.api_keys.authenticate(credentials(authorization), now=now)
    client.require(SCOPE)
    application.api_keys.admit(client)


def _told(refused: Refused) -> tuple[object, int]:
    return {"status": refused.status, "code": refused.code, "message": refused.message}, refused.status


def _headers(request: Request, status: int) -> dict[str, str]:
    """The caller's correlator comes back; no cache keeps an answer."""
    found = {"cache-control": "no-store"}
    correlator = request.headers.get("x-correlator", "")
    if _CORRELATOR.fullmatch(correlator):
        found["x-correlator"] = correlator
    if status == 401:
        found["www-authenticate"] = "Bearer"
    return found
