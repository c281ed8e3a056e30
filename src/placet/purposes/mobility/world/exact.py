"""
The exact values of every product in a world, reckoned once more without any engine: arrays in, arrays out.

It follows the same definitions as `counting` (the steps are named there), written down a second time by itself, so
that a mistake must be made twice to stay unseen. For worlds whose events of the window fit into memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

import attrs
import numpy as np
import numpy.typing as npt

from placet.purposes.mobility.counting import calendar, keyed
from placet.purposes.mobility.model import (
    HOURLY_CELLS,
    LOAD_MOST,
    LOAD_STEP,
    MINUTES_MOST,
    THOUSANDTHS,
    DayType,
    Product,
    ProductName,
    Slot,
    Window,
)
from placet.purposes.mobility.places.model import Atlas, Flags, Whole
from placet.purposes.mobility.world.world import World

Long = npt.NDArray[np.int64]
_HOUR, _STAY, _PING_PONG, _FAR, _FAST = 3600, 900, 180, 10_000, 55
_CLOCKS = 24
_NIGHT = [hour >= 20 or hour < 6 for hour in range(_CLOCKS)]
_AT_WORK = [9 <= hour < 17 for hour in range(_CLOCKS)]


def exact(world: World, window: Window, products: Sequence[Product], *, key: bytes) -> Mapping[ProductName, Long]:
    """The values of *products* when everybody in *world* takes part all the time, under the run's *key*."""
    found = _Reckoning.of(world, window, key)
    ways = {
        "zone-profile": lambda: found.profile(found.presence, THOUSANDTHS, THOUSANDTHS, _HOUR, zones=True),
        "tile-profile": lambda: found.profile(found.presence, THOUSANDTHS, THOUSANDTHS, _HOUR, zones=False),
        "zone-load": lambda: found.profile(found.loads, LOAD_MOST, 1, LOAD_STEP, zones=True),
        "anchors": found.anchors,
        "flows": lambda: found.trips[0],
        "minutes": lambda: found.trips[1],
        "tile-hours": found.tile_hours,
    }
    return {product.name: ways[product.name]() for product in products}


@attrs.frozen
class _Amounts:
    """How much of each *person* in each *cell* and *kind* of hour (24 of a weekday, 24 of a weekend), in halves."""

    person: Long
    cell: Long
    kind: Long
    amount: Long


