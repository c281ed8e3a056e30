"""Noisy counts that a test writes down: three zones, two of them in a region, and four tiles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np

from placet.purposes.mobility.model import (
    ANCHORS,
    FLOWS,
    MINUTES,
    TILE_PROFILE,
    ZONE_LOAD,
    ZONE_PROFILE,
    Axis,
    DayType,
    Domain,
    Product,
    ProductName,
    Slot,
    ZoneId,
)
from placet.purposes.mobility.places.model import Zone
from placet.purposes.mobility.privacy.noisy import NoisyCounts
from placet.purposes.mobility.releasing.hierarchy import Places

ZONES = ("north", "south", "west")
TILES = ("1kmN1E1", "1kmN1E2", "1kmN2E1", "1kmN2E2")
_OUTLINE = {"type": "Polygon", "coordinates": [[[24, 56], [25, 56], [25, 57], [24, 56]]]}
_MEMBERS = {
    "zone": ZONES, "origin": ZONES, "destination": ZONES, "home": ZONES, "work": (*ZONES, "none"), "tile": TILES,
    "day_type": tuple(DayType), "hour": tuple(str(hour) for hour in range(24)), "slot": tuple(Slot),
}  # fmt: skip


def zone(id: str, population: int, parent: str | None) -> Zone:
    titles = {language: f"{id} {language}" for language in ("lv", "ru", "en")}
    return Zone(ZoneId(id), titles, population, None if parent is None else ZoneId(parent), _OUTLINE)


PLACES = Places(
    (zone("north", 8_000, "inland"), zone("south", 4_000, "inland"), zone("west", 6_000, None)),
    (zone("inland", 12_000, None),),
    TILES,
    np.array([0, 0, 1, -1], dtype=np.int32),
)


def counts(product: Product, values: Any, *, sigma: float = 1.0) -> NoisyCounts:
    """*values* in published units, spread over what they do not name."""
    domain = Domain(tuple(Axis(axis, _MEMBERS[axis]) for axis in product.axes))
    whole = np.broadcast_to(np.asarray(values, dtype=float), domain.shape) * product.unit
    return NoisyCounts(product, domain, np.rint(whole).astype(np.int64), sigma * product.unit)


def month(sigma: float = 1.0) -> Mapping[ProductName, NoisyCounts]:
    """A month that is easy to reckon with."""
    flows = np.zeros((3, 3, 4))
    flows[0, 1] = [10, 120, 60, 90]
    flows[1, 0] = [40, 30, 60, 90]
    flows[2, 2] = 500  # nobody's trip begins and ends in the same zone: noise alone would be there
    anchors = np.array([[300.0, 80, 20, 0], [90, 100, 10, 0], [0, 30, 150, 20]])
    every = (
        counts(ZONE_PROFILE, np.array([400.0, 200, 3])[:, None, None], sigma=sigma),
        counts(ZONE_LOAD, np.array([900.0, 40, 4])[:, None, None], sigma=sigma),
        counts(FLOWS, flows, sigma=sigma),
        counts(ANCHORS, anchors, sigma=sigma),
        counts(TILE_PROFILE, np.array([250.0, 170, 30, 25])[:, None, None], sigma=sigma),
        counts(MINUTES, flows * np.array([15.0, 30, 15, 18]), sigma=sigma),
    )
    return {each.product.name: each for each in every}


def without(month: Mapping[ProductName, NoisyCounts], *names: str) -> dict[ProductName, NoisyCounts]:
    return {name: each for name, each in month.items() if name not in names}


def noised(month: Mapping[ProductName, NoisyCounts], seed: int, sigma: float) -> dict[ProductName, NoisyCounts]:
    """The same with noise: a test's own, from a seed."""
    random = np.random.default_rng(seed)
    return {name: _noised(each, sigma * each.product.unit, random) for name, each in month.items()}


def _noised(counts: NoisyCounts, sigma: float, random: np.random.Generator) -> NoisyCounts:
    noise = np.rint(random.normal(0, sigma, counts.values.shape)).astype(np.int64)
    return attrs.evolve(counts, values=counts.values + noise, sigma=sigma)
