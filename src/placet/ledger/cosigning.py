"""
What witnesses send back: a cosignature is kept when a trusted witness signed a checkpoint that this log published.

The message is the witness's verifier key, an empty line, and the checkpoint as a note with the witness's line.
A stranger's cosignature would be harmless (clients ignore unknown keys) but would fill the table, so strangers are
refused once *places* witnesses are known; production has no free places (`placet ledger trust VKEY`).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from psycopg import Connection

from placet.kernel.errors import BadInput, Denied, NotFound, Tampered
from placet.ledger import store
from placet.ledger.notes import COSIGNATURE, Note, TreeHead, VerifierKey
from placet.ledger.outside import Outside
from placet.ledger.store import Checkpoint

MOST_BYTES = 8_192
_AHEAD = timedelta(minutes=5)
"""How far a witness's clock may be ahead of ours."""


def message(witness: VerifierKey, note: str) -> str:
    """What a witness posts."""
    return f"{witness}\n\n{note}"


def accept(connection: Connection, memory: Outside, text: str, *, base: str, places: int, now: datetime) -> Checkpoint:
    """Keep the cosignature in *text*; returns the checkpoint it belongs to."""
    encoded, _, rest = text.partition("\n\n")
    witness, note = VerifierKey.parse(encoded), Note.parse(rest)
    _expect_witness(witness, base)
    is_known = witness in memory.witnesses()
    if not is_known and len(memory.witnesses()) >= places:
        raise Denied(f"{witness.name} is no witness of this log; its operator can add it", code="unknown-witness")
    checkpoint = _published(connection, note, base)
    line, signed_at = _cosignature(note, witness)
    if signed_at > now + _AHEAD:
        raise BadInput("the cosignature lies in the future; set the witness's clock", code="bad-cosignature")
    if not is_known:
        memory.trust(witness)
    store.add_cosignature(connection, checkpoint, witness=witness.name, line=line, signed_at=signed_at)
    return checkpoint


def _expect_witness(witness: VerifierKey, base: str) -> None:
    if witness.type != COSIGNATURE:
        raise BadInput("a witness has a cosignature key (type 4)", code="bad-verifier-key")
    if witness.name == base or witness.name.startswith(f"{base}/"):
        raise Denied("a witness cannot bear the name of the log", code="unknown-witness")


def _published(connection: Connection, note: Note, base: str) -> Checkpoint:
    head = TreeHead.parse(note.text)
    origin, _, epoch = head.origin.rpartition("/")
    found = store.checkpoint(connection, epoch, head.size) if origin == base else None
    if found is None or found.root != head.root:
        raise NotFound("this log published no such checkpoint", code="unknown-checkpoint")
    return found


def _cosignature(note: Note, witness: VerifierKey) -> tuple[str, datetime]:
    for signature in note.signatures:
        if (signature.name, signature.id) == (witness.name, witness.id):
            signed_at = witness.verify(note.text, signature.data)
            assert signed_at is not None
            return signature.line, signed_at
    raise Tampered("the note carries no cosignature of that key", code="bad-cosignature")
