"""`placet mobility release`, `publish`, `withdraw`, `releases`: from events to figures that anybody may read."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from placet.bootstrap import Application
from placet.gate.replica import Replica
from placet.interfaces.cli.context import err, json_option, open_agreed, open_application, out, print_json, reported
from placet.interfaces.cli.members import member, member_option
from placet.kernel import clock
from placet.kernel.errors import BadInput, Tampered
from placet.kernel.periods import format_instant
from placet.purposes.mobility.model import MONTHLY, TILE_HOURS, Product, ReleaseId, Window
from placet.purposes.mobility.places.model import Atlas, atlas_folder
from placet.purposes.mobility.privacy.accounting import Loss
from placet.purposes.mobility.releasing.model import REPORTS, Release

if TYPE_CHECKING:
    from placet.purposes.mobility.counting.model import Engine, Progress

_PRODUCTS = {product.name: product for product in (*MONTHLY, TILE_HOURS)}
_id = click.argument("release", metavar="RELEASE")


@click.command("release")
@click.argument("window", metavar="MONTH|DAY")
@member_option
@click.option(
    "--product", "names", multiple=True, type=click.Choice(list(_PRODUCTS)), help="Only this; again for more."
)
@click.option("--engine", type=click.Choice(["duckdb", "spark"]), default="duckdb", show_default=True)
@click.option("--memory", default="4GB", show_default=True, help="What DuckDB may use; it spills to disk beyond that.")
@click.option("--threads", default=2, show_default=True, type=click.IntRange(1), help="Of DuckDB.")
@click.option("--master", default="local[2]", show_default=True, help="The Spark cluster.")
@click.option(
    "--elsewhere",
    multiple=True,
    metavar="FOLDER=URI",
    help="Where Spark's workers find a folder: /srv/placet/mobility=s3a://placet/mobility.",
)
@click.option("--some-days", is_flag=True, help="Days of the window may be missing.")
@json_option
@reported
def release_command(
    window: str,
    login: str,
    names: tuple[str, ...],
    engine: str,
    memory: str,
    threads: int,
    master: str,
    elsewhere: tuple[str, ...],
    some_days: bool,
    as_json: bool,
) -> None:
    """Release the statistics of a MONTH (2026-10) or a DAY: paid for, counted, and noised once.

    Asked again for the same, it prints the release that was made; interrupted, it goes on where it ended. A colleague
    makes it public: `placet mobility publish`.
    """
    from placet.purposes.mobility.releasing.planning import Plan

    asked = Window.named(window)
    with open_agreed() as application:
        zone = ZoneInfo(application.config.time_zone)
        atlas = Atlas.load(atlas_folder(application.config.data_dir))
        counting = _spark(master, elsewhere) if engine == "spark" else _duckdb(memory, threads)
        plan = Plan(asked, _products(asked, names), atlas, counting, zone, some_days)
        with application.database.transaction() as connection:
            by = member(connection, login)
        replica = Replica.of(application.database, application.config)
        people = application.mobility.consenting(replica, clock.now)
        with _progress(shown=not as_json) as told:
            made = application.mobility.maker(clock.now).make(plan, people, by=by, progress=told)
        _print(application, made, as_json=as_json)


@click.command("publish")
@_id
@member_option
@json_option
@reported
def publish_command(release: str, login: str, as_json: bool) -> None:
    """Make RELEASE public, once its files were held against the log; whoever made it cannot."""
    with open_agreed() as application:
        with application.database.transaction() as connection:
            by = member(connection, login)
            made = application.mobility.releases.publish(connection, ReleaseId(release), by=by, now=clock.now())
        _print(application, made, as_json=as_json)


@click.command("withdraw")
@_id
@click.option("--notice", required=True, help="Why, in words for everybody; it is shown in place of the figures.")
@member_option
@json_option
@reported
def withdraw_command(release: str, notice: str, login: str, as_json: bool) -> None:
    """Show RELEASE no longer. What it cost in privacy stays spent."""
    with open_agreed() as application:
        with application.database.transaction() as connection:
            made = application.mobility.releases.withdraw(
                connection, ReleaseId(release), by=member(connection, login), notice=notice, now=clock.now()
            )
        _print(application, made, as_json=as_json)


@click.command("releases")
@click.argument("release", metavar="[RELEASE]", required=False)
@click.option("--check", is_flag=True, help="Hold its files against the log, and compute its figures again.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="The newest so many.")
@json_option
@reported
def releases_command(release: str | None, check: bool, limit: int, as_json: bool) -> None:
    """List the newest releases, or show one RELEASE with its files."""
    with open_application() as application:
        shelf = application.mobility.releases
        if release is None:
            with application.database.transaction() as connection:
                found = shelf.listing(connection, limit=limit)
            _print_all(found, as_json=as_json)
            return
        with application.database.transaction() as connection:
            made = shelf.get(connection, ReleaseId(release))
        if check:
            _check(application, made)
        _print(application, made, as_json=as_json)


@click.command("report")
@_id
@click.option("--language", type=click.Choice(list(REPORTS)), default="lv", show_default=True)
@click.option(
    "--out", "place", type=click.Path(dir_okay=False, path_type=Path), help="Write it there, not on the screen."
)
@reported
def report_command(release: str, language: str, place: Path | None) -> None:
    """Write the report for planners on RELEASE, one HTML file, made anew from its noisy counts.

    Whatever languages a release was made with, all are there. Its files must be those of the log.
    """
    from placet.purposes.mobility.releasing import files

    with open_application() as application:
        shelf = application.mobility.releases
        with application.database.transaction() as connection:
            made = shelf.get(connection, ReleaseId(release))
        shelf.demand_whole(made)
        page = files.report_of(shelf.place(made), language)
    if place is None:
        click.echo(page)
    else:
        place.write_text(page, encoding="utf-8")
        out.print(f"the report is in {place}", markup=False)


def _products(window: Window, names: tuple[str, ...]) -> tuple[Product, ...]:
    """A month has its products, a day its hours; or what was named."""
    usual = (TILE_HOURS,) if len(window.days) == 1 else MONTHLY
    found = tuple(product for product in _PRODUCTS.values() if product.name in names) if names else usual
    if TILE_HOURS in found and len(window.days) > 1:
        raise BadInput("tile-hours are of one day; name a day such as 2026-10-14", code="bad-window")
    return found


def _duckdb(memory: str, threads: int) -> Engine:
    from placet.purposes.mobility.counting.duck import DuckEngine

    return DuckEngine(memory, threads)


def _spark(master: str, elsewhere: tuple[str, ...]) -> Engine:
    from placet.purposes.mobility.counting.spark import SparkEngine

    places = {}
    for place in elsewhere:
        folder, equals, uri = place.partition("=")
        if not (folder and equals and uri):
            raise BadInput(f"{place} names no place; write FOLDER=URI", code="bad-place")
        places[Path(folder)] = uri.rstrip("/")
    return SparkEngine(master, elsewhere=places)


def _check(application: Application, release: Release) -> None:
    """Raises `Tampered` unless the files are those of the log, and follow from its noisy counts to the last byte."""
    from placet.purposes.mobility.releasing import files

    shelf = application.mobility.releases
    shelf.demand_whole(release)
    with tempfile.TemporaryDirectory() as folder:
        if files.derive(shelf.place(release), Path(folder)) != release.sha256:
            raise Tampered(
                "this program computes other figures from the same noisy counts; use the one that made the release",
                code="other-figures",
            )


@contextlib.contextmanager
def _progress(*, shown: bool) -> Iterator[Callable[[Progress], None]]:
    """A bar on stderr for people; nothing for programs, and nothing where nobody looks."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"),
               TimeRemainingColumn())  # fmt: skip
    with Bar(*columns, console=err, transient=True, disable=not shown or not err.is_terminal) as bar:
        task = bar.add_task("counting", total=None)
        yield lambda done: bar.update(task, completed=done.done, total=done.total, description=done.what)


