"""Tiles, zones and footprints: held to published points, and to any GeoJSON that somebody brings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import shapely
from pyproj import Geod

from placet.kernel.errors import BadInput, NotFound, Tampered
from placet.purposes.mobility.places import Atlas, grid, zones
from placet.purposes.mobility.places.atlases import atlas
from placet.purposes.mobility.places.footprints import footprints
from placet.purposes.mobility.places.zones import Fault, Properties
from placet.purposes.mobility.world.country import country

LATVIA = Path(__file__).parents[4] / "shared" / "data" / "latvia"
needs_latvia = pytest.mark.skipif(not LATVIA.exists(), reason="the maps of Latvia are not beside the repository")


def square(west: float, south: float, size: float = 0.1) -> dict[str, Any]:
    return json.loads(shapely.to_geojson(shapely.box(west, south, west + size, south + size)))


def feature(name: Any = "Cēsis", geometry: Any = None, **properties: Any) -> dict[str, Any]:
    told = {"name": name, "population": 15_000} | properties
    return {"type": "Feature", "properties": told, "geometry": square(25.2, 57.3) if geometry is None else geometry}


def collection(*features: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({"type": "FeatureCollection", "features": features} | more).encode()


def network(*cells: tuple[float, float, float]) -> pa.Table:
    lon, lat, reach = zip(*cells, strict=True)
    return pa.table({"code": pa.array(range(len(cells)), pa.int32()), "lon": lon, "lat": lat, "range_m": reach})


# The grid.


def test_the_projection_gives_the_point_that_epsg_publishes() -> None:
    # Guidance Note 7-2 (IOGP 373-7-2), Lambert Azimuthal Equal Area, EPSG:3035: 50°N 5°E.
    east, north = grid.metres(5.0, 50.0)
    assert (round(float(east), 2), round(float(north), 2)) == (3962799.45, 2999718.85)
    assert grid.id_at(5.0, 50.0) == "1kmN2999E3962"


def test_the_origin_of_the_projection_is_where_inspire_puts_it() -> None:
    # INSPIRE D2.8.I.2: 52°N 10°E is 4 321 000 m east, 3 210 000 m north.
    east, north = grid.metres(10.0, 52.0)
    assert (round(float(east), 3), round(float(north), 3)) == (4_321_000, 3_210_000)


def test_tiles_come_in_the_order_of_their_ids_and_are_a_square_kilometre() -> None:
    tiles = grid.covering([grid.on_grid(square(24.0, 56.9))])
    assert list(tiles.ids) == sorted(tiles.ids)
    assert [grid.id_at(lon, lat) for lon, lat in zip(tiles.lon, tiles.lat, strict=True)] == list(tiles.ids)
    lon, lat = grid.degrees(
        (tiles.east[0] + np.array([0, 1, 1, 0])) * 1000.0, (tiles.north[0] + np.array([0, 0, 1, 1])) * 1000.0
    )
    area, _ = Geod(ellps="GRS80").polygon_area_perimeter(lon, lat)
    assert abs(area) == pytest.approx(1e6, rel=1e-4)


def test_zones_too_far_apart_are_refused_before_a_continent_is_tiled() -> None:
    with pytest.raises(BadInput, match="further apart than a country"):
        grid.covering([grid.on_grid(square(-9.0, 38.0)), grid.on_grid(square(27.0, 66.0))])


# Zones.


def test_zones_have_names_residents_and_parents() -> None:
    data = collection(
        feature("Cēsis", region="Vidzeme"),
        feature({"lv": "Rīga", "ru": "Рига", "en": "Riga"}, square(24.0, 56.9), population=605_273.0, region="Rīga"),
    )
    found = zones.read(data, Properties(parent="region"))
    assert [(zone.id, zone.title("ru"), zone.population, zone.parent) for zone in found.zones] == [
        ("Cēsis", "Cēsis", 15_000, "Vidzeme"),
        ("Riga", "Рига", 605_273, "Rīga"),
    ]
    assert [(region.id, region.population) for region in found.regions] == [("Vidzeme", 15_000), ("Rīga", 605_273)]
    assert found.notes == ()


REFUSED = {
    "no-json": (b"zones", "no JSON"),
    "no-collection": (b'{"type": "Polygon"}', "no GeoJSON FeatureCollection"),
    "no-features": (collection(), "no features"),
    "other-projection": (
        collection(feature(), crs={"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::3059"}}),
        "EPSG::3059",
    ),
    "no-residents": (collection(feature(population=None)), "feature 1 .Cēsis. has no number of residents"),
    "a-number-for-a-feature": (b'{"type": "FeatureCollection", "features": [1]}', "feature 1 has no name"),
    "a-list-of-properties": (
        b'{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": []}]}',
        "feature 1 has no name",
    ),
    "more-residents-than-mankind": (collection(feature(population=1e300)), "no number of residents"),
    "residents-as-text": (collection(feature(population="15 000")), "no number of residents"),
    "negative-residents": (collection(feature(population=-1)), "no number of residents"),
    "no-name": (collection(feature(name="")), "feature 1 has no name"),
    "blank-name-in-one-language": (collection(feature(name={"lv": "Cēsis", "ru": " ", "en": "x"})), "one each for lv"),
    "name-in-one-language": (collection(feature(name={"lv": "Cēsis"})), "one each for lv, ru and en"),
    "same-name-twice": (collection(feature(), feature(geometry=square(26, 57))), "two zones are called Cēsis"),
    "a-point": (collection(feature(geometry={"type": "Point", "coordinates": [25, 57]})), "is a Point"),
    "latitude-first": (collection(feature(geometry=square(57.3, 25.2))), "longitude first"),
    "three-corners-missing": (
        collection(feature(geometry={"type": "Polygon", "coordinates": [[[25, 57], [25, 58]]]})),
        "make no area",
    ),
    "all-empty": (collection(feature(geometry={"type": "Polygon", "coordinates": []})), "no feature .* has an area"),
}


@pytest.mark.parametrize("case", sorted(REFUSED))
def test_a_file_that_cannot_be_counted_by_is_refused_with_the_reason(case: str) -> None:
    data, why = REFUSED[case]
    with pytest.raises(BadInput, match=why) as refused:
        zones.read(data)
    assert refused.value.code == "bad-zones"


def test_empty_zones_are_left_out_broken_ones_mended_and_overlaps_told() -> None:
    bow = {"type": "Polygon", "coordinates": [[[26, 57], [26.2, 57.2], [26.2, 57], [26, 57.2], [26, 57]]]}
    found = zones.read(
        collection(
            feature("nowhere", {"type": "Polygon", "coordinates": []}),
            feature("crossed", bow),
            feature("left", square(24.0, 57.0)),
            feature("right", square(24.05, 57.0)),
        )
    )
    assert [zone.id for zone in found.zones] == ["crossed", "left", "right"]
    assert [(note.fault, note.zones) for note in found.notes] == [
        (Fault.EMPTY, ("nowhere",)),
        (Fault.MENDED, ("crossed",)),
        (Fault.OVERLAP, ("left", "right")),
    ]
    assert 30 < found.notes[2].square_kilometres < 38
    assert shapely.geometry.shape(found.zones[0].outline).is_valid


def test_a_tile_belongs_to_the_first_zone_that_holds_its_centre_and_to_none_in_a_hole() -> None:
    ring = {
        "type": "Polygon",
        "coordinates": [*square(24.0, 57.0, 0.3)["coordinates"], square(24.1, 57.1, 0.1)["coordinates"][0][::-1]],
    }
    read = zones.read(collection(feature("ring", ring), feature("over", square(24.25, 57.0, 0.2))))
    made = atlas(read.zones, network((24.15, 57.15, 30_000.0)))

    def zone_at(lon: float, lat: float) -> int:
        return int(made.tile_zone[made.tiles.ids.index(grid.id_at(lon, lat))])

    assert (zone_at(24.05, 57.05), zone_at(24.27, 57.05), zone_at(24.4, 57.05)) == (0, 0, 1)
    assert grid.id_at(24.15, 57.15) not in made.tiles.ids
    on_the_rim = shapely.points(made.tiles.lon, made.tiles.lat)
    within = shapely.union_all([shapely.geometry.shape(zone.outline) for zone in read.zones])
    assert ((made.tile_zone >= 0) == shapely.intersects(within, on_the_rim)).mean() > 0.99


@needs_latvia
@pytest.mark.parametrize(
    ("file", "count"),
    [("riga_neighbourhoods.geojson", 58), ("lv_novadi_2021_approx.geojson", 42)],
    ids=["neighbourhoods", "municipalities"],
)
def test_the_neighbourhoods_of_riga_and_the_municipalities_become_zones(file: str, count: int) -> None:
    told = json.loads((LATVIA / file).read_bytes())
    for one in told["features"]:
        one["properties"]["population"] = 1000
    title = "name" if "name" in told["features"][0]["properties"] else "key"
    found = zones.read(json.dumps(told).encode(), Properties(title=title))
    assert len(found.zones) == count
    assert {note.fault for note in found.notes} <= {Fault.OVERLAP, Fault.MENDED}
    shared = sum(note.square_kilometres for note in found.notes)
    whole = sum(grid.on_grid(zone.outline).area for zone in found.zones) / 1e6
    assert shared < whole / 500


# Footprints.


def test_a_cell_is_shared_out_in_thousandths_most_of_it_near_its_mast() -> None:
    tiles = grid.covering([grid.on_grid(square(24.0, 56.8, 0.4))])
    found = footprints(network((24.2, 57.0, 6000.0)), tiles)
    share = found["share"].to_numpy()
    assert share.sum() == 1000
    assert share.max() > 10 * share.min() > 0
    strongest = found["tile"].to_numpy()[share.argmax()]
    assert tiles.ids[strongest] == grid.id_at(24.2, 57.0)
    assert found.equals(found.sort_by([("cell", "ascending"), ("tile", "ascending")]))


def test_a_cell_that_reaches_less_than_a_tile_serves_the_tile_it_stands_in() -> None:
    tiles = grid.covering([grid.on_grid(square(24.0, 56.8, 0.4))])
    found = footprints(network((24.2, 57.0, 10.0)), tiles)
    assert [tiles.ids[tile] for tile in found["tile"].to_pylist()] == [grid.id_at(24.2, 57.0)]
    assert found["share"].to_pylist() == [1000]


def test_what_a_cell_serves_beyond_the_map_is_lost_and_not_moved_inside() -> None:
    tiles = grid.covering([grid.on_grid(square(24.0, 56.8, 0.4))])
    found = footprints(network((24.0, 57.0, 6000.0), (30.0, 57.0, 6000.0)), tiles)
    assert set(found["cell"].to_pylist()) == {0}
    assert 300 < found["share"].to_numpy().sum() < 800


def test_where_another_cell_is_stronger_a_cell_serves_less() -> None:
    tiles = grid.covering([grid.on_grid(square(24.0, 56.8, 0.4))])
    alone = footprints(network((24.2, 57.0, 5000.0)), tiles)
    both = footprints(network((24.2, 57.0, 5000.0), (24.235, 57.0, 2000.0)), tiles)
    beside = tiles.ids.index(grid.id_at(24.235, 57.0))

    def at(table: pa.Table, tile: int) -> int:
        return int(sum(row["share"] for row in table.to_pylist() if row["cell"] == 0 and row["tile"] == tile))

    assert at(both, beside) < at(alone, beside) / 2


def test_the_cells_of_a_whole_country_are_shared_out_each_at_most_in_full() -> None:
    land = country(("kurzeme", "riga"))
    cell, tile, share = (land.atlas.cell_tiles[name].to_numpy() for name in ("cell", "tile", "share"))
    whole = np.bincount(cell, share)
    assert whole.max() == 1000
    assert np.median(whole[whole > 0]) == 1000
    assert share.min() > 0
    assert len(set(zip(cell.tolist(), tile.tolist(), strict=True))) == len(cell)
    assert tile.max() < len(land.atlas.tiles)


def test_a_cell_that_moves_has_two_footprints() -> None:
    tiles = grid.covering([grid.on_grid(square(24.0, 56.8, 0.4))])
    found = footprints(network((24.1, 56.9, 2000.0), (24.3, 57.1, 2000.0)), tiles)
    first, second = ({row["tile"] for row in found.to_pylist() if row["cell"] == code} for code in (0, 1))
    assert first
    assert second
    assert not first & second


# The atlas.


@pytest.fixture(scope="module")
def small() -> Atlas:
    read = zones.read(collection(feature("a", square(24.0, 57.0)), feature("b", square(24.1, 57.0))))
    return atlas(read.zones, network((24.1, 57.05, 4000.0)))


def test_an_atlas_is_found_again_as_it_was_kept(small: Atlas, tmp_path: Path) -> None:
    small.save(tmp_path / "atlas")
    again = Atlas.load(tmp_path / "atlas")
    assert (again.sha256, again.zones, again.tiles.ids) == (small.sha256, small.zones, small.tiles.ids)
    assert again.cell_tiles.equals(small.cell_tiles)
    assert (again.tile_zone == small.tile_zone).all()


def test_an_atlas_that_was_changed_since_is_refused(small: Atlas, tmp_path: Path) -> None:
    small.save(tmp_path)
    told = json.loads((tmp_path / "zones.geojson").read_bytes())
    told["features"][0]["properties"]["population"] += 1
    (tmp_path / "zones.geojson").write_text(json.dumps(told))
    with pytest.raises(Tampered):
        Atlas.load(tmp_path)


def test_a_folder_without_an_atlas_says_how_one_is_made(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="placet mobility places"):
        Atlas.load(tmp_path)


def test_cells_that_serve_none_of_the_zones_are_refused() -> None:
    read = zones.read(collection(feature("a", square(24.0, 57.0))))
    with pytest.raises(BadInput, match="no cell serves any of the zones"):
        atlas(read.zones, network((57.05, 24.05, 4000.0)))
