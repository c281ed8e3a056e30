"""`placet mobility world` and `placet mobility places`: a synthetic country to try things on, and the map in use."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.progress import Progress

from placet.interfaces.cli.context import err, json_option, open_application, out, print_json, reported
from placet.kernel.errors import BadInput
from placet.purposes.mobility.places.model import Atlas, atlas_folder
from placet.sources import cells

if TYPE_CHECKING:
    from placet.purposes.mobility.places.zones import Note


@click.command("world")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--people", default=1000, show_default=True, type=click.IntRange(1), help="How many live in it.")
@click.option("--days", default=7, show_default=True, type=click.IntRange(1), help="How many days it is watched.")
@click.option("--first", type=click.DateTime(["%Y-%m-%d"]), default="2026-10-01", help="The first of these days.")
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0), help="The same seed, the same world.")
@click.option("--region", "regions", multiple=True, help="Only this part of the country, such as riga; again for more.")
@click.option("--format", "form", type=click.Choice(["csv", "parquet"]), default="csv", show_default=True)
@json_option
@reported
def world_command(
    folder: Path, people: int, days: int, first: datetime, seed: int, regions: tuple[str, ...], form: str, as_json: bool
) -> None:
    """Write a synthetic Latvia into FOLDER: cells, zones, everybody's yes, and events day by day.

    Nobody in it is real. The files are as an operator delivers them: `placet import`, `placet mobility ingest` and
    `placet mobility places` take them in.
    """
    from placet.purposes.mobility.world import files, plan

    wanted = [first.date() + timedelta(days=n) for n in range(days)]
    planned = plan(people, seed=seed, regions=regions)
    with _progress(days, shown=not as_json) as told:
        made = files.write(planned, folder, wanted, form=form, told=told)
    if as_json:
        print_json({"files": [str(file) for file in made], "people": people, "cells": planned.cells.num_rows})
    else:
        out.print(f"{people:,} people and {planned.cells.num_rows:,} cells, watched for {days} days, are in {folder}")


@click.command("places")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--population", default="population", show_default=True, help="The property with the residents.")
@click.option("--title", default="name", show_default=True, help="The property with the name, or names by language.")
@click.option("--id", "id", help="The property with the id; without it, the feature's own, or its name.")
@click.option("--parent", help="The property with the region that a zone is part of.")
@json_option
@reported
def places_command(file: Path, population: str, title: str, id: str | None, parent: str | None, as_json: bool) -> None:
    """Make the map that releases are counted on: the zones in FILE (GeoJSON) and the cells that were delivered.

    What is released later is counted on the new map; what was released stays on the old one.
    """
    from placet.purposes.mobility.places import zones
    from placet.purposes.mobility.places.atlases import atlas

    read = zones.read(file.read_bytes(), zones.Properties(population, title, id, parent))
    with open_application() as application:
        known = cells.read(application.mobility.lake.folder)
        if not known.num_rows:
            raise BadInput("no cells are known yet; `placet mobility ingest --cells` takes them in", code="no-cells")
        made = atlas(read.zones, known, regions=read.regions)
        made.save(atlas_folder(application.config.data_dir))
    if as_json:
        print_json(_entry(made, read.notes))
    else:
        _show(made, read.notes)


def _entry(made: Atlas, notes: tuple[Note, ...]) -> dict[str, object]:
    return {
        "sha256": made.sha256,
        "zones": len(made.zones),
        "regions": len(made.regions),
        "tiles": len(made.tiles),
        "residents": sum(zone.population for zone in made.zones),
        "notes": [{"fault": note.fault, "zones": note.zones, "km2": note.square_kilometres} for note in notes],
    }


def _show(made: Atlas, notes: tuple[Note, ...]) -> None:
    residents = sum(zone.population for zone in made.zones)
    out.print(f"{len(made.zones):,} zones with {residents:,} residents, on {len(made.tiles):,} tiles of a kilometre")
    for note in notes:
        shared = f", {note.square_kilometres} km²" if note.square_kilometres else ""
        out.print(f"{note.fault:>10}   {' and '.join(note.zones)}{shared}", markup=False)


@contextlib.contextmanager
def _progress(days: int, *, shown: bool) -> Iterator[Callable[[date], None]]:
    """A bar on stderr for people; nothing for programs, and nothing where nobody looks."""
    with Progress(console=err, transient=True, disable=not shown or not err.is_terminal) as bar:
        task = bar.add_task("watching", total=days)
        yield lambda _day: bar.advance(task)
