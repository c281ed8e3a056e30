"""What of an atlas the figures need: zones, the regions they add up to, and the zone of each tile. Public facts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import attrs
import numpy as np
import numpy.typing as npt

from placet.purposes.mobility.places.model import OUTSIDE, Atlas, Zone
from placet.purposes.mobility.releasing.model import ALL, Level


@attrs.frozen(eq=False)
class Places:
    """
    The public map of a release: it can be read back from what is published.

    *zones* are those that were counted, in the order of their axis; *tile_zone* is the index of the zone of each tile.
    """

    zones: tuple[Zone, ...]
    regions: tuple[Zone, ...]
    tiles: tuple[str, ...] = attrs.field(repr=False)
    tile_zone: npt.NDArray[np.int32] = attrs.field(repr=False)

    @classmethod
    def of(cls, atlas: Atlas) -> Self:
        return cls(atlas.zones, atlas.regions, tuple(atlas.tiles.ids), atlas.tile_zone)

    def zones_of(self, tiles: Sequence[str]) -> npt.NDArray[np.int32]:
        """The index of the zone of each of *tiles*; `OUTSIDE` for none."""
        if tuple(tiles) == self.tiles:
            return self.tile_zone
        known = dict(zip(self.tiles, self.tile_zone.tolist(), strict=True))
        return np.array([known.get(tile, OUTSIDE) for tile in tiles], dtype=np.int32)


@attrs.frozen(eq=False)
class Node:
    """A row of zones: one zone, a region, or everything. *members* are the indices of the zones it is the sum of."""

    id: str
    level: Level
    members: npt.NDArray[np.int64]
    population: int
    parent: str | None


Nodes = tuple[Node, ...]


def nodes(places: Places) -> Nodes:
    """Every zone in the order of its axis, then every region, then all."""
    zones = [
        Node(zone.id, Level.ZONE, np.array([at]), zone.population, _up(zone)) for at, zone in enumerate(places.zones)
    ]
    regions = [
        Node(region.id, Level.REGION, _members(places, region), region.population, _up(region))
        for region in places.regions
    ]
    population = sum(place.population for place in (*places.zones, *places.regions) if place.parent is None)
    return (*zones, *regions, Node(ALL, Level.ALL, np.arange(len(places.zones)), population, None))


def upward(node: Node, among: Nodes) -> Sequence[Node]:
    """*node*, what it lies in, and so on to all."""
    by_id = {each.id: each for each in among}
    found = [node]
    while (parent := found[-1].parent) is not None:
        found.append(by_id[parent])
    return found


def _up(zone: Zone) -> str:
    return zone.parent or ALL


def _members(places: Places, region: Zone) -> npt.NDArray[np.int64]:
    parents = {place.id: place.parent for place in (*places.zones, *places.regions)}

    def lies_in(zone: Zone) -> bool:
        above = zone.parent
        while above is not None and above != region.id:
            above = parents.get(above)
        return above == region.id

    return np.array([at for at, zone in enumerate(places.zones) if lies_in(zone)], dtype=np.int64)
