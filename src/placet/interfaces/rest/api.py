"""`/v1` besides its hot routes: FastAPI, sync handlers in threads, problems instead of tracebacks."""

from __future__ import annotations

from functools import cache
from typing import Any

from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

import placet
from placet.bootstrap import Application
from placet.gate.replica import Replica
from placet.interfaces.rest import (
    audiences,
    catalogue,
    export,
    health,
    inbox,
    mobility,
    receipts,
    requests,
    subjects,
    uses,
    webhooks,
)
from placet.interfaces.rest.answered import Answered
from placet.interfaces.rest.boundary import Boundary, handle_errors
from placet.interfaces.rest.context import PUBLIC, Context, known_query
from placet.interfaces.rest.description import describe
from placet.interfaces.rest.metrics import Metrics
from placet.subscribers.actions import Subscribers

HOT = ("/v1/decisions", "/v1/check")
"""Served by `hot.py` when the method is POST; other methods arrive here."""


def api(application: Application, replica: Replica, answered: Answered) -> FastAPI:
    """
    The REST interface over *application*; `GET /v1/openapi.json` describes it, hot routes included.

    What it answers is counted in *answered*, beside what the hot routes note there.
    """
    subscribers = Subscribers.of(application.config, application.master)
    metrics = Metrics(application, replica, subscribers, answered)
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, dependencies=[Depends(known_query)])
    app.state.context = Context(application, replica, subscribers, metrics)
    handle_errors(app)
    app.add_middleware(Boundary, answered=answered)
    for part in (catalogue, subjects, export, inbox, mobility, requests, uses, receipts, audiences, webhooks, health):
        app.include_router(part.router)
    document = cache(lambda: describe(app, version=placet.__version__))
    _serve_document(app, document)
    app.openapi = document  # type: ignore[method-assign]
    app.state.queries = _queries(document())
    return app


def _serve_document(app: FastAPI, document: Any) -> None:
    def read_openapi() -> JSONResponse:
        """This document."""
        return JSONResponse(document())

    def wrong_method(_request: Request) -> None:
        raise HTTPException(405, headers={"allow": "POST"})

    app.add_api_route("/v1/openapi.json", read_openapi, openapi_extra=PUBLIC, tags=["operation"])
    for path in HOT:
        app.add_api_route(
            path, wrong_method, methods=["GET", "PUT", "PATCH", "DELETE", "OPTIONS"], include_in_schema=False
        )


def _queries(document: dict[str, Any]) -> dict[tuple[str, str], frozenset[str]]:
    """The query parameters that each route knows, by method and path."""
    return {
        (method.upper(), path): frozenset(
            parameter["name"] for parameter in operation.get("parameters", []) if parameter["in"] == "query"
        )
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }
