"""A person's requests (GDPR 12-22), as a customer system files and follows them (see placet/rights)."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Query, Security, status
from psycopg import Connection

from placet.access.keys import Client
from placet.bootstrap import Application
from placet.consents.model import Actor
from placet.interfaces.rest.context import Here, client_with, needs
from placet.interfaces.rest.shapes import Limit, RequestIn, RequestOut, RequestsOut, StepOut
from placet.kernel import clock
from placet.kernel.ids import SubjectId
from placet.rights import rules
from placet.rights.model import Request, RequestId, parse_kind, parse_route

router = APIRouter(prefix="/v1/subjects", tags=["requests"])

Key = Annotated[
    str | None, Header(alias="Idempotency-Key", max_length=200, description="The same key never files twice")
]


@router.post("/{subject}/requests", status_code=status.HTTP_201_CREATED)
def file_request(
    here: Here,
    subject: UUID,
    sent: RequestIn,
    client: Annotated[Client, Security(client_with, scopes=["subjects:write"])],
    key: Key = None,
) -> RequestOut:
    """Write down what a person asks for. It must be answered within a month; `due` says by when."""
    now = clock.now()
    application = here.application
    with application.database.transaction() as connection:
        request = application.requests.file(
            connection,
            SubjectId(subject),
            parse_kind(sent.kind),
            text=sent.text,
            route=parse_route(sent.route),
            filed_by=Actor("client", client.id),
            received_at=sent.received_at,
            concerns=sent.concerns,
            key=None if key is None else _hashed(client, key),
            now=now,
        )
        return _shape(application, connection, request, now)


@router.get("/{subject}/requests", dependencies=[needs("subjects:read")])
def list_requests(
    here: Here,
    subject: UUID,
    before: Annotated[UUID | None, Query(description="Only those filed before this one")] = None,
    limit: Annotated[Limit, Query()] = 50,
) -> RequestsOut:
    """Everything that the person asked for, newest first, with each step and its deadline."""
    now = clock.now()
    application = here.application
    with application.database.transaction() as connection:
        person = application.subjects.get(connection, SubjectId(subject))
        earlier = None if before is None else RequestId(before)
        found = application.requests.of_subject(connection, person.id, before=earlier, limit=limit + 1)
        shapes = [_shape(application, connection, request, now) for request in found[:limit]]
    path = f"/v1/subjects/{subject}/requests?before={shapes[-1].id}&limit={limit}" if len(found) > limit else None
    return RequestsOut(requests=shapes, next=path)


def _hashed(client: Client, key: str) -> bytes:
    return hashlib.sha256(f"requests\0{client.id}\0{key}".encode()).digest()


def _shape(application: Application, connection: Connection, request: Request, now: datetime) -> RequestOut:
    steps = application.requests.steps(connection, request.id)
    return RequestOut(
        id=request.id,
        subject=request.subject,
        kind=request.kind,
        state=request.state,
        route=request.route,
        concerns=request.concerns,
        received_at=request.received_at,
        due=request.due,
        escalation=rules.escalation(request, now),
        extended_at=request.extended_at,
        closed_at=request.closed_at,
        text=request.text,
        outcome=request.outcome,
        steps=[StepOut(kind=step.kind, at=step.at, actor=step.actor.kind, note=step.note) for step in steps],
    )
