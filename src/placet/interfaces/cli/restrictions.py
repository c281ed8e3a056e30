"""`placet restrictions`: whose processing rests (GDPR 18), why, and until when."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import click

from placet.interfaces.cli.context import find_subject, json_option, open_application, out, print_json, reported
from placet.interfaces.cli.members import acting, member_option
from placet.kernel import clock
from placet.kernel.ids import PurposeId
from placet.kernel.periods import format_instant, parse_instant
from placet.rights import restriction
from placet.rights.model import RequestId
from placet.rights.restriction import GROUNDS, Ground, Restriction, RestrictionId


@click.group("restrictions")
def restrictions_group() -> None:
    """Processing that rests (GDPR 18): the gate says `restricted` while one lasts."""


@restrictions_group.command("list")
@click.argument("subject")
@json_option
@reported
def list_command(subject: str, as_json: bool) -> None:
    """Every restriction of SUBJECT, newest first, those that are over too."""
    with open_application() as application, application.database.transaction() as connection:
        found = restriction.of_subject(connection, find_subject(application, connection, subject).id)
    if as_json:
        print_json([_shape(one) for one in found])
        return
    for one in found:
        out.print(_line(one), markup=False)


@restrictions_group.command("add")
@click.argument("subject")
@click.option("--purpose", help="Only this one; left out: all of them.")
@click.option("--ground", required=True, type=click.Choice(GROUNDS), help="GDPR 18(1)(a) to (d).")
@click.option("--request", type=click.UUID, help="The request that asked for it.")
@member_option
@json_option
@reported
def add_command(
    subject: str, purpose: str | None, ground: Ground, request: UUID | None, login: str, as_json: bool
) -> None:
    """Let the processing of SUBJECT rest, from now on."""
    with open_application() as application, application.database.transaction() as connection:
        person = find_subject(application, connection, subject)
        only = None if purpose is None else application.catalogue(connection).purpose(purpose).id
        by = acting(connection, login)
        asked = None if request is None else application.requests.get(connection, RequestId(request), subject=person.id)
        made = restriction.restrict(
            connection,
            application.subjects,
            person.id,
            None if only is None else PurposeId(only),
            ground=ground,
            by=by,
            request=None if asked is None else asked.id,
            now=clock.now(),
        )
    _say(made, as_json=as_json)


@restrictions_group.command("tell")
@click.argument("restriction_id", metavar="RESTRICTION", type=click.UUID)
@click.option("--lifting-at", required=True, help="From when on it may be lifted, RFC 3339; the person reads it.")
@member_option
@json_option
@reported
def tell_command(restriction_id: UUID, lifting_at: str, login: str, as_json: bool) -> None:
    """Tell the person that RESTRICTION will be lifted, and when (GDPR 18(3))."""
    with open_application() as application, application.database.transaction() as connection:
        acting(connection, login)
        told = restriction.tell(
            connection, RestrictionId(restriction_id), lifting_at=parse_instant(lifting_at), now=clock.now()
        )
    _say(told, as_json=as_json)


@restrictions_group.command("lift")
@click.argument("restriction_id", metavar="RESTRICTION", type=click.UUID)
@member_option
@json_option
@reported
def lift_command(restriction_id: UUID, login: str, as_json: bool) -> None:
    """RESTRICTION is over: only after the person was told, and not before the day named."""
    with open_application() as application, application.database.transaction() as connection:
        by = acting(connection, login)
        id = RestrictionId(restriction_id)
        lifted = restriction.lift(connection, application.subjects, id, by=by, now=clock.now())
    _say(lifted, as_json=as_json)


def _say(one: Restriction, *, as_json: bool) -> None:
    if as_json:
        print_json(_shape(one))
    else:
        out.print(_line(one), markup=False)


def _line(one: Restriction) -> str:
    if one.lifted_at is not None:
        until = f"lifted {one.lifted_at:%Y-%m-%d}"
    elif one.lifting_at is not None:
        until = f"may be lifted from {one.lifting_at:%Y-%m-%d}"
    else:
        until = "lasts"
    return f"{one.id}  {one.purpose or 'all':<14} {one.ground:<9} since {one.since:%Y-%m-%d}  {until}"


def _shape(one: Restriction) -> dict[str, Any]:
    return {
        "id": one.id,
        "subject": one.subject,
        "purpose": one.purpose,
        "ground": one.ground,
        "request": one.request,
        "since": format_instant(one.since),
        "told_at": _instant(one.told_at),
        "lifting_at": _instant(one.lifting_at),
        "lifted_at": _instant(one.lifted_at),
    }


def _instant(moment: datetime | None) -> str | None:
    return None if moment is None else format_instant(moment)
