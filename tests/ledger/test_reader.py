"""A proof taken a tile at a time is the one of RFC 6962."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from placet.ledger import merkle, tiles
from placet.ledger.merkle import BadProof, Hash
from placet.ledger.reader import TileReader
from placet.ledger.tiles import HEIGHT, WIDTH

MOST = 70_000
LEAVES: list[Hash] = [sha256(at.to_bytes(8, "big")).digest() for at in range(MOST)]
LEVELS = [LEAVES]
while len(LEVELS[-1]) >= WIDTH:
    below = b"".join(LEVELS[-1])
    LEVELS.append(
        [
            tiles.tile_root(below[at : at + tiles.FULL])
            for at in range(0, len(below) // tiles.FULL * tiles.FULL, tiles.FULL)
        ]
    )


class Shelf(TileReader):
    """Tiles of `LEAVES` instead of a database's."""

    def tile(self, _connection: Any, level: int, n: int, width: int = WIDTH) -> bytes:
        return b"".join(LEVELS[level][n * WIDTH : n * WIDTH + width])


NOWHERE: Any = None
reader = Shelf()


@st.composite
def places(draw: st.DrawFn) -> tuple[int, int]:
    edges = [edge + off for edge in (1, WIDTH, 2 * WIDTH, 1 << 2 * HEIGHT, MOST - 1) for off in (-1, 0, 1)]
    size = draw(st.integers(1, MOST) | st.sampled_from([edge for edge in edges if edge > 0]))
    return draw(st.integers(0, size - 1) | st.sampled_from([0, size - 1])), size


@given(places())
@example((0, 1))
@example((MOST - 1, MOST))
@example((WIDTH - 1, WIDTH))
def test_the_path_of_a_leaf_is_that_of_the_rfc(place: tuple[int, int]) -> None:
    index, size = place
    expected = merkle.inclusion_proof(reader.node(NOWHERE, size), index, size)
    assert reader.inclusion_proof(NOWHERE, index, size) == expected
    root = merkle.subtree(reader.node(NOWHERE, size), 0, size)
    merkle.verify_inclusion(LEAVES[index], index, size, expected, root)


@pytest.mark.parametrize(("index", "size"), [(-1, 5), (5, 5), (0, 0)])
def test_a_leaf_that_is_not_in_the_tree_has_no_path(index: int, size: int) -> None:
    with pytest.raises(BadProof):
        reader.inclusion_proof(NOWHERE, index, size)
