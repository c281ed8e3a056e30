"""The tree against a second, slow implementation written straight from the recursive definitions of RFC 6962 §2.1."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placet.ledger import merkle, tiles
from placet.ledger.merkle import BadProof

MOST = 700
LEAVES = [sha256(b"\x00" + str(n).encode()).digest() for n in range(MOST)]
sizes = st.integers(1, MOST)


def slow_mth(leaves: list[bytes]) -> bytes:
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = slow_split(len(leaves))
    return sha256(b"\x01" + slow_mth(leaves[:k]) + slow_mth(leaves[k:])).digest()


def slow_split(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def slow_path(m: int, leaves: list[bytes]) -> list[bytes]:
    if len(leaves) == 1:
        return []
    k = slow_split(len(leaves))
    if m < k:
        return [*slow_path(m, leaves[:k]), slow_mth(leaves[k:])]
    return [*slow_path(m - k, leaves[k:]), slow_mth(leaves[:k])]


def slow_subproof(m: int, leaves: list[bytes], whole: bool) -> list[bytes]:
    if m == len(leaves):
        return [] if whole else [slow_mth(leaves)]
    k = slow_split(len(leaves))
    if m <= k:
        return [*slow_subproof(m, leaves[:k], whole), slow_mth(leaves[k:])]
    return [*slow_subproof(m - k, leaves[k:], False), slow_mth(leaves[:k])]


def node(height: int, index: int) -> bytes:
    return slow_mth(LEAVES[index << height : (index + 1) << height])


@given(st.integers(0, MOST))
def test_root_equals_the_recursive_definition(size: int) -> None:
    assert merkle.root(LEAVES[:size]) == slow_mth(LEAVES[:size])


@given(sizes, st.data())
def test_inclusion_proof_equals_the_recursive_definition_and_verifies(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof = merkle.inclusion_proof(node, index, size)
    assert proof == slow_path(index, LEAVES[:size])
    merkle.verify_inclusion(LEAVES[index], index, size, proof, slow_mth(LEAVES[:size]))


@given(sizes, st.data())
def test_consistency_proof_equals_the_recursive_definition_and_verifies(new: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, new))
    proof = merkle.consistency_proof(node, old, new)
    assert proof == slow_subproof(old, LEAVES[:new], True)
    merkle.verify_consistency(old, new, proof, slow_mth(LEAVES[:old]), slow_mth(LEAVES[:new]))


@given(sizes, st.data())
def test_inclusion_proof_for_another_place_or_size_is_refused(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    other = data.draw(st.tuples(st.integers(0, MOST), st.integers(0, MOST)))
    proof, root = slow_path(index, LEAVES[:size]), slow_mth(LEAVES[:size])
    # The root binds what the path passes through, not the size itself: the size is bound by the checkpoint's signature.
    if other[0] == index or not 0 <= other[0] < other[1]:
        return
    with pytest.raises(BadProof):
        merkle.verify_inclusion(LEAVES[index], *other, proof, root)


@given(sizes, st.data())
def test_surplus_missing_swapped_or_changed_hash_is_refused(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof, root = slow_path(index, LEAVES[:size]), slow_mth(LEAVES[:size])
    for broken in mutations(proof, data):
        with pytest.raises(BadProof):
            merkle.verify_inclusion(LEAVES[index], index, size, broken, root)


@given(st.integers(2, MOST), st.data())
def test_mutated_consistency_proof_is_refused(new: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, new - 1))
    proof = slow_subproof(old, LEAVES[:new], True)
    for broken in mutations(proof, data):
        with pytest.raises(BadProof):
            merkle.verify_consistency(old, new, broken, slow_mth(LEAVES[:old]), slow_mth(LEAVES[:new]))


@given(st.integers(1, MOST - 1), st.data())
def test_consistency_proof_does_not_pass_for_a_size_it_does_not_use_up(old: int, data: st.DataObject) -> None:
    """A verifier that stops when the hashes end accepts a too large size: hash-tree 0.1.0 on Hackage did."""
    new = data.draw(st.integers(old + 1, MOST))
    wrong = new * data.draw(st.sampled_from([2, 4, 8, 1024]))
    proof = slow_subproof(old, LEAVES[:new], True)
    with pytest.raises(BadProof):
        merkle.verify_consistency(old, wrong, proof, slow_mth(LEAVES[:old]), slow_mth(LEAVES[:new]))


def mutations(proof: list[bytes], data: st.DataObject) -> list[list[bytes]]:
    broken = [[*proof, bytes(32)], [bytes(32), *proof]]
    if proof:
        at = data.draw(st.integers(0, len(proof) - 1))
        flipped = bytes([proof[at][0] ^ 1]) + proof[at][1:]
        broken += [proof[:-1], proof[1:], [*proof, proof[-1]], [*proof[:at], flipped, *proof[at + 1 :]]]
    if len(proof) > 1:
        broken.append(proof[::-1])
    return broken


def test_consistency_from_empty_proves_nothing_and_is_refused() -> None:
    with pytest.raises(BadProof):
        merkle.verify_consistency(0, 0, [], merkle.EMPTY_ROOT, merkle.EMPTY_ROOT)
    with pytest.raises(BadProof):
        merkle.verify_consistency(0, 1, [], merkle.EMPTY_ROOT, LEAVES[0])
    with pytest.raises(BadProof):
        merkle.consistency_proof(node, 0, 1)


def test_leaf_outside_the_tree_has_no_proof() -> None:
    for index, size in [(0, 0), (5, 5), (-1, 5)]:
        with pytest.raises(BadProof):
            merkle.inclusion_proof(node, index, size)
        with pytest.raises(BadProof):
            merkle.verify_inclusion(LEAVES[0], index, size, [], LEAVES[0])


@settings(max_examples=30)
@given(st.lists(st.integers(0, 900), max_size=8))
def test_growing_tree_has_the_root_of_its_leaves_however_they_came(steps: list[int]) -> None:
    growth, leaves, full = tiles.Growth(), [], []
    for step in steps:
        more = [sha256(b"\x00" + str(len(leaves) + n).encode()).digest() for n in range(step)]
        leaves += more
        full += growth.append(b"".join(more))
        assert (growth.size, growth.root()) == (len(leaves), merkle.root(leaves))
    assert [(tile.level, tile.n) for tile in full if tile.level == 0] == [(0, n) for n in range(len(leaves) // 256)]
    assert b"".join(tile.hashes for tile in full if tile.level == 0) == b"".join(leaves[: len(leaves) // 256 * 256])


def test_growing_tree_fills_two_levels_of_tiles() -> None:
    leaf = bytes(32)
    growth = tiles.Growth()
    full = growth.append(leaf * 65_536 * 2 + leaf * 300)
    assert [(level, sum(tile.level == level for tile in full)) for level in range(3)] == [(0, 513), (1, 2), (2, 0)]
    assert growth.root() == merkle.root([leaf] * (65_536 * 2 + 300))
