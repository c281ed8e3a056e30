"""`placet export` and `placet casefile`: everything about a person, for them or for the supervisory authority."""

from __future__ import annotations

from pathlib import Path

import click

from placet.bootstrap import Application
from placet.interfaces.cli.context import find_subject, json_option, open_application, out, print_json, reported
from placet.kernel import clock
from placet.kernel.ids import SubjectId
from placet.rights import casefile, export
from placet.rights.bundle import Bundle
from placet.subjects.model import LANGUAGES

_NEW_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command("export")
@click.argument("subject")
@click.option("--out", "target", type=_NEW_FILE, required=True, help="Write the ZIP here.")
@click.option("--lang", type=click.Choice(LANGUAGES), help="Left out: the person's own language.")
@json_option
@reported
def export_command(subject: str, target: Path, lang: str | None, as_json: bool) -> None:
    """Everything held about SUBJECT: to read, for programs, for spreadsheets, with the receipts (GDPR 15, 20)."""
    with open_application() as application:
        id = _id(application, subject)
        _save(export.archive(application, id, language=lang, now=clock.now()), target, id, as_json=as_json)


@click.command("casefile")
@click.argument("subject")
@click.option("--out", "target", type=_NEW_FILE, required=True, help="Write the ZIP here.")
@click.option("--lang", default=LANGUAGES[0], show_default=True, type=click.Choice(LANGUAGES))
@json_option
@reported
def casefile_command(subject: str, target: Path, lang: str, as_json: bool) -> None:
    """Sealed evidence about SUBJECT for an authority: texts, records, proofs, uses, and a program that verifies them.

    Of somebody erased it holds what is still provable; name them by their id.
    """
    with open_application() as application:
        id = _id(application, subject)
        # What was recorded a moment ago must stand in a signed tree before it can be proved.
        application.keeper.run_once(clock.now())
        _save(casefile.make(application, id, language=lang, now=clock.now()), target, id, as_json=as_json)


def _id(application: Application, subject: str) -> SubjectId:
    with application.database.transaction() as connection:
        return find_subject(application, connection, subject).id


def _save(bundle: Bundle, target: Path, subject: SubjectId, *, as_json: bool) -> None:
    size = bundle.size
    try:
        bundle.save(target)
    finally:
        bundle.close()
    if as_json:
        print_json({"subject": str(subject), "out": str(target), "bytes": size})
    else:
        out.print(f"{size} bytes about {subject} written to {target}", markup=False)
