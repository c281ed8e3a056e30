"""`placet mobility attack`: what attacks get out of our releases, beside what they get out of others'."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from placet.interfaces.cli.context import err, json_option, out, print_json, reported
from placet.kernel import clock
from placet.store.database import Database
from placet.store.embedded import EmbeddedServer
from placet.store.migrations import migrate

if TYPE_CHECKING:
    from placet.purposes.mobility.attacks.model import Finding, Report


@click.command("attack")
@click.option("--out", "target", type=click.Path(path_type=Path, dir_okay=False), help="Write the report, as HTML.")
@click.option("--small", is_flag=True, help="Fewer people and trials: seconds instead of minutes, wider intervals.")
@json_option
@reported
def attack_command(target: Path | None, small: bool, as_json: bool) -> None:
    """Attack releases: ours, and what others do. Exits 0 when none of ours got above its bound, else 1.

    Everything happens in a synthetic world and in a database of its own, which are gone afterwards: no event, consent
    or budget of this system is read or touched.
    """
    from placet.interfaces.cli.attack_page import page
    from placet.purposes.mobility.attacks import suite

    now = clock.now()
    with _scratch() as (database, folder), _progress(shown=not as_json) as told:
        size = suite.SMALL if small else suite.FULL
        made = suite.run(size, database=database, folder=folder, now=now, progress=told)
    if target is not None:
        target.write_text(page(made, now=now), encoding="utf-8")
    if as_json:
        print_json(_json(made))
    else:
        _show(made, target)
    raise SystemExit(0 if made.held else 1)


@contextlib.contextmanager
def _scratch() -> Iterator[tuple[Database, Path]]:
    """An empty, migrated database and an empty folder, for as long as this lasts."""
    with tempfile.TemporaryDirectory(prefix="placet-attack-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # the server runs as a user of its own
        server = EmbeddedServer(folder / "pg", fsync=False)
        server.start()
        database = Database(server.url(role=migrate(server.url(), app_password=None).app), size=8)
        try:
            yield database, folder / "work"
        finally:
            database.close()
            server.release()


@contextlib.contextmanager
def _progress(*, shown: bool) -> Iterator[Callable[[str], None]]:
    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    with Progress(*columns, console=err, transient=True, disable=not shown) as bar:
        task = bar.add_task("")
        yield lambda name: bar.update(task, description=name)


def _show(made: Report, target: Path | None) -> None:
    table = Table("attack", "against", "figure", "measured", "95 % interval", "bound", "", box=None, pad_edge=False)
    for one in made.findings:
        interval = f"{one.low:.3f} to {one.high:.3f}"
        table.add_row(
            one.name, one.against, one.figure, f"{one.measured:.3f}", interval, f"{one.bound:.3f}", verdict(one)
        )
    out.print(table)
    if made.held:
        out.print("[bold]held[/]: none of ours got above its bound")
    else:
        out.print("[bold]not held[/]: an attack got further than theory allows; release nothing before it is explained")
    if target is not None:
        out.print(f"The report is in {target}")


def verdict(finding: Finding) -> str:
    """What is said of it in a word."""
    if finding.against.ours:
        return "held" if finding.held else "NOT HELD"
    return "broken" if finding.beaten else "not broken"


def _json(made: Report) -> dict[str, Any]:
    return {
        "held": made.held,
        "world": dict(made.world),
        "findings": [
            attrs.asdict(one) | {"ours": one.against.ours, "held": one.held, "beaten": one.beaten}
            for one in made.findings
        ],
        "curves": [attrs.asdict(one) | {"held": one.held} for one in made.curves],
        "accuracy": [
            attrs.asdict(one) | {"most": None if one.most == float("inf") else one.most} for one in made.accuracy
        ],
    }
