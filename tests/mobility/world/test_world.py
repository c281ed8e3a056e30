"""The synthetic Latvia: the same every time, plausible, and known to the last event."""

from __future__ import annotations

import csv
import json
from datetime import UTC, date, datetime
from importlib import resources
from pathlib import Path

import numpy as np
import pyarrow.csv
import pytest
import shapely
import yaml
from click.testing import CliRunner

from placet.interfaces.cli.main import main
from placet.purposes.mobility.model import DayType, Slot
from placet.purposes.mobility.places import grid, zones
from placet.purposes.mobility.places.atlases import atlas
from placet.purposes.mobility.places.zones import Properties
from placet.purposes.mobility.world import World, days, files, gravity, hearing, plan
from placet.purposes.mobility.world.days import Jam
from placet.purposes.mobility.world.people import HOME, WORK, random
from placet.sources import cells as known_cells
from placet.sources import deliveries

NEW_YORK = Path(__file__).parents[4] / "shared" / "data" / "mobility"
WEDNESDAY, SATURDAY = date(2026, 10, 7), date(2026, 10, 10)
LONG_DAY, SHORT_DAY = date(2026, 10, 25), date(2026, 3, 29)


@pytest.fixture(scope="module")
def latvia() -> World:
    return plan(3000, seed=1)


@pytest.fixture(scope="module")
def riga() -> World:
    return plan(1000, seed=2, regions=("riga",))


# The country.


def test_the_country_is_latvia_in_six_regions(latvia: World) -> None:
    regions = {region.id: region.population for region in latvia.atlas.regions}
    assert list(regions) == ["riga", "pieriga", "kurzeme", "zemgale", "vidzeme", "latgale"]
    assert len(latvia.atlas.zones) == 85
    assert 550_000 < regions["riga"] < 620_000
    assert 1_500_000 < sum(regions.values()) < 1_900_000
    area = sum(grid.on_grid(region.outline).area for region in latvia.atlas.regions) / 1e6
    assert area == pytest.approx(64_594, rel=0.01)


def test_the_zones_cover_the_country_without_overlaps_and_speak_three_languages(latvia: World) -> None:
    found = latvia.atlas.zones
    assert zones.overlapping(found) == []
    assert all(set(zone.titles) == {"lv", "ru", "en"} and all(zone.titles.values()) for zone in found)
    assert len({zone.id for zone in found}) == len(found)
    whole = shapely.union_all([shapely.geometry.shape(zone.outline).buffer(1e-4) for zone in found])
    assert whole.geom_type == "Polygon"
    assert len(whole.interiors) == 0


def test_every_town_and_part_of_the_city_lies_in_its_own_zone(latvia: World) -> None:
    drawn = yaml.safe_load(resources.files("placet.purposes.mobility.world").joinpath("latvia.yaml").read_text("utf-8"))
    rows = [*drawn["parts"], *(row for towns in drawn["towns"].values() for row in towns)]
    seats = shapely.points([row[2] for row in rows], [row[3] for row in rows])
    outlines = {zone.titles["lv"]: shapely.geometry.shape(zone.outline) for zone in latvia.atlas.zones}
    assert [row[0] for row, seat in zip(rows, seats, strict=True) if not outlines[row[0]].contains(seat)] == []


def test_nearly_every_tile_of_the_country_is_served_by_a_cell(latvia: World) -> None:
    inside = latvia.atlas.tile_zone >= 0
    served = np.zeros(len(inside), bool)
    served[latvia.atlas.cell_tiles["tile"].to_numpy()] = True
    assert served[inside].mean() > 0.99


def test_people_live_where_geonames_says_that_people_live(latvia: World) -> None:
    homes = np.bincount(latvia.truth.home_zone, minlength=len(latvia.atlas.zones))
    expected = np.array([zone.population for zone in latvia.atlas.zones], float)
    expected *= latvia.people / expected.sum()
    # Of a binomial count, six standard deviations and a half: less than once in 1e9 worlds, and this one is fixed.
    assert (np.abs(homes - expected) <= 6.5 * np.sqrt(expected) + 6).all()


def test_more_people_come_to_work_in_the_centre_than_live_there(latvia: World) -> None:
    centre = latvia.atlas.zone_of[zones.ZoneId("riga-centrs")]
    truth = latvia.truth
    assert (truth.work_zone == centre).sum() > 2 * (truth.home_zone == centre).sum()
    working = truth.work_zone[truth.work_zone >= 0]
    assert len(working) == pytest.approx(0.62 * latvia.people, rel=0.1)


