"""
Does the whole ledger still say what was signed? Everything is recomputed; nothing that is stored is believed.

1. every row is what was hashed (`rows.py`), slice by slice, in as many processes as are given;
2. the leaves are those of the stored tiles (`slices.py`), and the tiles lead up to each other;
3. every checkpoint is signed by the log's key, at the time it says, over the root of the recomputed tree;
4. no row was recorded later than the checkpoint that covers it, nor earlier than the one that does not;
5. the cosignatures of trusted witnesses are over these checkpoints;
6. the head, and the checkpoint that is kept outside the database, are where the rows end;
7. whoever has no key any more has an `erased` event.

What this cannot find: a superuser who also holds the log's key and rewrites everything, the folder outside included.
Only a witness and the customers' receipts find that.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from multiprocessing import get_context
from uuid import UUID

import attrs

from placet.kernel.errors import Tampered
from placet.ledger import merkle, store
from placet.ledger.append import ending
from placet.ledger.merkle import Hash
from placet.ledger.notes import Note, TreeHead
from placet.ledger.rows import Finding
from placet.ledger.slices import SLICE, SliceReport, Sources, judge_slice
from placet.ledger.store import Checkpoint
from placet.ledger.tiles import WIDTH, Growth, tile_width

Opener = Callable[[], AbstractContextManager[Sources]]
"""Opens the sources anew, in each process; it must be importable by name."""

Progress = Callable[[int, int], None]
"""Called with the positions judged so far, and all."""

_MOST_FINDINGS = 1_000


@attrs.frozen
class Report:
    """What verification found; without findings every row is as it was signed."""

    size: int
    root: Hash
    checkpoints: int
    cosignatures: int
    erased_rows: int
    """Records of erased subjects: their place is proved, their columns no longer are."""
    erased_subjects: int
    findings: tuple[Finding, ...]
    more: int
    """Findings beyond those that are listed."""

    @property
    def is_intact(self) -> bool:
        return not self.findings and not self.more


def verify(opener: Opener, *, processes: int = 1, progress: Progress | None = None) -> Report:
    """Recompute the whole ledger and report what is not as it was signed."""
    with opener() as sources:
        whole = _Whole(sources)
        slices = [(first, min(first + SLICE - 1, whole.end)) for first in range(1, whole.end + 1, SLICE)]
        for judged in _judged(opener, sources, slices, processes):
            whole.add(judged)
            if progress is not None:
                progress(judged.last, whole.end)
        return whole.report()


def _judged(
    opener: Opener, sources: Sources, slices: Sequence[tuple[int, int]], processes: int
) -> Iterator[SliceReport]:
    """The slices in order, judged here or by *processes* others."""
    if processes < 2 or len(slices) < 2:
        for first, last in slices:
            yield judge_slice(sources, first, last)
        return
    # Fresh interpreters: a forked copy of a connection pool would share sockets with its parent.
    with get_context("spawn").Pool(processes, initializer=_open, initargs=(opener,)) as pool:
        yield from pool.imap(_judge_here, slices)
        pool.close()
        pool.join()


_opened = ExitStack()
_here: list[Sources] = []
"""What a worker process of `verify` reads from; set once by its initialiser."""


def _open(opener: Opener) -> None:
    gc.disable()  # What a slice is judged by forms no cycles and goes with it.
    _here.append(_opened.enter_context(opener()))


def _judge_here(bounds: tuple[int, int]) -> SliceReport:
    return judge_slice(_here[0], *bounds)


class _Whole:
    """Puts the slices together, from left to right."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        with sources.database.transaction() as connection:
            self._head = ending(connection)
            self._rows_end = store.extent(connection)[1]
            largest = store.largest_checkpoint(connection)
        self._signed = 0 if largest is None else largest.size
        self.end = max(self._rows_end, self._head.position, self._signed)
        self._uppers = Growth()  # Its leaves are the roots of level-0 tiles.
        self._edge = b""
        self._fits_tiles = True
        self._ended: int | None = None
        self._last_checkpoint: Checkpoint | None = None
        self._last_good = 0
        self._wrong_roots: list[int] = []
        self._counts = {"checkpoints": 0, "cosignatures": 0, "erased_rows": 0}
        self._keyless: dict[UUID, int] = {}
        self._erasures: set[UUID] = set()
        self._findings: list[Finding] = []

    def add(self, judged: SliceReport) -> None:
        """Join *judged* to what lies left of it."""
        self._findings += judged.findings
        if judged.rows.times and self._ended is not None and judged.rows.times[0] <= self._ended:
            self._findings.append(Finding("back-dated", judged.first, "recorded before the row in front of it"))
        self._ended = judged.rows.times[-1] if judged.rows.times else self._ended
        before = self._uppers.perfect_nodes()
        for each in judged.checkpoints:
            self._check_root(each.checkpoint, merkle.fold([*before, *each.nodes]))
        self._fits_tiles &= judged.fits_tiles
        self._check_uppers(judged.tile_roots, judged.first)
        self._edge = judged.edge
        self._counts["checkpoints"] += len(judged.checkpoints)
        self._counts["cosignatures"] += judged.cosignatures
        self._counts["erased_rows"] += judged.rows.erased_rows
        self._keyless = {**judged.rows.keyless, **self._keyless}
        self._erasures |= judged.rows.erasures

    def report(self) -> Report:
        """The end of it: what only the whole can show."""
        self._check_head()
        self._check_outside()
        if self._wrong_roots:
            first, last, count = self._last_good + 1, self._wrong_roots[0], len(self._wrong_roots)
            detail = f"the tree no longer has the root of {count} checkpoints, from the one of {last} on"
            self._findings.append(Finding("root", first, detail, last=last))
        for subject, position in self._keyless.items():
            if subject not in self._erasures:
                self._findings.append(Finding("erased", position, "the subject has no key and was never erased"))
        findings = sorted(_settled(self._findings), key=lambda finding: finding.position)
        edge = Growth()
        edge.append(self._edge)
        return Report(
            size=self.end,
            root=merkle.fold([*self._uppers.perfect_nodes(), *edge.perfect_nodes()]),
            erased_subjects=len(self._keyless),
            findings=tuple(findings[:_MOST_FINDINGS]),
            more=max(0, len(findings) - _MOST_FINDINGS),
            **self._counts,
        )

    def _check_root(self, checkpoint: Checkpoint, root: Hash) -> None:
        last = self._last_checkpoint
        if last is not None and checkpoint.signed_at < last.signed_at:
            detail = f"the checkpoint of {checkpoint.size} is older than the smaller one of {last.size}"
            self._findings.append(Finding("checkpoint", checkpoint.size, detail))
        self._last_checkpoint = checkpoint
        if root != checkpoint.root:
            self._wrong_roots.append(checkpoint.size)
        elif not self._wrong_roots:
            self._last_good = checkpoint.size

    def _check_uppers(self, roots: bytes, first: int) -> None:
        """Step 2: every full tile that a checkpoint stands on is stored, and is the one that the leaves give."""
        full = self._uppers.append(roots)
        last = first + len(roots) // 32 * WIDTH - 1
        expected = min(last, self._signed)
        with self._sources.database.transaction() as connection:
            found = len(store.neighbours(connection, 0, (first - 1) // WIDTH, expected // WIDTH - 1))
            if found < (expected - first + 1) // WIDTH:
                self._findings.append(Finding("tile", first, "a tile is missing; `placet ledger rebuild`", last=last))
            for tile in full:
                if not self._fits_tiles or tile_width(tile.level + 1, tile.n, self._signed) < WIDTH:
                    continue
                if store.tile(connection, tile.level + 1, tile.n) != tile.hashes:
                    detail = f"tile {tile.n} of level {tile.level + 1} is not what lies below it"
                    self._findings.append(Finding("tile", first, detail, last=last))

    def _check_head(self) -> None:
        """Step 6: nothing was cut off at the end, and nothing hangs over it."""
        if self._rows_end != self._head.position:
            kind = "removed" if self._rows_end < self._head.position else "inserted"
            place = min(self._rows_end, self._head.position) + 1
            detail = f"the head is at {self._head.position}, the rows end at {self._rows_end}"
            self._findings.append(Finding(kind, place, detail))

    def _check_outside(self) -> None:
        """Step 6: the database still has the checkpoint that was signed last."""
        try:
            note, epoch = self._sources.memory.note(), self._sources.memory.epoch()
        except Tampered as error:
            self._findings.append(Finding("outside", 0, error.message))
            return
        if note is None:
            if self._signed and epoch != self._head.epoch:
                self._findings.append(Finding("outside", 0, "no checkpoint is kept outside the database"))
            return
        if detail := self._unlike_outside(note, epoch):
            self._findings.append(Finding("outside", self._rows_end, detail))

    def _unlike_outside(self, note: Note, epoch: str | None) -> str | None:
        head = TreeHead.parse(note.text)
        if epoch != self._head.epoch:
            return f"the database is in epoch {self._head.epoch}, this installation agreed to {epoch}"
        try:
            if len(note.verified_by(self._sources.log.verifiers(epoch))) != 2:
                return "the checkpoint that is kept outside is not signed by this log"
        except Tampered as error:
            return f"the checkpoint that is kept outside is not genuine: {error.message}"
        with self._sources.database.transaction() as connection:
            stored = store.checkpoint(connection, epoch, head.size)
        if stored is None:
            return f"the database has no checkpoint of {head.size}, which was signed: it was rolled back"
        if stored.own_note != str(note):
            return f"the database has another checkpoint of {head.size} than the one that was signed"
        return None


def _settled(findings: Sequence[Finding]) -> list[Finding]:
    """
    One finding for one cause.

    What is removed at one place and inserted at another was moved. Across the edge of two slices a renumbered ledger
    moves one row a slice: that follows from the row that is really missing or new, and is left out.
    """
    inserted = {finding.hash: finding for finding in findings if finding.kind == "inserted" and finding.hash}
    removed = {finding.hash: finding for finding in findings if finding.kind == "removed" and finding.hash}
    settled: dict[tuple[str, int, int | None], Finding] = {}
    for finding in findings:
        others = {"inserted": removed, "removed": inserted}.get(finding.kind, {})
        other = None if finding.hash is None else others.get(finding.hash)
        if other is None:
            settled.setdefault((finding.kind, finding.position, finding.last), finding)
        elif _slice_of(finding.position) == _slice_of(other.position):
            moved = attrs.evolve(finding, kind="reordered", detail="a signed row stands at another place")
            settled.setdefault(("reordered", finding.position, None), moved)
    return list(settled.values())


def _slice_of(position: int) -> int:
    return (position - 1) // SLICE
