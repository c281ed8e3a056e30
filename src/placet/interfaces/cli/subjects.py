"""`placet subjects` and `placet keys`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import click

from placet import bootstrap
from placet.access import keys
from placet.consents.model import Recorded
from placet.interfaces.cli.context import find_subject, json_option, open_application, out, print_json, reported
from placet.interfaces.cli.erasures import erase_command
from placet.kernel import clock
from placet.kernel.errors import BadInput
from placet.kernel.ids import MandateId, PurposeId
from placet.kernel.periods import format_instant, parse_instant
from placet.subjects.model import LANGUAGES, Alias, Mandate, parse_event, parse_mandate, parse_role
from placet.subjects.rules import TOUCHED


@click.group("subjects")
def subjects_group() -> None:
    """Persons: add, show, reach, represent, merge, erase."""


@subjects_group.command("add")
@click.option("--msisdn", multiple=True, help="A phone number, for instance +371 2000 0000.")
@click.option("--email", multiple=True, help="An e-mail address.")
@click.option("--crm", multiple=True, help="The customer's number in another system.")
@click.option("--personal-code", multiple=True, help="The national identification number, 161175-19997.")
@click.option("--lang", default=LANGUAGES[0], show_default=True, type=click.Choice(LANGUAGES))
@click.option("--name", help="Kept sealed under the person's own key.")
@click.option("--birth-date", help="YYYY-MM-DD, kept sealed.")
@json_option
@reported
def add_command(
    msisdn: Sequence[str],
    email: Sequence[str],
    crm: Sequence[str],
    personal_code: Sequence[str],
    lang: str,
    name: str | None,
    birth_date: str | None,
    as_json: bool,
) -> None:
    """Record a person, found from now on by each alias given."""
    aliases = [
        *map(Alias.msisdn, msisdn),
        *map(Alias.email, email),
        *map(Alias.crm, crm),
        *map(Alias.personal_code, personal_code),
    ]
    born = None if birth_date is None else _day(birth_date)
    with open_application() as application, application.database.transaction() as connection:
        person = application.subjects.add(
            connection, aliases=aliases, language=lang, name=name, birth_date=born, now=clock.now()
        )
    _say({"id": person.id}, f"added {person.id}", as_json=as_json)


@subjects_group.command("show")
@click.argument("subject")
@json_option
@reported
def show_command(subject: str, as_json: bool) -> None:
    """Everything this folder knows of SUBJECT."""
    with open_application() as application, application.database.transaction() as connection:
        person = find_subject(application, connection, subject)
        profile = application.subjects.profile(connection, person.id)
        contacts = application.subjects.contacts(connection, person.id)
        lines = application.subjects.lines(connection, person.id)
        mandates = application.subjects.mandates(connection, person.id)
    shown = {
        "id": person.id,
        "language": person.language,
        "name": profile.name,
        "birth_date": profile.birth_date,
        "created_at": format_instant(person.created_at),
        "erased_at": _instant(person.erased_at),
        "contacts": [
            {"alias": str(contact.alias), "from": _instant(contact.period.start), "until": _instant(contact.period.end)}
            for contact in contacts
        ],
        "lines": [
            {
                "line": role.line,
                "msisdn": number.value,
                "role": role.role,
                "from": _instant(role.period.start),
                "until": _instant(role.period.end),
            }
            for number, role in lines
        ],
        "mandates": [_mandate(mandate) for mandate in mandates],
    }
    if as_json:
        print_json(shown)
        return
    for word, value in shown.items():
        for one in value if isinstance(value, list) else [value]:
            out.print(f"{word:<11} {_plain(one)}", markup=False)


@subjects_group.command("merge")
@click.argument("survivor")
@click.argument("merged")
@json_option
@reported
def merge_command(survivor: str, merged: str, as_json: bool) -> None:
    """One person was recorded twice: let MERGED go on as SURVIVOR, with the stricter of each two states."""
    with open_application() as application, application.database.transaction() as connection:
        to, gone = (find_subject(application, connection, text) for text in (survivor, merged))
        outcomes = bootstrap.merge(application, connection, to.id, gone.id, now=clock.now())
    written = sum(isinstance(outcome, Recorded) for outcome in outcomes)
    _say({"id": to.id, "records": written}, f"merged into {to.id}; {written} states became stricter", as_json=as_json)


subjects_group.add_command(erase_command)


@subjects_group.group("contact")
def contact_group() -> None:
    """Aliases by which a person is found and reached."""


@contact_group.command("add")
@click.argument("subject")
@click.argument("alias")
@reported
def contact_add_command(subject: str, alias: str) -> None:
    """SUBJECT is found by ALIAS (msisdn:…, email:…, crm:…, personal-code:…) too."""
    with open_application() as application, application.database.transaction() as connection:
        person = find_subject(application, connection, subject)
        application.subjects.add_contact(connection, person.id, Alias.parse(alias), now=clock.now())
    out.print("added")


@contact_group.command("end")
@click.argument("subject")
@click.argument("alias")
@reported
def contact_end_command(subject: str, alias: str) -> None:
    """ALIAS is no longer SUBJECT's, and may be given to somebody else."""
    with open_application() as application, application.database.transaction() as connection:
        person = find_subject(application, connection, subject)
        application.subjects.end_contact(connection, person.id, Alias.parse(alias), now=clock.now())
    out.print("ended")


