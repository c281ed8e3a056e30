"""
Who lives in the world: homes where the residents are, works and haunts by the gravity law.

Everything is drawn from Philox (Salmon et al. 2011) under the world's seed: the same people and the same seed make
the same world, block by block and day by day, in whatever order they are asked for.
"""

from __future__ import annotations

import attrs
import numpy as np

from placet.purposes.mobility.places.model import Flags, Floats, Whole
from placet.purposes.mobility.world.country import Country
from placet.purposes.mobility.world.gravity import NEW_YORK

WORKING = 0.62
HAUNTS = 3
"""Places that somebody goes to now and then."""
HOME, WORK, FIRST_HAUNT = 0, 1, 2
PLACES = 2 + HAUNTS


@attrs.frozen(eq=False)
class People:
    """
    By person, numbered from 0: *tile*, *east* and *north* (metres) of each of their `PLACES`; *works* is false for
    whoever has no work: their second place is their home. *lively* is how often they are heard of, around one.
    """

    tile: Whole
    east: Floats
    north: Floats
    works: Flags
    lively: Floats

    def __len__(self) -> int:
        return len(self.works)

    def part(self, block: slice) -> People:
        return People(*(getattr(self, field.name)[block] for field in attrs.fields(People)))


def random(seed: int, *at: int) -> np.random.Generator:
    """Randomness for one part of a world, which *at* names: up to two numbers below 2^24."""
    part = 0
    for number in at:
        part = part << 24 | number
    return np.random.Generator(np.random.Philox(key=np.array([seed, part], np.uint64)))


def settled(country: Country, people: int, *, seed: int) -> People:
    """*people* of the country."""
    draw = random(seed, 0)
    tile = np.empty((people, PLACES), np.int32)
    tile[:, HOME] = _drawn(draw, country.residents, people)
    works = draw.random(people) < WORKING
    zone = country.atlas.tile_zone[tile[:, HOME]]
    tile[:, WORK] = np.where(works, _pulled(draw, country, country.jobs, zone), tile[:, HOME])
    for haunt in range(HAUNTS):
        tile[:, FIRST_HAUNT + haunt] = _pulled(draw, country, country.residents + country.jobs, zone)
    within = draw.random((2, people, PLACES), np.float32)
    within[:, ~works, WORK] = within[:, ~works, HOME]
    east, north = (axis[tile] - 500 + 1000 * part for axis, part in zip(country.centres, within, strict=True))
    lively = np.clip(draw.gamma(12.0, 1 / 12, people), 0.4, 1.6)
    return People(tile, east, north, works, lively)


def _drawn(draw: np.random.Generator, weight: Floats, count: int) -> Whole:
    """*count* tiles, each as often as its weight says."""
    edges = np.cumsum(weight)
    return np.asarray(np.searchsorted(edges, draw.random(count) * edges[-1], side="right"), np.int32)


def _pulled(draw: np.random.Generator, country: Country, mass: Floats, zone: Whole) -> Whole:
    """For somebody of each *zone* a tile: its zone by the law of gravity, within the zone by *mass*."""
    law = np.cumsum(NEW_YORK.shares(country.by_zone(mass), country.ways), axis=1)
    ends = (law / law[:, -1:] + np.arange(len(law))[:, None]).ravel()  # the rows of all origins, end to end
    wanted = np.searchsorted(ends, zone + draw.random(len(zone)), side="right") % len(law)
    order = np.argsort(country.atlas.tile_zone, kind="stable").astype(np.int32)
    zones = country.atlas.tile_zone[order]
    first, last = (np.searchsorted(zones, np.arange(len(law)), side=side) for side in ("left", "right"))
    edges = np.concatenate([[0.0], np.cumsum(mass[order])])
    at = edges[first][wanted] + draw.random(len(zone)) * (edges[last] - edges[first])[wanted]
    found = np.searchsorted(edges, at, side="right") - 1
    return np.asarray(order[np.clip(found, first[wanted], last[wanted] - 1)])
