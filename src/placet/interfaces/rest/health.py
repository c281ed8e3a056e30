"""Is the process alive, should it get requests, how is it doing. Open to everybody, so nothing here is personal."""

from __future__ import annotations

import time
from datetime import timedelta

from fastapi import APIRouter, Response, status
from prometheus_client import generate_latest

from placet.interfaces.rest.context import PUBLIC, Context, Here
from placet.interfaces.rest.shapes import HealthOut, ReadyOut
from placet.kernel import clock
from placet.kernel.errors import PlacetError
from placet.ledger import proof
from placet.ledger.append import ending
from placet.ledger.store import recorded_at

router = APIRouter(tags=["operation"])

LATE = timedelta(seconds=10)
"""The promise is one second; after this the keeper counts as gone."""

_TEXT = "text/plain; version=0.0.4; charset=utf-8"
_METRICS = {"description": "Prometheus text", "content": {"text/plain": {"schema": {"type": "string"}}}}


@router.get("/healthz", openapi_extra=PUBLIC)
def read_health() -> HealthOut:
    """The process answers. Restart it if it does not."""
    return HealthOut(status="ok")


@router.get("/readyz", openapi_extra=PUBLIC, responses={503: {"model": ReadyOut, "description": "Not ready"}})
def read_readiness(here: Here, response: Response) -> ReadyOut:
    """Whether requests should come here: the database answers, the replica is fresh, the keeper signs."""
    checks = {"database": _database(here), "replica": _replica(here), "keeper": _keeper(here)}
    ready = all(answer == "ok" for answer in checks.values())
    if not ready:
        response.status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    return ReadyOut(ready=ready, checks=checks)


@router.get("/metrics", openapi_extra=PUBLIC, response_class=Response, responses={200: _METRICS})
def read_metrics(here: Here) -> Response:
    """Figures for Prometheus."""
    return Response(generate_latest(here.metrics.registry), media_type=_TEXT)


def _database(here: Context) -> str:
    try:
        with here.application.database.transaction() as connection:
            ending(connection)
    except PlacetError as error:
        return error.code
    return "ok"


def _replica(here: Context) -> str:
    return "ok" if time.monotonic() < here.replica.memory.view.until else "stale"


def _keeper(here: Context) -> str:
    """Whether the tree follows, whichever process keeps it: what was recorded a while ago must have been signed."""
    if (fault := here.application.keeper.fault) is not None:
        return fault.code
    try:
        with here.application.database.transaction() as connection:
            signed = proof.latest_checkpoint(connection)
            size = 0 if signed is None else signed.size
            late = size < ending(connection).position and clock.now() - recorded_at(connection, size + 1) > LATE
    except PlacetError as error:
        return error.code
    return "behind" if late else "ok"
