"""A town whose people took part: events of one day in the lake, the map, and what makes a release of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import attrs

from placet.access import staff
from placet.access.staff import Role
from placet.kernel.ids import StaffId
from placet.purposes.mobility.counting.duck import DuckEngine
from placet.purposes.mobility.counting.model import Progress
from placet.purposes.mobility.model import FLOWS, MINUTES, ZONE_PROFILE, Product, Window, ZoneId
from placet.purposes.mobility.places.atlases import atlas
from placet.purposes.mobility.places.model import Atlas, Zone
from placet.purposes.mobility.releasing.making import Maker
from placet.purposes.mobility.releasing.model import Release
from placet.purposes.mobility.releasing.planning import Plan
from placet.purposes.mobility.releasing.whom import People
from placet.sources import cells
from sources.event_town import CELLS, DAY, EventTown, local

WINDOW = Window.named(DAY.isoformat())
FEW = (ZONE_PROFILE, FLOWS, MINUTES)
PEOPLE = ("anna", "berta", "cilda", "dora")


def square(lon: float, lat: float, half: float = 0.06) -> dict[str, Any]:
    west, east, south, north = lon - half, lon + half, lat - half, lat + half
    return {
        "type": "Polygon",
        "coordinates": [[[west, south], [east, south], [east, north], [west, north], [west, south]]],
    }


@attrs.define
class ReleaseTown:
    """Events, a map with three zones of which two are in a region, and two members of staff."""

    events: EventTown
    map: Atlas
    asker: StaffId
    approver: StaffId

    @classmethod
    def of(cls, town: EventTown) -> ReleaseTown:
        town.cells()
        rows = []
        for name in PEOPLE:
            town.add(name)
            rows += [[f"crm:{name}", local(hour), cell, 5_000_000] for hour, cell in _day()]
        town.deliver(rows)
        return cls.with_staff(town)

    @classmethod
    def with_staff(cls, town: EventTown) -> ReleaseTown:
        """The map of the cells that are known, and an analyst and an officer."""
        with town.placet.database.transaction() as connection:
            asker, approver = (
                staff.add(connection, login, name=login, roles={Role.ANALYST}, shop=None, source="demo", by=None,
                          now=town.now).id
                for login in ("andris", "dace")
            )  # fmt: skip
        return cls(town, _map(town), asker, approver)

    @property
    def maker(self) -> Maker:
        return self.events.placet.mobility.maker(lambda: self.events.now)

    @property
    def people(self) -> People:
        return self.events.placet.mobility.consenting(self.events.replica, lambda: self.events.now)

    def plan(self, products: Sequence[Product] = FEW, *, window: Window = WINDOW, some_days: bool = False) -> Plan:
        return Plan(window, products, self.map, DuckEngine(memory="500MB", threads=1), self.events.placet.mobility.zone,
                    some_days)  # fmt: skip

    def make(
        self,
        plan: Plan | None = None,
        *,
        people: People | None = None,
        told: Callable[[Progress], None] = lambda _: None,
    ) -> Release:
        return self.maker.make(plan or self.plan(), people or self.people, by=self.asker, progress=told)


def _map(town: EventTown) -> Atlas:
    known = {name: (lon, lat) for name, lon, lat, _ in CELLS}
    zones = [
        Zone(ZoneId(name), {"lv": name.title(), "ru": name.title(), "en": name.title()}, 50_000, parent, square(*place))
        for (name, place), parent in zip(known.items(), (ZoneId("centre"), ZoneId("centre"), None), strict=True)
    ]
    region = Zone(
        ZoneId("centre"), {"lv": "Vidus", "ru": "Центр", "en": "Centre"}, 100_000, None, square(23.9, 56.8, 0.4)
    )
    return atlas(zones, cells.read(town.lake.folder), regions=[region])


def _day() -> list[tuple[int, str]]:
    """Nights in Rīga, work in Jelgava, and every hour heard of."""
    return [(hour, "jelgava" if 9 <= hour < 17 else "riga") for hour in range(24)]
