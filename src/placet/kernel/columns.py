"""
The same for thousands at once: ids, instants, keyed hashes, and rows that differ in some places only.

An import makes a million of each. Made one by one in Python they cost more than storing them; here a *column* is a
table of bytes, one line a value, all of one width, and numpy fills it at once. Every function says which one for a
single value it equals; property tests hold them to it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

Column = npt.NDArray[np.uint8]
"""One line of bytes a value, all of one width."""
Instants = npt.NDArray[np.int64]
"""Microseconds since `EPOCH`."""
Places = npt.NDArray[np.int64]
"""Which lines."""

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
"""PostgreSQL's."""
NEVER = np.iinfo(np.int64).min
"""No instant."""
_UNIX = int((EPOCH - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000)
_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
_BLOCK = 64
_HEX = np.frombuffer("".join(f"{byte:02x}" for byte in range(256)).encode(), np.uint8).reshape(256, 2)
_PAIRS = np.frombuffer("".join(f"{number:02}" for number in range(100)).encode(), np.uint8).reshape(100, 2)
_FOURS = np.frombuffer("".join(f"{number:04}" for number in range(10_000)).encode(), np.uint8).reshape(10_000, 4)
_GROUPS = ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32))
"""The hex digits of a UUID between its dashes."""


@attrs.frozen
class Stencil:
    """What rows of one length share, and the widths of the holes between, in their order."""

    parts: Sequence[bytes | int]

    @property
    def width(self) -> int:
        return sum(part if isinstance(part, int) else len(part) for part in self.parts)

    def fill(self, count: int, *columns: Column) -> Column:
        """*count* rows, the holes filled from *columns*."""
        shared = b"".join(bytes(part) if isinstance(part, int) else part for part in self.parts)
        rows = np.empty((count, len(shared)), np.uint8)
        rows[:] = np.frombuffer(shared, np.uint8)
        at, coming = 0, iter(columns)
        for part in self.parts:
            if isinstance(part, int):
                rows[:, at : at + part] = next(coming)
            at += part if isinstance(part, int) else len(part)
        return rows


def stacked(values: Sequence[bytes], width: int) -> Column:
    """*values*, each of *width* bytes, as a column."""
    return np.frombuffer(b"".join(values), np.uint8).reshape(-1, width)


def lines(column: Column) -> list[bytes]:
    """The values of *column*."""
    found: list[bytes] = np.ascontiguousarray(column).view(f"V{column.shape[1]}")[:, 0].tolist()
    return found


def big_endian(values: npt.NDArray[Any], kind: str) -> Column:
    """Integers as PostgreSQL sends them; *kind* is numpy's, `>i4` or `>i8`."""
    made = np.ascontiguousarray(values.astype(kind))
    return made.view(np.uint8).reshape(len(values), made.itemsize)


def instants(moments: Sequence[datetime]) -> Instants:
    """As `store.copying.microseconds`; one without a zone raises `TypeError`."""
    return np.array([each - EPOCH for each in moments], "m8[us]").astype(np.int64)


def moment(instant: int) -> datetime:
    """The other way round."""
    return EPOCH + timedelta(microseconds=int(instant))


def instant_texts(of: Instants) -> Column:
    """As `periods.format_instant`, within the years 1000 to 9999."""
    days, rest = np.divmod(of, _DAY)
    seconds, fraction = np.divmod(rest, _SECOND)
    minutes, second = np.divmod(seconds, 60)
    hour, minute = np.divmod(minutes, 60)
    thousands, units = np.divmod(fraction, 100)
    # Thousands of instants share few days.
    some, which = np.unique(days, return_inverse=True)
    texts = Stencil([b"0000-00-00T00:00:00.000000Z"]).fill(len(of))
    texts[:, :10] = _dates(some)[which]
    for place, pair in ((11, hour), (14, minute), (17, second), (24, units)):
        texts[:, place : place + 2] = _PAIRS[pair]
    texts[:, 20:24] = _FOURS[thousands]
    return texts


def _dates(days: npt.NDArray[np.int64]) -> Column:
    """`YYYY-MM-DD` of days since `EPOCH`."""
    date = np.datetime64("2000-01-01") + days
    month = date.astype("M8[M]")
    year, month_of = np.divmod(month.astype(np.int64), 12)
    texts = Stencil([b"0000-00-00"]).fill(len(days))
    texts[:, :4] = _FOURS[year + 1970]
    texts[:, 5:7] = _PAIRS[month_of + 1]
    texts[:, 8:] = _PAIRS[(date - month).astype(np.int64) + 1]
    return texts


def uuid_texts(ids: Column) -> Column:
    """As `str(UUID(bytes=…))`."""
    digits = _HEX[ids].reshape(len(ids), 32)
    texts = np.full((len(ids), 36), ord("-"), np.uint8)
    for dashes, (start, end) in enumerate(_GROUPS):
        texts[:, start + dashes : end + dashes] = digits[:, start:end]
    return texts


def record_ids(at: Instants) -> Column:
    """As `ids.new_record_id` for each of these instants (RFC 9562 §5.7)."""
    made = np.empty((len(at), 16), np.uint8)
    made[:, :6] = big_endian(at // 1000 + _UNIX, ">i8")[:, 2:]
    made[:, 6:] = np.frombuffer(os.urandom(10 * len(at)), np.uint8).reshape(-1, 10)
    made[:, 6] = made[:, 6] & 0x0F | 0x70
    made[:, 8] = made[:, 8] & 0x3F | 0x80
    return made


def keyed_hashes(keys: Column, label: bytes, messages: Column) -> Column:
    """As `seal.keyed_hash(key, label + message)` for keys of 32 bytes (RFC 2104 §2)."""
    count, width = messages.shape
    inner = Stencil([b"\x36" * _BLOCK, label, width]).fill(count, messages)
    inner[:, : keys.shape[1]] ^= keys
    outer = Stencil([b"\x5c" * _BLOCK, 32]).fill(count, _sha256(inner))
    outer[:, : keys.shape[1]] ^= keys
    return _sha256(outer)


def _sha256(messages: Column) -> Column:
    return stacked([sha256(message).digest() for message in lines(messages)], 32)
