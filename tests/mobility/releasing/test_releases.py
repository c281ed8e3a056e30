from __future__ import annotations

import json
from collections.abc import Callable

import attrs
import pytest
from release_town import FEW, ReleaseTown

from placet.gate.uses import uses_of
from placet.kernel.errors import BadInput, Conflict, Denied, NotFound, Tampered, Unavailable
from placet.ledger import store as ledger
from placet.purposes.mobility.counting.model import Progress
from placet.purposes.mobility.model import ANCHORS, MONTHLY, ReleaseId, Window
from placet.purposes.mobility.privacy import budget
from placet.purposes.mobility.releasing import files
from placet.purposes.mobility.releasing.model import FLOWS, TABLES, ZONE_PROFILE, Release, State
from placet.sources.model import Scan


def test_a_release_is_paid_for_kept_whole_and_committed_to_in_the_log(town: ReleaseTown) -> None:
    release = town.make(town.plan(MONTHLY))
    shelf = town.events.placet.mobility.releases
    shelf.demand_whole(release)
    with town.events.placet.database.transaction() as connection:
        assert shelf.get(connection, release.id) == release
        paid = {debit.product: debit.rho for debit in budget.of_release(connection, release.id)}
        body = connection.execute("SELECT body FROM ledger.record WHERE position = %s", [release.position]).fetchone()
    assert paid == {product.name: product.rho for product in MONTHLY}
    assert body is not None
    event = json.loads(bytes(body[0]))
    assert (event["type"], event["release"], event["sha256"]) == ("mobility-release", release.id, release.sha256)
    assert {name for name in TABLES if f"{name}.csv" in shelf.files(release)} == set(TABLES) - {"tile-hours"}
    assert town.events.placet.keeper.run_once(town.events.now) is not None or True


def test_asked_again_it_is_the_same_release_and_costs_nothing(town: ReleaseTown) -> None:
    first = town.make()
    again = town.make()
    assert again == first
    with town.events.placet.database.transaction() as connection:
        (account,) = budget.accounts(connection)
    assert account.spent == sum(product.rho for product in FEW)
