"""`placet mobility ingest` and `placet mobility quality`: events and cells as the operator delivers them."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from placet.bootstrap import Application
from placet.gate.replica import Replica
from placet.interfaces.cli.context import err, json_option, open_agreed, open_application, out, print_json, reported
from placet.kernel import clock
from placet.kernel.errors import BadInput
from placet.kernel.periods import format_instant, parse_instant
from placet.purposes.mobility.quality import Quality
from placet.rights.propagation import Propagation
from placet.sources.model import Manifest

if TYPE_CHECKING:
    from placet.sources.networks import Known
    from placet.sources.taking_in import Taken

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_DAY = click.DateTime(["%Y-%m-%d"])


@click.command("ingest")
@click.argument("files", type=_FILE, nargs=-1)
@click.option("--cells", type=_FILE, help="First the table of cells (CSV): cell, lon, lat, range_m, perhaps since.")
@click.option("--since", help="From when on the table of cells holds, where it does not say [now].")
@click.option("--day", type=_DAY, help="The local day that the file holds [the one in its name].")
@click.option("--replace", is_flag=True, help="Take the file instead of what was delivered for its day before.")
@click.option("--refused", type=click.Path(dir_okay=False, path_type=Path), help="Where refused rows are listed.")
@json_option
@reported
def ingest_command(
    files: tuple[Path, ...],
    cells: Path | None,
    since: str | None,
    day: datetime | None,
    replace: bool,
    refused: Path | None,
    as_json: bool,
) -> None:
    """Take in network events: each of FILES (.csv or .parquet) is one local day, with subject, at, cell and load.

    Only events of people who consented at that very time, and still do, are taken in. Exits 1 when rows were refused.
    """
    if not files and cells is None:
        raise BadInput("name the files of events, or a table of --cells", code="bad-option")
    if len(files) > 1 and (day is not None or refused is not None):
        raise BadInput("--day and --refused are for one file", code="bad-option")
    with open_agreed() as application:
        # Before there is anything to stop: a withdrawal is owed by the places that were known when it was said.
        Propagation(application.database, application.duties).register(now=clock.now())
        known = None if cells is None else _take_cells(application, cells, since)
        taken = [
            _take(application, file, None if day is None else day.date(), refused, replace=replace, shown=not as_json)
            for file in files
        ]
    if as_json:
        print_json({"cells": None if known is None else _cells_entry(known), "days": [_entry(one) for one in taken]})
    else:
        _show(known, taken)
    raise SystemExit(1 if (known is not None and known.refused) or any(one.listed for one in taken) else 0)


def _take_cells(application: Application, file: Path, since: str | None) -> Known:
    from placet.sources import networks

    begins = clock.now() if since is None else parse_instant(since)
    return networks.cells_known(application.mobility.lake, file, since=begins, report=_report(file))


def _take(
    application: Application, file: Path, day: date | None, refused: Path | None, *, replace: bool, shown: bool
) -> Taken:
    from placet.sources.taking_in import day_of

    replica = Replica.of(application.database, application.config)
    taking_in = application.mobility.taking_in(replica, clock.now)
    with _progress(shown=shown) as progress:
        return taking_in.take(
            file, day=day or day_of(file), replace=replace, report=refused or _report(file), progress=progress
        )


def _report(file: Path) -> Path:
    # Not `events-….csv`, which would be taken for a day the next time.
    return file.with_name(f"refused-{file.stem}.csv")


@contextlib.contextmanager
def _progress(*, shown: bool) -> Iterator[Callable[[float, int], None]]:
    """A bar on stderr for people; nothing for programs, and nothing where nobody looks."""
    columns = (
        TextColumn("taking in"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[rows]:,} events"),
    )
    with Progress(
        *columns, TimeRemainingColumn(), console=err, transient=True, disable=not shown or not err.is_terminal
    ) as bar:
        task = bar.add_task("ingest", total=1.0, rows=0)
        yield lambda read, rows: bar.update(task, completed=read, rows=rows)


def _cells_entry(known: Known) -> dict[str, int]:
    changed = known.changed
    return {
        "added": changed.added, "moved": changed.moved, "unchanged": changed.unchanged, "refused": known.refused,
    }  # fmt: skip


def _entry(taken: Taken) -> dict[str, Any]:
    return _day_entry(taken.manifest) | {"again": taken.again}


def _day_entry(day: Manifest) -> dict[str, Any]:
    return {
        "day": day.day.isoformat(),
        "source": day.source,
        "ingested_at": format_instant(day.ingested_at),
        "read": day.read,
        "rows": day.rows,
        "deleted": day.deleted,
        "faults": dict(day.faults),
        "suspects": [{"cell": one.cell, "shift": one.shift, "events": one.events} for one in day.suspects],
    }


def _show(known: Known | None, taken: Sequence[Taken]) -> None:
    if known is not None:
        changed = known.changed
        out.print(f"cells       {changed.added:,} new, {changed.moved:,} moved, {changed.unchanged:,} as they were")
        if known.refused:
            out.print(f"{'':12}{known.refused:,} rows refused: {known.report}", markup=False)
    for one in taken:
        day = one.manifest
        if one.again:
            out.print(f"{day.day}  was taken in before from this very file; nothing was changed")
            continue
        out.print(f"{day.day}  {day.read:,} rows read, {day.rows:,} events taken in")
        for code, count in day.faults.items():
            out.print(f"{count:>20,}  {code}")
        _show_suspects(day)
        if one.listed:
            out.print(f"{'':12}each refused row is listed in {one.report}", markup=False)


def _show_suspects(day: Manifest) -> None:
    for one in day.suspects:
        hours = "an hour fast" if one.shift < 0 else "an hour slow"
        out.print(f"{day.day}  cell {one.cell} seems {hours}: {one.events:,} events", markup=False)


@click.command("quality")
@click.option("--first", type=_DAY, help="The first day [the first that there is].")
@click.option("--until", type=_DAY, help="The day after the last one.")
@json_option
@reported
def quality_command(first: datetime | None, until: datetime | None, as_json: bool) -> None:
    """Report on the events that stand in the lake, day by day. For the operator's own eyes: these counts are exact."""
    with open_application() as application:
        found = application.mobility.quality(
            None if first is None else first.date(), None if until is None else until.date()
        )
    if as_json:
        missing = [day.isoformat() for day in found.missing]
        days = [_day_entry(day) for day in found.days]
        print_json({"days": days, "missing": missing, "counted": found.releases})
    else:
        _show_quality(found)


def _show_quality(found: Quality) -> None:
    if not found.days:
        out.print("no events are there; `placet mobility ingest` takes them in")
        return
    table = Table("day", "read", "taken in", "deleted since", "refused")
    for day in found.days:
        refused = ", ".join(f"{count:,} {code}" for code, count in day.faults.items())
        table.add_row(day.day.isoformat(), f"{day.read:,}", f"{day.rows:,}", f"{day.deleted:,}", refused or "none")
    out.print(table)
    total: Counter[str] = sum((Counter(day.faults) for day in found.days), Counter())
    out.print(f"{sum(day.rows for day in found.days):,} events of {len(found.days)} days, {total.total():,} refused")
    for day in found.days:
        _show_suspects(day)
    for missing in found.missing:
        out.print(f"{missing}  nothing was delivered")
    for release, cleaned in found.releases.items():
        said = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in cleaned.items())
        out.print(f"{release}  counted: {said}", markup=False)
