"""`placet erase` and `placet erasures`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from placet import config as settings
from placet.bootstrap import rebuild_erasures
from placet.interfaces.cli.context import find_subject, json_option, open_application, out, print_json, reported
from placet.kernel import clock
from placet.kernel.ids import SubjectId, parse_uuid
from placet.kernel.periods import format_instant
from placet.rights import erasure
from placet.rights.erasure import Erased, Kept


@click.command("erase")
@click.argument("subject")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@reported
def erase_command(subject: str, yes: bool, as_json: bool) -> None:
    """Forget SUBJECT for good, in every room: the key is destroyed, what the law keeps is listed, proofs stay valid."""
    with open_application() as application:
        with application.database.transaction() as connection:
            person = find_subject(application, connection, subject)
            stays = erasure.outlook(application, connection, person.id)
        if not yes:
            _list(stays, "would stay")
            click.confirm(f"Erase {person.id} for good? This cannot be undone", abort=True, err=True)
        with application.database.transaction() as connection:
            erased = erasure.erase(application, connection, person.id, now=clock.now())
    if as_json:
        print_json(_shape(erased))
        return
    out.print(f"erased {len(erased.forgotten)} identities", markup=False)
    for purpose, rows in sorted(erased.gone.items()):
        out.print(f"  {purpose}: {rows} rows deleted", markup=False)
    _list(erased.kept, "stays")


@click.group("erasures")
def erasures_group() -> None:
    """The journal of erasures, which lies outside the database (PLACET_DATA_DIR/erasures)."""


@erasures_group.command("list")
@json_option
@reported
def list_command(as_json: bool) -> None:
    """Every line of the journal, its seals checked."""
    with open_application() as application:
        entries = application.journal.entries()
    if as_json:
        print_json([{"number": one.number, "subject": one.subject, "at": format_instant(one.at)} for one in entries])
        return
    for one in entries:
        out.print(f"{one.number:>8}  {format_instant(one.at)}  {one.subject}", markup=False)


@erasures_group.command("rebuild")
@click.option(
    "--also",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file with ids of erased subjects, one a line: from a copy of the journal, or of the public log.",
)
@json_option
@reported
def rebuild_command(also: Path | None, as_json: bool) -> None:
    """Make a lost or broken journal anew from what the database knows. The old one is set aside, not deleted."""
    ids = [] if also is None else [_id(line) for line in also.read_text(encoding="utf-8").splitlines() if line.strip()]
    entries = rebuild_erasures(settings.load(), ids, now=clock.now())
    if as_json:
        print_json({"entries": len(entries)})
    else:
        out.print(f"the journal names {len(entries)} erased subjects; the next start erases whoever is back")


def _id(line: str) -> SubjectId:
    return SubjectId(parse_uuid(line.strip(), what="a line"))


def _list(kept: tuple[Kept, ...], verb: str) -> None:
    for one in kept:
        count = "" if one.rows is None else f", {one.rows} rows"
        law = "" if one.law is None else f" ({one.law})"
        out.print(f"  {verb}: {one.name}{count}, {one.basis}{law}. {one.why['en']} {one.until['en']}", markup=False)


def _shape(erased: Erased) -> dict[str, Any]:
    return {
        "erased": erased.forgotten,
        "gone": erased.gone,
        "kept": [
            {"name": one.name, "basis": one.basis, "law": one.law, "why": one.why, "until": one.until, "rows": one.rows}
            for one in erased.kept
        ],
    }
