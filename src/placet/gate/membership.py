"""
Whether one person is in a frozen audience, without reading the audience.

A bitmap of ten million people is a megabyte; asking for one of them needs its head and one container of it
(RoaringFormatSpec, portable format). The cost grows with the number of audiences, never with the people in them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from uuid import UUID

import attrs
from psycopg import Connection
from pyroaring import BitMap

from placet.kernel.ids import Number
from placet.store.queries import queries

_SQL = queries("placet.gate", "uses.sql")
_HEAD = 16_384
"""More than the head of a bitmap of a hundred million numbers; smaller bitmaps come whole."""
_PLAIN, _WITH_RUNS = 12346, 12347
_ARRAY_MOST = 4_096
_NO_OFFSETS_BELOW = 4
_LONGEST = 8_192
_MOST_KNOWN = 100_000
_known: dict[tuple[UUID, Number], bool] = {}
"""Audiences never change, so an answer never does; written by any thread, each write alone is atomic."""


@attrs.frozen
class Place:
    """Where in a bitmap the answer stands: *length* bytes from *start*, and how they are to be read."""

    start: int
    length: int
    kind: str
    count: int


def audiences_with(connection: Connection, number: Number, audiences: Iterable[UUID]) -> set[UUID]:
    """Those of *audiences* that *number* is a member of."""
    answers = {audience: _known.get((audience, number)) for audience in audiences}
    if unknown := [audience for audience, answer in answers.items() if answer is None]:
        found = dict.fromkeys(unknown, False) | _look_up(connection, number, unknown)
        answers |= found
        if len(_known) + len(found) > _MOST_KNOWN:
            _known.clear()
        _known.update({(audience, number): answer for audience, answer in found.items()})
    return {audience for audience, answer in answers.items() if answer}


def _look_up(connection: Connection, number: Number, audiences: list[UUID]) -> dict[UUID, bool]:
    found: dict[UUID, bool] = {}
    places: dict[UUID, Place] = {}
    for id, head, size in connection.execute(_SQL["heads"], {"audiences": audiences, "head": _HEAD}):
        if size <= _HEAD:
            found[id] = number in BitMap.deserialize(bytes(head))
        elif (place := container_of(bytes(head), number)) is not None:
            places[id] = place
    if places:
        values = {
            "audiences": list(places),
            "starts": [place.start + 1 for place in places.values()],
            "lengths": [place.length for place in places.values()],
        }
        for id, part in connection.execute(_SQL["slices"], values):
            found[id] = holds(bytes(part), places[id], number)
    return found


def container_of(head: bytes, number: int) -> Place | None:
    """Where the container of *number* lies in the bitmap that begins with *head*; None when there is none."""
    (cookie,) = struct.unpack_from("<I", head)
    if cookie == _PLAIN:
        (count,), runs, begin = struct.unpack_from("<I", head, 4), b"", 8
    elif cookie & 0xFFFF == _WITH_RUNS:
        count = (cookie >> 16) + 1
        begin = 4 + (count + 7) // 8
        runs = head[4:begin]
    else:
        raise ValueError("not a bitmap in the portable format")
    keys = struct.unpack_from(f"<{2 * count}H", head, begin)
    if number >> 16 not in keys[::2]:
        return None
    place = keys[::2].index(number >> 16)
    size, run = keys[2 * place + 1] + 1, bool(runs) and bool(runs[place // 8] >> (place % 8) & 1)
    if runs and count < _NO_OFFSETS_BELOW:
        raise ValueError("a bitmap this small comes whole")
    (start,) = struct.unpack_from("<I", head, begin + 4 * count + 4 * place)
    if run:
        return Place(start, _LONGEST, "run", size)
    if size > _ARRAY_MOST:
        return Place(start + ((number & 0xFFFF) >> 3), 1, "bits", size)
    return Place(start, 2 * size, "array", size)


def holds(part: bytes, place: Place, number: int) -> bool:
    """Whether *part*, read from *place*, has *number*."""
    low = number & 0xFFFF
    if place.kind == "bits":
        return bool(part[0] >> (low & 7) & 1)
    if place.kind == "array":
        return low in struct.unpack(f"<{place.count}H", part)
    (runs,) = struct.unpack_from("<H", part)
    pairs = struct.unpack_from(f"<{2 * runs}H", part, 2)
    return any(begin <= low <= begin + more for begin, more in zip(pairs[::2], pairs[1::2], strict=True))
