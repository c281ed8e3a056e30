"""
What may happen to a request next. Nothing here reads a clock or a table.

Each function takes the request as it stands (its row locked) and returns it as it stands afterwards, or raises
`Conflict` with a code that says what stands in the way. tests/rights/requests.yaml holds the table.
"""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import attrs

from placet.consents.model import Actor
from placet.kernel.errors import Conflict
from placet.kernel.ids import StaffId
from placet.kernel.periods import aware
from placet.rights import deadlines
from placet.rights.model import Escalation, Request


def take(request: Request, owner: StaffId) -> Request:
    """*owner* works on it from now on; taking one's own again changes nothing."""
    _open(request)
    if request.owner not in {None, owner}:
        raise Conflict("a colleague works on this request already; nothing was changed", code="request-taken")
    return attrs.evolve(request, owner=owner, state="extended" if request.extended_at else "in-progress")


def hand_over(request: Request, to: StaffId) -> Request:
    """Another member goes on with it, whoever had it."""
    _open(request)
    return attrs.evolve(request, owner=to, state="extended" if request.extended_at else "in-progress")


def release(request: Request) -> Request:
    """Nobody works on it any more; its deadline stays."""
    _open(request)
    return attrs.evolve(request, owner=None, state="extended" if request.extended_at else "received")


def extend(request: Request, *, zone: ZoneInfo, now: datetime) -> Request:
    """Two further months, once, and only before the first month is over: the person must be told within it."""
    _open(request)
    if request.extended_at is not None:
        raise Conflict("this request was extended already; GDPR 12(3) allows it once", code="request-extended")
    if now > request.due:
        raise Conflict("the month is over: it could be extended only within it (GDPR 12(3))", code="request-overdue")
    due = aware(deadlines.due(request.received_at, zone=zone, months=deadlines.EXTENDED))
    return attrs.evolve(request, state="extended", extended_at=now, due=due)


def finish(request: Request, by: Actor, *, now: datetime) -> Request:
    """What was asked is done."""
    _yours(request, by)
    return attrs.evolve(request, state="done", closed_at=now)


def refuse(request: Request, by: Actor, *, now: datetime) -> Request:
    """It is refused, with a reason that the person is told (GDPR 12(4))."""
    _yours(request, by)
    return attrs.evolve(request, state="refused", closed_at=now)


def withdraw(request: Request, *, now: datetime) -> Request:
    """The person does not want it any more, also while somebody works on it."""
    _open(request)
    return attrs.evolve(request, state="withdrawn", closed_at=now)


def escalation(request: Request, now: datetime) -> Escalation:
    """How near its deadline it is; a closed one is near none."""
    if not request.is_open:
        return "closed"
    if now > request.due:
        return "overdue"
    return "soon" if request.due - now <= deadlines.SOON else "in-time"


def _open(request: Request) -> None:
    if request.state == "withdrawn":
        raise Conflict("the person has withdrawn this request meanwhile; nothing was changed", code="request-withdrawn")
    if not request.is_open:
        raise Conflict("this request was answered already; nothing was changed", code="request-closed")


def _yours(request: Request, by: Actor) -> None:
    """Two members do not answer one request: who did not take it has it handed over first."""
    _open(request)
    if by.kind == "agent" and request.owner is not None and str(request.owner) != by.id:
        raise Conflict("a colleague works on this request; have it handed over first", code="request-taken")
