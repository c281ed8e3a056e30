"""Rows of releases: what was planned, what was made, what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import attrs
from psycopg import Connection
from psycopg.types.json import Jsonb

from placet.kernel.errors import NotFound
from placet.kernel.ids import Position, StaffId
from placet.purposes.mobility.model import Bound, ProductName, ReleaseId, Rho, Window
from placet.purposes.mobility.releasing.model import Estimate, Release, Spent
from placet.store.queries import queries

SQL = queries("placet.purposes.mobility.releasing")


@attrs.frozen
class Planned:
    """The name of a release before it is made."""

    release: ReleaseId
    by: StaffId | None


def planned(connection: Connection, window: Window, plan: str) -> Planned | None:
    row = connection.execute(SQL["planned"], {"name": window.name, "plan": plan}).fetchone()
    return None if row is None else Planned(ReleaseId(row[0]), row[1])


def names(connection: Connection, window: Window) -> set[str]:
    return {row[0] for row in connection.execute(SQL["names"], {"name": window.name})}


def plan(
    connection: Connection, id: ReleaseId, window: Window, plan: str, *, by: StaffId | None, now: datetime
) -> None:
    values = {"release": id, "name": window.name, "first": window.first, "until": window.until}
    connection.execute(SQL["plan"], values | {"plan": plan, "by": by, "now": now})


def add(connection: Connection, release: Release, *, audience: UUID | None) -> None:
    values = attrs.asdict(release, recurse=False, filter=attrs.filters.include("id", "made_at", "atlas", "sha256"))
    population = None if release.population is None else Jsonb(attrs.asdict(release.population))
    products = Jsonb({name: spent_json(spent) for name, spent in release.products.items()})
    values |= {"products": products, "population": population, "position": release.position, "audience": audience}
    connection.execute(SQL["add"], values)


def find(connection: Connection, id: ReleaseId) -> Release | None:
    row = connection.execute(SQL["one"], {"id": id}).fetchone()
    return None if row is None else _release(row)


def get(connection: Connection, id: ReleaseId) -> Release:
    if (found := find(connection, id)) is None:
        raise NotFound("there is no such release; `placet mobility releases` lists them", code="unknown-release")
    return found


def listing(connection: Connection, *, public: bool, before: ReleaseId | None, limit: int) -> list[Release]:
    values = {"public": public, "before": before, "limit": limit}
    return [_release(row) for row in connection.execute(SQL["listing"], values)]


def lock(connection: Connection, id: ReleaseId) -> Release:
    """The release, with every step that was committed before; other steps wait until this transaction ends."""
    connection.execute(SQL["lock"], {"id": id})
    return get(connection, id)


def step(
    connection: Connection, id: ReleaseId, what: str, *, by: StaffId | None, now: datetime, notice: str | None = None
) -> None:
    connection.execute(SQL["step"], {"id": id, "what": what, "by": by, "now": now, "notice": notice})


def spent_json(spent: Spent) -> dict[str, Any]:
    """What a product cost, as JSON: decimals are text."""
    return {
        "rho": str(spent.rho),
        "sigma": spent.sigma,
        "cells": spent.bound.cells,
        "most": spent.bound.most,
        "length": spent.bound.length,
        "unit": spent.unit,
        "mechanism": spent.mechanism,
    }


def spent_of(value: Mapping[str, Any]) -> Spent:
    bound = Bound(value["cells"], value["most"], value["length"])
    return Spent(Rho(Decimal(value["rho"])), value["sigma"], bound, value["unit"], value["mechanism"])


def _release(row: Sequence[Any]) -> Release:
    id, name, first, until, made_at, made_by, products, population, atlas, sha256, position, *steps = row
    public_at, public_by, withdrawn_at, notice = steps
    return Release(
        id=ReleaseId(id), window=Window(name, first, until), made_at=made_at, made_by=made_by,
        products={ProductName(name): spent_of(value) for name, value in products.items()},
        population=None if population is None else Estimate(**population), atlas=atlas, sha256=sha256,
        position=Position(position), public_at=public_at, public_by=public_by, withdrawn_at=withdrawn_at, notice=notice,
    )  # fmt: skip
