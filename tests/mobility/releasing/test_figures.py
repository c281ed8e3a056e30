from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from counted_town import PLACES, counts, month, noised, without
from hypothesis import given, settings
from hypothesis import strategies as st

from placet.kernel.errors import BadInput
from placet.purposes.mobility.model import ANCHORS, FLOWS, MONTHLY, TILE_HOURS, ReleaseId, Window
from placet.purposes.mobility.releasing import comparing, describing, figures, model
from placet.purposes.mobility.releasing.model import TABLES
from placet.purposes.mobility.releasing.stored import About


def rows(table: pa.Table, **wanted: object) -> list[dict[str, Any]]:
    for name, value in wanted.items():
        table = table.filter(pc.equal(table[name], value))
    found: list[dict[str, Any]] = table.to_pylist()
    return found


def one(table: pa.Table, **wanted: object) -> dict[str, Any]:
    (found,) = rows(table, **wanted)
    return found


@pytest.fixture(scope="module")
def tables() -> figures.Tables:
    return figures.tables(month(), PLACES)


def test_zones_add_up_to_regions_and_to_all_and_few_are_hidden(tables: figures.Tables) -> None:
    profile = tables[model.ZONE_PROFILE.name]
    at = {"day_type": "weekday", "hour": 8}
    assert {row["zone"]: (row["people"], row["hidden"]) for row in rows(profile, **at)} == {
        "north": (400, False), "south": (200, False), "west": (None, True), "inland": (600, False), "all": (603, False),
    }  # fmt: skip
    north = one(profile, zone="north", **at)
    assert (north["low"], north["high"]) == (398, 402)
    assert {row["level"] for row in rows(profile, zone="inland")} == {"region"}


def test_estimates_come_last_by_public_over_noisy_residents(tables: figures.Tables) -> None:
    residents = tables[model.RESIDENTS.name]
    north = one(residents, zone="north")
    assert (north["people"], north["population"], north["factor"], north["factor_of"]) == (400, 8000, 20.0, "north")
    at = one(tables[model.ZONE_PROFILE.name], zone="north", day_type="weekend", hour=3)
    assert (at["estimate"], at["estimate_low"] < 8000 < at["estimate_high"]) == (8000, True)
    alone = figures.tables(without(month(), "anchors"), PLACES)
    assert one(alone[model.ZONE_PROFILE.name], zone="north", day_type="weekend", hour=3)["estimate"] is None


def test_a_zone_whose_residents_are_not_sure_takes_the_factor_of_what_it_lies_in() -> None:
    living = figures.tables(
        {ANCHORS.name: counts(ANCHORS, [[100, 0, 0, 0], [9, 0, 0, 0], [4, 0, 0, 0]], sigma=2.0)}, PLACES
    )
    of = {row["zone"]: row["factor_of"] for row in rows(living[model.RESIDENTS.name])}
    assert of == {"north": "north", "south": "inland", "west": "all", "inland": "inland", "all": "all"}


def test_tiles_settle_below_their_zone_and_only_what_is_shown_is_listed(tables: figures.Tables) -> None:
    tiles = rows(tables[model.TILES.name], day_type="weekday", hour=8)
    assert {row["tile"]: (row["zone"], row["people"]) for row in tiles} == {
        "1kmN1E1": ("north", 240), "1kmN1E2": ("north", 160), "1kmN2E1": ("south", 30), "1kmN2E2": (None, 25),
    }  # fmt: skip


def test_flows_have_no_diagonal_and_add_up_to_what_leaves_and_reaches_a_zone(tables: figures.Tables) -> None:
    flows = tables[model.FLOWS.name]
    assert not [row for row in rows(flows) if row["origin"] == row["destination"]]
    assert len(rows(flows)) == 3 * 2 * 4
    out = one(tables[model.ZONE_TRIPS.name], zone="north", direction="out", slot="morning")
    reach = one(tables[model.ZONE_TRIPS.name], zone="south", direction="in", slot="morning")
    assert out["trips"] == reach["trips"] == 120
    region = one(tables[model.ZONE_TRIPS.name], zone="inland", direction="out", slot="morning")
    assert (region["trips"], region["hidden"]) == (None, True)


def test_slow_traffic_is_told_only_where_it_is_sure(tables: figures.Tables) -> None:
    times = tables[model.TRAVEL_TIMES.name]
    back = one(times, origin="south", destination="north", slot="morning")
    assert (back["minutes"], back["ratio"], back["slow"]) == (30.0, 2.0, True)
    even = one(times, origin="south", destination="north", slot="day")
    assert (even["ratio"], even["slow"]) == (1.0, False)
    # Ten trips at night are too few for a mean, and so for a ratio.
    there = one(times, origin="north", destination="south", slot="morning")
    assert (there["minutes"], there["ratio"], there["slow"]) == (30.0, None, None)
    assert one(times, origin="north", destination="south", slot="night")["hidden"]


