"""
The Merkle tree of RFC 6962 §2.1, as pure functions. The names are those of the RFC.

A tree of any size is a row of *perfect* subtrees, the largest at the left: their sizes are the bits of the tree's size.
`Frontier` is that row; a proof asks for perfect subtrees only, so whoever has tiles can answer one.
Consistency from an empty tree is refused: docs/decisions/0002-consistency-from-empty.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256

Hash = bytes
Node = Callable[[int, int], Hash]
"""The hash of the perfect subtree over leaves `index·2**height … (index+1)·2**height`, from `(height, index)`."""

EMPTY_ROOT: Hash = sha256(b"").digest()
"""MTH({}): the hash of an empty string."""

_NODE = b"\x01"


class BadProof(ValueError):
    """A proof does not lead to the root, or is not of the form that its sizes demand."""


def hash_children(left: Hash, right: Hash) -> Hash:
    """SHA-256(0x01 ‖ left ‖ right)."""
    return sha256(_NODE + left + right).digest()


def perfect(start: int, end: int) -> Iterator[tuple[int, int]]:
    """The perfect subtrees `(height, index)` that cover leaves *start* … *end*, from left to right."""
    while start < end:
        fits = (end - start).bit_length() - 1
        height = min((start & -start).bit_length() - 1, fits) if start else fits
        yield height, start >> height
        start += 1 << height


def fold(hashes: Sequence[Hash]) -> Hash:
    """The root over a row of perfect subtrees of falling size: joined from the right (RFC 6962 §2.1)."""
    if not hashes:
        return EMPTY_ROOT
    root = hashes[-1]
    for left in reversed(hashes[:-1]):
        root = hash_children(left, root)
    return root


def root(leaves: Sequence[Hash]) -> Hash:
    """MTH of *leaves*, which are leaf hashes."""
    layer = list(leaves)
    if not layer:
        return EMPTY_ROOT
    while len(layer) > 1:
        odd = layer[-1:] if len(layer) % 2 else []
        layer = [hash_children(left, right) for left, right in zip(layer[::2], layer[1::2], strict=False)] + odd
    return layer[0]


def subtree(node: Node, start: int, end: int) -> Hash:
    """MTH(D[start:end]), where *start* is where the RFC's split puts a subtree of that length."""
    return fold([node(height, index) for height, index in perfect(start, end)])


def inclusion_proof(node: Node, index: int, size: int) -> list[Hash]:
    """PATH(index, D[size]) of RFC 6962 §2.1.1: the siblings from the leaf up."""
    if not 0 <= index < size:
        raise BadProof(f"leaf {index} is not in a tree of {size}")
    path = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(subtree(node, middle, end))
            end = middle
        else:
            path.append(subtree(node, start, middle))
            start = middle
    return path[::-1]


def consistency_proof(node: Node, old: int, new: int) -> list[Hash]:
    """PROOF(old, D[new]) of RFC 6962 §2.1.2; empty when the sizes are equal."""
    if not 0 < old <= new:
        raise BadProof(f"there is no consistency proof from {old} to {new}")
    path = []
    start, end, whole = 0, new, True
    while end != old:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(subtree(node, middle, end))
            end = middle
        else:
            path.append(subtree(node, start, middle))
            start, whole = middle, False
    if not whole:
        path.append(subtree(node, start, end))
    return path[::-1]


def root_from_inclusion(leaf: Hash, index: int, size: int, proof: Sequence[Hash]) -> Hash:
    """The root that *proof* leads to (RFC 9162 §2.1.3.2); of another length than the sizes demand it is refused."""
    if not 0 <= index < size:
        raise BadProof(f"leaf {index} is not in a tree of {size}")
    inner = (index ^ (size - 1)).bit_length()
    border = (index >> inner).bit_count()
    if len(proof) != inner + border:
        raise BadProof(f"a proof for leaf {index} of {size} has {inner + border} hashes, not {len(proof)}")
    for level, sibling in enumerate(proof[:inner]):
        leaf = hash_children(sibling, leaf) if index >> level & 1 else hash_children(leaf, sibling)
    for sibling in proof[inner:]:
        leaf = hash_children(sibling, leaf)
    return leaf


def verify_inclusion(leaf: Hash, index: int, size: int, proof: Sequence[Hash], root: Hash) -> None:
    """Raise `BadProof` unless *proof* shows that *leaf* stands at *index* in the tree of *size* under *root*."""
    _only_hashes(leaf, root, *proof)
    if root_from_inclusion(leaf, index, size, proof) != root:
        raise BadProof("the inclusion proof does not lead to the root of the checkpoint")


def verify_consistency(old: int, new: int, proof: Sequence[Hash], old_root: Hash, new_root: Hash) -> None:
    """Raise `BadProof` unless the tree of *old* leaves is the beginning of the tree of *new* (RFC 9162 §2.1.4.2)."""
    if not 0 < old <= new:
        raise BadProof(f"there is no consistency proof from {old} to {new}")
    if old == new:
        if proof:
            raise BadProof("between trees of one size the proof is empty")
        if old_root != new_root:
            raise BadProof("two trees of one size have different roots")
        return
    _only_hashes(old_root, new_root, *proof)
    first, second = _roots_from_consistency(old, new, proof if old & (old - 1) else [old_root, *proof])
    if first != old_root or second != new_root:
        raise BadProof("the consistency proof does not lead to both roots")


def _roots_from_consistency(old: int, new: int, proof: Sequence[Hash]) -> tuple[Hash, Hash]:
    """
    Steps 3 to 7 of RFC 9162 §2.1.4.2.

    A perfect old tree is itself the first hash; the proof leaves it out and the caller has put it back.
    """
    if not proof:
        raise BadProof("the consistency proof is empty")
    node, last = old - 1, new - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    first, second = proof[0], proof[0]
    for sibling in proof[1:]:
        if last == 0:
            raise BadProof("the consistency proof has a surplus hash")
        if node & 1 or node == last:
            first, second = hash_children(sibling, first), hash_children(sibling, second)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            second = hash_children(second, sibling)
        node, last = node >> 1, last >> 1
    if last != 0:  # Without this a proof for a smaller tree passes as one for *new*.
        raise BadProof("the consistency proof does not use up the new size")
    return first, second


def _only_hashes(*hashes: Hash) -> None:
    """Two halves of other lengths could be cut differently and hash the same."""
    if any(len(hash) != 32 for hash in hashes):
        raise BadProof("a hash of the tree has 32 bytes")


def _split(size: int) -> int:
    """k of RFC 6962 §2.1: the largest power of two below *size*."""
    return 1 << ((size - 1).bit_length() - 1)
