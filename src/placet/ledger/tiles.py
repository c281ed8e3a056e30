"""
C2SP tlog-tiles: 256 hashes of one height in a row, and entry bundles. Pure: paths, bundles, and how a tree grows.

Level 0 holds leaf hashes; a hash of level l + 1 is the root of one full tile of level l. Full tiles never change, so
they are written once. What lies right of the last full tile of a level is partial and follows from what lies below.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Sequence
from hashlib import sha256

import attrs

from placet.kernel.errors import BadInput
from placet.ledger import merkle
from placet.ledger.merkle import Hash

WIDTH = 256
HEIGHT = 8
HASH = 32
FULL = WIDTH * HASH
MOST_ENTRY = 65_535
"""An entry stands behind its length in two bytes; a longer event could be appended but never served."""

_PATH = re.compile(r"(?P<level>entries|0|[1-9]\d?)/(?P<n>(?:x\d{3}/){0,6}\d{3})(?:\.p/(?P<width>[1-9]\d{0,2}))?")
_NODE = b"\x01"


@attrs.frozen
class Tile:
    """A full tile: 8,192 bytes at *level*, the *n*-th from the left."""

    level: int
    n: int
    hashes: bytes = attrs.field(repr=False)


@attrs.frozen
class TilePath:
    """What a path asks for; `level` None means the entry bundle; a `width` below 256 is a partial one."""

    level: int | None
    n: int
    width: int = WIDTH


def parse_path(text: str) -> TilePath:
    """Read `<L>/<N>[.p/<W>]` or `entries/<N>[.p/<W>]`; anything that tlog-tiles would not write is refused."""
    match = _PATH.fullmatch(text)
    if match is None:
        raise BadInput("a tile path looks like 0/x001/234 or entries/067.p/12", code="bad-tile-path")
    level = None if match["level"] == "entries" else int(match["level"])
    path = TilePath(level, int(match["n"].replace("x", "").replace("/", "")), int(match["width"] or WIDTH))
    if format_path(path) != text or (level is not None and level > 63):
        raise BadInput("a tile path has one spelling: no surplus zeroes, width 1 to 255", code="bad-tile-path")
    return path


def format_path(path: TilePath) -> str:
    """The one spelling of *path*: index 1234067 is written `x001/x234/067`."""
    groups = [f"{path.n % 1000:03}"]
    rest = path.n // 1000
    while rest:
        groups.insert(0, f"x{rest % 1000:03}")
        rest //= 1000
    level = "entries" if path.level is None else str(path.level)
    suffix = "" if path.width == WIDTH else f".p/{path.width}"
    return f"{level}/{'/'.join(groups)}{suffix}"


def format_bundle(entries: Iterable[bytes]) -> bytes:
    """Entries, each behind its length as a big-endian uint16."""
    parts = []
    for entry in entries:
        if len(entry) > MOST_ENTRY:
            raise BadInput(f"an entry of the log has at most {MOST_ENTRY} bytes", code="entry-too-long")
        parts += [struct.pack(">H", len(entry)), entry]
    return b"".join(parts)


def parse_bundle(data: bytes) -> list[bytes]:
    """The entries of a bundle; a cut one raises `BadInput`."""
    entries, at = [], 0
    while at < len(data):
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        if at + 2 > len(data) or end > len(data):
            raise BadInput("the entry bundle is cut off", code="bad-bundle")
        entries.append(data[at + 2 : end])
        at = end
    return entries


def tile_width(level: int, n: int, size: int) -> int:
    """How many hashes tile *n* of *level* has in a tree of *size*: 0 to 256."""
    return max(0, min(WIDTH, (size >> HEIGHT * level) - n * WIDTH))


def tile_root(hashes: bytes) -> Hash:
    """The root of a full tile, in a tight loop: 255 hashes, about 0.1 ms."""
    while len(hashes) > HASH:
        pairs = range(0, len(hashes), 2 * HASH)
        hashes = b"".join([sha256(_NODE + hashes[at : at + 2 * HASH]).digest() for at in pairs])
    return hashes


def expand(hashes: bytes) -> list[bytes]:
    """The perfect nodes inside a tile by height, 0 to 8; a partial tile has fewer and fewer."""
    layers = [hashes]
    for _ in range(HEIGHT):
        below = layers[-1]
        pairs = range(0, len(below) - HASH, 2 * HASH)
        layers.append(b"".join([sha256(_NODE + below[at : at + 2 * HASH]).digest() for at in pairs]))
    return layers


def hashes_of(tile: bytes) -> list[Hash]:
    return [tile[at : at + HASH] for at in range(0, len(tile), HASH)]


class Growth:
    """
    The right edge of a growing tree: for each level the hashes of its partial tile.

    Owned by one keeper (or one verifier), which feeds it leaf hashes in order; not thread-safe.
    """

    def __init__(self) -> None:
        self.size = 0
        self._edges: list[bytearray] = [bytearray()]

    @classmethod
    def resumed(cls, size: int, edges: Sequence[bytes]) -> Growth:
        """A tree of *size* whose partial tiles, from level 0 up, are *edges*."""
        growth = cls()
        growth.size = size
        growth._edges = [bytearray(edge) for edge in edges] or [bytearray()]
        return growth

    def append(self, leaves: bytes) -> list[Tile]:
        """Take the next leaf hashes (concatenated); returns the tiles that became full, lower levels first."""
        full: list[Tile] = []
        self._add(0, leaves, full)
        self.size += len(leaves) // HASH
        return sorted(full, key=lambda tile: (tile.level, tile.n))

    def root(self) -> Hash:
        """MTH of all leaves so far."""
        return merkle.fold(self.perfect_nodes())

    def perfect_nodes(self) -> list[Hash]:
        """The perfect subtrees of the tree so far, the largest first."""
        nodes: list[Hash] = []
        for edge in reversed(self._edges):
            layers = expand(bytes(edge))
            width = len(edge) // HASH
            nodes += [layers[height][index * HASH : (index + 1) * HASH] for height, index in merkle.perfect(0, width)]
        return nodes

    def _add(self, level: int, hashes: bytes, full: list[Tile]) -> None:
        if level == len(self._edges):
            self._edges.append(bytearray())
        edge = self._edges[level]
        n = self.size >> HEIGHT * (level + 1)
        edge += hashes
        if len(edge) < FULL:
            return
        roots = []
        done = len(edge) // FULL * FULL
        for at in range(0, done, FULL):
            tile = Tile(level, n + at // FULL, bytes(edge[at : at + FULL]))
            full.append(tile)
            roots.append(tile_root(tile.hashes))
        del edge[:done]
        self._add(level + 1, b"".join(roots), full)
