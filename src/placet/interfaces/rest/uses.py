"""What was done with a person's data, each use with the yes it ran under (mission B7)."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, status

from placet.consents.rules import CLOCK_SLACK
from placet.gate.uses import Use, record_use, under_permit, uses_of
from placet.interfaces.rest.context import Here, needs
from placet.interfaces.rest.shapes import Limit, Place, UseIn, UseOut, UsesOut
from placet.kernel import clock
from placet.kernel.errors import BadInput
from placet.kernel.ids import SubjectId

router = APIRouter(prefix="/v1", tags=["uses"])


@router.post("/uses", status_code=status.HTTP_204_NO_CONTENT, dependencies=[needs("check")])
def tell_use(here: Here, sent: UseIn) -> None:
    """
    Tell what was done under a permit of `POST /v1/check`; the person sees it, the audit replays it.

    A use is told as it was: a permit that has ended meanwhile is accepted here, and the audit judges it.
    """
    now = clock.now()
    at = sent.at or now
    if at > now + CLOCK_SLACK:
        raise BadInput("a use cannot lie in the future; check the clock and the zone", code="in-the-future")
    permit = here.application.gate.read_permit(sent.permit)
    with here.application.database.transaction() as connection:
        record_use(connection, under_permit(permit, outcome=sent.outcome, at=at))


@router.get("/subjects/{subject}/uses", dependencies=[needs("subjects:read")])
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
