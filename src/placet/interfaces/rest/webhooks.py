"""Register programs that are told of every change (see placet/subscribers)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Security, status

from placet.access.keys import Client
from placet.interfaces.rest.context import Here, client_with, needs
from placet.interfaces.rest.shapes import Limit, NewWebhookOut, WebhookIn, WebhookOut, WebhooksOut
from placet.kernel import clock
from placet.subscribers.model import Subscriber, SubscriberId

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])


@router.post("", status_code=status.HTTP_201_CREATED)
def register_webhook(
    here: Here, sent: WebhookIn, client: Annotated[Client, Security(client_with, scopes=["admin"])]
) -> NewWebhookOut:
    """Tell a program of every change, in order, signed (Standard Webhooks). The secret is answered only here."""
    now = clock.now()
    limit = timedelta(seconds=sent.limit_seconds)
    with here.application.database.transaction() as connection:
        added = here.subscribers.register(
            connection, client=client.name, url=sent.url, after=sent.after, limit=limit, now=now
        )
    return NewWebhookOut(**_shape(added.subscriber, now), secret=added.secret)


@router.get("", dependencies=[needs("admin")])
def list_webhooks(
    here: Here, after: Annotated[UUID | None, Query()] = None, limit: Annotated[Limit, Query()] = 50
) -> WebhooksOut:
    """Every webhook, with how far behind it is and what its last attempt met."""
    now = clock.now()
    with here.application.database.transaction() as connection:
        found = here.subscribers.listing(connection, after=after, limit=limit + 1)
    shapes = [WebhookOut(**_shape(subscriber, now)) for subscriber in found[:limit]]
    more = len(found) > limit
    return WebhooksOut(webhooks=shapes, next=f"/v1/webhooks?after={shapes[-1].id}&limit={limit}" if more else None)


@router.get("/{webhook}", dependencies=[needs("admin")])
def read_webhook(here: Here, webhook: UUID) -> WebhookOut:
    """One webhook, with how far behind it is."""
    with here.application.database.transaction() as connection:
        return WebhookOut(**_shape(here.subscribers.get(connection, SubscriberId(webhook)), clock.now()))


@router.delete("/{webhook}", status_code=status.HTTP_204_NO_CONTENT, dependencies=[needs("admin")])
def remove_webhook(here: Here, webhook: UUID) -> None:
    """Tell it nothing more; a message under way may still arrive. It keeps nothing closed any more."""
    with here.application.database.transaction() as connection:
        here.subscribers.remove(connection, SubscriberId(webhook), now=clock.now())


def _shape(subscriber: Subscriber, now: datetime) -> dict[str, Any]:
    return {
        "id": subscriber.id,
        "client": subscriber.client,
        "url": subscriber.url,
        "position": subscriber.position,
        "created_at": subscriber.created_at,
        "answered_at": subscriber.answered_at,
        "failures": subscriber.failures,
        "failure": subscriber.failure,
        "behind": subscriber.behind,
        "lag_seconds": subscriber.lag(now).total_seconds(),
        "limit_seconds": round(subscriber.limit.total_seconds()),
    }
