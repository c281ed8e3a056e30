"""
The keeper follows the records with the tree, and signs.

It wakes by NOTIFY or every 250 ms; the truth is the position. One run is one transaction: new leaves, the tiles they
fill, one checkpoint. Before anyone can see the checkpoint it stands outside the database, on the disk. So the keeper
refuses to sign what contradicts its own past (`Tampered`, code `log-rolled-back`):

1. an epoch that this installation did not agree to (`placet ledger restored`);
2. a tree smaller than the last one signed;
3. a tree of that size, or grown from it, with another root;
4. a last leaf that is no longer the one that was hashed.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from datetime import datetime

import attrs
import structlog
from psycopg import Connection

from placet.config import Config
from placet.kernel.errors import PlacetError, Tampered, Unavailable
from placet.ledger import merkle, store
from placet.ledger.append import WAKE_UP, append_event, ending, lock_head
from placet.ledger.entries import leaf_hash
from placet.ledger.keys import Keys, LogSigner
from placet.ledger.model import Head
from placet.ledger.notes import COSIGNATURE, Note, TreeHead, sign_checkpoint
from placet.ledger.outside import Outside
from placet.ledger.reader import TileReader
from placet.ledger.store import Checkpoint
from placet.ledger.tiles import Growth, Tile
from placet.store.database import Database, translated

_log = structlog.get_logger(__name__)

SLICE = 65_536
"""Leaves that are read at once."""
POLL = 0.25
SPACING = 0.5
"""Seconds between two checkpoints while records keep coming: each stays in the database for ever."""
PAUSE = 2.0
"""Seconds to wait after a failure."""


@attrs.define
class _Progress:
    """Where the tree stands in memory; dropped after any failure, and then read anew."""

    epoch: str
    growth: Growth
    last_leaf: bytes | None
    signed: Checkpoint | None
    not_before: datetime | None
    """When the last checkpoint was signed, in whichever epoch."""
    ahead: Note | None
    """Signed and kept outside, but its transaction never committed: published before anything newer is signed."""


class Keeper:
    """Owned by one thread; of several keepers on one database the advisory lock lets one sign."""

    def __init__(self, database: Database, keys: Keys, config: Config) -> None:
        self._database = database
        self._log = LogSigner(config.log_origin, keys.checkpoint)
        self.outside = Outside.of(config)
        self._stopped = threading.Event()
        self._progress: _Progress | None = None
        self.fault: PlacetError | None = None

    def run_once(self, now: datetime) -> Checkpoint | None:
        """Take in what was appended and sign; None when there is nothing new or another keeper signs."""
        try:
            with self._database.transaction() as connection:
                if not store.try_keeper_lock(connection):
                    return None
                checkpoint = self._advance(connection, ending(connection), now)
        except BaseException:
            self._progress = None
            raise
        self.fault = None
        return checkpoint

    def follow(self, stop: threading.Event, clock: Callable[[], datetime]) -> None:
        """Run until *stop* (or `stop()`): within a second of every append, also after the database was away."""
        while not self._ends(stop):
            try:
                self._listen(stop, clock)
            except PlacetError as error:
                self._report(error)
                stop.wait(PAUSE)
            except Exception as error:  # noqa: BLE001 - the keeper's loop: report, and try again
                self._report(Unavailable(f"unexpected: {type(error).__name__}", code="keeper-failed"))
                stop.wait(PAUSE)

    def begin(self, now: datetime) -> None:
        """Before a process answers its first request: hold the log against its past, so that `fault` is known."""
        try:
            self.run_once(now)
        except PlacetError as error:
            self._report(error)

    def demand_agreement(self) -> None:
        """
        Raise `Unavailable` while the log contradicts its past.

        A restored database has lost withdrawals, and would give their positions, so their tokens, to other records.
        """
        if isinstance(self.fault, Tampered):
            raise Unavailable(
                "the log contradicts what was signed before; nothing is recorded or allowed until its operator has"
                " settled that",
                code=self.fault.code,
            )

    def stop(self) -> None:
        """End `follow`, in whichever thread it runs."""
        self._stopped.set()

    def _report(self, error: PlacetError) -> None:
        if self.fault is None or self.fault.code != error.code:
            _log.error("the keeper does not sign", code=error.code, reason=error.message)
        self.fault = error

    def _ends(self, stop: threading.Event) -> bool:
        return stop.is_set() or self._stopped.is_set()

    def _listen(self, stop: threading.Event, clock: Callable[[], datetime]) -> None:
        with self._database.dedicated() as connection, translated():
            connection.execute(f"LISTEN {WAKE_UP}")
            while not self._ends(stop):
                if self.run_once(clock()) is None:
                    list(connection.notifies(timeout=POLL, stop_after=1))
                else:
                    stop.wait(SPACING)

    def _advance(self, connection: Connection, head: Head, now: datetime) -> Checkpoint | None:
        latest = store.latest_checkpoint(connection, head.epoch)
        progress = self._progress = self._caught_up(connection, head, latest)
        size = progress.growth.size
        if head.position < size:
            raise _rolled_back(f"the database ends at {head.position}, but a tree of {size} was signed")
        target: int = head.position
        if progress.ahead is not None:  # Nothing smaller may be signed any more.
            target = TreeHead.parse(progress.ahead.text).size
        if target == size and (progress.signed is not None or size == 0):
            return None
        self._grow(connection, progress, target)
        return self._sign(connection, progress, now)

    def _caught_up(self, connection: Connection, head: Head, latest: Checkpoint | None) -> _Progress:
        """Where the tree stands, also when another keeper has signed since."""
        progress = self._progress
        if progress is None or progress.epoch != head.epoch or progress.ahead is not None:
            return self._resume(connection, head, latest)
        if not _moved(progress.signed, latest):
            return progress
        if latest is None or not progress.growth.size < latest.size <= head.position:
            return self._resume(connection, head, latest)
        for _tiles_of_the_other in self._take_in(connection, progress, latest.size):
            continue
        if progress.growth.root() != latest.root:
            raise _rolled_back(f"the records up to {latest.size} do not have the root that another keeper signed")
        progress.signed, progress.not_before = latest, latest.signed_at
        return progress

    def _resume(self, connection: Connection, head: Head, latest: Checkpoint | None) -> _Progress:
        """Find the tree where the database left it, and hold it against what is remembered outside."""
        largest = store.largest_checkpoint(connection)
        self._agree_on_epoch(head.epoch, is_new=largest is None)
        size = 0 if largest is None else largest.size
        if head.position < size:
            raise _rolled_back(f"the database ends at {head.position}, but a tree of {size} was signed")
        reader = TileReader()
        growth = Growth.resumed(size, reader.edges(connection, size))
        if largest is not None and growth.root() != largest.root:
            raise _rolled_back(f"the records up to {size} no longer have the root that was signed")
        ahead = self._remembered(connection, reader, head, size)
        last = store.entries(connection, size, size)
        return _Progress(
            epoch=head.epoch,
            growth=growth,
            last_leaf=leaf_hash(last[0]) if last else None,
            signed=latest,
            not_before=None if largest is None else largest.signed_at,
            ahead=ahead,
        )

    def _agree_on_epoch(self, epoch: str, *, is_new: bool) -> None:
        agreed = self.outside.epoch()
        if agreed is None and is_new:
            self.outside.write_epoch(epoch)
        elif agreed is None:
            raise _rolled_back(f"{self.outside.folder} forgot which checkpoints were signed")
        elif agreed != epoch:
            raise _rolled_back(f"the database is in epoch {epoch}, this installation agreed to {agreed}")

    def _remembered(self, connection: Connection, reader: TileReader, head: Head, size: int) -> Note | None:
        """Check the checkpoint that is kept outside; returns it when the database does not have it yet."""
        note = self.outside.note()
        if note is None:
            return None
        kept = TreeHead.parse(note.text)
        keys = self._log.verifiers(head.epoch)
        if set(note.verified_by(keys)) != set(keys) or kept.origin != self._log.origin(head.epoch):
            raise _rolled_back(f"{self.outside.folder}/checkpoint is not one of this log")
        if kept.size > head.position:
            raise _rolled_back(f"the database ends at {head.position}, but a tree of {kept.size} was signed")
        if kept.size > size:
            return note
        if merkle.subtree(reader.node(connection, kept.size), 0, kept.size) != kept.root:
            raise _rolled_back(f"the records up to {kept.size} no longer have the root that was signed")
        return None

    def _grow(self, connection: Connection, progress: _Progress, target: int) -> None:
        """
        Take in everything up to *target*, however much: a checkpoint half-way would bear a time at which later records
        had been written already, and so call them back-dated.
        """
        for full in self._take_in(connection, progress, target):
            if full:
                store.add_tiles(connection, full)

    def _take_in(self, connection: Connection, progress: _Progress, target: int) -> Iterator[list[Tile]]:
        """Feed the records up to *target* to the tree; yields the tiles that became full, slice by slice."""
        size = progress.growth.size
        if [leaf_hash(entry) for entry in store.entries(connection, size, size)] != (
            [progress.last_leaf] if size else []
        ):
            raise _rolled_back(f"the record at {size} is no longer the one that was signed")
        for first in range(size + 1, target + 1, SLICE):
            last = min(first + SLICE - 1, target)
            leaves = [leaf_hash(entry) for entry in store.entries(connection, first, last)]
            if len(leaves) != last - first + 1:
                raise _rolled_back(f"between {first} and {last} records are missing")
            progress.last_leaf = leaves[-1]
            yield progress.growth.append(b"".join(leaves))

    def _sign(self, connection: Connection, progress: _Progress, now: datetime) -> Checkpoint:
        size, root = progress.growth.size, progress.growth.root()
        if progress.ahead is not None and TreeHead.parse(progress.ahead.text).size == size:
            checkpoint = self._signed_before(progress, root)
        else:
            checkpoint = self._signed_now(connection, progress, root, now)
        store.add_checkpoint(connection, checkpoint)
        progress.signed, progress.not_before = checkpoint, checkpoint.signed_at
        return checkpoint

    def _signed_before(self, progress: _Progress, root: merkle.Hash) -> Checkpoint:
        note, progress.ahead = progress.ahead, None
        assert note is not None
        head = TreeHead.parse(note.text)
        if head.root != root:
            raise _rolled_back(f"the records up to {head.size} no longer have the root that was signed")
        times = note.verified_by([self._log.signer(progress.epoch).verifier(COSIGNATURE)])
        signed_at = next(iter(times.values()))
        assert signed_at is not None
        return Checkpoint(progress.epoch, head.size, root, str(note), signed_at)

    def _signed_now(self, connection: Connection, progress: _Progress, root: merkle.Hash, now: datetime) -> Checkpoint:
        """Never earlier than the checkpoint before, nor than the records it covers, whatever the clock says."""
        size = progress.growth.size
        moments = [now] if progress.not_before is None else [now, progress.not_before]
        if size:
            moments.append(store.recorded_at(connection, size))
        signed_at = max(moments).replace(microsecond=0)
        note = sign_checkpoint(
            TreeHead(self._log.origin(progress.epoch), size, root), self._log.signer(progress.epoch), signed_at
        )
        self.outside.write_note(note)
        return Checkpoint(progress.epoch, size, root, note, signed_at)


@attrs.frozen
class NewEpoch:
    """What `start_epoch` did. Receipts and tokens above `size` of the epoch before are orphaned."""

    epoch: str
    previous: str
    size: int
    orphans: tuple[TreeHead, ...]


def start_epoch(database: Database, memory: Outside, *, reason: str, now: datetime) -> NewEpoch:
    """
    Go on with a restored database under a new origin, and say so in the ledger.

    Every token of the old epoch answers `stale`, and a witness sees a log that starts afresh beside the one that ended.
    """
    epoch = os.urandom(4).hex()
    with database.transaction() as connection:
        store.wait_keeper_lock(connection)
        head = lock_head(connection)
        event = {"type": "epoch", "epoch": epoch, "previous": head.epoch, "size": head.position, "reason": reason}
        append_event(connection, event, now)
        store.begin_epoch(connection, epoch)
        # Before the commit: should that fail, the keeper finds another epoch than agreed and refuses till this is run.
        memory.begin_epoch(epoch)
    orphans = tuple(orphan for orphan in memory.orphans() if orphan.size > head.position)
    return NewEpoch(epoch, head.epoch, head.position, orphans)


def _moved(signed: Checkpoint | None, latest: Checkpoint | None) -> bool:
    return (signed and (signed.size, signed.root)) != (latest and (latest.size, latest.root))


def _rolled_back(what: str) -> Tampered:
    advice = "if the database was restored on purpose run `placet ledger restored --reason …`"
    return Tampered(f"{what}; {advice}", code="log-rolled-back")
