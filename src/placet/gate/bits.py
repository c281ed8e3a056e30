"""
The arrays of the replica and the columns drawn from them, and how a change is written into them.

One writer at a time: whoever holds the replica's lock (`memory.Memory`). Readers see them through a `View`.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
from pyroaring import BitMap

from placet.gate.layout import BITS, CHANNELS, HELD, PURPOSES
from placet.gate.roaring import bitmap
from placet.kernel.ids import ChannelId, PurposeId

Key = tuple[str, int]
"""`given`, `closed`, `lapsed` or `restricted`, and the bit."""

CLOSING = frozenset({"refused", "withdrawn", "objected"})
LAPSING = frozenset({"expired", "invalidated", "suspended"})
_ROOM = 65_536
_FREE = np.uint32(0xFFFFFFFF ^ 1 << HELD)


@attrs.frozen
class Change:
    """One row of the change feed. `number` None: a publication put *notice_major* of *purpose* into force."""

    position: int
    number: int | None
    purpose: PurposeId | None
    channel: ChannelId | None
    decision: str
    notice_major: int | None = None
    expires_at: datetime | None = None

    @property
    def closes(self) -> bool:
        """Whether it ended somebody's consent: then this replica is asked when it had stopped (`stops`)."""
        return self.number is not None and self.decision not in ("given", "requested")


