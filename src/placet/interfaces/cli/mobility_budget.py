"""`placet mobility budget`: what releases have cost each person in privacy, what is left, and what more would cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import attrs
import click
from rich.table import Table

from placet.interfaces.cli.context import json_option, open_application, out, print_json, reported
from placet.purposes.mobility.model import MONTHLY, TILE_HOURS, Rho, Window
from placet.purposes.mobility.privacy import budget
from placet.purposes.mobility.privacy.accounting import DELTA, Loss, daily_cost
from placet.purposes.mobility.privacy.budget import Account
from placet.purposes.mobility.privacy.debit import Debit

_MONTH = 30
_ACCUSED = 0.01


@attrs.frozen
class _Charged:
    """An account and what was charged to it."""

    account: Account
    debits: Sequence[Debit]


@click.command("budget")
@click.option("--month", help="Only this month, as 2026-10.")
@json_option
@reported
def budget_command(month: str | None, as_json: bool) -> None:
    """Show what releases have cost each person in privacy, month by month, and what is left.

    ρ is the loss in zero-concentrated differential privacy, ε the same at δ = 10⁻⁶. No attacker does better than the
    AUC, or finds more of those who took part while accusing 1 % of the others: docs/explanation/mobility.md.
    """
    first = None if month is None else Window.month(month).first
    with open_application() as application, application.database.transaction() as connection:
        charged = [
            _Charged(account, budget.debits(connection, account.population, account.month))
            for account in budget.accounts(connection)
            if first in (None, account.month)
        ]
        cap = Rho(application.config.mobility_rho)
    if as_json:
        print_json({"cap": str(cap), "delta": DELTA, "accounts": [_json(one) for one in charged], "costs": _costs(cap)})
    else:
        _show(charged, cap)


def _show(charged: Sequence[_Charged], cap: Rho) -> None:
    if not charged:
        out.print("Nothing was released yet: no month has cost anybody anything.")
    for one in charged:
        account = one.account
        out.print(
            f"[bold]{account.month:%Y-%m}[/]   {account.population}   "
            f"spent {account.spent} of {account.cap}, {account.left} left"
        )
        out.print(_table(one.debits))
    out.print("What it costs each person, whoever attacks:")
    spent = {f"{one.account.month:%Y-%m} so far": one.account.spent for one in charged}
    out.print(_meanings(spent | dict(_plans(cap))))


def _meanings(losses: Mapping[str, Rho]) -> Table:
    table = Table("", "ρ", "ε", "AUC at most", "found at most", box=None, pad_edge=True)
    for words, rho in losses.items():
        loss = Loss(rho)
        table.add_row(words, str(rho), f"{loss.epsilon:.2f}", f"{loss.auc:.3f}", f"{loss.tpr(_ACCUSED):.1%}")
    return table


def _table(debits: Sequence[Debit]) -> Table:
    table = Table("release", "product", "ρ", "σ", "noise", "debited", box=None, pad_edge=True)
    for debit in debits:
        table.add_row(
            debit.release, debit.product, str(debit.rho), f"{debit.sigma:.2f}", debit.sampler, f"{debit.at:%Y-%m-%d}"
        )
    return table


def _plans(cap: Rho) -> Mapping[str, Rho]:
    """What one may think of, and what it adds up to in a month: losses add, they are not averaged."""
    monthly = Rho(sum((product.rho for product in MONTHLY), Decimal(0)))
    return {
        "a month, by the setting": cap,
        "all products, once a month": monthly,
        f"tile-hours, {_MONTH} days": daily_cost(TILE_HOURS.rho, _MONTH).rho,
        f"all products, {_MONTH} days": daily_cost(monthly, _MONTH).rho,
    }


def _costs(cap: Rho) -> list[dict[str, Any]]:
    return [{"what": words} | _loss(rho) for words, rho in _plans(cap).items()]


def _loss(rho: Rho) -> dict[str, Any]:
    loss = Loss(rho)
    return {"rho": str(rho), "epsilon": loss.epsilon, "auc": loss.auc, "tpr_at_fpr_0.01": loss.tpr(_ACCUSED)}


def _json(one: _Charged) -> dict[str, Any]:
    account = one.account
    return {
        "population": account.population,
        "month": f"{account.month:%Y-%m}",
        "cap": str(account.cap),
        "spent": str(account.spent),
        "left": str(account.left),
        "loss": _loss(account.spent),
        "debits": [
            {
                "release": debit.release,
                "product": debit.product,
                "first": debit.window.first.isoformat(),
                "until": debit.window.until.isoformat(),
                "rho": str(debit.rho),
                "sigma": debit.sigma,
                "noise": debit.sampler.value,
                "at": debit.at,
            }
            for debit in one.debits
        ],
    }