@subjects_group.group("line")
def line_group() -> None:
    """Phone lines: who stands to them as what, and what happens to them."""


@line_group.command("add")
@click.argument("number")
@click.option("--holder", help="The subject who holds the contract; none for a company line.")
@click.option("--since", help="When the contract began, RFC 3339; default now.")
@json_option
@reported
def line_add_command(number: str, holder: str | None, since: str | None, as_json: bool) -> None:
    """Open the line NUMBER."""
    begin = clock.now() if since is None else parse_instant(since)
    with open_application() as application, application.database.transaction() as connection:
        line = application.subjects.add_line(connection, Alias.msisdn(number), since=begin)
        if holder is not None:
            person = find_subject(application, connection, holder)
            application.subjects.add_role(connection, Alias.msisdn(number), person.id, "holder", since=begin)
    _say({"line": line}, f"opened {line}", as_json=as_json)


@line_group.command("role")
@click.argument("number")
@click.argument("subject")
@click.argument("role")
@click.option("--end", is_flag=True, help="SUBJECT stands to the line so no longer.")
@reported
def line_role_command(number: str, subject: str, role: str, end: bool) -> None:
    """SUBJECT stands to the line NUMBER as ROLE: holder, user, child or company-contact."""
    now = clock.now()
    with open_application() as application, application.database.transaction() as connection:
        person = find_subject(application, connection, subject)
        change = (Alias.msisdn(number), person.id, parse_role(role))
        if end:
            application.subjects.end_role(connection, *change, at=now)
        else:
            application.subjects.add_role(connection, *change, since=now)
    out.print("ended" if end else "added")


@line_group.command("event")
@click.argument("number")
@click.argument("kind", type=click.Choice(sorted(TOUCHED)))
@click.option("--occurred-at", help="When it happened, RFC 3339; default now.")
@json_option
@reported
def line_event_command(number: str, kind: str, occurred_at: str | None, as_json: bool) -> None:
    """Record what happened to the line NUMBER; what was tied to it is suspended until confirmed again."""
    now = clock.now()
    at = now if occurred_at is None else parse_instant(occurred_at)
    with open_application() as application, application.database.transaction() as connection:
        outcomes = bootstrap.line_event(
            application, connection, Alias.msisdn(number), parse_event(kind), occurred_at=at, now=now
        )
    written = sum(isinstance(outcome, Recorded) for outcome in outcomes)
    _say({"suspended": written}, f"suspended {written} consents until they are confirmed", as_json=as_json)


@subjects_group.group("mandate")
def mandate_group() -> None:
    """The right of one person to decide for another."""


@mandate_group.command("add")
@click.argument("representative")
@click.argument("subject")
@click.option("--kind", required=True, help="parent, guardian or power-of-attorney.")
@click.option("--purpose", "purposes", multiple=True, required=True, help="What it covers; say it once for each.")
@click.option("--proof", required=True, help="Reference of the document that was seen; kept sealed.")
@click.option("--until", help="When it ends, RFC 3339; a parent's ends when the child comes of age.")
@json_option
@reported
def mandate_add_command(
    representative: str,
    subject: str,
    kind: str,
    purposes: Sequence[str],
    proof: str,
    until: str | None,
    as_json: bool,
) -> None:
    """REPRESENTATIVE may decide for SUBJECT on the purposes named."""
    with open_application() as application, application.database.transaction() as connection:
        known = application.catalogue(connection).purposes
        if unknown := [purpose for purpose in purposes if purpose not in known]:
            raise BadInput(f"no such purpose: {', '.join(unknown)}; nothing was changed", code="unknown-purpose")
        mandate = application.subjects.add_mandate(
            connection,
            representative=find_subject(application, connection, representative).id,
            subject=find_subject(application, connection, subject).id,
            kind=parse_mandate(kind),
            purposes=[PurposeId(purpose) for purpose in purposes],
            proof=proof,
            since=clock.now(),
            until=None if until is None else parse_instant(until),
        )
    _say({"mandate": mandate.id}, f"added {mandate.id}", as_json=as_json)


