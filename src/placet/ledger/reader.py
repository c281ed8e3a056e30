"""
Any hash of the tree, from stored full tiles and, at the right edge, from the records.

One reader serves a whole process: what it keeps never changes (a full tile, the beginning of a partial one), so a lost
update between threads costs a read and nothing else. A restored database needs a new reader.
"""

from __future__ import annotations

from typing import TypeVar

from psycopg import Connection

from placet.kernel.errors import Tampered
from placet.ledger import store, tiles
from placet.ledger.entries import leaf_hash
from placet.ledger.merkle import Hash, Node
from placet.ledger.tiles import HASH, HEIGHT, WIDTH

_MOST_TILES = 4096
_MOST_LAYERS = 1024


class TileReader:
    """Tiles and nodes; keeps level 1 and above expanded in memory (2.5 MB at ten million leaves)."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], bytes] = {}
        self._layers: dict[tuple[int, int, int], list[bytes]] = {}

    def tile(self, connection: Connection, level: int, n: int, width: int = WIDTH) -> bytes:
        """The first *width* hashes of tile *n* of *level*; missing rows or tiles raise `Tampered`."""
        known = self._known.get((level, n), b"")
        if len(known) < width * HASH:
            known = store.tile(connection, level, n) or self._derived(connection, level, n, width, known)
            _keep(self._known, (level, n), known, _MOST_TILES)
        return known[: width * HASH]

    def node(self, connection: Connection, size: int) -> Node:
        """Look up perfect subtrees of the tree of *size*."""

        def look_up(height: int, index: int) -> Hash:
            level, inner = divmod(height, HEIGHT)
            n, first = divmod(index << inner, WIDTH)
            layers = self._expanded(connection, level, n, tiles.tile_width(level, n, size))
            at = (first >> inner) * HASH
            return layers[inner][at : at + HASH]

        return look_up

    def edges(self, connection: Connection, size: int) -> list[bytes]:
        """The partial tiles of a tree of *size*, from level 0 up: where `Growth.resumed` goes on."""
        found = []
        level = 0
        while size >> HEIGHT * level:
            n, width = divmod(size >> HEIGHT * level, WIDTH)
            found.append(self.tile(connection, level, n, width) if width else b"")
            level += 1
        return found

    def _expanded(self, connection: Connection, level: int, n: int, width: int) -> list[bytes]:
        key = (level, n, width)
        layers = self._layers.get(key)
        if layers is None:
            layers = tiles.expand(self.tile(connection, level, n, width))
            _keep(self._layers, key, layers, _MOST_LAYERS)
        return layers

    def _derived(self, connection: Connection, level: int, n: int, width: int, known: bytes) -> bytes:
        """A partial tile: leaf hashes of its records, or the roots of the full tiles below."""
        first = n * WIDTH + len(known) // HASH
        last = n * WIDTH + width - 1
        if level == 0:
            more = [leaf_hash(entry) for entry in store.entries(connection, first + 1, last + 1)]
        else:
            below = store.neighbours(connection, level - 1, first, last)
            more = [tiles.tile_root(hashes) for _, hashes in sorted(below.items())]
        if len(more) != last - first + 1:
            missing = f"tile {n} of level {level} cannot be derived: what it stands on is missing"
            raise Tampered(missing, code="tile-missing")
        return known + b"".join(more)


_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


def _keep(cache: dict[_Key, _Value], key: _Key, value: _Value, most: int) -> None:
    """Remember *value*; what was remembered first goes when there are too many."""
    while len(cache) >= most:
        cache.pop(next(iter(cache)), None)
    cache[key] = value