@attrs.frozen(eq=False, repr=False)
class _Reckoning:
    """The cleaned events of a window in the order of person and instant, with the hour they lie in (its row)."""

    atlas: Atlas
    key: bytes
    people: int
    person: Long
    at: Long
    cell: Long
    load: Long
    day: Long
    fault: Long
    hours: Mapping[str, Long]

    @classmethod
    def of(cls, world: World, window: Window, key: bytes) -> _Reckoning:
        table = calendar.hours(window.days, world.zone)
        hours = {name: table[name].to_numpy().astype(np.int64) for name in table.column_names}
        parts = [world.events(day) for day in window.days]
        number, at, cell, load = (
            np.concatenate([part[name].to_numpy() for part in parts]).astype(np.int64)
            for name in ("number", "at", "cell", "load")
        )
        order = np.lexsort((cell, at, number))
        person, at, cell, load = number[order] - 1, at[order], cell[order], load[order]
        day = hours["day"][at // _HOUR - hours["hour"][0]]
        fault = _faults(world.atlas, person, at, cell, day)
        return cls(world.atlas, key, world.people, person, at, cell, load, day, fault, hours)

    def _row(self, hour: Long) -> Long:
        """The row of *hour* in `hours`, -1 when it lies outside of the window."""
        row = hour - self.hours["hour"][0]
        return np.where((row >= 0) & (row < len(self.hours["hour"])), row, -1)

    @cached_property
    def _kinds(self) -> Long:
        return self.hours["day_type"] * _CLOCKS + self.hours["clock"]

    def _amounts(self, person: Long, cell: Long, row: Long, amount: Long) -> _Amounts:
        kept = (row >= 0) & (amount > 0)
        keys, sums = _added(
            (person[kept], self._kinds[row[kept]], cell[kept]), amount[kept] * self.hours["weight"][row[kept]]
        )
        return _Amounts(keys[0], keys[2], keys[1], sums)

    @cached_property
    def presence(self) -> _Amounts:
        """An event holds its cell until the person's next, an hour at most."""
        clean = self.fault == 0
        person, at, cell = self.person[clean], self.at[clean], self.cell[clean]
        end = at + _HOUR
        same = person[1:] == person[:-1]
        end[:-1] = np.where(same, np.minimum(end[:-1], at[1:]), end[:-1])
        edge = (at // _HOUR + 1) * _HOUR
        seconds = np.concatenate([np.minimum(end, edge) - at, np.maximum(end - edge, 0)])
        row = np.concatenate([self._row(at // _HOUR), self._row(at // _HOUR + 1)])
        return self._amounts(np.tile(person, 2), np.tile(cell, 2), row, seconds)

    @cached_property
    def loads(self) -> _Amounts:
        kept = self.fault != 1
        return self._amounts(self.person[kept], self.cell[kept], self._row(self.at[kept] // _HOUR), self.load[kept])

    def profile(self, amounts: _Amounts, most: int, units: int, per: int, *, zones: bool) -> Long:
        """Each person's typical day in whole units, spread over zones or tiles."""
        length = np.bincount(self._kinds, self.hours["weight"], len(DayType) * _CLOCKS).astype(np.int64)
        whole = length[amounts.kind] * per
        upto = _running(amounts.amount, (amounts.person, amounts.kind))

        def rounded(amount: Long) -> Long:
            scaled = np.minimum(amount, whole * most) * units
            return np.asarray(np.minimum((2 * scaled + whole) // (2 * whole), most))

        share = rounded(upto) - rounded(upto - amounts.amount)
        size = len(self.atlas.zones) if zones else len(self.atlas.tiles)
        found = np.zeros((size, len(DayType) * _CLOCKS), np.int64)
        by_cell = np.argsort(amounts.cell, kind="stable")
        cells = amounts.cell[by_cell]
        for cell, member, low, high in _spread(self.atlas, zones=zones):
            at = by_cell[slice(*np.searchsorted(cells, (cell, cell + 1)))]
            value = (2 * share[at] * high + 1000) // 2000 - (2 * share[at] * low + 1000) // 2000
            np.add.at(found[member], amounts.kind[at], value)
        return np.asarray(found.reshape(size, len(DayType), _CLOCKS))

    def anchors(self) -> Long:
        """Home is the zone of most night seconds, work another with a quarter of the working hours."""
        zones, amounts = len(self.atlas.zones), self.presence
        zone = _zone_of_cells(self.atlas)[amounts.cell]
        inside = zone >= 0
        clock, kind = amounts.kind % _CLOCKS, amounts.kind // _CLOCKS
        night = np.zeros((self.people, zones), np.int64)
        np.add.at(night, (amounts.person[inside], zone[inside]), (amounts.amount * np.array(_NIGHT)[clock])[inside])
        working = np.array(_AT_WORK)[clock] & (kind == list(DayType).index(DayType.WEEKDAY))
        work = np.zeros((self.people, zones), np.int64)
        np.add.at(work, (amounts.person[inside], zone[inside]), (amounts.amount * working)[inside])
        home, everyone = night.argmax(axis=1), np.arange(self.people)
        whole = work.sum(axis=1)
        work[everyone, home] = -1
        best = work.argmax(axis=1)
        most = work[everyone, best]
        place = np.where((most > 0) & (4 * most >= whole), best, zones)
        settled = night[everyone, home] > 0
        found = np.zeros((zones, zones + 1), np.int64)
        np.add.at(found, (home[settled], place[settled]), 1)
        return found

    @cached_property
    def trips(self) -> tuple[Long, Long]:
        """One trip of each person by the secret order: how many, and their minutes."""
        person, left, origin, to, arrived = self._legs()
        order = _order(self.key, keyed.names(self.key, (person + 1).astype(np.int32)), left, origin, to)
        ranked = np.lexsort((to, origin, left, order, person))
        chosen = ranked[np.unique(person[ranked], return_index=True)[1]]
        slots = self.hours["slot"][self._row(left[chosen] // _HOUR)]
        minutes = np.minimum((arrived - left + 59) // 60, MINUTES_MOST)[chosen]
        shape = len(self.atlas.zones), len(self.atlas.zones), len(Slot)
        flows, whole = np.zeros((2, *shape), np.int64)
        places = origin[chosen], to[chosen], slots
        np.add.at(flows, places, 1)
        np.add.at(whole, places, minutes)
        return flows, whole

    def _legs(self) -> tuple[Long, Long, Long, Long, Long]:
        """Person, when they left, from which zone, to which, when they arrived: from stay to stay within a day."""
        clean = self.fault == 0
        person, at, day = self.person[clean], self.at[clean], self.day[clean]
        zone = _zone_of_cells(self.atlas)[self.cell[clean]]
        begins = _first(person, day, zone)
        ends = np.append(begins[1:], True) if len(begins) else begins
        first, last = np.flatnonzero(begins), np.flatnonzero(ends)
        stays = at[last] - at[first] >= _STAY
        first, last = first[stays], last[stays]
        before, after = slice(None, -1), slice(1, None)
        together = (person[first[after]] == person[first[before]]) & (day[first[after]] == day[first[before]])
        origin, to = zone[first[before]], zone[first[after]]
        moved = together & (origin != to) & (origin >= 0) & (to >= 0)
        columns = (person[first[after]], at[last[before]], origin, to, at[first[after]])
        return tuple(column[moved].astype(np.int64) for column in columns)

    def tile_hours(self) -> Long:
        """Of each person's tiles and hours the first twelve by the secret order."""
        clean = self.fault == 0
        strongest = _strongest(self.atlas)
        clock = self.hours["clock"][self._row(self.at[clean] // _HOUR)]
        rows = np.unique(np.stack([self.person[clean], strongest[self.cell[clean]], clock], axis=1), axis=0)
        person, tile, clock = rows.T
        order = _order(self.key, keyed.names(self.key, (person + 1).astype(np.int32)), tile, clock)
        ranked = np.lexsort((clock, tile, order, person))
        place = np.arange(len(ranked)) - np.searchsorted(person[ranked], person[ranked])
        kept = ranked[place < HOURLY_CELLS]
        served = np.unique(strongest[strongest >= 0])
        found = np.zeros((len(served), _CLOCKS), np.int64)
        np.add.at(found, (np.searchsorted(served, tile[kept]), clock[kept]), 1)
        return found


def _faults(atlas: Atlas, person: Long, at: Long, cell: Long, day: Long) -> Long:
    """1 for an impossible jump there and back, 2 for A, B, A; judged day by day."""
    tile = _strongest(atlas)[cell]
    east, north = (axis[tile].astype(np.int64) * 1000 for axis in (atlas.tiles.east, atlas.tiles.north))
    joined = (person[1:] == person[:-1]) & (day[1:] == day[:-1])
    way = np.diff(east) ** 2 + np.diff(north) ** 2
    jump = joined & (way >= _FAR**2) & (way >= (np.diff(at) * _FAST) ** 2)
    found = np.zeros(len(at), np.int64)
    between = slice(1, -1)
    pinged = joined[1:] & joined[:-1] & (cell[2:] == cell[:-2]) & (cell[between] != cell[2:])
    pinged &= at[2:] - at[:-2] <= _PING_PONG
    found[between] = np.where(jump[:-1] & jump[1:], 1, np.where(pinged, 2, 0))
    return found


def _strongest(atlas: Atlas) -> Long:
    """By code of a cell the tile that it serves most, -1 for a code that serves none."""
    cell, tile, share = (atlas.cell_tiles[name].to_numpy() for name in ("cell", "tile", "share"))
    found, best = np.full((2, int(cell.max()) + 1), -1, np.int64)
    for code, place, part in zip(cell.tolist(), tile.tolist(), share.tolist(), strict=True):
        if part > best[code]:
            found[code], best[code] = place, part
    return found


def _zone_of_cells(atlas: Atlas) -> Whole:
    return atlas.tile_zone[_strongest(atlas)]


def _spread(atlas: Atlas, *, zones: bool) -> Sequence[tuple[int, int, int, int]]:
    """Cell, zone or tile, and from which to which thousandth of the cell it is served."""
    shares: dict[tuple[int, int], int] = {}
    for row in atlas.cell_tiles.to_pylist():
        member = int(atlas.tile_zone[row["tile"]]) if zones else row["tile"]
        if member >= 0:
            shares[row["cell"], member] = shares.get((row["cell"], member), 0) + row["share"]
    found, reached = [], dict[int, int]()
    for (cell, member), share in sorted(shares.items()):
        low = reached.get(cell, 0)
        reached[cell] = low + share
        found.append((cell, member, low, low + share))
    return found


def _order(key: bytes, *columns: npt.NDArray[np.integer]) -> Long:
    """The secret order, step by step as `keyed` has it."""
    known, p = keyed.numbers(key), keyed.P
    h = np.full(len(columns[0]), known["b"], np.int64)
    for place, column in enumerate(columns, 1):
        h = (h + column.astype(np.int64) % p * known[f"a{place}"]) % p
    return np.asarray((h * h % p * known["d"] + h * known["e"]) % p)


def _first(*columns: npt.NDArray[np.integer]) -> Flags:
    """Where, in neighbouring rows, any of *columns* changes; the first row too."""
    changed = np.ones(len(columns[0]), bool)
    changed[1:] = np.any([column[1:] != column[:-1] for column in columns], axis=0)
    return changed


def _added(keys: tuple[Long, ...], values: Long) -> tuple[tuple[Long, ...], Long]:
    """The sum of *values* for each combination of *keys*, in their order."""
    order = np.lexsort(keys[::-1])
    keys = tuple(key[order] for key in keys)
    starts = np.flatnonzero(_first(*keys))
    return tuple(key[starts] for key in keys), np.add.reduceat(values[order], starts)


def _running(values: Long, groups: tuple[Long, ...]) -> Long:
    """The sum of each row and those before it in its group; rows of a group lie together."""
    total = np.cumsum(values)
    starts = np.flatnonzero(_first(*groups))
    before = np.concatenate([[0], total])[starts]
    return np.asarray(total - np.repeat(before, np.diff(np.append(starts, len(values)))))
