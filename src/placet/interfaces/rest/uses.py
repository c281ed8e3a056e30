"""What was done with a person's data, each use with the yes it ran under (mission B7)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from psycopg import Connection

from placet.gate.uses import Use, uses_of
from placet.interfaces.rest.context import Here, needs
from placet.interfaces.rest.shapes import Limit, Place, UseOut, UsesOut
from placet.kernel.ids import SubjectId

router = APIRouter(prefix="/v1/subjects", tags=["subjects"])

_PAGE = 200


@router.get("/{subject}/uses", dependencies=[needs("subjects:read")])
def read_uses(
    here: Here,
    subject: UUID,
    before: Annotated[Place | None, Query(description="Only uses with a smaller id")] = None,
    limit: Annotated[Limit, Query()] = 50,
) -> UsesOut:
    """What was done with the person's data, newest first; a use without a permit is shown like any other."""
    with here.application.database.transaction() as connection:
        person = here.application.subjects.get(connection, SubjectId(subject))
        found = uses_of(connection, person.id, before=before, limit=limit + 1)
    shapes = [_shape(use) for use in found[:limit]]
    more = len(found) > limit
    return UsesOut(
        uses=shapes, next=f"/v1/subjects/{subject}/uses?before={shapes[-1].id}&limit={limit}" if more else None
    )


def every_use(connection: Connection, subject: SubjectId) -> Iterator[dict[str, Any]]:
    """All uses of a person's data, newest first."""
    before: int | None = None
    while page := uses_of(connection, subject, before=before, limit=_PAGE):
        yield from (_shape(use).model_dump(mode="json") for use in page)
        before = page[-1].id


def _shape(use: Use) -> UseOut:
    return UseOut(
        id=use.id,
        activity=use.activity,
        channel=use.channel,
        at=use.at,
        outcome=use.outcome,
        audience=use.audience,
        token=None if use.epoch is None else f"{use.epoch}.{use.position}",
        permitted=use.permit is not None or use.audience is not None,
    )
