"""`placet check`, `placet audience` and `placet audit`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from psycopg import Connection

from placet.bootstrap import Application
from placet.gate import audited, files, past
from placet.gate.actions import Allowed, Answer, answer_json, audience_json
from placet.gate.audit import Finding
from placet.gate.model import Token
from placet.gate.replica import Replica
from placet.interfaces.cli.context import (
    find_subject,
    json_option,
    open_agreed,
    open_application,
    out,
    print_json,
    reported,
)
from placet.kernel import clock
from placet.kernel.errors import BadInput
from placet.kernel.ids import ActivityId, ChannelId
from placet.kernel.periods import format_instant, parse_instant

NO = 3
"""The exit code of a no; errors have 1 and 2."""

FILE = click.Path(path_type=Path, dir_okay=False)
channel_option = click.option("--channel", help="Also ask for this channel, for instance sms.")
at_option = click.option("--at", help="Ask about this instant instead of now (RFC 3339).")
known_at_option = click.option("--known-at", help="As it was known at this instant (RFC 3339).")
token_option = click.option("--token", help="Never answer from an older state than this token of an earlier answer.")


@click.command("check")
@click.argument("subject")
@click.argument("asked", metavar="ACTIVITY|PURPOSE")
@channel_option
@at_option
@known_at_option
@token_option
@json_option
@reported
def check_command(
    subject: str,
    asked: str,
    channel: str | None,
    at: str | None,
    known_at: str | None,
    token: str | None,
    as_json: bool,
) -> None:
    """May ACTIVITY (or PURPOSE by itself) happen for SUBJECT? Exits 0 for yes, 3 for no."""
    with open_agreed() as application, application.database.transaction() as connection:
        answer = _check(application, connection, subject, asked, channel, at, known_at, token)
    if as_json:
        print_json(answer_json(answer))
    else:
        _show(answer)
    if not isinstance(answer, Allowed):
        raise SystemExit(NO)


def _check(
    application: Application,
    connection: Connection,
    subject: str,
    asked: str,
    channel: str | None,
    at: str | None,
    known_at: str | None,
    token: str | None,
) -> Answer:
    person = find_subject(application, connection, subject)
    now = clock.now()
    said: dict[str, Any] = {
        "channel": None if channel is None else ChannelId(channel),
        "token": None if token is None else Token.parse(token),
    }
    if at is None and known_at is None:
        return application.gate.check(connection, person.id, ActivityId(asked), now=now, **said)
    return application.gate.check_as_of(
        connection,
        person.id,
        ActivityId(asked),
        at=now if at is None else parse_instant(at),
        known_at=None if known_at is None else parse_instant(known_at),
        purposes=application.in_force.terms(connection),
        **said,
    )


def _show(answer: Answer) -> None:
    if isinstance(answer, Allowed):
        out.print(f"[bold]yes[/], on the basis of {answer.basis}", markup=True)
        if answer.permit is not None:
            out.print(f"permit {answer.permit.text}\n       holds until {format_instant(answer.permit.expires_at)}")
    else:
        out.print(f"[bold]no[/]: {answer.reason.value}", markup=True)
    out.print(f"token  {answer.token}\nas of  {format_instant(answer.as_of)}")


@click.command("audience")
@click.argument("activity")
@channel_option
@at_option
@known_at_option
@token_option
@click.option(
    "--among",
    type=click.Path(path_type=Path, exists=True),
    help="Only these numbers: .npy, or .parquet with a column `number`.",
)
@click.option("--out", "target", type=click.Path(path_type=Path), help="Write the members' ids to this .parquet file.")
@json_option
@reported
def audience_command(
    activity: str,
    channel: str | None,
    at: str | None,
    known_at: str | None,
    token: str | None,
    among: Path | None,
    target: Path | None,
    as_json: bool,
) -> None:
    """Whom may ACTIVITY reach? The list is frozen, hashed and kept; ask again at the moment of sending."""
    with open_agreed() as application:
        if at is None and known_at is None:
            shown = _draw(application, activity, channel, token, among, target)
        else:
            if among is not None or token is not None:
                raise BadInput(
                    "--among and --token are for the present; leave --at and --known-at out", code="bad-option"
                )
            shown = _draw_past(application, activity, channel, at, known_at, target)
    if as_json:
        print_json(shown)
        return
    _print_audience(shown)


def _draw(
    application: Application,
    activity: str,
    channel: str | None,
    token: str | None,
    among: Path | None,
    file: Path | None,
) -> dict[str, Any]:
    replica = Replica.of(application.database, application.config)
    numbers = None if among is None else files.read_numbers(among)
    replica.catch_up()
    candidates = None if numbers is None else files.as_bitmap(numbers, len(replica.memory.view.mask))
    with application.database.transaction() as connection:
        audience = application.gate.audience(
            connection,
            replica,
            ActivityId(activity),
            channel=None if channel is None else ChannelId(channel),
            token=None if token is None else Token.parse(token),
            among=candidates,
            now=clock.now(),
        )
        shown = audience_json(audience)
        if file is not None:
            about = {key: str(shown[key]) for key in ("id", "hash", "as_of", "expires_at", "token")}
            files.write_subjects(connection, audience.members, file, about={"activity": activity, **about})
    return shown


def _draw_past(
    application: Application,
    activity: str,
    channel: str | None,
    at: str | None,
    known_at: str | None,
    file: Path | None,
) -> dict[str, Any]:
    instant = clock.now() if at is None else parse_instant(at)
    with application.database.transaction() as connection:
        drawn = past.draw(
            connection,
            ActivityId(activity),
            channel=None if channel is None else ChannelId(channel),
            at=instant,
            known_at=None if known_at is None else parse_instant(known_at),
            purposes=application.in_force.terms(connection),
        )
        if file is not None:
            about = {"activity": activity, "as_of": format_instant(instant)}
            files.write_subjects(connection, drawn.members, file, about=about)
    return {
        "id": None,
        "count": len(drawn.members),
        "excluded": {reason.value: count for reason, count in drawn.excluded.items()},
        "hash": drawn.sha256.hex(),
        "as_of": format_instant(instant),
    }


def _print_audience(shown: dict[str, Any]) -> None:
    out.print(f"{shown['count']:,} may be reached (audience {shown['id'] or 'of the past, not kept'})")
    for reason, count in shown["excluded"].items():
        out.print(f"{count:>12,}  {reason}")
    out.print(f"sha256 {shown['hash']}\nas of  {shown['as_of']}")


@click.command("audit")
@json_option
@reported
def audit_command(as_json: bool) -> None:
    """Replay every use against the ledger. Exits 1 if one had no valid permit."""
    with open_application() as application, application.database.transaction() as connection:
        purposes = application.in_force.terms(connection)
        report = audited.whole(connection, application.gate, purposes=purposes, now=clock.now())
    if as_json:
        print_json({"uses": report.uses, "findings": [_finding(finding) for finding in report.findings]})
    else:
        for finding in report.findings:
            out.print(f"use {finding.use}  {finding.activity}  {finding.why}")
        out.print(f"{report.uses:,} uses, {len(report.findings):,} without a valid permit")
    if report.findings:
        raise SystemExit(1)


def _finding(finding: Finding) -> dict[str, Any]:
    return {"use": finding.use, "activity": finding.activity, "why": finding.why, "at": format_instant(finding.at)}
