"""
An erasure that a member carries out for a request: two people, one transaction.

Whoever filed the request does not carry it out. The request is answered first, since nothing can be written about the
person once the key is gone; so an answer that must reach them is made before `erase` is called.
"""

from __future__ import annotations

from datetime import datetime

from psycopg import Connection

from placet.access.staff import Member, Role
from placet.consents.model import Actor
from placet.kernel.errors import Conflict, Denied
from placet.ledger.append import lock_head
from placet.rights import erasure
from placet.rights.erasure import Erased, Rooms
from placet.rights.model import Request, RequestId

ERASERS = (Role.REVIEWER, Role.DPO)
"""Who may carry an erasure out."""


def erase(rooms: Rooms, connection: Connection, id: RequestId, *, by: Member, outcome: str, now: datetime) -> Erased:
    """Answer the request *id* with *outcome* and forget the person for good. The caller commits next."""
    lock_head(connection)  # first, as every decision does: two orders would deadlock
    request = rooms.requests.take(connection, id, by.id, now=now)
    demand_second(request, by)
    rooms.requests.finish(connection, id, outcome=outcome, by=Actor("agent", str(by.id)), now=now)
    return erasure.erase(rooms, connection, request.subject, now=now)


def demand_second(request: Request, by: Member) -> None:
    """Raise unless *by* may carry this erasure out."""
    if request.kind != "erasure":
        raise Conflict("this request does not ask for an erasure; nothing was erased", code="other-request")
    if not by.has(*ERASERS):
        raise Denied("a reviewer or the data-protection officer carries it out; nothing was erased", code="role")
    if request.filed_by == Actor("agent", str(by.id)):
        raise Denied("you filed this request: a colleague carries it out. Nothing was erased", code="filed-it-yourself")
