"""
The same products, one person after another in plain Python: slow, and written from the README and not from the engine.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from counting_town import KEY, RIGA, Town

from placet.purposes.mobility.counting import keyed
from placet.purposes.mobility.counting.calendar import day_type
from placet.purposes.mobility.model import DayType, Slot

Counts = npt.NDArray[np.int64]
Local = tuple[int, int, int]
"""Day, kind of day, hour; a second of time lies in one."""


class Reference:
    def __init__(self, told: Town) -> None:
        self.told = told
        self.numbers = keyed.numbers(KEY)
        table = told.atlas.cell_tiles.to_pylist()
        self.tiles = {cell: [(row["tile"], row["share"]) for row in table if row["cell"] == cell] for cell in range(20)}
        self.tile = {cell: min(shares, key=lambda one: (-one[1], one[0]))[0] for cell, shares in self.tiles.items()}
        self.zone = {cell: int(told.atlas.tile_zone[tile]) for cell, tile in self.tile.items()}
        self.people = self._people()

    def profile(self, *, by_zone: bool) -> Counts:
        size = len(self.told.atlas.zones) if by_zone else len(self.told.atlas.tiles)
        values = np.zeros((size, 2, 24), np.int64)
        for person in self.people.values():
            self._typical(values, self._seconds(person), 1000, 1000, 3600, by_zone=by_zone)
        return values

    def load(self) -> Counts:
        values = np.zeros((len(self.told.atlas.zones), 2, 24), np.int64)
        for person in self.people.values():
            amounts: dict[tuple[int, int, int], int] = defaultdict(int)
            for day in person:
                for at, cell, load in self._unjumped(day):
                    _, kind, hour = self._local(at)
                    amounts[cell, kind, hour] += load * self._weight(at)
            self._typical(values, amounts, 50, 1, 1_000_000, by_zone=True)
        return values

    def trips(self) -> tuple[Counts, Counts]:
        zones = len(self.told.atlas.zones)
        flows, minutes = (np.zeros((zones, zones, 4), np.int64) for _ in range(2))
        for number, person in self.people.items():
            legs = [leg for day in person for leg in self._legs(day)]
            if legs:
                _, left, origin, destination, took = min((self._order(number, *leg[:3]), *leg) for leg in legs)
                slot = list(Slot).index(Slot.of(self._local(left)[2]))
                flows[origin, destination, slot] += 1
                minutes[origin, destination, slot] += min(120, took)
        return flows, minutes

    def anchors(self) -> Counts:
        zones = len(self.told.atlas.zones)
        values = np.zeros((zones, zones + 1), np.int64)
        for person in self.people.values():
            night: dict[int, int] = defaultdict(int)
            work: dict[int, int] = defaultdict(int)
            for (cell, kind, hour), seconds in self._seconds(person).items():
                if self.zone[cell] >= 0:
                    night[self.zone[cell]] += seconds * (hour >= 20 or hour < 6)
                    work[self.zone[cell]] += seconds * (kind == 0 and 9 <= hour < 17)
            if any(night.values()):
                home = max(night, key=lambda zone: (night[zone], -zone))
                others = [zone for zone in work if zone != home and work[zone]]
                found = max(others, key=lambda zone: (work[zone], -zone), default=zones)
                values[home, found if 4 * work.get(found, 0) >= sum(work.values()) else zones] += 1
        return values

    def tile_hours(self) -> Counts:
        members = sorted(set(self.tile.values()))
        values = np.zeros((len(members), 24), np.int64)
        for number, person in self.people.items():
            seen = {(self.tile[cell], self._local(at)[2]) for day in person for at, cell, _ in self._clean(day)}
            for tile, hour in sorted(seen, key=lambda one: (self._order(number, *one), *one))[:12]:
                values[members.index(tile), hour] += 1
        return values

    def _people(self) -> Mapping[int, Sequence[Sequence[tuple[int, int, int]]]]:
        """Each person's days: at, cell, load; one event a second, within their consent, in known cells."""
        days: dict[int, dict[int, dict[int, list[tuple[int, int]]]]] = defaultdict(lambda: defaultdict(dict))
        for number, at, cell, load in self.told.events:
            if cell < 20 and any(who == number and since <= at < until for who, since, until in self.told.spans):
                days[number][self._local(at)[0]].setdefault(at, []).append((cell, load))
        return {
            number: [
                [(at, min(cell for cell, _ in same), max(load for _, load in same)) for at, same in sorted(day.items())]
                for _, day in sorted(of.items())
            ]
            for number, of in days.items()
        }

    def _unjumped(self, day: Sequence[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
        return [one for n, one in enumerate(day) if not self._jump(day, n)]

    def _clean(self, day: Sequence[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
        def pinged(n: int) -> bool:
            if not 0 < n < len(day) - 1:
                return False
            (before, a, _), (_, b, _), (after, c, _) = day[n - 1 : n + 2]
            return a == c != b and after - before <= 180

        return [one for n, one in enumerate(day) if not self._jump(day, n) and not pinged(n)]

    def _jump(self, day: Sequence[tuple[int, int, int]], n: int) -> bool:
        def impossible(one: tuple[int, int, int], other: tuple[int, int, int]) -> bool:
            far = abs(self.tile[one[1]] - self.tile[other[1]]) * 2000
            return far >= 10_000 and far >= 55 * abs(one[0] - other[0])

        return 0 < n < len(day) - 1 and impossible(day[n], day[n - 1]) and impossible(day[n], day[n + 1])

    def _seconds(self, person: Sequence[Sequence[tuple[int, int, int]]]) -> dict[tuple[int, int, int], int]:
        """Half seconds by cell, kind of day and hour."""
        events = [one for day in person for one in self._clean(day)]
        found: dict[tuple[int, int, int], int] = defaultdict(int)
        for n, (at, cell, _) in enumerate(events):
            end = min(at + 3600, events[n + 1][0] if n + 1 < len(events) else at + 3600)
            while at < end:
                edge = min(end, (at // 3600 + 1) * 3600)
                place, kind, hour = self._local(at)
                if 0 <= place < len(self.told.days):
                    found[cell, kind, hour] += (edge - at) * self._weight(at)
                at = edge
        return found

    def _typical(
        self,
        values: Counts,
        amounts: Mapping[tuple[int, int, int], int],
        most: int,
        units: int,
        per: int,
        *,
        by_zone: bool,
    ) -> None:
        for kind in range(2):
            for hour in range(24):
                length = per * self._length(kind, hour)
                upto, before = 0, 0
                for cell in range(20):
                    upto += amounts.get((cell, kind, hour), 0)
                    now = _halves_up(min(upto, length * most) * units, length) if length else 0
                    now = min(now, most)
                    for member, part in self._shared(cell, now - before, by_zone=by_zone):
                        values[member, kind, hour] += part
                    before = now

    def _shared(self, cell: int, units: int, *, by_zone: bool) -> Iterator[tuple[int, int]]:
        shares: dict[int, int] = defaultdict(int)
        for tile, share in self.tiles[cell]:
            shares[int(self.told.atlas.tile_zone[tile]) if by_zone else tile] += share
        low = 0
        for member in sorted(shares):
            if member >= 0:
                high = low + shares[member]
                yield member, _halves_up(units * high, 1000) - _halves_up(units * low, 1000)
                low = high

    def _legs(self, day: Sequence[tuple[int, int, int]]) -> Iterator[tuple[int, int, int, int]]:
        """Left, origin, destination, minutes."""
        islands: list[list[int]] = []
        for at, cell, _ in self._clean(day):
            zone = self.zone[cell]
            if islands and islands[-1][0] == zone:
                islands[-1][2] = at
            else:
                islands.append([zone, at, at])
        stays = [one for one in islands if one[2] - one[1] >= 900]
        for (origin, _, left), (destination, came, _) in pairwise(stays):
            if origin >= 0 and destination >= 0 and origin != destination:
                yield left, origin, destination, -((left - came) // 60)

    def _order(self, number: int, *columns: int) -> int:
        p, known = keyed.P, self.numbers
        person = (known["name_a"] * number + known["name_b"]) % p
        h = (known["b"] + sum(known[f"a{n}"] * (one % p) for n, one in enumerate((person, *columns), 1))) % p
        return (known["d"] * h * h + known["e"] * h) % p

    def _local(self, at: int) -> Local:
        local = datetime.fromtimestamp(at, RIGA)
        kind = list(DayType).index(day_type(local.date()))
        return (local.date() - self.told.days[0]).days, kind, local.hour

    def _weight(self, at: int) -> int:
        """One where the hour's name comes twice that day, two elsewhere."""
        hour = datetime.fromtimestamp(at, RIGA).hour
        day = datetime.fromtimestamp(at, RIGA).date()
        near = [datetime.fromtimestamp(at + step, RIGA) for step in (-3600, 3600)]
        return 1 if any((one.date(), one.hour) == (day, hour) for one in near) else 2

    def _length(self, kind: int, hour: int) -> int:
        """How many halves of hours there are of that name in the window."""
        found = 0
        for day in self.told.days:
            if list(DayType).index(day_type(day)) == kind:
                start = int(datetime(day.year, day.month, day.day, tzinfo=RIGA).timestamp())
                hours = [
                    at
                    for at in range(start, start + 26 * 3600, 3600)
                    if self._local(at)[0] == (day - self.told.days[0]).days
                ]
                found += sum(self._weight(at) for at in hours if self._local(at)[2] == hour)
        return found


def _halves_up(value: int, by: int) -> int:
    return (2 * value + by) // (2 * by)
