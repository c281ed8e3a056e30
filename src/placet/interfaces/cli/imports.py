"""`placet import`."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import click
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from placet.bootstrap import Application
from placet.consents.import_answers import Desk
from placet.consents.import_model import Options, Report
from placet.consents.import_rows import Defaults
from placet.consents.imports import import_file, rehearse_file
from placet.interfaces.cli.context import err, json_option, open_agreed, out, print_json, reported
from placet.kernel import clock


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Say what would happen, and change nothing.")
@click.option("--source", help="Where rows come from that have no source of their own.")
@click.option("--grade", type=click.Choice(["A", "B", "C"]), help="A: signed; B: a system's log; C: asserted.")
@click.option(
    "--refused", type=click.Path(dir_okay=False, path_type=Path), help="Where refused rows go [FILE.refused.csv]."
)
@click.option("--create-subjects", is_flag=True, help="Add the subjects that are not known yet.")
@json_option
@reported
def import_command(
    file: Path,
    dry_run: bool,
    source: str | None,
    grade: Any,
    refused: Path | None,
    create_subjects: bool,
    as_json: bool,
) -> None:
    """Record the decisions in FILE (.csv or .parquet), each exactly once.

    Run it again after an interruption: it goes on where it was. Exits 1 when rows were refused; the rest is recorded.
    """
    options = Options(Defaults(source, grade), create_subjects)
    report_file = refused or file.with_name(f"{file.stem}.refused.csv")
    with open_agreed() as application, _progress(shown=not as_json) as progress:
        run = rehearse_file if dry_run else import_file
        report = run(_desk(application), file, options, refused=report_file, progress=progress)
    if as_json:
        print_json(_entry(report, dry_run=dry_run, refused=report_file))
    else:
        _summary(report, dry_run=dry_run, refused=report_file)
    raise SystemExit(1 if report.refused else 0)


def _desk(application: Application) -> Desk:
    return Desk(application.database, application.subjects, application.rulebook, clock.now)


@contextlib.contextmanager
def _progress(*, shown: bool) -> Iterator[Callable[[Report], None]]:
    """A bar on stderr for people; nothing for programs, and nothing where nobody looks."""
    columns = (
        TextColumn("importing"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[said]}"),
    )
    with Progress(
        *columns, TimeRemainingColumn(), console=err, transient=True, disable=not shown or not err.is_terminal
    ) as bar:
        task = bar.add_task("import", total=1.0, said="")

        def tell(report: Report) -> None:
            bar.update(task, completed=report.read, said=f"{report.rows:,} rows, {report.refused:,} refused")

        yield tell


def _entry(report: Report, *, dry_run: bool, refused: Path) -> dict[str, Any]:
    entry = attrs.asdict(report, filter=attrs.filters.exclude("read", "done", "codes"))
    codes = dict(report.codes)
    return {"dry_run": dry_run, "rows": report.rows, **entry, "codes": codes, "file": str(refused) if codes else None}


def _summary(report: Report, *, dry_run: bool, refused: Path) -> None:
    would = "would be " if dry_run else ""
    if report.resumed_after:
        out.print(f"continued after line {report.resumed_after:,}, where an earlier run had stopped")
    out.print(f"{report.rows:>12,}  rows" + (" (dry run: nothing was recorded)" if dry_run else ""))
    out.print(f"{report.recorded:>12,}  {would}recorded")
    if report.ignored:
        out.print(f"{report.ignored:>12,}    of them kept only: a newer no stands")
    if report.repeated:
        out.print(f"{report.repeated:>12,}  recorded before under the same row_key")
    if report.created:
        out.print(f"{report.created:>12,}  subjects {would}added")
    out.print(f"{report.refused:>12,}  {would}refused")
    for code, count in sorted(report.codes.items(), key=lambda item: -item[1]):
        out.print(f"{count:>12,}    {code}")
    if report.refused:
        out.print(f"\nThe refused rows, each with its reason, are in {refused}\nMend them there and import that file.")
