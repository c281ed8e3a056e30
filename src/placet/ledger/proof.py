"""
Proofs for those who hold a receipt or a checkpoint, and C2SP tlog-proof: one text that verifies offline.

Tiles are read as they are needed and kept by a `TileReader`; give one reader to all calls of a process.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from datetime import datetime

import attrs
from psycopg import Connection

from placet.kernel.errors import BadInput, NotFound, Tampered
from placet.ledger import merkle, store
from placet.ledger.append import ending
from placet.ledger.merkle import BadProof, Hash
from placet.ledger.notes import Note, TreeHead, VerifierKey, decode_base64, decode_hash, encode_hash, is_decimal
from placet.ledger.reader import TileReader
from placet.ledger.store import Checkpoint

_FIRST_LINE = "c2sp.org/tlog-proof@v1"
_MOST_HASHES = 63


@attrs.frozen
class Inclusion:
    """Leaf *index* is in the tree of *size* under *root*: *path* leads from `leaf` there."""

    index: int
    size: int
    leaf: Hash
    path: tuple[Hash, ...]
    root: Hash


@attrs.frozen
class Consistency:
    """The tree of *old* leaves is the beginning of the tree of *new*."""

    old: int
    new: int
    path: tuple[Hash, ...]


def latest_checkpoint(connection: Connection) -> Checkpoint | None:
    """The newest checkpoint of the present epoch, with its cosignatures; None before the first."""
    return store.latest_checkpoint(connection, ending(connection).epoch)


def covering_checkpoint(connection: Connection, position: int) -> Checkpoint | None:
    """What proves *position*: the newest cosigned checkpoint that covers it, else the newest; None if none does."""
    return Prover.begin(connection).covering(position)


def inclusion(connection: Connection, position: int, size: int, *, reader: TileReader | None = None) -> Inclusion:
    """The proof that *position* is in the tree of *size*, which must be one that was signed (or smaller)."""
    if not 0 < position <= size:
        raise NotFound(f"position {position} is not in a tree of {size}")
    reader = reader or TileReader()
    path = tuple(reader.inclusion_proof(connection, position - 1, size))
    leaf = reader.node(connection, size)(0, position - 1)
    return Inclusion(position - 1, size, leaf, path, merkle.root_from_inclusion(leaf, position - 1, size, path))


def consistency(connection: Connection, old: int, new: int, *, reader: TileReader | None = None) -> Consistency:
    """The proof that the tree of *old* is the beginning of the tree of *new*."""
    if not 0 < old <= new:
        raise NotFound(f"there is no consistency proof from {old} to {new}")
    node = (reader or TileReader()).node(connection, new)
    return Consistency(old, new, tuple(merkle.consistency_proof(node, old, new)))


def prove(
    connection: Connection, position: int, *, reader: TileReader | None = None
) -> tuple[Inclusion, Checkpoint] | None:
    """*position* proved by the best checkpoint there is; None while the tree has not come so far (`proof_pending`)."""
    return Prover.begin(connection, reader=reader).prove(connection, position)


@attrs.frozen
class Prover:
    """Proves many positions by the checkpoints of one moment."""

    checkpoints: tuple[Checkpoint, ...]
    """The best first."""
    reader: TileReader

    @classmethod
    def begin(cls, connection: Connection, *, reader: TileReader | None = None) -> Prover:
        """As the log stands now."""
        return cls(tuple(_best_first(connection)), reader or TileReader())

    def covering(self, position: int) -> Checkpoint | None:
        """What proves *position*; None if the tree has not come so far."""
        return next((found for found in self.checkpoints if position <= found.size), None)

    def prove(self, connection: Connection, position: int) -> tuple[Inclusion, Checkpoint] | None:
        """*position* and the checkpoint that covers it; tiles that do not lead there raise `Tampered`."""
        checkpoint = self.covering(position)
        if checkpoint is None:
            return None
        proof = inclusion(connection, position, checkpoint.size, reader=self.reader)
        if proof.root != checkpoint.root:
            raise Tampered(f"the tiles no longer lead to the checkpoint of {checkpoint.size}", code="tile-wrong")
        return proof, checkpoint


@attrs.frozen
class TextProof:
    """A C2SP tlog-proof: where the leaf stands, the path, and the checkpoint's note."""

    index: int
    path: tuple[Hash, ...]
    note: str
    extra: bytes | None = None
    """Not authenticated: never trust it by itself."""

    def __str__(self) -> str:
        lines = [_FIRST_LINE]
        if self.extra is not None:
            lines.append(f"extra {base64.b64encode(self.extra).decode()}")
        lines.append(f"index {self.index}")
        lines += [encode_hash(hash) for hash in self.path]
        return "\n".join(lines) + "\n\n" + self.note

    @classmethod
    def parse(cls, text: str) -> TextProof:
        """Read a tlog-proof; anything else raises `BadInput`."""
        head, blank, note = text.partition("\n\n")
        first, *lines = head.split("\n")
        if first != _FIRST_LINE or not blank or not lines:
            raise _malformed()
        extra = decode_base64(lines.pop(0)[6:]) if lines[0].startswith("extra ") else None
        index = lines.pop(0).removeprefix("index ") if lines and lines[0].startswith("index ") else ""
        if not is_decimal(index) or len(lines) > _MOST_HASHES:
            raise _malformed()
        return cls(int(index), tuple(decode_hash(line) for line in lines), note, extra)


@attrs.frozen
class Witnessed:
    """What an offline check found: the tree head, and when the log and each known witness signed it."""

    head: TreeHead
    signed_by: tuple[tuple[VerifierKey, datetime | None], ...]


def verify_text(
    proof: TextProof, leaf: Hash, *, log: Sequence[VerifierKey], witnesses: Sequence[VerifierKey] = ()
) -> Witnessed:
    """Check *proof* of *leaf* with nothing but keys; raises `Tampered` that names what is wrong."""
    note = Note.parse(proof.note)
    head = TreeHead.parse(note.text)
    signed = note.verified_by([*log, *witnesses])
    if not any(key in signed and key.name == head.origin for key in log):
        raise Tampered("the checkpoint carries no signature of the log", code="checkpoint-unsigned")
    try:
        merkle.verify_inclusion(leaf, proof.index, head.size, proof.path, head.root)
    except BadProof as error:
        raise Tampered(f"the inclusion proof is wrong: {error}", code="bad-inclusion-proof") from None
    return Witnessed(head, tuple(signed.items()))


def _best_first(connection: Connection) -> Iterator[Checkpoint]:
    """One that a witness has seen says more than a newer one that nobody has."""
    epoch = ending(connection).epoch
    for found in (store.latest_cosigned_checkpoint(connection, epoch), store.latest_checkpoint(connection, epoch)):
        if found is not None:
            yield found


def _malformed() -> BadInput:
    form = "a tlog-proof has its first line, an index, at most 63 hashes, an empty line and a checkpoint"
    return BadInput(form, code="bad-proof")