# Its days.


def test_the_same_seed_makes_the_same_events_and_another_seed_others(riga: World) -> None:
    again = plan(1000, seed=2, regions=("riga",))
    assert again.events(WEDNESDAY).equals(riga.events(WEDNESDAY))
    assert not plan(1000, seed=3, regions=("riga",)).events(WEDNESDAY).equals(riga.events(WEDNESDAY))
    assert again.atlas.sha256 == riga.atlas.sha256


def test_days_may_be_asked_for_in_any_order(riga: World) -> None:
    saturday = riga.events(SATURDAY)
    riga.events(WEDNESDAY)
    assert riga.events(SATURDAY).equals(saturday)


def test_a_world_of_several_blocks_is_put_together_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hearing, "BLOCK", 64)
    found = plan(200, seed=1, regions=("riga",)).events(WEDNESDAY)
    assert sorted(set(found["number"].to_pylist())) == list(range(1, 201))
    assert found.equals(found.sort_by([("number", "ascending"), ("at", "ascending"), ("cell", "ascending")]))


@pytest.mark.parametrize(("day", "hours"), [(WEDNESDAY, 24), (LONG_DAY, 25), (SHORT_DAY, 23)], ids=str)
def test_events_lie_within_the_local_day_however_long_it_is(riga: World, day: date, hours: int) -> None:
    found = riga.events(day)
    begin = int(datetime.combine(day, datetime.min.time(), riga.zone).timestamp())
    at = found["at"].to_numpy()
    assert begin <= at.min()
    assert at.max() < begin + hours * 3600
    assert set(((at - begin) // 3600).tolist()) == set(range(hours))
    columns = [found[name].to_numpy() for name in ("number", "at")]
    assert (np.lexsort(columns[::-1]) == np.arange(len(at))).all()
    assert len({*zip(*(column.tolist() for column in columns), strict=True)}) == len(at)


def test_people_are_at_home_at_night_and_at_work_by_day(riga: World) -> None:
    people, found = riga.ears.people, riga.events(WEDNESDAY)
    clock = np.array([datetime.fromtimestamp(at, riga.zone).hour for at in found["at"].to_pylist()])
    person, cell = found["number"].to_numpy() - 1, found["cell"].to_numpy()
    place = riga.ears.place_cell[person]
    night = (clock >= 1) & (clock < 4)
    assert (cell == place[:, HOME])[night].mean() > 0.93
    noon = people.works[person] & (clock >= 11) & (clock < 14)
    assert (cell == place[:, WORK])[noon].mean() > 0.85


def test_nobody_travels_while_the_clocks_change(latvia: World) -> None:
    trips = days.trips(random(1, 1), latvia.ears.people, DayType.WEEKEND, latvia.truth.jam, latvia.atlas.tile_zone)
    assert trips.leaves[trips.made].min() >= 4 * 3600
    assert trips.arrives.max() <= 23.5 * 3600 + 1
    assert (np.diff(np.stack([trips.leaves, trips.arrives], axis=2).reshape(len(trips.leaves), -1), axis=1) >= 0).all()


def test_in_the_jam_the_way_takes_longer_and_elsewhere_it_does_not(latvia: World) -> None:
    tile_zone = latvia.atlas.tile_zone
    jam = Jam(latvia.truth.jam.origin, latvia.truth.jam.destination, 6, 10, 2.5)
    free = Jam(jam.origin, jam.destination, 6, 10, 1.0)
    slow, fast = (days.trips(random(1, 1), latvia.ears.people, DayType.WEEKDAY, one, tile_zone) for one in (jam, free))
    zone = tile_zone[np.take_along_axis(latvia.ears.people.tile, fast.stops, 1)]
    hour = fast.leaves / 3600
    hit = fast.made & jam.slows(zone[:, :-1], zone[:, 1:]) & (hour >= 6) & (hour < 10) & (slow.leaves == fast.leaves)
    assert hit.any()
    ratio = (slow.arrives - slow.leaves)[hit] / (fast.arrives - fast.leaves)[hit]
    assert ratio == pytest.approx(2.5, abs=0.01)
    others = fast.made & ~jam.slows(zone[:, :-1], zone[:, 1:])
    assert ((slow.arrives - slow.leaves)[others] - (fast.arrives - fast.leaves)[others]).max() <= 1
    weekend = [days.trips(random(1, 1), latvia.ears.people, DayType.WEEKEND, one, tile_zone) for one in (jam, free)]
    assert (weekend[0].arrives == weekend[1].arrives).all()


def test_a_trip_begins_in_the_slot_of_its_local_hour() -> None:
    slots = [Slot.of(hour) for hour in range(24)]
    assert slots[6] is Slot.MORNING
    assert slots[5] is slots[20] is Slot.NIGHT


# The law of gravity.


def test_the_law_that_made_flows_is_found_in_them() -> None:
    draw = random(5, 0)
    mass, distance = draw.gamma(2, 1000, 40), draw.gamma(3, 30, (40, 40)) + 1
    law = gravity.Law(0.8, -1.6)
    flow = law.shares(mass, distance) * mass[:, None]
    found = gravity.fit(np.repeat(np.arange(40), 40), flow.ravel(), np.tile(mass, 40), distance.ravel())
    assert (found.mass, found.distance) == (pytest.approx(0.8, abs=1e-9), pytest.approx(-1.6, abs=1e-9))


@pytest.mark.skipif(not NEW_YORK.exists(), reason="the flows of New York are not beside the repository")
def test_the_published_fit_of_new_york_is_reproduced() -> None:
    counties = json.loads((NEW_YORK / "NY_counties_2011.geojson").read_bytes())["features"]
    key = next(name for name in counties[0]["properties"] if name.lower() in {"tile_id", "geoid", "id", "fips"})
    place = {str(one["properties"][key]): at for at, one in enumerate(counties)}
    people = np.array([float(one["properties"]["population"]) for one in counties])
    middle = [shapely.geometry.shape(one["geometry"]).centroid for one in counties]
    ways = gravity.kilometres(np.array([point.x for point in middle]), np.array([point.y for point in middle]))
    with (NEW_YORK / "NY_commuting_flows_2011.csv").open() as file:
        rows = [(place[row["origin"]], place[row["destination"]], float(row["flow"])) for row in csv.DictReader(file)]
    origin, to, flow = (np.array(column) for column in zip(*[row for row in rows if row[0] != row[1]], strict=True))
    found = gravity.fit(origin, flow, people[to], ways[origin, to])
    assert round(found.distance, 7) == -1.9947152
    assert round(found.mass, 7) == 0.6471760


# As an operator delivers it.


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_written_world_is_what_sources_and_places_take_in(form: str, riga: World, tmp_path: Path) -> None:
    made = files.write(riga, tmp_path, [WEDNESDAY], form=form)
    stations, wrong = known_cells.delivered(tmp_path / "cells.csv")
    assert wrong == []
    table, _ = known_cells.merged(known_cells.SCHEMA.empty_table(), stations, since=0)
    assert table["cell"].to_pylist() == riga.cells["cell"].to_pylist()
    read = zones.read((tmp_path / "zones.geojson").read_bytes(), Properties(parent="region"))
    assert read.notes == ()
    again = atlas(read.zones, table)
    assert (again.tile_zone == riga.atlas.tile_zone).all()
    assert again.cell_tiles.equals(riga.atlas.cell_tiles)
    with made[-1].open("rb") as file:
        blocks = list(deliveries.blocks(made[-1], file))
    events = riga.events(WEDNESDAY)
    assert not any(block.wrong for block in blocks)
    assert np.concatenate([block.at for block in blocks]).tolist() == events["at"].to_pylist()
    assert np.concatenate([block.loads for block in blocks]).tolist() == events["load"].to_pylist()
    names = [name for block in blocks for name in block.subjects.to_pylist()]
    as_named = (lambda number: f"crm:W{number:06d}") if form == "csv" else int
    assert names == [as_named(number) for number in events["number"].to_pylist()]


def test_the_command_writes_a_world(tmp_path: Path) -> None:
    arguments = ["--people", "50", "--days", "2", "--first", "2026-10-25", "--region", "riga", "--json"]
    done = CliRunner().invoke(main, ["mobility", "world", str(tmp_path / "world"), *arguments])
    assert done.exit_code == 0, done.output
    told = json.loads(done.output)
    assert [Path(file).name for file in told["files"]] == [
        "cells.csv",
        "zones.geojson",
        "decisions.csv",
        "events-2026-10-25.csv",
        "events-2026-10-26.csv",
    ]
    decisions = pyarrow.csv.read_csv(tmp_path / "world" / "decisions.csv")
    assert decisions.num_rows == 50
    assert decisions["occurred_at"][0].as_py() < datetime(2026, 10, 24, 21, tzinfo=UTC)
