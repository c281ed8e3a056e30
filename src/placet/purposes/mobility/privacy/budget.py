"""
The privacy budget: what a population's releases may cost each person in a calendar month, and who has been charged.

The order is fixed: a debit is written and **committed**, then noise is drawn for it, once, then `kept` notes what came
of it. The database does the counting: a debit charges the account of every month that its window touches, and the
account refuses what would pass its cap, whoever else is debiting at the same moment and whatever program does it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import attrs
from psycopg import Connection, errors

from placet.kernel.errors import Conflict, Denied
from placet.purposes.mobility.model import Bound, Product, ProductName, ReleaseId, Rho, Window
from placet.purposes.mobility.privacy.debit import Debit, Population, Sampler
from placet.purposes.mobility.privacy.journal import Journal
from placet.purposes.mobility.privacy.noisy import NoisyCounts
from placet.store.database import Database
from placet.store.queries import queries

SQL = queries("placet.purposes.mobility.privacy")


class _Full(Exception):
    """The debit that was written passes the setting's cap; it is taken back."""


@attrs.frozen
class Account:
    """What one calendar month may cost each person of a population, and has cost."""

    population: Population
    month: date
    """Its first day."""
    cap: Rho
    spent: Rho

    @property
    def left(self) -> Rho:
        return Rho(self.cap - self.spent)


@attrs.frozen
class Budget:
    """Debits under *cap*, the most that a person and calendar month may cost (`PLACET_MOBILITY_RHO`)."""

    cap: Rho
    journal: Journal | None = None
    """Where debits are remembered outside the database."""

    def agree(self, database: Database, *, now: datetime) -> None:
        """Before debits, and after debits and draws have committed: database and journal know the same."""
        if self.journal is not None:
            with database.transaction() as connection:
                self.journal.agree(connection, now=now)

    def open(
        self, connection: Connection, population: Population, window: Window, *, now: datetime
    ) -> Sequence[Account]:
        """
        The accounts of the months that *window* touches, opened with this cap where they were not.

        An account keeps the cap that it was opened with, so a higher setting counts from the next month on.
        """
        values = {"population": population, "months": months(window)}
        connection.execute(SQL["open_accounts"], values | {"cap": self.cap, "now": now})
        return _accounts(connection.execute(SQL["accounts_of"], values))

    def debit(
        self,
        connection: Connection,
        *,
        population: Population,
        window: Window,
        product: Product,
        release: ReleaseId,
        grid_sha256: str,
        code_sha256: str,
        now: datetime,
        sampler: Sampler = Sampler.OPENDP,
    ) -> Debit:
        """
        Pay for one product of a release, or be refused (`budget-exhausted`) with nothing charged.

        A release that was interrupted before its noise was kept gets the debit it has paid already.
        """
        asked = Debit(
            id=uuid4(), population=population, window=window, product=product.name, release=release, rho=product.rho,
            sigma=product.sigma(), bound=product.bound, sampler=sampler, grid_sha256=grid_sha256,
            code_sha256=code_sha256, at=now,
        )  # fmt: skip
        self.open(connection, population, window, now=now)
        try:
            with connection.transaction():
                written = connection.execute(SQL["debit"], _columns(asked)).rowcount == 1
                if written:
                    self._demand_room(connection, asked)
        except (_Full, errors.CheckViolation) as error:
            if isinstance(error, errors.CheckViolation) and error.diag.constraint_name != "within_cap":
                raise
            raise self._refusal(connection, asked) from None
        return asked if written else _again(connection, asked)

    def _demand_room(self, connection: Connection, asked: Debit) -> None:
        """The setting may be lower than the cap an account was opened with; it binds as well."""
        accounts = _accounts(connection.execute(SQL["accounts_of"], _months(asked)))
        if any(account.spent > self.cap for account in accounts):
            raise _Full

    def _refusal(self, connection: Connection, asked: Debit) -> Denied:
        """Read outside the transaction that failed: what is said to be left does not count what was refused."""
        accounts = _accounts(connection.execute(SQL["accounts_of"], _months(asked)))
        tightest = min(accounts, key=lambda account: min(account.cap, self.cap) - account.spent)
        cap = min(tightest.cap, self.cap)
        return Denied(
            f"the privacy budget of {tightest.month:%Y-%m} has {max(cap - tightest.spent, Decimal(0))} of {cap} left, "
            f"{asked.product} needs {asked.rho}: use what was released, or wait for the next month",
            code="budget-exhausted",
        )


