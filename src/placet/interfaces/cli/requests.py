"""`placet requests`: what persons ask for, and who answers by when."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import attrs
import click
from psycopg import Connection

from placet.bootstrap import Application
from placet.consents.model import Actor
from placet.interfaces.cli.context import find_subject, json_option, open_application, out, print_json, reported
from placet.interfaces.cli.members import member, member_option
from placet.kernel import clock
from placet.kernel.ids import StaffId
from placet.kernel.periods import format_instant, parse_instant
from placet.rights import rules
from placet.rights.model import (
    KINDS,
    OPEN,
    ROUTES,
    STATES,
    Request,
    RequestId,
    Step,
    parse_kind,
    parse_route,
    parse_state,
)

_SHOWN = 12
"""Characters of an id that a list shows; `--json` has all of it."""


@click.group("requests", invoke_without_command=True)
@click.option("--state", "states", multiple=True, type=click.Choice(STATES), help="Default: those not answered yet.")
@click.option("--owner", metavar="LOGIN", help="Only those that this member works on.")
@click.option("--unowned", is_flag=True, help="Only those that nobody works on.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 200))
@click.option("--after", type=click.UUID, help="The last request of the page before.")
@json_option
@click.pass_context
@reported
def requests_group(
    context: click.Context,
    states: tuple[str, ...],
    owner: str | None,
    unowned: bool,
    limit: int,
    after: UUID | None,
    as_json: bool,
) -> None:
    """What persons ask for (GDPR 12-22), those due first. Without a command: list them."""
    if context.invoked_subcommand is not None:
        return
    now = clock.now()
    with open_application() as application, application.database.transaction() as connection:
        found = application.requests.queue(
            connection,
            states=[parse_state(state) for state in states] or OPEN,
            owner="nobody" if unowned else None if owner is None else member(connection, owner),
            after=None if after is None else RequestId(after),
            limit=limit,
        )
        zone = application.requests.zone
    if as_json:
        print_json([_shape(request, now) for request in found])
        return
    if not found:
        out.print("no request waits")
    for request in found:
        out.print(_line(request, now, zone), markup=False)


@requests_group.command("file")
@click.argument("subject")
@click.argument("kind", type=click.Choice(KINDS))
@click.option("--text", help="What the person wrote or said; kept sealed.")
@click.option("--route", required=True, type=click.Choice(ROUTES), help="How it came in.")
@click.option("--received-at", help="When it came in, RFC 3339; default now. The month runs from then.")
@click.option("--concerns", help="Id of the record, use or activity that it is about.")
@json_option
@reported
def file_command(
    subject: str,
    kind: str,
    text: str | None,
    route: str,
    received_at: str | None,
    concerns: str | None,
    as_json: bool,
) -> None:
    """Write down that SUBJECT asks for KIND."""
    now = clock.now()
    with open_application() as application, application.database.transaction() as connection:
        person = find_subject(application, connection, subject)
        request = application.requests.file(
            connection,
            person.id,
            parse_kind(kind),
            text=text,
            route=parse_route(route),
            filed_by=Actor("client", "cli"),
            received_at=None if received_at is None else parse_instant(received_at),
            concerns=concerns,
            now=now,
        )
        zone = application.requests.zone
    _say(request, now, zone, as_json=as_json)


@requests_group.command("show")
@click.argument("request", type=click.UUID)
@json_option
@reported
def show_command(request: UUID, as_json: bool) -> None:
    """One REQUEST with its words and everything that happened to it."""
    now = clock.now()
    with open_application() as application, application.database.transaction() as connection:
        found = application.requests.get(connection, RequestId(request))
        steps = application.requests.steps(connection, found.id)
        zone = application.requests.zone
    if as_json:
        print_json(_shape(found, now) | {"steps": [_step(step) for step in steps]})
        return
    out.print(_line(found, now, zone), markup=False)
    for step in steps:
        by = step.actor.kind if step.actor.id is None else f"{step.actor.kind} {step.actor.id}"
        out.print(f"{step.at.astimezone(zone):%Y-%m-%d %H:%M}  {step.kind:<12} {by}", markup=False)
        for line in (step.note or "").splitlines():
            out.print(f"    {line}", markup=False)


@requests_group.command("take")
@click.argument("request", type=click.UUID)
@member_option
@json_option
@reported
def take_command(request: UUID, login: str, as_json: bool) -> None:
    """Work on REQUEST: nobody else does then."""
    with _working(request, login, as_json=as_json) as desk:
        desk.show(desk.application.requests.take(desk.connection, desk.id, desk.member, now=desk.now))


@requests_group.command("release")
@click.argument("request", type=click.UUID)
@member_option
@json_option
@reported
def release_command(request: UUID, login: str, as_json: bool) -> None:
    """Put REQUEST back: anybody may take it."""
    with _working(request, login, as_json=as_json) as desk:
        desk.show(desk.application.requests.release(desk.connection, desk.id, by=desk.by, now=desk.now))


@requests_group.command("extend")
@click.argument("request", type=click.UUID)
@click.option("--reason", required=True, help="Why it takes longer; the person reads it.")
@member_option
@json_option
@reported
def extend_command(request: UUID, reason: str, login: str, as_json: bool) -> None:
    """Two further months for REQUEST, once, within the first (GDPR 12(3))."""
    with _working(request, login, as_json=as_json) as desk:
        desk.show(desk.application.requests.extend(desk.connection, desk.id, reason=reason, by=desk.by, now=desk.now))


@requests_group.command("finish")
@click.argument("request", type=click.UUID)
@click.option("--outcome", required=True, help="What was done; the person reads it.")
@member_option
@json_option
@reported
def finish_command(request: UUID, outcome: str, login: str, as_json: bool) -> None:
    """REQUEST is answered."""
    with _working(request, login, as_json=as_json) as desk:
        desk.show(desk.application.requests.finish(desk.connection, desk.id, outcome=outcome, by=desk.by, now=desk.now))


@requests_group.command("refuse")
@click.argument("request", type=click.UUID)
@click.option("--reason", required=True, help="Why it is not done; the person reads it (GDPR 12(4)).")
@member_option
@json_option
@reported
def refuse_command(request: UUID, reason: str, login: str, as_json: bool) -> None:
    """REQUEST is refused."""
    with _working(request, login, as_json=as_json) as desk:
        desk.show(desk.application.requests.refuse(desk.connection, desk.id, reason=reason, by=desk.by, now=desk.now))


@attrs.define
class _Desk:
    """One step of one member, in one transaction; what it led to is printed after the commit."""

    application: Application
    connection: Connection
    id: RequestId
    member: StaffId
    now: datetime
    done: Request | None = None

    @property
    def by(self) -> Actor:
        return Actor("agent", str(self.member))

    def show(self, done: Request) -> None:
        self.done = done


@contextmanager
def _working(request: UUID, login: str, *, as_json: bool) -> Iterator[_Desk]:
    now = clock.now()
    with open_application() as application:
        with application.database.transaction() as connection:
            desk = _Desk(application, connection, RequestId(request), member(connection, login), now)
            yield desk
        assert desk.done is not None
        _say(desk.done, now, application.requests.zone, as_json=as_json)


def _say(request: Request, now: datetime, zone: ZoneInfo, *, as_json: bool) -> None:
    if as_json:
        print_json(_shape(request, now))
    else:
        out.print(_line(request, now, zone), markup=False)


def _line(request: Request, now: datetime, zone: ZoneInfo) -> str:
    due = f"{request.due.astimezone(zone):%Y-%m-%d}"
    owner = "nobody" if request.owner is None else str(request.owner)[:_SHOWN]
    return (
        f"{request.id}  {request.kind:<13} {request.state:<11} due {due}  {rules.escalation(request, now):<8}"
        f" {owner:<{_SHOWN}} {request.route}"
    )


def _shape(request: Request, now: datetime) -> dict[str, Any]:
    return {
        "id": request.id,
        "subject": request.subject,
        "kind": request.kind,
        "state": request.state,
        "route": request.route,
        "concerns": request.concerns,
        "received_at": format_instant(request.received_at),
        "due": format_instant(request.due),
        "escalation": rules.escalation(request, now),
        "owner": request.owner,
        "extended_at": None if request.extended_at is None else format_instant(request.extended_at),
        "closed_at": None if request.closed_at is None else format_instant(request.closed_at),
        "text": request.text,
        "outcome": request.outcome,
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "kind": step.kind,
        "at": format_instant(step.at),
        "actor": {"kind": step.actor.kind, "id": step.actor.id},
        "owner": step.owner,
        "due": format_instant(step.due),
        "note": step.note,
    }