@attrs.define(eq=False)
class Bits:
    """The state of the replica: 6 bytes a person, and the bitmaps that audiences have asked for so far."""

    mask: npt.NDArray[np.uint32]
    closed: npt.NDArray[np.uint8]
    lapsed: npt.NDArray[np.uint8]
    majors: dict[PurposeId, int]
    columns: dict[Key, BitMap] = attrs.field(factory=dict)
    gone: frozenset[int] = frozenset()
    """Merged identities: nothing is asked of them, and nothing that is still said of them counts."""
    restricted: Mapping[int, int] = attrs.field(factory=dict)
    """By number: the purposes (bits) whose processing is restricted. Each of these persons has the bit `HELD`."""
    ends: list[tuple[datetime, int, int]] = attrs.field(factory=list)
    """When given bits end, soonest first: instant, number, bit. Only those of the near future are here."""
    ending: dict[tuple[int, int], datetime] = attrs.field(factory=dict)
    """The end that counts for a number and bit; what stands in `ends` and differs was superseded."""

    @classmethod
    def empty(cls, size: int, majors: Mapping[PurposeId, int]) -> Bits:
        """For numbers below *size*. The last place stays empty: out-of-range numbers of a batch are sent there."""
        size = max(size, 1) + 1
        return cls(np.zeros(size, np.uint32), np.zeros(size, np.uint8), np.zeros(size, np.uint8), dict(majors))

    @property
    def size(self) -> int:
        return len(self.mask) - 1

    def reach(self, number: int) -> None:
        """Make room for *number*."""
        if number < self.size:
            return
        more = number + _ROOM - self.size
        for name in ("mask", "closed", "lapsed"):
            array = getattr(self, name)
            setattr(self, name, np.concatenate([array, np.zeros(more, array.dtype)]))

    def apply(self, changes: Iterable[Change], now: datetime) -> None:
        """Write *changes*, in their order, as they count at *now*. Published bitmaps are replaced, never written."""
        fresh: set[Key] = set()
        for change in changes:
            if change.number is None:
                self._publish(change)
            elif change.purpose is None:
                # Erased or merged: nothing of the person is left here.
                self._clear(change.number, fresh)
            elif change.number in self.gone:
                continue
            elif (bit := BITS.get((change.purpose, change.channel))) is not None:
                self.reach(change.number)
                self._state(change.number, bit, self._word(change, now), fresh)
                self._note_end(change, bit)

    def set_many(self, kind: str, bit: int, packed: bytes) -> None:
        """While loading: these numbers (4 bytes each, big-endian) are `given`, `closed` or `lapsed`."""
        numbers = np.frombuffer(packed, ">i4")
        if kind == "given":
            self.mask[numbers] |= np.uint32(1 << bit)
        elif kind in ("closed", "lapsed") and bit < len(PURPOSES):
            (self.closed if kind == "closed" else self.lapsed)[numbers] |= np.uint8(1 << bit)

    def learn(self, majors: Mapping[PurposeId, int]) -> None:
        """New purposes have come into force."""
        self.majors = {**majors, **self.majors}

    def in_force(self, majors: Mapping[PurposeId, int]) -> None:
        """Exactly these versions are in force: what was given on others has lapsed."""
        for purpose, major in majors.items():
            self._publish(Change(0, None, purpose, None, "published", major))

    def copy(self) -> Bits:
        """The arrays alone, for a snapshot; what is restricted is read anew by whoever starts from it."""
        return Bits(self.mask & _FREE, self.closed.copy(), self.lapsed.copy(), dict(self.majors))

    def forget(self, merged: Iterable[int]) -> None:
        """Exactly these identities go on as others."""
        fresh: set[Key] = set()
        self.gone = frozenset(merged)
        for number in self.gone:
            self._clear(number, fresh)

    def restrict(self, restricted: Mapping[int, int]) -> None:
        """Exactly these purposes (bits, by number) are restricted."""
        for number in self.restricted:
            self.mask[number] &= _FREE
        for number in restricted:
            self.reach(number)
            self.mask[number] |= ~_FREE
        self.restricted = dict(restricted)
        self.columns = {key: column for key, column in self.columns.items() if key[0] != "restricted"}

    def note_end(self, number: int, bit: int, end: datetime) -> None:
        """Remember that a given bit ends at *end*."""
        self.ending[number, bit] = end
        heapq.heappush(self.ends, (end, number, bit))

    def expire(self, now: datetime) -> None:
        """Let what has ended by *now* lapse: at its very instant, before any record of it."""
        fresh: set[Key] = set()
        while self.ends and self.ends[0][0] <= now:
            end, number, bit = heapq.heappop(self.ends)
            if self.ending.get((number, bit)) == end:
                del self.ending[number, bit]
                # What is not given cannot end: a merged identity, or a yes on a text that has changed.
                if self.mask[number] >> np.uint32(bit) & 1:
                    self._state(number, bit, "expired", fresh)

    def next_end(self) -> datetime | None:
        """The next instant at which something ends, as far as known."""
        while self.ends and self.ending.get(self.ends[0][1:]) != self.ends[0][0]:
            heapq.heappop(self.ends)
        return self.ends[0][0] if self.ends else None

    def column(self, key: Key) -> BitMap:
        """The numbers that have this bit; made once, then kept up with the changes."""
        if (found := self.columns.get(key)) is None:
            found = self._drawn(*key)
            self.columns = {**self.columns, key: found}
        return found

    def _drawn(self, kind: str, bit: int) -> BitMap:
        if kind == "restricted":
            return BitMap(number for number, purposes in self.restricted.items() if purposes >> bit & 1)
        arrays: dict[str, npt.NDArray[Any]] = {"given": self.mask, "closed": self.closed, "lapsed": self.lapsed}
        array = arrays[kind]
        return bitmap((array & array.dtype.type(1 << bit)) != 0)

    def _word(self, change: Change, now: datetime) -> str:
        """What a change says at *now*: a yes on another notice, or one that has ended, has lapsed."""
        if change.decision != "given":
            return change.decision
        assert change.purpose is not None
        held = change.notice_major is not None and change.notice_major == self.majors.get(change.purpose)
        return "given" if held and (change.expires_at is None or change.expires_at > now) else "expired"

    def _note_end(self, change: Change, bit: int) -> None:
        assert change.number is not None
        self.ending.pop((change.number, bit), None)
        if change.decision == "given" and change.expires_at is not None:
            self.note_end(change.number, bit, change.expires_at)

    def _state(self, number: int, bit: int, word: str, fresh: set[Key]) -> None:
        self._set("given", self.mask, number, bit, fresh, on=word == "given")
        if bit < len(PURPOSES):
            self._set("closed", self.closed, number, bit, fresh, on=word in CLOSING)
            self._set("lapsed", self.lapsed, number, bit, fresh, on=word in LAPSING)

    def _set(self, kind: str, array: npt.NDArray[Any], number: int, bit: int, fresh: set[Key], *, on: bool) -> None:
        flag = array.dtype.type(1 << bit)
        if bool(array[number] & flag) == on:
            return
        array[number] ^= flag
        if (kind, bit) in self.columns:
            column = self._writable((kind, bit), fresh)
            column.add(number) if on else column.discard(number)

    def _writable(self, key: Key, fresh: set[Key]) -> BitMap:
        """Our own copy of a column; containers are shared until they are written."""
        if key not in fresh:
            fresh.add(key)
            self.columns = {**self.columns, key: BitMap(self.columns[key], copy_on_write=True)}
        return self.columns[key]

    def _clear(self, number: int, fresh: set[Key]) -> None:
        if number >= self.size:
            return
        for bit in BITS.values():
            self._state(number, bit, "", fresh)
            self.ending.pop((number, bit), None)
        if number in self.restricted:
            self.restrict({other: purposes for other, purposes in self.restricted.items() if other != number})

    def _publish(self, change: Change) -> None:
        """A new major version: every consent to the old one lapses, with its channels."""
        purpose, major = change.purpose, change.notice_major
        if purpose is None or major is None or self.majors.get(purpose) == major:
            return
        self.majors = {**self.majors, purpose: major}
        if (bit := BITS.get((purpose, None))) is None:
            return
        flag = np.uint32(1 << bit)
        self.lapsed[(self.mask & flag) != 0] |= np.uint8(1 << bit)
        bits = [bit, *(BITS[purpose, channel] for channel in CHANNELS if (purpose, channel) in BITS)]
        self.mask &= np.uint32(0xFFFFFFFF ^ sum(1 << bit for bit in bits))
        gone = {("given", bit) for bit in bits} | {("lapsed", bit)}
        self.columns = {key: column for key, column in self.columns.items() if key not in gone}
        self.ending = {key: end for key, end in self.ending.items() if key[1] not in bits}
