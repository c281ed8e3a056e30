"""What every route starts from: the application, who calls, and that the query holds nothing unknown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import attrs
from fastapi import Depends, Request, Security
from fastapi.params import Security as SecurityMark
from fastapi.security import HTTPBearer, SecurityScopes
from fastapi.security.http import HTTPAuthorizationCredentials

from placet.access.keys import Client
from placet.bootstrap import Application
from placet.gate.replica import Replica
from placet.interfaces.bearer import missing
from placet.interfaces.rest.metrics import Metrics
from placet.kernel import clock
from placet.kernel.errors import BadInput
from placet.subscribers.actions import Subscribers

PUBLIC: dict[str, list[object]] = {"security": []}
"""`openapi_extra` of a route that asks for no key; tests/rest/test_scopes.py lists which may."""

_bearer = HTTPBearer(scheme_name="apiKey", auto_error=False, description="An API key: `placet keys add NAME --scope …`")


@attrs.frozen
class Context:
    """The parts that routes reach; one for the whole process."""

    application: Application
    replica: Replica
    subscribers: Subscribers
    metrics: Metrics


def context(request: Request) -> Context:
    found: Context = request.app.state.context
    return found


def needs(scope: str) -> SecurityMark:
    """The door of a route: a valid key that has *scope*, within its rate. The OpenAPI document names the scope too."""
    mark: SecurityMark = Security(client_with, scopes=[scope])
    return mark


def known_query(request: Request) -> None:
    """Refuse a query parameter that the route does not have: a mistyped filter must not be silently ignored."""
    queries: Mapping[tuple[str, str], frozenset[str]] = request.app.state.queries
    known = queries.get((request.method, request.scope["route"].path), frozenset())
    if unknown := set(request.query_params) - known:
        names = ", ".join(sorted(known)) or "none"
        raise BadInput(
            f"{len(unknown)} query parameters are not known here; this route has: {names}", code="unknown-parameter"
        )


def client_with(
    scopes: SecurityScopes,
    context: Annotated[Context, Depends(context)],
    shown: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
) -> Client:
    if shown is None:
        raise missing()
    keys = context.application.api_keys
    client = keys.authenticate(shown.credentials.strip(), now=clock.now())
    for scope in scopes.scopes:
        client.require(scope)
    keys.admit(client)
    return client


Here = Annotated[Context, Depends(context)]