def test_a_catchment_tells_where_those_who_work_in_a_zone_live(tables: figures.Tables) -> None:
    found = rows(tables[model.CATCHMENT.name], work="south")
    assert {row["home"]: row["people"] for row in found} == {"north": 80, "south": 100, "west": 30}
    assert sum(row["share"] for row in found) == pytest.approx(1, abs=0.002)
    assert all(row["share_low"] < row["share"] < row["share_high"] for row in found)
    assert not rows(tables[model.CATCHMENT.name], work="none")


def test_the_population_is_told_with_its_interval() -> None:
    told = figures.population(month(sigma=2.0))
    assert told is not None
    assert (told.value, told.low, told.high) == (800, 786, 814)
    assert figures.population(without(month(), "anchors")) is None


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([0.5, 7.0, 40.0]))
def test_whatever_the_noise_nothing_is_negative_everything_adds_up_and_the_same_gives_the_same(
    seed: int, sigma: float
) -> None:
    drawn = noised(month(), seed, sigma)
    found = figures.tables(drawn, PLACES)
    assert {name: table.schema for name, table in found.items()} == {name: TABLES[name].schema for name in found}
    for name, table in found.items():
        measure = TABLES[name].measure
        shown = table.filter(pc.is_valid(table[measure]))
        assert shown.num_rows == 0 or pc.min(shown[measure]).as_py() >= (0 if measure == "minutes" else 15)
        for row in shown.to_pylist():
            assert row["low"] <= row[measure] <= row["high"]
    for hour in (3, 8):
        people = {
            row["zone"]: row["people"] for row in rows(found[model.ZONE_PROFILE.name], day_type="weekday", hour=hour)
        }
        if None not in (people["north"], people["south"], people["inland"]):
            assert people["north"] + people["south"] == people["inland"]
    assert all(table.equals(found[name]) for name, table in figures.tables(drawn, PLACES).items())


def test_no_table_is_finer_than_a_zone_or_tile_at_an_hour(tables: figures.Tables) -> None:
    """No row is of one person: nothing that could be a name, an id of a person, a cell or an instant."""
    allowed = {"zone", "tile", "origin", "destination", "home", "work", "day_type", "hour", "slot", "direction"}
    assert {key for table in TABLES.values() for key in table.keys} == allowed
    for name, table in tables.items():
        keys = list(TABLES[name].keys)
        assert table.group_by(keys).aggregate([]).num_rows == table.num_rows


def test_every_monthly_and_daily_product_is_published_in_some_table() -> None:
    used = {product for table in TABLES.values() for product in table.products}
    assert used == {product.name for product in (*MONTHLY, TILE_HOURS)}


def test_changes_have_intervals_and_hold_only_what_both_show() -> None:
    before = figures.tables(without(month(), "anchors"), PLACES)[model.FLOWS.name]
    more = dict(without(month(), "anchors"))
    more[FLOWS.name] = counts(FLOWS, more[FLOWS.name].values * 1.5)
    after = figures.tables(more, PLACES)[model.FLOWS.name]
    found = comparing.changes(model.FLOWS, after, before)
    change = one(found, origin="north", destination="south", slot="morning")
    assert (change["before"], change["after"], change["difference"], change["ratio"]) == (120, 180, 60, 1.5)
    assert change["changed"]
    assert change["difference_low"] < 60 < change["difference_high"]
    assert not rows(found, origin="north", destination="south", slot="night")
    assert not any(row["changed"] for row in comparing.changes(model.FLOWS, before, before).to_pylist())


def test_structures_name_every_column_once_as_dimension_measure_or_attribute() -> None:
    about = About(
        id=ReleaseId("2040-06"), window=Window.named("2040-06"), missing=(), time_zone="Europe/Riga",
        made_at=datetime(2040, 7, 2, tzinfo=UTC), controller="Amigo", products={}, measures={}, atlas="0", code="0",
    )  # fmt: skip
    made = figures.tables(month(), PLACES)
    told = describing.structures(about, made)["data"]["dataStructures"]
    assert len(told) == len(made)
    for shape, structure in zip(map(TABLES.__getitem__, made), told, strict=True):
        parts = structure["dataStructureComponents"]
        lists = {"dimensionList": "dimensions", "measureList": "measures", "attributeList": "attributes"}
        named = [each["id"] for kind, key in lists.items() for each in parts[kind][key]]
        assert sorted(named) == sorted(column.name for column in shape.columns)


def test_releases_on_different_maps_are_not_compared() -> None:
    with pytest.raises(BadInput, match="different maps"):
        comparing.demand_comparable(SimpleNamespace(atlas="a"), SimpleNamespace(atlas="b"))  # type: ignore[arg-type]
