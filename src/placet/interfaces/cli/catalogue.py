"""`placet catalogue`: read, lint, publish and show a catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click
from rich.table import Table

from placet.bootstrap import publish_catalogue
from placet.catalogue import store
from placet.catalogue.files import load
from placet.catalogue.lint import Finding, readability
from placet.catalogue.model import ROUTES, Catalogue
from placet.catalogue.publishing import Plan, plan, planned
from placet.catalogue.render import render
from placet.catalogue.rules import Change
from placet.interfaces.cli.context import json_option, open_application, out, print_json, reported
from placet.kernel import clock
from placet.kernel.jcs import parse


@click.group("catalogue")
def catalogue_group() -> None:
    """Read, lint, publish and show a catalogue.

    DIR is a folder of YAML files, or the name of a shipped catalogue such as amigo.
    """


@catalogue_group.command("check")
@click.argument("folder", metavar="DIR")
@click.option("--offline", is_flag=True, help="Do not compare with the published catalogue; needs no database.")
@json_option
@reported
def check_command(folder: str, offline: bool, as_json: bool) -> None:
    """Read and lint DIR, and say what would change for people if it were published. Exits 1 when it could not be."""
    catalogue = load(folder)
    found = plan(catalogue, published=None) if offline else _planned(catalogue)
    if as_json:
        print_json({**_plan_as_json(catalogue, found), "readability": _readability_as_json(catalogue, found)})
    else:
        _print_plan(catalogue, found)
    if found.errors:
        raise click.exceptions.Exit(1)


@catalogue_group.command("publish")
@click.argument("folder", metavar="DIR")
@json_option
@reported
def publish_command(folder: str, as_json: bool) -> None:
    """Put DIR in force: write it to the ledger. Publishing the same catalogue twice changes nothing."""
    catalogue = load(folder)
    with open_application() as application, application.database.transaction() as connection:
        found = planned(connection, catalogue)
        publish_catalogue(connection, catalogue, now=clock.now())
        position = store.latest_position(connection)
    if as_json:
        print_json({**_plan_as_json(catalogue, found), "position": position, "published": not found.unchanged})
    elif found.unchanged:
        out.print(f"{catalogue.id} {catalogue.version} is in force already; nothing was changed")
    else:
        _print_changes(found)
        out.print(f"{catalogue.id} {catalogue.version} is in force, position {position}")


@catalogue_group.command("show")
@click.argument("folder", metavar="[DIR]", required=False)
@click.option("--purpose", help="Print the text of this purpose instead of the overview.")
@click.option("--lang", help="Language of the text; default: the catalogue's first.")
@click.option("--route", default="portal", show_default=True, type=click.Choice(ROUTES), help="How the text is told.")
@json_option
@reported
def show_command(folder: str | None, purpose: str | None, lang: str | None, route: Any, as_json: bool) -> None:
    """Show the purposes of DIR, or of the catalogue in force, or the text of one of them."""
    catalogue = load(folder) if folder else _in_force()
    language = lang or catalogue.languages[0]
    if purpose is None:
        _show_overview(catalogue, language, as_json=as_json)
        return
    rendered = render(catalogue, purpose=purpose, language=language, route=route)
    if as_json:
        print_json({"sha256": rendered.sha256.hex(), "document": parse(rendered.document), "text": rendered.text})
    else:
        out.print(rendered.text, markup=False, highlight=False, soft_wrap=True)
        out.print(f"\nSHA-256 {rendered.sha256.hex()}", highlight=False, soft_wrap=True)


def _planned(catalogue: Catalogue) -> Plan:
    with open_application() as application, application.database.transaction() as connection:
        return planned(connection, catalogue)


def _in_force() -> Catalogue:
    with open_application() as application, application.database.transaction() as connection:
        return application.catalogue(connection)


def _show_overview(catalogue: Catalogue, language: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"digest": catalogue.digest.hex(), **parse(catalogue.document)})
        return
    table = Table("purpose", "version", "channels", "title", box=None)
    for purpose in catalogue.purposes.values():
        title = purpose.notice(language).title
        table.add_row(purpose.id, str(purpose.version), " ".join(purpose.channels) or "–", title)
    digest = catalogue.digest.hex()
    out.print(f"{catalogue.id} {catalogue.version}, {len(catalogue.activities)} activities, digest {digest}")
    out.print(table)


def _plan_as_json(catalogue: Catalogue, found: Plan) -> dict[str, Any]:
    return {
        "catalogue": catalogue.id,
        "version": str(catalogue.version),
        "digest": catalogue.digest.hex(),
        "findings": [_finding_as_json(finding) for finding in found.findings],
        "changes": [_change_as_json(change) for change in found.changes],
        "lapsed": [{"purpose": purpose, "below_major": major} for purpose, major in found.lapsed],
    }


def _finding_as_json(finding: Finding) -> dict[str, str]:
    return {"level": finding.level, "code": finding.code, "where": finding.where, "message": finding.message}


def _change_as_json(change: Change) -> dict[str, Any]:
    return {
        "purpose": change.purpose,
        "weight": change.weight,
        "what": list(change.what),
        "old": None if change.old is None else str(change.old),
        "new": None if change.new is None else str(change.new),
    }


def _readability_as_json(catalogue: Catalogue, found: Plan) -> Mapping[str, Any]:
    if found.errors:
        return {}
    return {
        language: {"words": figures.words, "lix": figures.lix, "longest_sentence": figures.longest_sentence}
        for language, figures in readability(catalogue).items()
    }


def _print_plan(catalogue: Catalogue, found: Plan) -> None:
    for finding in found.findings:
        out.print(f"{finding.level}: {finding.where}: {finding.message} ({finding.code})", markup=False, soft_wrap=True)
    if found.errors:
        out.print(f"{len(found.errors)} errors; it cannot be published")
        return
    for language, figures in readability(catalogue).items():
        longest = f"longest sentence {figures.longest_sentence} words"
        out.print(f"{language}: {figures.words} words, LIX {figures.lix}, {longest}")
    _print_changes(found)
    state = "is in force already" if found.unchanged else "can be published"
    out.print(f"{catalogue.id} {catalogue.version} {state}")


def _print_changes(found: Plan) -> None:
    for change in found.changes:
        out.print(f"{change.purpose}: {change.weight}: {', '.join(change.what)}")
    for purpose, _ in found.lapsed:
        out.print(f"{purpose}: earlier consents lapse; its services answer no until people are asked again")
