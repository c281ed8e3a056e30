"""
One slice of the ledger against its tiles and its checkpoints. Slices are judged apart, in whichever process, and put
together by `verify.py`: what a slice cannot know (the tree to its left) it leaves as perfect subtrees.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from difflib import SequenceMatcher

import attrs

from placet.kernel.errors import BadInput, Tampered
from placet.ledger import store, tiles
from placet.ledger.keys import LogSigner
from placet.ledger.merkle import Hash
from placet.ledger.notes import COSIGNATURE, Note, TreeHead, VerifierKey
from placet.ledger.outside import Outside
from placet.ledger.rows import Finding, RowsReport, SubjectKeys, check_rows, instant
from placet.ledger.store import Checkpoint
from placet.ledger.tiles import FULL, HASH, WIDTH, Growth
from placet.store.database import Database

SLICE = WIDTH * WIDTH
"""Leaves of one level-1 tile: what is judged at once."""
LATE = timedelta(seconds=60)
"""How long a record may wait, stamped, for its commit: so much earlier than the checkpoint before it may it be."""

_NO_LEAF = bytes(HASH)


@attrs.frozen
class Sources:
    """What verification reads: the database, the subjects' keys, the log's public identity, the trusted witnesses."""

    database: Database
    subject_keys: SubjectKeys
    log: LogSigner
    memory: Outside


@attrs.frozen
class CheckedCheckpoint:
    """A checkpoint, and the perfect subtrees from its slice's start to its size."""

    checkpoint: Checkpoint
    nodes: tuple[Hash, ...]


@attrs.frozen
class SliceReport:
    """What one slice gives to the whole. `edge` holds the leaf hashes behind its last full tile."""

    first: int
    last: int
    rows: RowsReport
    tile_roots: bytes
    edge: bytes
    findings: tuple[Finding, ...]
    checkpoints: tuple[CheckedCheckpoint, ...]
    cosignatures: int
    fits_tiles: bool
    """Are the leaves those of the stored tiles? If not, the tiles above cannot fit either."""