def _print_all(found: list[Release], *, as_json: bool) -> None:
    if as_json:
        print_json([_entry(release) for release in found])
        return
    if not found:
        out.print("nothing was released yet")
    for release in found:
        out.print(f"{release.id:<12} {release.state:<10} {_people(release)}ρ {release.rho}", markup=False)


def _print(application: Application, release: Release, *, as_json: bool) -> None:
    files = application.mobility.releases.files(release)
    if as_json:
        print_json(_entry(release) | {"files": dict(files)})
        return
    loss = Loss(release.rho)
    out.print(f"[bold]{release.id}[/]   {release.state}   {_people(release)}made {format_instant(release.made_at)}")
    out.print(f"  ρ {loss.rho}   ε {loss.epsilon:.2f}   AUC of any attacker ≤ {loss.auc:.3f}")
    for name, spent in release.products.items():
        out.print(f"  {name:<14} ρ {spent.rho!s:<6} σ {spent.sigma:,.1f}   {spent.mechanism}", markup=False)
    out.print(f"  log position {release.position}   SHA256SUMS {release.sha256}", markup=False)
    out.print(f"  files in {application.mobility.releases.place(release)}", markup=False)


def _people(release: Release) -> str:
    told = release.population
    return "" if told is None else f"about {told.value:,.0f} people ({told.low:,.0f} to {told.high:,.0f})   "


def _entry(release: Release) -> dict[str, Any]:
    told = release.population
    loss = Loss(release.rho)
    return {
        "id": release.id,
        "state": release.state.value,
        "first": release.window.first.isoformat(),
        "until": release.window.until.isoformat(),
        "made_at": format_instant(release.made_at),
        "public_at": None if release.public_at is None else format_instant(release.public_at),
        "notice": release.notice,
        "population": None if told is None else {"value": told.value, "low": told.low, "high": told.high},
        "rho": str(release.rho),
        "epsilon": loss.epsilon,
        "products": {
            name: {"rho": str(spent.rho), "sigma": spent.sigma, "mechanism": spent.mechanism}
            for name, spent in release.products.items()
        },
        "atlas": release.atlas,
        "sha256": release.sha256,
        "position": release.position,
    }
