"""What is asked of people, and the words it is asked in."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query

from placet.catalogue import store
from placet.catalogue.model import Activity, Catalogue, Purpose
from placet.catalogue.render import render
from placet.interfaces.rest.context import Here, needs
from placet.interfaces.rest.shapes import ActivityOut, CatalogueOut, NoticeOut, PurposeOut, Text
from placet.kernel import clock

router = APIRouter(prefix="/v1", tags=["catalogue"])

Language = Annotated[Text, Query(description="One of the catalogue's languages", examples=["lv"])]
Purposes = Annotated[Text, Path(examples=["offers"])]
Route = Annotated[Literal["portal", "desk", "phone", "sms", "post", "api"], Query(description="How it will be shown")]


@router.get("/catalogue", dependencies=[needs("catalogue:read")])
def read_catalogue(here: Here) -> CatalogueOut:
    """The catalogue in force: purposes, activities, and the whole document as it was published into the ledger."""
    with here.application.database.transaction() as connection:
        catalogue = here.application.catalogue(connection)
    return CatalogueOut(
        id=catalogue.id,
        version=str(catalogue.version),
        digest=catalogue.digest.hex(),
        languages=list(catalogue.languages),
        purposes=[_purpose(purpose) for purpose in catalogue.purposes.values()],
        activities=[_activity(activity) for activity in catalogue.activities.values()],
        document=catalogue.document.decode(),
    )


@router.get("/notices/{purpose}", dependencies=[needs("catalogue:read")])
def read_notice(here: Here, purpose: Purposes, language: Language, route: Route = "api") -> NoticeOut:
    """
    The text of a purpose, to be shown word for word before a yes; it is remembered as shown.

    A decision `given` must send its `sha256` as `shown`: the record then commits to exactly this text (GDPR 7(1)).
    """
    with here.application.database.transaction() as connection:
        catalogue: Catalogue = here.application.catalogue(connection)
        rendered = render(catalogue, purpose=purpose, language=language, route=route)
        store.remember_shown(connection, rendered, clock.now())
    return NoticeOut(
        purpose=rendered.purpose,
        version=str(rendered.version),
        language=rendered.language,
        route=rendered.route,
        sha256=rendered.sha256.hex(),
        document=rendered.document.decode(),
        html=rendered.html,
        text=rendered.text,
    )


def _purpose(purpose: Purpose) -> PurposeOut:
    return PurposeOut(
        id=purpose.id,
        version=str(purpose.version),
        title={language: notice.title for language, notice in purpose.notices.items()},
        channels=list(purpose.channels),
        valid_for_days=None if purpose.valid_for is None else purpose.valid_for.days,
        automated=purpose.automated,
        dpv=list(purpose.dpv),
        data=list(purpose.data),
        recipients=list(purpose.recipients),
    )


def _activity(activity: Activity) -> ActivityOut:
    return ActivityOut(
        id=activity.id,
        title=dict(activity.titles),
        needs=list(activity.needs),
        channel=activity.channel,
        data=list(activity.data),
        legal_basis=activity.legal_basis or "",
    )
