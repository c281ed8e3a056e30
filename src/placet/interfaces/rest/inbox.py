"""The inbox of the operator's app: what lies there for a person, and that they have read it."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, status
from psycopg import Connection

from placet.delivery.inbox import Item
from placet.delivery.model import MessageId
from placet.interfaces.rest.context import Here, needs
from placet.interfaces.rest.shapes import InboxItemOut, InboxOut, InboxSurveyOut, Limit, LinkOut
from placet.kernel import clock
from placet.kernel.ids import SubjectId

router = APIRouter(prefix="/v1/subjects", tags=["inbox"])


@router.get("/{subject}/inbox", dependencies=[needs("subjects:read")])
def read_inbox(
    here: Here,
    subject: UUID,
    before: Annotated[UUID | None, Query(description="Only what lies before this message")] = None,
    limit: Annotated[Limit, Query()] = 50,
) -> InboxOut:
    """What lies in the person's inbox, newest first. `stop` is where they end it; show it with the text."""
    application = here.application
    place = None if before is None else MessageId(before)
    with application.database.transaction() as connection:
        person = application.subjects.get(connection, SubjectId(subject))
        found = application.inbox.of_subject(connection, person.id, before=place, limit=limit + 1)
        unread = application.inbox.unread(connection, person.id)
        items = [_shape(here, connection, SubjectId(subject), item) for item in found[:limit]]
    more = len(found) > limit
    path = f"/v1/subjects/{subject}/inbox?before={items[-1].message}&limit={limit}" if more else None
    return InboxOut(items=items, unread=unread, next=path)


@router.post(
    "/{subject}/inbox/{message}/read", status_code=status.HTTP_204_NO_CONTENT, dependencies=[needs("subjects:write")]
)
def mark_read(here: Here, subject: UUID, message: UUID) -> None:
    """The person has read it. Telling it again changes nothing: the first time counts."""
    application = here.application
    with application.database.transaction() as connection:
        person = application.subjects.get(connection, SubjectId(subject))
        application.inbox.read(connection, person.id, MessageId(message), now=clock.now())


@router.post("/{subject}/inbox/{message}/survey", dependencies=[needs("subjects:write")])
def take_survey(here: Here, subject: UUID, message: UUID) -> LinkOut:
    """The link to the questions of a survey, made now. Of an anonymous survey it is given once: open it at once."""
    application = here.application
    with application.database.transaction() as connection:
        person = application.subjects.get(connection, SubjectId(subject))
        item = application.inbox.item(connection, person.id, MessageId(message))
        handing = application.offers.surveys.handing
        return LinkOut(url=handing.take(connection, item.template, person.id, now=clock.now()))


def _shape(here: Here, connection: Connection, subject: SubjectId, item: Item) -> InboxItemOut:
    return InboxItemOut(
        message=item.message,
        kind=item.kind,
        topic=item.topic,
        title=item.title,
        paragraphs=list(item.paragraphs),
        put_at=item.put_at,
        read_at=item.read_at,
        stop=None if item.stop is None else here.application.config.url + item.stop,
        survey=_survey(here, connection, subject, item),
    )


def _survey(here: Here, connection: Connection, subject: SubjectId, item: Item) -> InboxSurveyOut | None:
    found = here.application.offers.surveys.handing.in_app(connection, item.template, subject, now=clock.now())
    if found is None:
        return None
    path = f"/v1/subjects/{subject}/inbox/{item.message}/survey" if found.can_take else None
    return InboxSurveyOut(path=path, once=found.is_once, taken=found.is_taken, over=found.is_over)
