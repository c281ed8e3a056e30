"""
The run: everything that a release counts, day by day and shard by shard, on any engine, and again from where it ended.

1. Shards are put in groups, so that what one group came to over the whole window fits the engine; a person is in one.
2. Of each group, batches of whole days become pieces: what each person contributes, joined as of the event with their
   consent, and cleaned (`events`). What is done already is not done again (`pieces`).
3. The pieces of a group are summed up to counts, each person within the products' bounds (`sums`); groups add up.

Counts are in memory alone. Whoever calls draws the noise, and then ends the folder with `pieces.clear`.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa

from placet.purposes.mobility.counting import calendar, inputs
from placet.purposes.mobility.counting.batches import batches, groups
from placet.purposes.mobility.counting.domains import domains
from placet.purposes.mobility.counting.making import Making
from placet.purposes.mobility.counting.model import Batch, Cleaning, Engine, Progress, Session, Told
from placet.purposes.mobility.counting.pieces import Pieces, locked
from placet.purposes.mobility.counting.products import SOURCES, Way, added, empty, ways
from placet.purposes.mobility.model import Product, ProductName, Window
from placet.purposes.mobility.places.model import Atlas
from placet.purposes.mobility.privacy.raw import RawCounts
from placet.sources.model import Scan


def run(
    scan: Scan,
    atlas: Atlas,
    window: Window,
    products: Sequence[Product],
    engine: Engine,
    *,
    zone: ZoneInfo,
    key: bytes,
    work: Path,
    progress: Told,
) -> Mapping[ProductName, RawCounts]:
    """
    Count *products* over the days of *window* that *scan* holds, local to *zone*, with pieces in the folder *work*.

    Called again with the same *key* and *work*, it goes on where it ended; with a *scan* of fewer people it leaves the
    others out. Another run in the same folder is a `Conflict`.
    """
    domain_of, way_of = domains(atlas, window, products), ways(products)
    days = [day for day in window.days if day in set(scan.days) - set(scan.missing)]
    sources = frozenset(way.source for way in way_of.values())
    values = {name: empty(domain) for name, domain in domain_of.items()}
    hours = calendar.hours(days, zone)
    making = Making(scan, days, zone, key, atlas.sha256, sources, hours, Pieces(work))
    with _session(engine, work) as session:
        _give_inputs(session, atlas, hours)
        for participants, done in _made(making, engine, session, progress):
            _find_pieces(session, making, done, participants)
            for name, found in _summed(session, way_of):
                added(values[name], way_of[name], found, atlas)
    return {product.name: RawCounts(product, domain_of[product.name], values[product.name]) for product in products}


@contextmanager
def _session(engine: Engine, work: Path) -> Iterator[Session]:
    """The engine, in a folder of its own that is emptied before and after."""
    folder = work / "session"
    with locked(work):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        try:
            with engine.opened(folder) as session:
                yield session
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _give_inputs(session: Session, atlas: Atlas, hours: pa.Table) -> None:
    session.give("hours", hours)
    session.give("lengths", calendar.lengths(hours))
    session.give("cells", inputs.cells(atlas))
    session.give("tiles", inputs.tile_shares(atlas))
    session.give("zones", inputs.zone_shares(atlas))
    session.give("parts", inputs.PARTS)


def _made(
    making: Making, engine: Engine, session: Session, progress: Told
) -> Iterator[tuple[pa.Table, Sequence[Batch]]]:
    """Group after group, when all its batches are done: its participants and its batches."""
    scan, days = making.scan, making.days
    plan = [(shards, list(batches(scan, days, shards, engine))) for shards in groups(scan, days, engine)]
    total, done, cleaning = sum(len(todo) for _, todo in plan) + len(plan), 0, Cleaning()
    for shards, todo in plan:
        participants = making.participants(shards)
        session.give("participants", participants)
        for batch in todo:
            cleaning += making.piece(session, batch, participants)
            done += 1
            progress(Progress(done, total, batch.name, cleaning))
        yield participants, todo
        done += 1
        progress(Progress(done, total, f"sums of shards {shards[0]}-{shards[-1]}", cleaning))


def _find_pieces(session: Session, making: Making, done: Sequence[Batch], participants: pa.Table) -> None:
    session.give("persons", pa.table({"person": participants["person"].unique()}))
    for source in making.sources:
        files = [making.kept.folder(batch) / f"{source}.parquet" for batch in done]
        session.find(source, files, SOURCES[source])


def _summed(session: Session, way_of: Mapping[ProductName, Way]) -> Iterator[tuple[ProductName, pa.Table]]:
    """What the pieces that were found come to, product by product."""
    ready: set[str] = set()
    for name, way in way_of.items():
        if way.first is not None and way.first.name not in ready:
            session.keep(way.first)
            ready.add(way.first.name)
        yield name, session.fetch(way.step)
