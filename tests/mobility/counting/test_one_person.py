"""
Whoever is taken out of any events takes out of every product what they had added, and that is within its bound.

The noise is scaled to this bound, so the whole promise of docs/explanation/mobility.md stands on it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path

import attrs
import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc
from counting_town import FOREVER, RIGA, Event, Span, Town, counted, scanned, town
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from placet.purposes.mobility.counting.calendar import span
from placet.purposes.mobility.model import MONTHLY, TILE_HOURS, ZONE_PROFILE, Bound, Product, ProductName

ONE = 7_000
"""The number of the person who is taken out; the town's are below."""
CROWD = town(11, people=12, days=2)
"""A Saturday, and a Sunday of 25 hours."""
FIRST, AFTER = span(CROWD.days[0], RIGA)[0], span(CROWD.days[-1], RIGA)[1]
TWO_DAYS = st.integers(FIRST, AFTER - 1)

Values = Mapping[ProductName, npt.NDArray[np.int64]]


def lives() -> st.SearchStrategy[list[Event]]:
    """Any events of one person: scattered, in bursts, at places where nobody can be, with any load."""
    load = st.sampled_from([0, 1, 999_999, 10**9, 2**62])
    scattered = st.lists(st.tuples(TWO_DAYS, st.integers(0, 21), load), max_size=60)
    bursts = st.lists(
        st.tuples(TWO_DAYS, st.integers(1, 900), st.lists(st.tuples(st.integers(0, 21), load), max_size=40)), max_size=4
    )
    return st.tuples(scattered, bursts).map(
        lambda made: sorted(
            {(ONE, *one) for one in made[0]}
            | {
                (ONE, min(AFTER - 1, at + n * step), *what)
                for at, step, burst in made[1]
                for n, what in enumerate(burst)
            }
        )
    )


def minds() -> st.SearchStrategy[list[Span]]:
    """All the time, or between any instants."""
    edges = st.lists(TWO_DAYS, min_size=2, max_size=6, unique=True).map(sorted)
    return st.just([(ONE, 0, FOREVER)]) | edges.map(
        lambda at: [(ONE, since, until) for since, until in zip(at[::2], at[1::2], strict=False)]
    )


def counts(told: Town, products: Sequence[Product]) -> Values:
    with tempfile.TemporaryDirectory() as folder:
        found = counted(told, products, scanned(told, Path(folder) / "lake"), Path(folder) / "work")
    return {name: raw.values for name, raw in found.items()}


@cache
def crowd(first: date) -> Values:
    """Without the one, it is always the same."""
    return counts(CROWD, MONTHLY) if first == CROWD.days[0] else counts(CROWD.on(first), (TILE_HOURS,))


def within(moved: npt.NDArray[np.int64], bound: Bound) -> bool:
    """By all three measures; the squares are whole numbers, so nothing is rounded in our favour."""
    square = int((moved.astype(object) ** 2).sum())
    return (
        int((moved != 0).sum()) <= bound.cells
        and int(np.abs(moved).max()) <= bound.most
        and square <= round(bound.length * bound.length)
    )


@settings(max_examples=4, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(lives(), minds())
def test_taking_one_person_out_moves_every_product_within_its_bound(events: list[Event], spans: list[Span]) -> None:
    check(events, spans)


def test_ten_thousand_events_move_no_product_further_than_its_bound() -> None:
    """Every seventeen seconds the next cell, with all the load there is; and one who is in one place all the time."""
    restless = [(ONE, FIRST + 17 * n, n % 20, 2**62) for n in range(10_000)]
    settled = [(ONE, at, 3, 10**9) for at in range(FIRST, AFTER, 600)]
    added = check(restless, [(ONE, 0, FOREVER)])
    stayed = check(settled, [(ONE, 0, FOREVER)])
    # The bounds are no wider than they must be: who stays is in each hour as much of a person as their cell serves, who
    # hurries is in twelve tile-hours.
    served = pc.sum(CROWD.atlas.cell_tiles.filter(pc.field("cell") == 3)["share"]).as_py()
    assert {int(hour) for hour in stayed[ZONE_PROFILE.name].sum(axis=0)[1]} == {served}
    assert (added[TILE_HOURS.name].sum(), added[TILE_HOURS.name].max()) == (TILE_HOURS.bound.cells, 1)


def check(events: Sequence[Event], spans: Sequence[Span]) -> Values:
    """Hold both windows to the bound; returns what the person had added."""
    added: dict[ProductName, npt.NDArray[np.int64]] = {}
    for told, products in ((CROWD, MONTHLY), (CROWD.on(CROWD.days[-1]), (TILE_HOURS,))):
        theirs = [event for event in events if event[1] >= span(told.days[0], RIGA)[0]]
        alone = attrs.evolve(told, events=theirs, spans=list(spans))
        everybody = attrs.evolve(told, events=sorted([*told.events, *theirs]), spans=[*told.spans, *spans])
        with_them, without, only = counts(everybody, products), crowd(told.days[0]), counts(alone, products)
        for product in products:
            moved = with_them[product.name] - without[product.name]
            assert np.array_equal(moved, only[product.name]), product.name
            assert within(moved, product.bound), product.name
            added[product.name] = moved
    return added
