"""The sample month of the demonstration: real counting, real noise, people who do not exist."""

from __future__ import annotations

import attrs
import pytest
from click.testing import CliRunner

from placet.bootstrap import Application
from placet.interfaces.cli import demo, sample_month
from placet.interfaces.cli.main import main
from placet.kernel import clock
from placet.kernel.errors import BadInput, Denied
from placet.purposes.mobility.privacy.debit import CUSTOMERS
from placet.purposes.mobility.releasing import store
from placet.purposes.mobility.world import plan
from placet.purposes.mobility.world.sample import SAMPLE


def test_a_sample_month_is_released_once_by_two_people_and_leaves_no_events(placet: Application) -> None:
    with placet.database.transaction() as connection:
        demo._add_accounts(connection, clock.now())
    made = sample_month.month(placet, people=200, regions=("riga",), clock=clock.now)
    with placet.database.transaction() as connection:
        assert placet.mobility.releases.public(connection) == [made]
        assert store.names(connection, made.window) == {made.id}
    placet.mobility.releases.demand_whole(made)
    assert made.made_by != made.public_by
    assert len(made.window.days) >= 28
    assert not (placet.config.data_dir / "mobility" / "sample").exists()
    assert placet.mobility.lake.days() == []
    assert sample_month.month(placet, people=200, regions=("riga",), clock=clock.now) == made
    assert sample_month.begin(placet) is None


def test_the_sample_spends_nothing_of_the_customers_budget() -> None:
    assert SAMPLE != CUSTOMERS


def test_in_production_nobody_is_shown_who_does_not_exist(placet: Application) -> None:
    serious = attrs.evolve(placet, config=attrs.evolve(placet.config, mode="production", database_url="postgresql://"))
    with pytest.raises(Denied, match="demonstration only"):
        sample_month.month(serious, people=10, regions=(), clock=clock.now)


def test_a_region_that_is_not_there_is_named() -> None:
    with pytest.raises(BadInput, match="no region selonia; there are riga, pieriga"):
        plan(10, seed=1, regions=("selonia",))
    done = CliRunner().invoke(main, ["mobility", "world", "/nowhere", "--region", "selonia"])
    assert (done.exit_code, "unknown-region" in done.output) == (1, True)
