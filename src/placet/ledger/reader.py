"""
Any hash of the tree, from stored full tiles and, at the right edge, from the records.

One reader serves a whole process: what it keeps never changes (a full tile, the beginning of a partial one), so a lost
update between threads costs a read and nothing else. A restored database needs a new reader.
"""

from __future__ import annotations

from typing import TypeVar

from psycopg import Connection

from placet.kernel.errors import Tampered
from placet.ledger import merkle, store, tiles
from placet.ledger.entries import leaf_hash
from placet.ledger.merkle import BadProof, Hash, Node
from placet.ledger.tiles import HASH, HEIGHT, WIDTH

_MOST_TILES = 4096
_MOST_LAYERS = 1024


class TileReader:
    """Tiles and nodes; keeps level 1 and above expanded in memory (2.5 MB at ten million leaves)."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], bytes] = {}
        self._layers: dict[tuple[int, int, int], list[bytes]] = {}
        self._rights: dict[tuple[int, int], Hash] = {}

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

    def inclusion_proof(self, connection: Connection, index: int, size: int) -> list[Hash]:
        """
        As `merkle.inclusion_proof`, a tile at a time.

        1. Up to where the way of the leaf meets that of the last leaf, all siblings are perfect: eight of each tile.
        2. At the meeting stands all that lies right of it, the same for many leaves.
        3. Above stand only perfect subtrees at the left.
        """
        if not 0 <= index < size:
            raise BadProof(f"leaf {index} is not in a tree of {size}")
        meeting = (index ^ (size - 1)).bit_length()
        path: list[Hash] = []
        for height in range(0, meeting - 1, HEIGHT):
            level, n, at = height // HEIGHT, index >> height + HEIGHT, index >> height & WIDTH - 1
            layers = self._expanded(connection, level, n, tiles.tile_width(level, n, size))
            places = [(at >> inner ^ 1) * HASH for inner in range(min(HEIGHT, meeting - 1 - height))]
            path += [layer[place : place + HASH] for layer, place in zip(layers, places, strict=False)]
        if meeting:
            path.append(self._right_of(connection, (index >> meeting - 1 ^ 1) << meeting - 1, size))
        node = self.node(connection, size)
        left = [height for height in range(meeting, index.bit_length()) if index >> height & 1]
        return path + [node(height, (index >> height) - 1) for height in left]

    def _right_of(self, connection: Connection, start: int, size: int) -> Hash:
        """The subtree from *start* to the end."""
        found = self._rights.get((start, size))
        if found is None:
            found = merkle.subtree(self.node(connection, size), start, size)
            _keep(self._rights, (start, size), found, _MOST_LAYERS)
        return found

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
