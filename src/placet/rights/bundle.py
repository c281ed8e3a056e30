"""
A ZIP that is whole or not there at all, with the same bytes for the same content (APPNOTE 6.3.10).

It grows in a file without a name, so that a crash, a full disk or a caller that goes away leaves nothing behind; `save`
writes beside the target and renames, so that a reader sees the old file or the new one and never half of one.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import attrs

from placet.kernel.errors import BadInput

_BLOCK = 1 << 18
_MODE = 0o600 << 16


@attrs.frozen(eq=False)
class Bundle:
    """A finished file under the name that it is handed out by. Whoever gets it closes it: then it is gone."""

    filename: str
    file: IO[bytes] = attrs.field(repr=False)
    media_type: str = "application/zip"

    @property
    def size(self) -> int:
        return os.fstat(self.file.fileno()).st_size

    def read(self) -> bytes:
        """All of it; the file stays open."""
        self.file.seek(0)
        return self.file.read()

    def chunks(self) -> Iterator[bytes]:
        """All of it in blocks, for a response; closes the file at the end, or when the reader goes away."""
        try:
            self.file.seek(0)
            while block := self.file.read(_BLOCK):
                yield block
        finally:
            self.close()

    def save(self, target: Path) -> None:
        """Write it to *target*, which appears at once and whole, readable by its owner only; raises `BadInput`."""
        try:
            _save(self.file, target)
        except OSError as error:
            raise BadInput(f"cannot write {target}: {error.strerror}", code="cannot-write") from None

    def close(self) -> None:
        self.file.close()


class Packing:
    """A bundle being made: `add` parts in the order in which they shall stand, then `finish`."""

    def __init__(self, *, now: datetime) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - handed on by `finish`
        self._zip = zipfile.ZipFile(self._file, "w", zipfile.ZIP_DEFLATED, compresslevel=6)
        # The oldest year that the format knows is 1980.
        self._date = now.astimezone(UTC).replace(microsecond=0).timetuple()[:6]

    def add(self, name: str, data: bytes) -> None:
        self._zip.writestr(self._entry(name), data, zipfile.ZIP_DEFLATED, 6)

    def add_file(self, name: str, part: IO[bytes]) -> None:
        """Copy *part* from its beginning, block by block."""
        part.seek(0)
        with self._zip.open(self._entry(name), "w", force_zip64=True) as entry:
            shutil.copyfileobj(part, entry, _BLOCK)

    def finish(self, filename: str) -> Bundle:
        self._zip.close()
        return Bundle(filename, self._file)

    def abandon(self) -> None:
        """Give up: nothing of it is left."""
        with contextlib.suppress(ValueError, OSError):
            self._zip.close()
        self._file.close()

    def _entry(self, name: str) -> zipfile.ZipInfo:
        year, *rest = self._date
        entry = zipfile.ZipInfo(name, (max(year, 1980), *rest))  # type: ignore[arg-type]
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.external_attr = _MODE
        return entry


@contextlib.contextmanager
def packing(*, now: datetime) -> Iterator[Packing]:
    """A bundle that is given up when anything goes wrong before it is finished."""
    made = Packing(now=now)
    try:
        yield made
    except BaseException:
        made.abandon()
        raise


def _save(source: IO[bytes], target: Path) -> None:
    """Write, make durable, rename; a file of an attempt that died is written over by nobody and named as such."""
    source.seek(0)
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            shutil.copyfileobj(source, stream, _BLOCK)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
