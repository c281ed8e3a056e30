"""A world is planned here: `plan(1000, seed=1)`. The same number, seed and regions make the same world, always."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import cached_property
from zoneinfo import ZoneInfo

import attrs
import numpy as np
import pyarrow as pa

from placet.purposes.mobility.model import ZoneId
from placet.purposes.mobility.places.model import Atlas, Whole
from placet.purposes.mobility.world.country import Country, country
from placet.purposes.mobility.world.days import Jam
from placet.purposes.mobility.world.hearing import EVENTS, Ears
from placet.purposes.mobility.world.people import HOME, WORK, settled

RIGA = ZoneInfo("Europe/Riga")
_JAM = (ZoneId("riga-purvciems"), ZoneId("riga-centrs"), 6, 10, 2.5)


@attrs.frozen(eq=False)
class Truth:
    """What nobody but the maker of a world knows: where people live and work (a zone each, -1 for none)."""

    home_zone: Whole = attrs.field(repr=False)
    work_zone: Whole = attrs.field(repr=False)
    jam: Jam


@attrs.frozen(eq=False)
class World:
    """A country with *ears*: people whose days are known, and a network that hears of them."""

    country: Country
    ears: Ears

    @property
    def people(self) -> int:
        return len(self.ears.people)

    @property
    def atlas(self) -> Atlas:
        return self.country.atlas

    @property
    def cells(self) -> pa.Table:
        """The network, as `sources` keeps it (`sources.cells.SCHEMA`)."""
        return self.country.cells

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of the world's days."""
        return self.ears.zone

    def batches(self, day: date) -> Iterator[pa.Table]:
        """The events of a local day, in parts of bounded size; `number` is 1 to `people`."""
        return self.ears.batches(day)

    def events(self, day: date) -> pa.Table:
        """The events of a local day: number, at, cell, load, sorted by the first three."""
        return pa.concat_tables([EVENTS.empty_table(), *self.batches(day)])

    @cached_property
    def truth(self) -> Truth:
        people, tile_zone = self.ears.people, self.atlas.tile_zone
        work = np.where(people.works, tile_zone[people.tile[:, WORK]], -1)
        return Truth(tile_zone[people.tile[:, HOME]], work.astype(np.int32), self.ears.jam)


def plan(people: int, *, seed: int, regions: tuple[str, ...] = (), zone: ZoneInfo = RIGA) -> World:
    """
    A world of *people* in all of the country, or in some of its *regions*: ("riga",) is small enough for a test.

    Its days are those of *zone*.
    """
    land = country(regions)
    living = settled(land, people, seed=seed)
    cells = land.serving.at(living.east, living.north)
    ears = Ears(living, cells, land.serving, land.neighbours, land.atlas.tile_zone, _jam(land.atlas), seed, zone)
    return World(land, ears)


def _jam(atlas: Atlas) -> Jam:
    """The jam of this world; without the city in it, between its first two zones."""
    origin, destination, first, until, factor = _JAM
    return Jam(atlas.zone_of.get(origin, 0), atlas.zone_of.get(destination, 1), first, until, factor)
