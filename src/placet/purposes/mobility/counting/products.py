"""What each product is summed up from: which pieces, by which step, and which columns are the places in its array."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import attrs
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from placet.kernel.errors import BadInput
from placet.purposes.mobility.counting import events, sums
from placet.purposes.mobility.counting.domains import served
from placet.purposes.mobility.counting.model import Step
from placet.purposes.mobility.counting.sums import LOAD, PEOPLE
from placet.purposes.mobility.model import Domain, Product, ProductName
from placet.purposes.mobility.places.model import Atlas

SOURCES: Mapping[str, pa.Schema] = {
    name: pa.schema([(column, pa.type_for_alias(kind)) for column, kind in columns.items()])
    for name, columns in {
        "presence": events.AMOUNTS,
        "loads": events.AMOUNTS,
        "trips": events.TRIPS,
        "tile_hours": events.TILE_HOURS,
    }.items()
}
"""The pieces, and what is in them."""


@attrs.frozen
class Way:
    """How a product comes from the pieces of *source*: by *step*, after *first*; `places` index its axes."""

    source: str
    step: Step
    places: tuple[str, ...]
    value: str = "value"
    first: Step | None = None


WAYS: Mapping[str, Way] = {
    "zone-profile": Way(
        "presence", sums.spread(PEOPLE, "zones"), ("member", "day_type", "clock"), first=sums.typical(PEOPLE)
    ),
    "tile-profile": Way(
        "presence", sums.spread(PEOPLE, "tiles"), ("member", "day_type", "clock"), first=sums.typical(PEOPLE)
    ),
    "zone-load": Way("loads", sums.spread(LOAD, "zones"), ("member", "day_type", "clock"), first=sums.typical(LOAD)),
    # No work is -1, which is the last member.
    "anchors": Way("presence", sums.anchors(), ("home", "work")),
    "flows": Way("trips", sums.one_trip(), ("origin", "destination", "slot")),
    "minutes": Way("trips", sums.one_trip(), ("origin", "destination", "slot"), "minutes"),
    "tile-hours": Way("tile_hours", sums.people_by_tile_hours(), ("tile", "clock")),
}


def ways(products: Sequence[Product]) -> Mapping[ProductName, Way]:
    """The way of each of *products*."""
    if unknown := [product.name for product in products if product.name not in WAYS]:
        raise BadInput(f"nobody knows how to count {unknown[0]}", code="unknown-product")
    return {product.name: WAYS[product.name] for product in products}


def pieces(key: Mapping[str, int], names: frozenset[str]) -> Sequence[Step]:
    """The steps that make the pieces called *names*."""
    made: Mapping[str, Callable[[], Step]] = {
        "presence": events.presence,
        "loads": events.loads,
        "trips": lambda: events.trips(key),
        "tile_hours": lambda: events.tile_hours(key),
    }
    return [make() for name, make in made.items() if name in names]


def added(values: npt.NDArray[np.int64], way: Way, found: pa.Table, atlas: Atlas) -> None:
    """Add what a step *found* to *values*, the array of a product."""
    places = [found[name].to_numpy().astype(np.int64) for name in way.places]
    if way.source == "tile_hours":
        places[0] = np.searchsorted(served(atlas), places[0])
    np.add.at(values, tuple(places), found[way.value].to_numpy().astype(np.int64))


def empty(domain: Domain) -> npt.NDArray[np.int64]:
    return np.zeros(domain.shape, np.int64)
