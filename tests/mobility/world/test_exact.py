"""The engine counts what the world's maker reckons: written down twice, by different means, equal to the last unit."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from placet.purposes.mobility.counting.duck import DuckEngine
from placet.purposes.mobility.counting.run import run
from placet.purposes.mobility.model import FLOWS, MONTHLY, THOUSANDTHS, TILE_HOURS, ZONE_PROFILE, Product, Window
from placet.purposes.mobility.world import World, plan
from placet.purposes.mobility.world.exact import exact
from placet.purposes.mobility.world.sample import Imagined

KEY = bytes(range(32))
LONG_WEEKEND = Window("the clocks change on the third day", date(2026, 10, 23), date(2026, 10, 27))
LONG_DAY = Window("the day of 25 hours", date(2026, 10, 25), date(2026, 10, 26))


@pytest.fixture(scope="module")
def riga() -> World:
    return plan(250, seed=4, regions=("riga",))


@pytest.mark.parametrize(
    ("window", "products"), [(LONG_WEEKEND, MONTHLY), (LONG_DAY, (TILE_HOURS,))], ids=["month", "day"]
)
def test_the_engine_counts_what_is_true(
    riga: World, window: Window, products: tuple[Product, ...], tmp_path: Path
) -> None:
    scan = Imagined(riga, tmp_path / "events").scan(window)
    raw = run(
        scan, riga.atlas, window, products, DuckEngine("1GB"), zone=riga.zone, key=KEY, work=tmp_path / "work",
        progress=lambda _done: None,
    )  # fmt: skip
    truth = exact(riga, window, products, key=KEY)
    assert set(truth) == {product.name for product in products}
    for name, values in truth.items():
        assert (raw[name].values == values).all(), name
        assert values.any()


def test_what_is_true_keeps_the_bounds_of_the_products(riga: World) -> None:
    truth = exact(riga, LONG_WEEKEND, (ZONE_PROFILE, FLOWS), key=KEY)
    assert truth["zone-profile"].sum(axis=0).max() <= riga.people * THOUSANDTHS
    assert truth["flows"].sum() <= riga.people
    assert (np.einsum("iis->is", truth["flows"]) == 0).all()


def test_another_key_keeps_other_trips(riga: World) -> None:
    one, other = (exact(riga, LONG_WEEKEND, (FLOWS,), key=key)["flows"] for key in (KEY, bytes(32)))
    assert (one != other).any()
    assert one.sum() == other.sum()
