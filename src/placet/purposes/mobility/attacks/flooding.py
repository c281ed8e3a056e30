"""
One person with ten thousand events: how far they move what is counted, by the engine that counts releases.

The people round them are those of a synthetic world, counted once without and once with the one; the difference is all
that this person did (Houssiau et al. 2022: a promise to an event is none to a person).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from math import sqrt
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from placet.gate.model import Token
from placet.purposes.mobility.attacks import measuring
from placet.purposes.mobility.attacks.canary import Draw, looked_for
from placet.purposes.mobility.attacks.measuring import Measured
from placet.purposes.mobility.attacks.model import Against, Finding
from placet.purposes.mobility.counting.calendar import span
from placet.purposes.mobility.counting.duck import DuckEngine
from placet.purposes.mobility.counting.run import run
from placet.purposes.mobility.model import MONTHLY, TILE_HOURS, Product, ProductName, Window
from placet.purposes.mobility.places.model import Atlas
from placet.purposes.mobility.privacy import accounting
from placet.sources.model import SHARDS, Scan, Under

EVENTS = 10_000
"""Of the one, in a day: more than one in nine seconds."""
_NAME = "ten thousand events"
_NEAR = 30
"""Cells that somebody changes between who is heard of so often; all lie close by, or it would not be believed."""
_UP, _WORK, _HOME = 8, 9, 17
_PRODUCTS = (*MONTHLY, TILE_HOURS)
_NOBODY = Under(UUID(int=0), b"", Token("00000000", 0), datetime.fromtimestamp(0, UTC))


def flooding(
    events: pa.Table, atlas: Atlas, day: date, zone: ZoneInfo, folder: Path, draw: Draw, *, trials: int, seed: int
) -> Sequence[Finding]:
    """
    How many times its bound the one moves any product of *day*, and a release that counts events; and whether the one
    is found in a release of all products by somebody who knows everybody else.
    """
    one = _restless(events, atlas, day, zone, np.random.default_rng(seed))
    without = _counted(events, atlas, day, zone, folder / "without")
    within = _counted(pa.concat_tables([events, one]).combine_chunks(), atlas, day, zone, folder / "within")
    moved = {product: within[product.name] - without[product.name] for product in _PRODUCTS}
    times = {product.name: _times(product, change) for product, change in moved.items()}
    # A promise to one event, in an hour and zone: whoever has events in n of them moves n figures.
    hours = np.stack([one["at"].to_numpy() // 3600, one["cell"].to_numpy()])
    touched = float(np.unique(hours, axis=1).shape[1])
    return (
        _exactly(Against.EVENTS, touched, f"{int(touched)} figures are moved where the noise is for one"),
        _exactly(Against.PLACET, max(times.values()), ", ".join(f"{name} {one:.2f}" for name, one in times.items())),
        _found({product: moved[product] for product in MONTHLY}, draw, trials),
    )


def _found(moved: Mapping[Product, npt.NDArray[np.int64]], draw: Draw, trials: int) -> Finding:
    """The same person, counted by the engine and covered by the noise of a month."""
    shifts = [(product.sigma(), change[change != 0].astype(float)) for product, change in moved.items() if change.any()]
    without, within = (looked_for(shifts, draw, trials=trials, there=there) for there in (0, 1))
    bound = accounting.auc_ceiling(sum(product.rho for product in moved))
    return measuring.found(_NAME, Against.PLACET, "auc", measuring.area(without, within), chance=0.5, bound=bound)


def _times(product: Product, moved: npt.NDArray[np.int64]) -> float:
    """The largest of the three measures, each as a share of the product's bound."""
    bound = product.bound
    return float(
        max(
            np.count_nonzero(moved) / bound.cells,
            np.abs(moved).max() / bound.most,
            sqrt(float((moved.astype(float) ** 2).sum())) / bound.length,
        )
    )


def _exactly(against: Against, times: float, note: str) -> Finding:
    """Nothing is drawn at random here but who the one is: the figure is exact."""
    return measuring.found(
        _NAME,
        against,
        "times the bound",
        Measured(times, times, times, times, 1),
        chance=0.0,
        bound=1.0,
        note=note,
    )


def _restless(events: pa.Table, atlas: Atlas, day: date, zone: ZoneInfo, rng: np.random.Generator) -> pa.Table:
    """The one: at home until 8, at work from 9 to 17, all over the place besides; with more load than is counted."""
    near = _near(atlas)
    first, until = span(day, zone)
    at = np.sort(rng.integers(first, until, EVENTS))
    hour = (at - first) // 3600
    cell = np.where(hour < _UP, near[0], np.where((hour >= _WORK) & (hour < _HOME), near[-1], rng.choice(near, EVENTS)))
    return pa.table(
        {
            "number": np.full(EVENTS, pc.max(events["number"]).as_py() + 1, np.int32),
            "at": at,
            "cell": cell.astype(np.int32),
            "load": np.full(EVENTS, 10**9),
        },
        schema=events.schema,
    )


def _near(atlas: Atlas) -> npt.NDArray[np.int32]:
    """Cells round the first that lies in a zone, the nearest first."""
    cell, tile = (atlas.cell_tiles[name].to_numpy() for name in ("cell", "tile"))
    middle = tile[np.flatnonzero(atlas.tile_zone[tile] >= 0)[0]]
    tiles = atlas.tiles
    far = np.hypot(tiles.east[tile] - tiles.east[middle], tiles.north[tile] - tiles.north[middle])
    return np.array(list(dict.fromkeys(cell[np.argsort(far, kind="stable")].tolist()))[:_NEAR], np.int32)


def _counted(
    events: pa.Table, atlas: Atlas, day: date, zone: ZoneInfo, folder: Path
) -> Mapping[ProductName, npt.NDArray[np.int64]]:
    """All products of *day* before any noise. The key is the same each time, so that the others' order is too."""
    folder.mkdir(parents=True)
    window = Window(day.isoformat(), day, day + timedelta(1))
    counted = run(
        _scan(events, day, zone, folder),
        atlas,
        window,
        _PRODUCTS,
        DuckEngine(memory="1GB", threads=1),
        zone=zone,
        key=bytes(32),
        work=folder / "work",
        progress=lambda _: None,
    )
    return {name: raw.values for name, raw in counted.items()}


def _scan(events: pa.Table, day: date, zone: ZoneInfo, folder: Path) -> Scan:
    """Made-up events as a scan: nobody real is in them, so no audience stands behind it."""
    number = events["number"].to_numpy()
    files = {}
    for shard in range(SHARDS):
        path = folder / f"shard={shard:02}.parquet"
        pq.write_table(events.filter(pa.array(number % SHARDS == shard)), path)
        files[(day, shard)] = path
    people = np.unique(number)
    first, until = span(day, zone)
    participants = pa.table(
        {
            "number": people.astype(np.int32),
            "since": np.full(len(people), first),
            "until": np.full(len(people), until),
        }
    )
    return Scan((day,), participants, _NOBODY, files)
