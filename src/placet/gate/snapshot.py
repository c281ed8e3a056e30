"""
The replica's arrays in a file, so that a process with ten million persons answers within seconds of its start.

    placet-gate/1 ⏎ header (JSON) ⏎ mask ‖ closed ‖ lapsed ‖ SHA-256 of all before it

Numbers and bits only: no id, no contact. A file that is damaged, of another ledger, or not there is no error: then
the database is read instead.
"""

from __future__ import annotations

import hashlib
import os
from datetime import datetime
from pathlib import Path

import attrs
import msgspec
import numpy as np

from placet.gate.bits import Bits
from placet.gate.model import Token
from placet.kernel.ids import PurposeId
from placet.kernel.periods import format_instant

_MAGIC = b"placet-gate/1\n"
_DIGEST = 32


@attrs.frozen
class Kept:
    """What a snapshot holds; *stamp* is `recorded_at` of the record at its position."""

    bits: Bits
    token: Token
    stamp: datetime | None


class _Header(msgspec.Struct, forbid_unknown_fields=True):
    epoch: str
    position: int
    stamp: str | None
    places: int
    majors: dict[str, int]


def write(file: Path, kept: Kept) -> None:
    """Replace *file* in one step: a crash leaves the old one."""
    bits = kept.bits
    stamp = None if kept.stamp is None else format_instant(kept.stamp)
    header = _Header(
        kept.token.epoch,
        kept.token.position,
        stamp,
        len(bits.mask),
        {str(purpose): major for purpose, major in bits.majors.items()},
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".partial")
    digest = hashlib.sha256()
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
        for part in (_MAGIC, msgspec.json.encode(header), b"\n", *_arrays(bits)):
            digest.update(part)
            stream.write(part)
        stream.write(digest.digest())
        stream.flush()
        os.fsync(stream.fileno())
    partial.rename(file)


def read(file: Path) -> Kept | None:
    """What *file* holds, or None when it is not there or not as it was written."""
    try:
        return _parse(file.read_bytes())
    except (OSError, ValueError, msgspec.DecodeError):
        return None


def _arrays(bits: Bits) -> tuple[memoryview, memoryview, memoryview]:
    return bits.mask.data, bits.closed.data, bits.lapsed.data


def _parse(data: bytes) -> Kept:
    """A mistake raises `ValueError` or `msgspec.DecodeError`."""
    body = memoryview(data)[:-_DIGEST]
    if hashlib.sha256(body).digest() != data[-_DIGEST:]:
        raise ValueError("the digest differs")
    magic, header, _ = bytes(body[: 1 << 16]).split(b"\n", 2)
    if magic + b"\n" != _MAGIC:
        raise ValueError("another format")
    found = msgspec.json.decode(header, type=_Header)
    places, begin = found.places, len(magic) + len(header) + 2
    if places < 1 or len(body) - begin != 6 * places:
        raise ValueError("another length")
    arrays = np.frombuffer(body, np.uint8, offset=begin)
    mask = arrays[: 4 * places].copy().view(np.uint32)
    closed, lapsed = arrays[4 * places : 5 * places].copy(), arrays[5 * places :].copy()
    majors = {PurposeId(purpose): major for purpose, major in found.majors.items()}
    stamp = None if found.stamp is None else datetime.fromisoformat(found.stamp)
    return Kept(Bits(mask, closed, lapsed, majors), Token(found.epoch, found.position), stamp)