def judge_slice(sources: Sources, first: int, last: int) -> SliceReport:
    """Judge positions *first* to *last*; *first* stands at the start of a level-1 tile."""
    with sources.database.transaction() as connection:
        rows = check_rows(connection, first, last, sources.subject_keys)
        stored = store.neighbours(connection, 0, (first - 1) // WIDTH, (last - 1) // WIDTH)
        checkpoints = store.checkpoints(connection, first - 1, last)
    leaves = bytes(rows.leaves)
    differences = _unlike_tiles(leaves, first, stored)
    findings = [*rows.findings, *differences]
    witnesses = {(key.name, key.id): key for key in sources.memory.witnesses()}
    growth, checked, cosignatures = Growth(), [], 0
    for checkpoint in checkpoints:
        findings += _times(checkpoint, first, rows.times)
        if checkpoint.size < first:  # Judged with the slice before; here it bounds the first row's time.
            continue
        findings += _log_signature(checkpoint, sources.log)
        wrong, count = _cosignatures(checkpoint, witnesses)
        findings += wrong
        cosignatures += count
        growth.append(leaves[growth.size * HASH : (checkpoint.size - first + 1) * HASH])
        checked.append(CheckedCheckpoint(checkpoint, tuple(growth.perfect_nodes())))
    whole = len(leaves) // FULL * FULL
    roots = b"".join(tiles.tile_root(leaves[at : at + FULL]) for at in range(0, whole, FULL))
    rows.leaves.clear()
    del rows.times[1:-1]
    return SliceReport(
        first=first,
        last=last,
        rows=rows,
        tile_roots=roots,
        edge=leaves[whole:],
        findings=tuple(findings),
        checkpoints=tuple(checked),
        cosignatures=cosignatures,
        fits_tiles=not differences,
    )


def _unlike_tiles(leaves: bytes, first: int, stored: dict[int, bytes]) -> list[Finding]:
    """Where the recomputed leaves are not those of the tiles, and what happened there."""
    now: list[Hash] = []
    then: list[Hash] = []
    places: list[int] = []
    for n, hashes in sorted(stored.items()):
        at = (n * WIDTH + 1 - first) * HASH
        if leaves[at : at + FULL] != hashes:
            now += tiles.hashes_of(leaves[at : at + FULL])
            then += tiles.hashes_of(hashes)
            places += range(n * WIDTH + 1, (n + 1) * WIDTH + 1)
    return _differences(then, now, places)


def _differences(then: list[Hash], now: list[Hash], places: list[int]) -> list[Finding]:
    """Align the signed leaves *then* with the leaves *now*; a renumbered ledger must not look edited everywhere."""
    found = []
    for kind, a, b, c, d in SequenceMatcher(None, then, now, autojunk=False).get_opcodes():
        if kind == "equal":
            continue
        if b - a == d - c:
            found += [_unlike(places[at], then[at], now[c + at - a]) for at in range(a, b)]
            continue
        missing, new = "a signed row is not at its place", "a row that was not signed"
        found += [Finding("removed", places[at], missing, hash=then[at]) for at in range(a, b)]
        found += [Finding("inserted", places[at], new, hash=now[at]) for at in range(c, d) if now[at] != _NO_LEAF]
    return found


def _unlike(position: int, then: Hash, now: Hash) -> Finding:
    if now == _NO_LEAF:
        return Finding("removed", position, "a signed row is gone", hash=then)
    return Finding("edited", position, "the row is not the one in the tree", hash=then)


def _times(checkpoint: Checkpoint, first: int, times: Sequence[int]) -> list[Finding]:
    """The rows at the checkpoint's edge fit its time; for the others it follows, as `recorded_at` increases."""
    found = []
    at = checkpoint.size - first
    if 0 <= at < len(times) and instant(times[at]) >= checkpoint.signed_at + timedelta(seconds=1):
        found.append(Finding("back-dated", checkpoint.size, "recorded after the checkpoint that covers it"))
    if 0 <= at + 1 < len(times) and instant(times[at + 1]) < checkpoint.signed_at - LATE:
        found.append(Finding("back-dated", checkpoint.size + 1, "recorded before a checkpoint that does not cover it"))
    return found


def _log_signature(checkpoint: Checkpoint, log: LogSigner) -> list[Finding]:
    """The note says what the columns say, and the log's key signed it, both ways, at that time."""
    place = checkpoint.size
    try:
        note = Note.parse(checkpoint.own_note)
        keys = log.verifiers(checkpoint.epoch)
        signed = note.verified_by(keys)
    except (BadInput, Tampered) as error:
        return [Finding("checkpoint", place, f"the checkpoint of {place} is not genuine: {error.message}")]
    if note.text != TreeHead(log.origin(checkpoint.epoch), place, checkpoint.root).text:
        return [Finding("checkpoint", place, f"the checkpoint of {place} does not say what its row says")]
    if set(signed) != set(keys):
        return [Finding("checkpoint", place, f"the checkpoint of {place} is not signed by the log")]
    if next(moment for key, moment in signed.items() if key.type == COSIGNATURE) != checkpoint.signed_at:
        return [Finding("checkpoint", place, f"the checkpoint of {place} was signed at another time than its row says")]
    return []


def _cosignatures(checkpoint: Checkpoint, witnesses: dict[tuple[str, bytes], VerifierKey]) -> tuple[list[Finding], int]:
    """Every trusted witness's line is over this checkpoint; lines of others count for nothing."""
    if not checkpoint.cosignatures:
        return [], 0
    count = 0
    try:
        note = Note.parse(checkpoint.note)
        for signature in note.signatures:
            if key := witnesses.get((signature.name, signature.id)):
                key.verify(note.text, signature.data)
                count += 1
    except (BadInput, Tampered) as error:
        return [Finding("cosignature", checkpoint.size, f"on the checkpoint of {checkpoint.size}: {error.message}")], 0
    return [], count