@mandate_group.command("end")
@click.argument("mandate", type=click.UUID)
@reported
def mandate_end_command(mandate: UUID) -> None:
    """MANDATE covers nothing from now on."""
    with open_application() as application, application.database.transaction() as connection:
        application.subjects.end_mandate(connection, MandateId(mandate), at=clock.now())
    out.print("ended")


@click.group("keys")
def keys_group() -> None:
    """API keys of the programs that call Placet."""


@keys_group.command("add")
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, required=True, type=click.Choice(sorted(keys.SCOPES)))
@click.option("--per-second", default=keys.PER_SECOND, show_default=True, type=int, help="Requests, evenly.")
@click.option("--burst", default=keys.BURST, show_default=True, type=int, help="Requests at once.")
@json_option
@reported
def keys_add_command(name: str, scopes: Sequence[str], per_second: int, burst: int, as_json: bool) -> None:
    """Make a key for the program NAME. It is printed once and cannot be had again."""
    with open_application() as application, application.database.transaction() as connection:
        issued = keys.add(connection, name, scopes, now=clock.now(), per_second=per_second, burst=burst)
    _say({"id": issued.id, "key": issued.text}, issued.text, as_json=as_json)


@keys_group.command("rotate")
@click.argument("id")
@click.option("--overlap-hours", default=168.0, show_default=True, type=float, help="How long the old key still works.")
@json_option
@reported
def keys_rotate_command(id: str, overlap_hours: float, as_json: bool) -> None:
    """Make a successor of the key ID with the same scopes."""
    overlap = timedelta(hours=overlap_hours)
    with open_application() as application, application.database.transaction() as connection:
        issued = keys.rotate(connection, id, now=clock.now(), overlap=overlap)
    _say({"id": issued.id, "key": issued.text}, issued.text, as_json=as_json)


@keys_group.command("revoke")
@click.argument("id")
@reported
def keys_revoke_command(id: str) -> None:
    """Close the key ID; within a second no process accepts it."""
    with open_application() as application, application.database.transaction() as connection:
        keys.revoke(connection, id, now=clock.now())
    out.print("revoked")


@keys_group.command("list")
@json_option
@reported
def keys_list_command(as_json: bool) -> None:
    """Every key ever made, without its secret."""
    with open_application() as application, application.database.transaction() as connection:
        found = keys.listing(connection)
    if as_json:
        print_json([_key(info) for info in found])
        return
    for info in found:
        out.print("  ".join(_plain(value) for value in _key(info).values()), markup=False)


def _key(info: keys.KeyInfo) -> dict[str, Any]:
    return {
        "id": info.id,
        "name": info.name,
        "scopes": info.scopes,
        "created_at": _instant(info.created_at),
        "expires_at": _instant(info.expires_at),
        "revoked_at": _instant(info.revoked_at),
        "last_used_on": info.last_used_on,
        "rotated_to": info.rotated_to,
    }


def _mandate(mandate: Mandate) -> dict[str, Any]:
    return {
        "id": mandate.id,
        "representative": mandate.representative,
        "subject": mandate.subject,
        "kind": mandate.kind,
        "purposes": sorted(mandate.purposes),
        "from": _instant(mandate.period.start),
        "until": _instant(mandate.period.end),
    }


def _say(answer: dict[str, Any], words: str, *, as_json: bool) -> None:
    if as_json:
        print_json(answer)
    else:
        out.print(words, markup=False)


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return "  ".join(_plain(part) for part in value.values())
    if isinstance(value, list | tuple):
        return ",".join(map(str, value))
    return "-" if value is None else str(value)


def _instant(moment: datetime | None) -> str | None:
    return None if moment is None else format_instant(moment)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadInput("a birth date looks like 1990-05-01; nothing was changed", code="bad-birth-date") from None
