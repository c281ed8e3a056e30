"""
A budget that is asked by many at once, and answers that are asked for again and again.

A check of what is left and a payment that follows it, in two steps, is passed by all who look before the first has
paid. The privacy budget pays and refuses in one statement of the database, whoever else is there.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from decimal import Decimal
from threading import Barrier

import attrs

from placet.kernel.errors import Denied
from placet.purposes.mobility.attacks import measuring
from placet.purposes.mobility.attacks.measuring import Measured
from placet.purposes.mobility.attacks.model import Against, Finding
from placet.purposes.mobility.model import FLOWS, ReleaseId, Rho, Window
from placet.purposes.mobility.privacy.budget import Budget, accounts
from placet.purposes.mobility.privacy.debit import Population
from placet.store.database import Database

_CAP = Rho(5 * FLOWS.rho)
_SHA = "00" * 32


@attrs.define
class Unlocked:
    """A budget that looks and pays in two steps; *together* makes all look before the first pays."""

    together: Barrier
    spent: Decimal = Decimal(0)

    def pay(self, rho: Rho) -> bool:
        room = self.spent + rho <= _CAP
        self.together.wait()
        if room:
            self.spent += rho
        return room


def exhaustion(database: Database, window: Window, *, threads: int, now: datetime) -> tuple[Finding, Finding]:
    """
    *threads* demand a release of the same window at the same moment; the cap pays for five.

    The population that is charged has a name of its own: run this on a database that is thrown away.
    """
    naive = Unlocked(Barrier(threads))
    _at_once(threads, lambda _: naive.pay(FLOWS.rho))
    population = Population("nobody")
    together = Barrier(threads)

    def ask(number: int) -> bool:
        together.wait()
        return _debited(database, population, window, ReleaseId(f"attack-{number}"), now)

    paid = sum(_at_once(threads, ask))
    with database.transaction() as connection:
        spent = max(one.spent for one in accounts(connection) if one.population == population)
    note = f"{threads} at once; the cap pays for {_CAP / FLOWS.rho:.0f}"
    return (
        _spending(Against.UNLOCKED, naive.spent, threads, note),
        _spending(Against.PLACET, max(spent, paid * FLOWS.rho), threads, note),
    )


def _debited(database: Database, population: Population, window: Window, release: ReleaseId, now: datetime) -> bool:
    try:
        with database.transaction() as connection:
            Budget(_CAP).debit(
                connection,
                population=population,
                window=window,
                product=FLOWS,
                release=release,
                grid_sha256=_SHA,
                code_sha256=_SHA,
                now=now,
            )
    except Denied as error:
        if error.code != "budget-exhausted":
            raise
        return False
    return True


def _at_once(threads: int, one: Callable[[int], bool]) -> list[bool]:
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(one, range(threads)))


def _spending(against: Against, spent: Decimal, threads: int, note: str) -> Finding:
    """Nothing is drawn at random here: the figure is exact."""
    share = float(spent / _CAP)
    return measuring.found(
        "exhaustion",
        against,
        "times the cap",
        Measured(share, share, share, share, threads),
        chance=1.0,
        bound=1.0,
        note=note,
    )
