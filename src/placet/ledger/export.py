"""
The log as files, for whoever wants to check it with their own tools:

    checkpoint     the signed note
    vkey           the key that signed it
    leaves.jsonl   {"index", "leaf_hash" (hex), "entry" (base64), "record"} a line, in tree order

Records name subjects by their random ids: this is for the operator and the authority, not for publication.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

from placet.kernel.errors import NotFound
from placet.ledger import store
from placet.ledger.entries import leaf_hash
from placet.ledger.keys import LogSigner
from placet.ledger.notes import NOTE
from placet.ledger.proof import latest_checkpoint
from placet.ledger.store import Checkpoint
from placet.store.database import Database

_SLICE = 16_384


def export(
    database: Database, log: LogSigner, folder: Path, *, progress: Callable[[int, int], None] | None = None
) -> Checkpoint:
    """Write everything under the newest checkpoint into *folder*, which is made; returns that checkpoint."""
    with database.transaction() as connection:
        checkpoint = latest_checkpoint(connection)
    if checkpoint is None:
        raise NotFound("nothing was signed yet; the keeper does it within a second of the first record")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "checkpoint").write_text(checkpoint.note, encoding="utf-8")
    (folder / "vkey").write_text(f"{log.signer(checkpoint.epoch).verifier(NOTE)}\n", encoding="utf-8")
    with (folder / "leaves.jsonl").open("wb") as stream:
        for first in range(1, checkpoint.size + 1, _SLICE):
            last = min(first + _SLICE - 1, checkpoint.size)
            with database.transaction() as connection:
                stream.writelines(_line(*row) for row in store.logged(connection, first, last))
            if progress is not None:
                progress(last, checkpoint.size)
    return checkpoint


def _line(position: int, body: bytes, entry: bytes) -> bytes:
    """The body stands in the line as it was hashed, byte for byte."""
    head = f'{{"index":{position - 1},"leaf_hash":"{leaf_hash(entry).hex()}","entry":"'.encode()
    return head + base64.b64encode(entry) + b'","record":' + body + b"}\n"
