"""
The folder of a run: its key, its lock, and the pieces that are done, so that a run that was ended goes on.

A piece is what one batch of days and shards came to. It is kept under a digest of all that it was made from: the files,
the atlas, the steps with the key's numbers. It is whole or not there. Pieces hold people under the run's secret names;
`clear` ends the folder, and with it the key.

Who took part when a piece was made is kept with it: a piece still serves when some of them are gone since (they are
left out when pieces are put together) and when everybody else's consent is what it was.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import attrs
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from placet.kernel.errors import Conflict
from placet.purposes.mobility.counting.model import Batch, Cleaning

_KEY_BYTES = 32
_DONE = "done.json"


def key_of(work: Path) -> bytes:
    """The key of the run in folder *work*: 32 bytes from the operating system, drawn once."""
    work.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = work / "key"
    if not path.exists():
        _written(path, os.urandom(_KEY_BYTES))
    return path.read_bytes()


def clear(work: Path) -> None:
    """Nothing is left of the run: no piece, no key."""
    shutil.rmtree(work, ignore_errors=True)


@contextmanager
def locked(work: Path) -> Iterator[None]:
    """One run at a time: another that is under way in the same folder refuses this one."""
    work.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (work / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(
                "this window is being counted already; wait for that run", code="counting-under-way"
            ) from None
        yield


@attrs.frozen
class Pieces:
    """The pieces in folder *work*."""

    work: Path

    def done(self, batch: Batch, digest: str, participants: pa.Table) -> Cleaning | None:
        """What was cleaned when *batch* was done from the same things; None when it must be done (again)."""
        folder = self.folder(batch)
        try:
            told = json.loads((folder / _DONE).read_text())
        except FileNotFoundError:
            return None
        if told["digest"] != digest or not _serves(folder / "participants.parquet", participants):
            return None
        return Cleaning(**told["cleaning"])

    def make(self, batch: Batch, digest: str, participants: pa.Table, making: Callable[[Path], Cleaning]) -> Cleaning:
        """Do *batch* by *making* its files in a folder that then becomes the piece, at once and whole."""
        folder = self.folder(batch)
        beside = folder.with_name(f"{folder.name}.part")
        for left in (beside, folder):
            shutil.rmtree(left, ignore_errors=True)
        beside.mkdir(parents=True)
        cleaning = making(beside)
        pq.write_table(participants, beside / "participants.parquet")
        _written(beside / _DONE, json.dumps({"digest": digest, "cleaning": attrs.asdict(cleaning)}).encode())
        beside.rename(folder)
        return cleaning

    def folder(self, batch: Batch) -> Path:
        return self.work / "pieces" / batch.name


def digest_of(paths: Sequence[Path], *others: str) -> str:
    """What a piece is made from: files by name, size and time of change, and *others*."""
    digest = hashlib.sha256(b"placet/piece/v1\0")
    for path in paths:
        told = path.stat()
        digest.update(f"{path.parent.name}/{path.name} {told.st_size} {told.st_mtime_ns}\n".encode())
    for other in others:
        digest.update(f"{other}\n".encode())
    return digest.hexdigest()


def _serves(kept: Path, participants: pa.Table) -> bool:
    """All that *participants* says was so when the piece was made, with nothing more for those who are still there."""
    before = pq.read_table(kept)
    people = np.unique(participants["person"].to_numpy())
    still = np.isin(before["person"].to_numpy(), people)
    return bool(before.filter(pa.array(still)).equals(participants.cast(before.schema)))


def _written(path: Path, content: bytes) -> None:
    """On disk and whole, or not there."""
    beside = path.with_name(f"{path.name}.part")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.rename(path)
