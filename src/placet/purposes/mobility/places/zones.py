"""
Zones from any GeoJSON: what cannot be counted by is refused, with the feature and what to do; the rest is reported.

A file is refused when it is no collection of areas in WGS 84, when an area lies outside of the grid's Europe (mostly
because latitude was written first), and when a zone has no id of its own, no name, or no number of residents. Areas
that are empty are left out, broken ones mended, and overlaps told: a tile belongs to the first zone that holds it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, NoReturn

import attrs
import msgspec
import numpy as np
import shapely

from placet.kernel.errors import BadInput
from placet.purposes.mobility.model import ZoneId
from placet.purposes.mobility.places import grid
from placet.purposes.mobility.places.model import Geometry, Zone

EUROPE = (-35.6, 24.6, 44.9, 84.8)
"""Where EPSG:3035 is meant for: west, south, east, north."""
_CRS84 = {"urn:ogc:def:crs:OGC:1.3:CRS84", "urn:ogc:def:crs:EPSG::4326", "EPSG:4326", "OGC:CRS84"}
_OVERLAP_SQUARE_METRES = 10_000.0
_LANGUAGES = ("lv", "ru", "en")
_MANKIND = 10**10


class Fault(StrEnum):
    """What was found in a file and did not stop it."""

    EMPTY = "empty"
    MENDED = "mended"
    OVERLAP = "overlap"


@attrs.frozen
class Note:
    """*fault* of these *zones*; of an overlap the two, and how many square kilometres they share."""

    fault: Fault
    zones: tuple[ZoneId, ...]
    square_kilometres: float = 0.0


@attrs.frozen
class Properties:
    """Which property of a feature holds what; a *title* may be a text or one text a language."""

    population: str = "population"
    title: str = "name"
    id: str | None = None
    parent: str | None = None


@attrs.frozen
class Reading:
    """The zones of a file in its order, the regions that they name as parents, and what was found on the way."""

    zones: tuple[Zone, ...]
    regions: tuple[Zone, ...]
    notes: tuple[Note, ...]


def read(data: bytes, properties: Properties = Properties()) -> Reading:
    """The zones in *data*, a GeoJSON FeatureCollection; raises `BadInput` with the code `bad-zones`."""
    zones, notes = [], []
    for at, feature in enumerate(_features(data)):
        zone, shape = _zone(at, feature, properties)
        if shape.is_empty:
            notes.append(Note(Fault.EMPTY, (zone.id,)))
            continue
        if not shape.is_valid:
            notes.append(Note(Fault.MENDED, (zone.id,)))
            zone = attrs.evolve(zone, outline=_outline(_areas(shapely.make_valid(shape))))
        zones.append(zone)
    if not zones:
        _refuse("no feature of the file has an area")
    _demand_different(zones)
    return Reading(tuple(zones), _regions(zones), (*notes, *overlapping(zones)))


def overlapping(zones: Sequence[Zone]) -> Sequence[Note]:
    """The pairs that share more than a hectare; borders drawn twice by hand share less."""
    shapes = np.array([grid.on_grid(zone.outline) for zone in zones], object)
    first, second = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    first, second = first[first < second], second[first < second]
    area = shapely.area(shapely.intersection(shapes[first], shapes[second]))
    return [
        Note(Fault.OVERLAP, (zones[a].id, zones[b].id), round(shared / 1e6, 3))
        for a, b, shared in zip(first.tolist(), second.tolist(), area.tolist(), strict=True)
        if shared > _OVERLAP_SQUARE_METRES
    ]


def _features(data: bytes) -> Sequence[Mapping[str, Any]]:
    try:
        collection = msgspec.json.decode(data)
    except msgspec.DecodeError as error:
        _refuse(f"the file is no JSON: {error}")
    if not isinstance(collection, dict) or collection.get("type") != "FeatureCollection":
        _refuse("the file is no GeoJSON FeatureCollection")
    named = _object(_object(collection.get("crs")).get("properties")).get("name", "EPSG:4326")
    if named not in _CRS84:
        _refuse(f"the file is in {named}; GeoJSON is in WGS 84, longitude first (RFC 7946)")
    features = collection.get("features")
    if not isinstance(features, list) or not features:
        _refuse("the file has no features")
    return [_object(feature) for feature in features]


def _object(value: Any) -> Mapping[str, Any]:
    """A JSON object; empty where the file has something else."""
    return value if isinstance(value, dict) else {}


def _zone(at: int, feature: Mapping[str, Any], properties: Properties) -> tuple[Zone, shapely.Geometry]:
    told = _object(feature.get("properties"))
    id = feature.get("id") if properties.id is None else told.get(properties.id)
    titles = _titles(told.get(properties.title), at, properties)
    id = ZoneId(str(titles["en"] if id is None else id))
    population = told.get(properties.population)
    if isinstance(population, bool) or not isinstance(population, int | float) or not 0 <= population < _MANKIND:
        _refuse(f"{_named(at, id)} has no number of residents under “{properties.population}”; name its property")
    parent = told.get(properties.parent) if properties.parent else None
    geometry = _object(feature.get("geometry")) or {"type": "Polygon", "coordinates": []}
    shape = _shape(geometry, at, id)
    return Zone(id, titles, round(population), ZoneId(str(parent)) if parent else None, geometry), shape


def _titles(value: Any, at: int, properties: Properties) -> Mapping[str, str]:
    if isinstance(value, str) and value.strip():
        return dict.fromkeys(_LANGUAGES, value.strip())
    titles = {language: _object(value).get(language) for language in _LANGUAGES}
    if not all(isinstance(title, str) and title.strip() for title in titles.values()):
        _refuse(f"feature {at + 1} has no name under “{properties.title}”: a text, or one each for lv, ru and en")
    return {language: str(title).strip() for language, title in titles.items()}


def _shape(geometry: Geometry, at: int, id: ZoneId) -> shapely.Geometry:
    if geometry.get("type") not in {"Polygon", "MultiPolygon"}:
        _refuse(f"{_named(at, id)} is a {geometry.get('type')}; zones are Polygons and MultiPolygons")
    if not geometry.get("coordinates"):
        return shapely.Polygon()
    try:
        shape = shapely.from_geojson(msgspec.json.encode(geometry))
    except shapely.GEOSException:
        _refuse(f"{_named(at, id)} has coordinates that make no area")
    west, south, east, north = shape.bounds
    if not shape.is_empty and (west < EUROPE[0] or south < EUROPE[1] or east > EUROPE[2] or north > EUROPE[3]):
        _refuse(f"{_named(at, id)} lies outside of Europe; GeoJSON has longitude first, then latitude")
    return shape


def _areas(shape: shapely.Geometry) -> shapely.Geometry:
    """What of a mended shape has an area."""
    parts = [part for part in shapely.get_parts(shape) if part.area > 0]
    return shapely.union_all(parts)


def _outline(shape: shapely.Geometry) -> Geometry:
    outline: Geometry = msgspec.json.decode(shapely.to_geojson(shape))
    return outline


def _demand_different(zones: Sequence[Zone]) -> None:
    seen: set[ZoneId] = set()
    for zone in zones:
        if zone.id in seen:
            _refuse(f"two zones are called {zone.id}; name the property that holds an id of their own")
        seen.add(zone.id)


def _regions(zones: Sequence[Zone]) -> tuple[Zone, ...]:
    """What zones are parts of, in the order in which they name them."""
    found = []
    for parent in dict.fromkeys(zone.parent for zone in zones if zone.parent is not None):
        parts = [zone for zone in zones if zone.parent == parent]
        whole = shapely.union_all([shapely.geometry.shape(zone.outline) for zone in parts])
        titles = dict.fromkeys(_LANGUAGES, str(parent))
        found.append(Zone(parent, titles, sum(zone.population for zone in parts), None, _outline(whole)))
    return tuple(found)


def _named(at: int, id: ZoneId) -> str:
    return f"feature {at + 1} ({id})"


def _refuse(why: str) -> NoReturn:
    raise BadInput(f"{why}. See docs/how-to/mobility-places.md", code="bad-zones")
