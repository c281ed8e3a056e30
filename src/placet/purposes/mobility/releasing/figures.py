"""
The figures of a release: from noisy counts and public facts to tables. Pure, and deterministic to the last byte.

The order matters: values are settled (not negative, adding up), then what is below the least is hidden, and what a
value stands for among all inhabitants is computed last. No exact count can come here: raw counts are another type,
and `lint-imports` keeps their module away.
"""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from placet.purposes.mobility.model import ProductName
from placet.purposes.mobility.privacy.noisy import NoisyCounts
from placet.purposes.mobility.releasing import model, profiles, residents, trips
from placet.purposes.mobility.releasing.hierarchy import Nodes, Places, nodes
from placet.purposes.mobility.releasing.model import Estimate, TableName
from placet.purposes.mobility.releasing.residents import Anchors, Factors

Counts = Mapping[ProductName, NoisyCounts]
Tables = dict[TableName, pa.Table]


def tables(counts: Counts, places: Places) -> Tables:
    """Every table whose products are in *counts*, with the columns of `model.TABLES`."""
    among = nodes(places)
    found: Tables = {}
    factors = None
    if (anchored := counts.get(ProductName("anchors"))) is not None:
        anchors = Anchors.of(anchored)
        living = residents.residents(anchors, among)
        factors = residents.factors(living, among)
        found[model.ANCHORS.name] = residents.anchors_table(anchors, anchored, factors)
        found[model.CATCHMENT.name] = residents.catchment_table(anchors, anchored)
        found[model.RESIDENTS.name] = residents.residents_table(living, among, factors)
    found |= _profiles(counts, places, among, factors)
    found |= _trips(counts, among, factors)
    return {name: found[name] for name in model.TABLES if name in found}


def population(counts: Counts) -> Estimate | None:
    """How many people took part; None where no product tells it."""
    anchored = counts.get(ProductName("anchors"))
    return None if anchored is None else Anchors.of(anchored).population


def _profiles(counts: Counts, places: Places, among: Nodes, factors: Factors | None) -> Tables:
    found: Tables = {}
    zones = None
    if (counted := counts.get(ProductName("zone-profile"))) is not None:
        zones = profiles.Profile.of_zones(counted)
        found[model.ZONE_PROFILE.name] = profiles.zone_table(model.ZONE_PROFILE, zones, counted, among, factors)
    if (counted := counts.get(ProductName("zone-load"))) is not None:
        load = profiles.Profile.of_zones(counted)
        found[model.ZONE_LOAD.name] = profiles.zone_table(model.ZONE_LOAD, load, counted, among, None)
    if (counted := counts.get(ProductName("tile-profile"))) is not None:
        tiles = profiles.Profile.of_tiles(counted, places, zones)
        found[model.TILES.name] = profiles.tile_table(model.TILES, tiles, counted, places, factors)
    if (counted := counts.get(ProductName("tile-hours"))) is not None:
        hours = profiles.Profile.of_tiles(counted, places, None)
        found[model.TILE_HOURS.name] = profiles.tile_table(model.TILE_HOURS, hours, counted, places, None)
    return found


def _trips(counts: Counts, among: Nodes, factors: Factors | None) -> Tables:
    counted, minutes = counts.get(ProductName("flows")), counts.get(ProductName("minutes"))
    if counted is None:
        return {}
    flows = trips.Flows.of(counted)
    found = {
        model.FLOWS.name: trips.flows_table(flows, counted, factors),
        model.ZONE_TRIPS.name: trips.zone_trips_table(flows, counted, among, factors),
    }
    if minutes is not None:
        found[model.TRAVEL_TIMES.name] = trips.travel_times_table(flows, minutes)
    return found
