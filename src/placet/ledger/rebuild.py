"""Tiles follow from the records: those that are missing are derived again, those that are wrong are named."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from placet.kernel.errors import Tampered
from placet.ledger import store
from placet.ledger.entries import leaf_hash
from placet.ledger.tiles import WIDTH, Growth, Tile
from placet.store.database import Database

_SLICE = WIDTH * WIDTH


@attrs.frozen
class RebuiltTiles:
    checked: int
    added: int


def rebuild_tiles(database: Database, *, progress: Callable[[int, int], None] | None = None) -> RebuiltTiles:
    """
    Derive every full tile up to the largest checkpoint, and add what is missing.

    A stored tile that differs raises `Tampered`: the record or the tile was changed, and `placet ledger verify` tells
    which; only the owner of the tables can take a wrong tile away.
    """
    with database.transaction() as connection:
        largest = store.largest_checkpoint(connection)
    size = 0 if largest is None else largest.size
    growth, checked, added = Growth(), 0, 0
    for first in range(1, size + 1, _SLICE):
        last = min(first + _SLICE - 1, size)
        with database.transaction() as connection:
            store.wait_keeper_lock(connection)
            leaves = b"".join(leaf_hash(entry) for entry in store.entries(connection, first, last))
            full = growth.append(leaves)
            missing = [tile for tile in full if _is_missing(store.tile(connection, tile.level, tile.n), tile)]
            if missing:
                store.add_tiles(connection, missing)
        checked, added = checked + len(full), added + len(missing)
        if progress is not None:
            progress(last, size)
    return RebuiltTiles(checked, added)


def _is_missing(stored: bytes | None, tile: Tile) -> bool:
    if stored is not None and stored != tile.hashes:
        wrong = f"tile {tile.n} of level {tile.level} is not what the records give; run `placet ledger verify`"
        raise Tampered(wrong, code="tile-wrong")
    return stored is None
