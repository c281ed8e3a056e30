"""`placet mobility compare`: what changed from one release to another, as REST and the atlas tell it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import click
import pyarrow as pa
from rich.table import Table as Columns

from placet.bootstrap import Application
from placet.interfaces.cli.context import json_option, open_application, out, print_json, reported
from placet.kernel.errors import BadInput, NotFound
from placet.purposes.mobility.model import MONTHLY, TILE_HOURS, ReleaseId
from placet.purposes.mobility.releasing import comparing
from placet.purposes.mobility.releasing.model import TABLES, Release, Table

_PRODUCTS = [product.name for product in (*MONTHLY, TILE_HOURS)]


@attrs.frozen
class _Compared:
    """One table: so many rows can be compared, and those of the page."""

    shape: Table
    count: int
    changed: int
    rows: Sequence[Mapping[str, Any]]


@click.command("compare")
@click.argument("release", metavar="RELEASE")
@click.argument("baseline", metavar="BASELINE")
@click.option(
    "--product",
    "names",
    multiple=True,
    type=click.Choice(_PRODUCTS),
    help="Only tables counted for this; again for more.",
)
@click.option("--zone", help="Only rows that name this zone, at either end.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="Rows of each table.")
@click.option("--page", type=click.IntRange(1), default=1, show_default=True, help="The next so many, from 1.")
@json_option
@reported
def compare_command(
    release: str, baseline: str, names: tuple[str, ...], zone: str | None, limit: int, page: int, as_json: bool
) -> None:
    """Show what changed in RELEASE since BASELINE, with intervals.

    The largest sure changes of each table stand first. It reads published tables alone, so it costs
    no privacy. Rows that are hidden in one of the two are left out.
    """
    with open_application() as application:
        after, before = _both(application, release, baseline)
        _demand_zone(application, after, zone)
        found = [
            _compared(shape, _changes(application, after, before, shape, zone), limit, page)
            for shape in _shared(after, before, names)
        ]
    if as_json:
        print_json(_json(after, before, found, limit, page))
    else:
        _show(found, limit, page)


def _both(application: Application, *ids: str) -> tuple[Release, Release]:
    with application.database.transaction() as connection:
        after, before = (application.mobility.releases.get(connection, ReleaseId(id)) for id in ids)
    comparing.demand_comparable(after, before)
    return after, before


def _demand_zone(application: Application, release: Release, zone: str | None) -> None:
    """A name that the map does not have would look like no change."""
    known = {feature["id"] for feature in application.mobility.releases.zones(release)["features"]}
    if zone is not None and zone not in known:
        raise NotFound("the map of these releases has no such zone; zones.geojson names them", code="unknown-zone")


def _shared(after: Release, before: Release, names: Sequence[str]) -> list[Table]:
    """The tables that both have, of the products that were named, or of all."""
    both = after.products.keys() & before.products.keys()
    found = [
        shape for shape in TABLES.values()
        if both.issuperset(shape.products) and (not names or not set(names).isdisjoint(shape.products))
    ]  # fmt: skip
    if not found:
        raise BadInput("the two releases have no such product in common", code="nothing-shared")
    return found


def _changes(application: Application, after: Release, before: Release, shape: Table, zone: str | None) -> pa.Table:
    found = application.mobility.releases.changes(after, before, shape.name)
    return found if zone is None else comparing.of_zone(found, zone)


def _compared(shape: Table, changes: pa.Table, limit: int, page: int) -> _Compared:
    rows = changes.slice((page - 1) * limit, limit).to_pylist()
    return _Compared(shape, changes.num_rows, sum(filter(None, changes["changed"].to_pylist())), rows)


def _json(after: Release, before: Release, found: Sequence[_Compared], limit: int, page: int) -> dict[str, Any]:
    return {
        "release": after.id,
        "baseline": before.id,
        "page": page,
        "limit": limit,
        "tables": [
            {"table": one.shape.name, "count": one.count, "changed": one.changed, "rows": one.rows} for one in found
        ],
    }


def _show(found: Sequence[_Compared], limit: int, page: int) -> None:
    for one in found:
        out.print(f"[bold]{one.shape.name}[/]   {one.changed:,} of {one.count:,} surely changed")
        if one.rows:
            out.print(_columns(one))
        if (left := one.count - page * limit) > 0:
            out.print(f"  {left:,} more: --page {page + 1}", markup=False)


def _columns(one: _Compared) -> Columns:
    keys, measure = one.shape.keys, one.shape.measure
    table = Columns(*keys, f"{measure} before", "after", "difference", "95 % interval", "", box=None, pad_edge=True)
    for row in one.rows:
        table.add_row(
            *(str(row[key]) for key in keys), _number(row["before"]), _number(row["after"]),
            f"{row['difference']:+,.6g}", f"{row['difference_low']:+,.6g} to {row['difference_high']:+,.6g}",
            "changed" if row["changed"] else "",
        )  # fmt: skip
    return table


def _number(value: float) -> str:
    return f"{value:,.6g}"
