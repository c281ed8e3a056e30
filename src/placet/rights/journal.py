"""
The journal of erasures: outside the database, so that no restored backup can forget who was erased.

    erasures/journal    a line for each erased identity, in order: number, id, instant, seal
    erasures/head       number and seal of the last line: shows when the journal itself was cut off or put back

A seal is HMAC-SHA256 under a key that is derived from the master key, over the seal before it and the line. So a line
can be neither forged nor changed nor taken out, and the database, which remembers the last seal too, notices a journal
that ends too early. It holds ids and instants, no personal data.

A line is on the disk before the database commits. A crash in between leaves a line whose person is still there: the
next start erases them, for they had asked for it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

import attrs

from placet.config import Config
from placet.kernel.errors import Tampered, Unavailable
from placet.kernel.ids import SubjectId
from placet.kernel.periods import format_instant
from placet.kernel.seal import MasterKey, keyed_hash
from placet.ledger.files import write_durably

LABEL = "placet/erasure-journal/v1"

_BEGIN = bytes(32)
_LINE = re.compile(rb"([1-9]\d{0,17}) ([0-9a-f-]{36}) (\S{27}) ([0-9a-f]{64})", re.ASCII)
_TAIL = 512
"""Bytes that hold the last line, whatever was cut off behind it."""

ADVICE = "put back its newest copy, or make it anew from what the database knows: placet erasures rebuild"


@attrs.frozen
class Entry:
    """That *subject* was erased; `number` counts from 1, `mac` seals the line and all before it."""

    number: int
    subject: SubjectId
    at: datetime
    mac: bytes = attrs.field(repr=False)

    @property
    def line(self) -> bytes:
        return _text(self.number, self.subject, self.at) + b" " + self.mac.hex().encode() + b"\n"


@attrs.frozen
class Journal:
    """The folder `data_dir/erasures`. Who appends holds the ledger's head row, so one erasure follows another."""

    folder: Path
    key: bytes = attrs.field(repr=False)

    @classmethod
    def of(cls, config: Config, master: MasterKey) -> Journal:
        return cls(config.data_dir / "erasures", master.derive(LABEL))

    @property
    def file(self) -> Path:
        return self.folder / "journal"

    def entries(self, *, known: tuple[int, bytes] | None = None) -> list[Entry]:
        """
        Every line, each seal checked; a changed or missing one raises `Tampered` (`erasure-journal`).

        *known* is the last line that the database remembers, read before this is called.
        """
        head = self._head()  # First: a line that is written meanwhile may be read below, not missed.
        found, broken = self._readable()
        if broken is not None:
            raise Tampered(f"line {broken} of {self.file} is not one of this journal; {ADVICE}", code="erasure-journal")
        if any(last is not None and not reaches(found, last) for last in (head, known)):
            raise Tampered(f"{self.file} lacks its newest lines; {ADVICE}", code="erasure-journal")
        return found

    def sound(self) -> list[Entry]:
        """The lines before the first that is broken: what `rebuild` can still build on."""
        return self._readable()[0]

    def append(self, subject: SubjectId, at: datetime, *, after: tuple[int, bytes] | None) -> Entry:
        """
        Write that *subject* is erased; on the disk when this returns.

        *after* is the last line that the database knows: a journal that does not reach it raises `Tampered`.
        """
        with self._opened() as stream:
            last = self._last(stream)
            number, mac = (0, _BEGIN) if last is None else (last.number, last.mac)
            if after is not None and (number < after[0] or (number == after[0] and mac != after[1])):
                raise Tampered(
                    f"{self.file} lacks its newest lines; nothing was erased; {ADVICE}", code="erasure-journal"
                )
            entry = self._sealed(number + 1, subject, at, mac)
            stream.write(entry.line)
            stream.flush()
            os.fsync(stream.fileno())
        self._write_head(entry)
        return entry

    def rebuild(self, erased: Sequence[tuple[SubjectId, datetime]], *, set_aside: str) -> list[Entry]:
        """Begin anew with *erased*; the old files are kept under the name *set_aside*."""
        mac, entries = _BEGIN, []
        for number, (subject, at) in enumerate(erased, start=1):
            entries.append(self._sealed(number, subject, at, mac))
            mac = entries[-1].mac
        if self.file.exists():
            write_durably(self.folder / set_aside, self.file.read_bytes())
        (self.folder / "head").unlink(missing_ok=True)
        write_durably(self.file, b"".join(entry.line for entry in entries))
        if entries:
            self._write_head(entries[-1])
        return entries

    def _sealed(self, number: int, subject: SubjectId, at: datetime, before: bytes) -> Entry:
        return Entry(number, subject, at, keyed_hash(self.key, before + _text(number, subject, at)))

    def _readable(self) -> tuple[list[Entry], int | None]:
        """The sound lines, and the number of the first that is not."""
        try:
            lines = self.file.read_bytes().split(b"\n")
        except FileNotFoundError:
            return [], None
        except OSError as error:
            raise Unavailable(f"{self.file} cannot be read ({error.strerror})", code="disk") from error
        found: list[Entry] = []
        mac = _BEGIN
        # What stands behind the last line's end was cut off by a crash before it counted.
        for number, line in enumerate(lines[:-1], start=1):
            entry = _parsed(line)
            if entry is None or entry.number != number or entry != self._sealed(number, entry.subject, entry.at, mac):
                return found, number
            found.append(entry)
            mac = entry.mac
        return found, None

    @contextlib.contextmanager
    def _opened(self) -> Iterator[BinaryIO]:
        """The file to append to, for this process alone."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            is_new = not self.file.exists()
            with os.fdopen(os.open(self.file, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as stream:
                fcntl.flock(stream, fcntl.LOCK_EX)
                if is_new:
                    _sync_folder(self.folder)
                yield stream
        except OSError as error:
            raise Unavailable(
                f"{self.file} cannot be written ({error.strerror}); nothing was erased", code="disk"
            ) from error

    def _last(self, stream: BinaryIO) -> Entry | None:
        """The last whole line; what a crash left behind it is cut off, and *stream* stands there."""
        size = stream.seek(0, os.SEEK_END)
        stream.seek(max(0, size - _TAIL))
        tail = stream.read()
        end = size - (len(tail) - (tail.rfind(b"\n") + 1))
        stream.truncate(end)
        stream.seek(end)
        if end == 0:
            return None
        last = _parsed(tail[: tail.rfind(b"\n") + 1].split(b"\n")[-2])
        if last is None:
            raise Tampered(f"the last line of {self.file} is not one of this journal; {ADVICE}", code="erasure-journal")
        return last

    def _head(self) -> tuple[int, bytes] | None:
        try:
            number, mac = (self.folder / "head").read_text(encoding="ascii").split()
            return int(number), bytes.fromhex(mac)
        except FileNotFoundError:
            return None
        except (ValueError, UnicodeDecodeError):
            raise Tampered(f"{self.folder}/head is damaged; {ADVICE}", code="erasure-journal") from None
        except OSError as error:
            raise Unavailable(f"{self.folder}/head cannot be read ({error.strerror})", code="disk") from error

    def _write_head(self, entry: Entry) -> None:
        write_durably(self.folder / "head", f"{entry.number} {entry.mac.hex()}\n".encode())


def reaches(entries: Sequence[Entry], known: tuple[int, bytes]) -> bool:
    """Whether the journal holds the line that somebody else remembers by its number and seal."""
    number, mac = known
    return 0 < number <= len(entries) and entries[number - 1].mac == mac


def _text(number: int, subject: SubjectId, at: datetime) -> bytes:
    return f"{number} {subject} {format_instant(at)}".encode()


def _parsed(line: bytes) -> Entry | None:
    match = _LINE.fullmatch(line)
    if match is None:
        return None
    number, subject, at, mac = (part.decode() for part in match.groups())
    try:
        return Entry(int(number), SubjectId(UUID(subject)), datetime.fromisoformat(at), bytes.fromhex(mac))
    except ValueError:
        return None


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