def kept(connection: Connection, debit: Debit, noisy: NoisyCounts, *, now: datetime) -> str:
    """
    Note what the one draw of *debit* came to, in the transaction that stores it; returns its SHA-256.

    A second draw is refused (`noise-drawn`): two of one debit would tell more than was paid for.
    """
    digest = fingerprint(noisy)
    if connection.execute(SQL["keep_draw"], {"debit": debit.id, "sha256": digest, "now": now}).rowcount == 0:
        raise _drawn(debit)
    return digest


def fingerprint(noisy: NoisyCounts) -> str:
    """SHA-256 of noisy counts: product, shape and values, little-endian."""
    head = f"{noisy.product.name} {'x'.join(map(str, noisy.domain.shape))}\n".encode()
    return hashlib.sha256(head + noisy.values.astype("<i8", copy=False).tobytes()).hexdigest()


def accounts(connection: Connection) -> Sequence[Account]:
    """All that were opened, the newest month first."""
    return _accounts(connection.execute(SQL["accounts"]))


def debits(connection: Connection, population: Population, month: date) -> Sequence[Debit]:
    """What was charged to a month, in order."""
    rows = connection.execute(SQL["debits_of"], {"population": population, "month": month})
    return [_debit(row) for row in rows]


def months(window: Window) -> Sequence[date]:
    """The first days of the calendar months that *window* touches."""
    return sorted({day.replace(day=1) for day in window.days})


def of_release(connection: Connection, release: ReleaseId) -> Sequence[Debit]:
    """What was paid for a release, in order."""
    return [_debit(row) for row in connection.execute(SQL["debits_for"], {"release": release})]


def _again(connection: Connection, asked: Debit) -> Debit:
    """The debit of an interrupted release, if it paid for the same and its noise was not kept yet."""
    paid = next(one for one in of_release(connection, asked.release) if one.product == asked.product)
    if attrs.evolve(asked, id=paid.id, sampler=paid.sampler, grid_sha256=paid.grid_sha256,
                    code_sha256=paid.code_sha256, at=paid.at) != paid:  # fmt: skip
        raise Conflict(
            f"{asked.product} of {asked.release} was paid for otherwise; take a new name", code="other-debit"
        )
    if connection.execute(SQL["drawn"], {"debit": paid.id}).fetchone() is not None:
        raise _drawn(asked)
    return paid


def _drawn(debit: Debit) -> Conflict:
    return Conflict(
        f"the noise of {debit.product} of {debit.release} has been drawn, once for all; what came of it stands",
        code="noise-drawn",
    )


def _accounts(rows: Iterable[tuple[Any, ...]]) -> list[Account]:
    return [Account(Population(population), month, Rho(cap), Rho(spent)) for population, month, cap, spent in rows]


def _months(debit: Debit) -> dict[str, Any]:
    return {"population": debit.population, "months": months(debit.window)}


def _columns(debit: Debit) -> dict[str, Any]:
    return attrs.asdict(debit, recurse=False, filter=attrs.filters.exclude("window", "bound")) | {
        "name": debit.window.name, "first": debit.window.first, "until": debit.window.until,
        "cells": debit.bound.cells, "most": debit.bound.most, "length": debit.bound.length,
    }  # fmt: skip


def _debit(row: tuple[Any, ...]) -> Debit:
    id, population, name, first, until, product, release, rho, sigma, cells, most, length, sampler, *rest = row
    return Debit(
        id, Population(population), Window(name, first, until), ProductName(product), ReleaseId(release), Rho(rho),
        sigma, Bound(cells, most, length), Sampler(sampler), *rest,
    )  # fmt: skip
