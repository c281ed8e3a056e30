"""Audiences: the gate's yes for many, frozen; asked again at the moment of sending (mission B9)."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, status

from placet.gate.actions import Audience
from placet.gate.model import Token
from placet.interfaces.rest.context import Here, needs
from placet.interfaces.rest.shapes import AudienceIn, AudienceOut, ConfirmedOut, ConfirmIn
from placet.kernel import clock
from placet.kernel.ids import ActivityId, ChannelId

router = APIRouter(prefix="/v1/audiences", tags=["audiences"])


@router.post("", status_code=status.HTTP_201_CREATED, dependencies=[needs("audience")])
def draw_audience(here: Here, sent: AudienceIn) -> AudienceOut:
    """Freeze everybody for whom an activity may happen now, with the count of each reason why the others are not."""
    here.application.keeper.demand_agreement()
    with here.application.database.transaction() as connection:
        drawn = here.application.gate.audience(
            connection,
            here.replica,
            ActivityId(sent.activity),
            channel=None if sent.channel is None else ChannelId(sent.channel),
            token=None if sent.token is None else Token.parse(sent.token),
            now=clock.now(),
        )
    return _shape(drawn)


@router.get("/{audience}", dependencies=[needs("audience")])
def read_audience(here: Here, audience: UUID) -> AudienceOut:
    """An audience as it was frozen."""
    with here.application.database.transaction() as connection:
        return _shape(here.application.gate.kept_audience(connection, audience))


@router.post("/{audience}/confirm", dependencies=[needs("audience")])
def confirm_audience(here: Here, audience: UUID, sent: ConfirmIn) -> ConfirmedOut:
    """Ask again before sending: how many of the frozen members may still be reached. Nobody is added."""
    here.application.keeper.demand_agreement()
    token = None if sent.token is None else Token.parse(sent.token)
    with here.application.database.transaction() as connection:
        kept = here.application.gate.kept_audience(connection, audience)
    confirmed = here.application.gate.confirm(here.replica, kept, token=token, now=clock.now())
    return ConfirmedOut(
        id=kept.id,
        count=len(confirmed.members),
        gone=confirmed.gone,
        as_of=confirmed.as_of,
        token=str(confirmed.token),
    )


def _shape(audience: Audience) -> AudienceOut:
    return AudienceOut(
        id=audience.id,
        activity=audience.activity,
        channel=audience.channel,
        count=audience.count,
        excluded={reason.value: count for reason, count in audience.excluded.items()},
        hash=audience.sha256.hex(),
        as_of=audience.as_of,
        expires_at=audience.expires_at,
        token=str(audience.token),
    )
