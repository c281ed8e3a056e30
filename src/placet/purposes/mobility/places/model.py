"""
Where things are counted: the tiles of a public grid, the zones of a public map, and which tiles a cell serves.

Tiles are those of the European grid of 1 km (INSPIRE D2.8.I.2, ETRS89-LAEA, EPSG:3035): a tile is named by the
kilometres of its south-western corner, `1kmN3765E5269`, so nobody has to publish which tiles there are. Everything
here is public before anything is counted; an atlas is fixed by its hash, which every release names.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import attrs
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from placet.kernel.errors import NotFound, Tampered
from placet.kernel.jcs import canonical, parse
from placet.purposes.mobility.model import ZoneId

Whole = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Geometry = Mapping[str, Any]
"""A GeoJSON geometry (RFC 7946): Polygon or MultiPolygon, WGS 84, longitude first."""

CELL_TILES = pa.schema([("cell", pa.int32()), ("tile", pa.int32()), ("share", pa.int32())])
OUTSIDE = -1
"""The zone of a tile that lies in none."""


def atlas_folder(data_dir: Path) -> Path:
    """Where the atlas in use lies."""
    return data_dir / "mobility" / "atlas"


@attrs.frozen(eq=False)
class Tiles:
    """
    Tiles by code, 0 to n-1, in the order of their ids: *north* and *east* are the kilometres of the south-western
    corner, *lon* and *lat* the centre.
    """

    north: Whole = attrs.field(repr=False)
    east: Whole = attrs.field(repr=False)
    lon: Floats = attrs.field(repr=False)
    lat: Floats = attrs.field(repr=False)

    def __len__(self) -> int:
        return len(self.north)

    @cached_property
    def ids(self) -> Sequence[str]:
        return [f"1kmN{north}E{east}" for north, east in zip(self.north.tolist(), self.east.tolist(), strict=True)]


@attrs.frozen
class Zone:
    """A public area with its name in each language and the number of its residents; *parent* is its region."""

    id: ZoneId
    titles: Mapping[str, str]
    population: int
    parent: ZoneId | None
    outline: Geometry = attrs.field(repr=False)

    def title(self, language: str) -> str:
        return self.titles.get(language) or self.titles["en"]


@attrs.frozen(eq=False)
class Atlas:
    """
    *zones* are what is counted by, *regions* what they add up to (their parents, in the order in which they first
    come). *tile_zone* is the index of each tile's zone, by the tile's centre. *cell_tiles* tells how a cell's time is
    shared out: thousandths, at most 1000 a cell; what a cell serves beyond the tiles is lost.
    """

    tiles: Tiles
    zones: tuple[Zone, ...]
    regions: tuple[Zone, ...]
    tile_zone: Whole = attrs.field(repr=False)
    cell_tiles: pa.Table = attrs.field(repr=False)

    @cached_property
    def sha256(self) -> str:
        """Of everything above: tiles and cells as little-endian int32, zones and regions as canonical JSON."""
        digest = hashlib.sha256(b"placet/atlas/v1\0")
        cells = (self.cell_tiles[name].to_numpy() for name in CELL_TILES.names)
        for column in (self.tiles.north, self.tiles.east, self.tile_zone, *cells):
            part = column.astype("<i4").tobytes()
            digest.update(len(part).to_bytes(8, "big") + part)
        digest.update(canonical([_told(zone) for zone in (*self.zones, *self.regions)]))
        return digest.hexdigest()

    def save(self, folder: Path) -> None:
        """Write it into *folder*: maps that any program can read, and the hash of them all."""
        folder.mkdir(parents=True, exist_ok=True)
        tiles = {name: getattr(self.tiles, name) for name in ("north", "east", "lon", "lat")}
        pq.write_table(pa.table({**tiles, "zone": self.tile_zone}), folder / "tiles.parquet")
        pq.write_table(self.cell_tiles, folder / "cell-tiles.parquet")
        (folder / "zones.geojson").write_bytes(_collection(self.zones))
        (folder / "regions.geojson").write_bytes(_collection(self.regions))
        (folder / "atlas.json").write_bytes(canonical({"sha256": self.sha256}))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """What `save` wrote; raises `Tampered` when a file of it was changed since."""
        if not (folder / "atlas.json").exists():
            raise NotFound("there is no atlas yet; `placet mobility places ZONES.geojson` makes one", code="no-atlas")
        tiles = pq.read_table(folder / "tiles.parquet")
        columns = (tiles[name].to_numpy() for name in ("north", "east", "lon", "lat"))
        zones, regions = (_zones((folder / name).read_bytes()) for name in ("zones.geojson", "regions.geojson"))
        cells = pq.read_table(folder / "cell-tiles.parquet")
        atlas = cls(Tiles(*columns), zones, regions, tiles["zone"].to_numpy(), cells)
        if parse((folder / "atlas.json").read_bytes())["sha256"] != atlas.sha256:
            raise Tampered("the atlas was changed after it was made; make it again from its zones and cells")
        return atlas

    @cached_property
    def zone_of(self) -> Mapping[ZoneId, int]:
        """The index of each zone."""
        return {zone.id: at for at, zone in enumerate(self.zones)}


def _collection(zones: Sequence[Zone]) -> bytes:
    """A GeoJSON FeatureCollection with all of a zone in each feature."""
    features = [
        {
            "type": "Feature",
            "id": zone.id,
            "properties": {"titles": dict(zone.titles), "population": zone.population, "parent": zone.parent},
            "geometry": zone.outline,
        }
        for zone in zones
    ]
    return canonical({"type": "FeatureCollection", "features": features})


def _zones(collection: bytes) -> tuple[Zone, ...]:
    return tuple(
        Zone(id=ZoneId(feature["id"]), outline=feature["geometry"], **feature["properties"])
        for feature in parse(collection)["features"]
    )


def _told(zone: Zone) -> Any:
    """A zone as a closed shape: a coordinate is whole ten-millionths of a degree, about a centimetre."""
    return {
        "id": zone.id,
        "titles": dict(zone.titles),
        "population": zone.population,
        "parent": zone.parent,
        "outline": {"type": zone.outline["type"], "coordinates": _whole(zone.outline["coordinates"])},
    }


def _whole(value: Any) -> Any:
    return round(value * 10_000_000) if isinstance(value, int | float) else [_whole(part) for part in value]
