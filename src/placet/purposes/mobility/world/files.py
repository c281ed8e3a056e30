"""
A world as an operator would deliver it: cells, zones, events day by day, and the yes of everybody in it.

`placet import decisions.csv --create-subjects`, `placet mobility ingest` and `placet mobility places` take them in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv
import pyarrow.parquet as pq

from placet.kernel.periods import format_instant
from placet.purposes.mobility.world.world import World

_STATIONS = ("cell", "lon", "lat", "range_m")
_VERSION = "1.0"
"""Of the notice of `mobility` that everybody agreed to."""


def write(
    world: World,
    folder: Path,
    days: Sequence[date],
    *,
    form: str = "csv",
    told: Callable[[date], None] = lambda _day: None,
) -> Sequence[Path]:
    """
    Write *world* into *folder*, with its events of *days* as `csv` or `parquet`; *told* hears of each day that is done.

    In CSV a person is `crm:W000001`, in Parquet their number, as an operator's own lake would have it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / "cells.csv", folder / "zones.geojson", folder / "decisions.csv"]
    csv.write_csv(world.cells.select(_STATIONS), files[0])
    files[1].write_bytes(_zones(world))
    csv.write_csv(_decisions(world, days[0]), files[2])
    for day in days:
        files.append(folder / f"events-{day.isoformat()}.{form}")
        _write_events(_delivered(world, day, form), files[-1], form)
        told(day)
    return files


def _zones(world: World) -> bytes:
    features = [
        {
            "type": "Feature",
            "id": zone.id,
            "properties": {"name": zone.titles, "population": zone.population, "region": zone.parent},
            "geometry": zone.outline,
        }
        for zone in world.atlas.zones
    ]
    return msgspec.json.encode({"type": "FeatureCollection", "features": features})


def _decisions(world: World, first: date) -> pa.Table:
    """Everybody says yes a day before the first."""
    said = format_instant(datetime.combine(first, datetime.min.time(), UTC) - timedelta(days=1))
    every = {
        "purpose": "mobility",
        "decision": "given",
        "occurred_at": said,
        "notice_version": _VERSION,
        "source": "synthetic world",
        "grade": "C",
        "collected_at": said,
    }
    subjects = _names(world)
    return pa.table({"subject": subjects} | {name: pa.repeat(value, len(subjects)) for name, value in every.items()})


def _names(world: World) -> pa.Array:
    return pa.array([f"crm:W{number:06d}" for number in range(1, world.people + 1)])


def _delivered(world: World, day: date, form: str) -> Iterator[pa.Table]:
    cells, names = world.cells["cell"].combine_chunks(), _names(world)
    for events in world.batches(day):
        at = pc.cast(events["at"], pa.timestamp("s", "UTC"))
        columns = {"cell": cells.take(events["cell"].combine_chunks()), "load": events["load"]}
        if form == "csv":
            subject = names.take(pc.subtract(events["number"].combine_chunks(), 1))
            yield pa.table({"subject": subject, "at": pc.strftime(at, "%Y-%m-%dT%H:%M:%SZ"), **columns})
        else:
            yield pa.table({"subject": events["number"], "at": pc.cast(at, pa.timestamp("us", "UTC")), **columns})


def _write_events(parts: Iterator[pa.Table], path: Path, form: str) -> None:
    first = next(parts)
    writer = (
        csv.CSVWriter(path, first.schema, write_options=csv.WriteOptions(quoting_style="none"))
        if form == "csv"
        else pq.ParquetWriter(path, first.schema, compression="zstd")
    )
    with writer:
        writer.write_table(first)
        for part in parts:
            writer.write_table(part)
