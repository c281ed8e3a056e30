"""`placet record` and `placet history`."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

import attrs
import click
from psycopg import Connection

from placet.bootstrap import Application
from placet.catalogue import store as catalogue_store
from placet.catalogue.model import Route
from placet.catalogue.render import render
from placet.consents import actions as consents
from placet.consents.model import ROUTES, SPOKEN, Actor, Decision, Record, Refused, Wish, as_json
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
from placet.kernel.ids import ChannelId, PurposeId
from placet.kernel.periods import parse_instant
from placet.subjects.model import Subject


@click.command("record")
@click.argument("subject")
@click.argument("purpose")
@click.argument("decision", type=click.Choice(sorted(decision.value for decision in SPOKEN)))
@click.option("--channel", help="One channel of the purpose, for instance sms.")
@click.option("--route", default="api", show_default=True, type=click.Choice(sorted(ROUTES - {"import"})))
@click.option("--lang", help="Language of the text that was shown or read; default: the subject's own.")
@click.option("--occurred-at", help="When it was said (routes post, phone, desk), RFC 3339.")
@click.option("--key", help="Idempotency key: the same key never records twice.")
@json_option
@reported
def record_command(
    subject: str,
    purpose: str,
    decision: str,
    channel: str | None,
    route: str,
    lang: str | None,
    occurred_at: str | None,
    key: str | None,
    as_json: bool,
) -> None:
    """Record one decision of SUBJECT on PURPOSE."""
    with open_agreed() as application:
        now = clock.now()
        with application.database.transaction() as connection:
            person = find_subject(application, connection, subject)
            wish = Wish(
                subject=person.id,
                purpose=PurposeId(purpose),
                decision=decision,
                route=route,
                actor=Actor("agent", "cli"),
                channel=None if channel is None else ChannelId(channel),
                language=lang or person.language,
                occurred_at=None if occurred_at is None else parse_instant(occurred_at),
                idempotency_key=None if key is None else b"cli:" + key.encode(),
            )
            if decision == Decision.GIVEN:
                wish = _with_text(application, connection, wish, person, now)
            (outcome,) = consents.record(connection, [wish], rulebook=application.rulebook, now=now)
        if isinstance(outcome, Refused):
            raise BadInput(outcome.message, code=outcome.code)
        if as_json:
            print_json({"record": outcome.record, "token": outcome.token, "ignored": outcome.ignored})
        else:
            kept = " (kept, but a newer no stands)" if outcome.ignored else ""
            out.print(f"recorded {outcome.record}{kept}\ntoken    {outcome.token}")


def _with_text(application: Application, connection: Connection, wish: Wish, person: Subject, now: datetime) -> Wish:
    """The yes is said on the text in force: it is rendered for the route and remembered, as if it had been read out."""
    catalogue = application.catalogue(connection)
    rendered = render(
        catalogue, purpose=wish.purpose, language=wish.language or person.language, route=cast(Route, wish.route)
    )
    catalogue_store.remember_shown(connection, rendered, now)
    return attrs.evolve(wish, shown=rendered.sha256)


@click.command("history")
@click.argument("subject")
@click.option("--limit", default=50, show_default=True, help="How many records, newest first.")
@click.option("--before", type=int, help="Only records below this position: the next page.")
@json_option
@reported
def history_command(subject: str, limit: int, before: int | None, as_json: bool) -> None:
    """Every record of SUBJECT, newest first."""
    with open_application() as application, application.database.transaction() as connection:
        person = find_subject(application, connection, subject)
        records = consents.history(connection, person.id, before=before, limit=limit)
    if as_json:
        print_json([_entry(record) for record in records])
        return
    if not records:
        out.print("nothing has been recorded for this subject yet")
    for record in records:
        where = f"{record.purpose}/{record.channel}" if record.channel else record.purpose
        when = record.occurred_at.strftime("%Y-%m-%d %H:%M:%S")
        out.print(f"{record.position:>8}  {when}Z  {where:<24} {record.decision:<11} {record.route:<7} {record.id}")


def _entry(record: Record) -> dict[str, Any]:
    return {"position": record.position, **as_json(record)}
