"""Rows of greetings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
from psycopg import Connection

from placet.kernel.ids import ChannelId, Number
from placet.purposes.offers.greetings.model import Greeting, Occasion, Round
from placet.store.queries import queries

SQL = queries("placet.purposes.offers.greetings")


def picked(connection: Connection, numbers: Sequence[Number]) -> Mapping[Number, bytes]:
    """The name days that these persons chose, as they are sealed."""
    rows = connection.execute(SQL["picked"], {"numbers": list(numbers)})
    return {Number(number): bytes(sealed) for number, sealed in rows}


def greet(connection: Connection, greetings: Iterable[Greeting], year: int) -> None:
    """Note *greetings* for *year*."""
    rows = [{"number": one.celebrant.number, "occasion": one.occasion} for one in greetings]
    if rows:
        connection.execute(SQL["greet"], {"greetings": msgspec.json.encode(rows).decode(), "year": year})


def greeted(connection: Connection, numbers: Sequence[Number], year: int) -> Mapping[Number, frozenset[Occasion]]:
    """What each of these persons was greeted for in *year*."""
    found: defaultdict[Number, set[Occasion]] = defaultdict(set)
    for number, occasion in connection.execute(SQL["greeted"], {"numbers": list(numbers), "year": year}):
        found[Number(number)].add(Occasion(occasion))
    return {number: frozenset(occasions) for number, occasions in found.items()}


def read_round(connection: Connection, day: date) -> Round | None:
    return _round(connection.execute(SQL["round"], {"day": day}).fetchone())


def hold_round(connection: Connection, day: date) -> Round | None:
    """The round of *day*, ours until the transaction ends; None when it is done, or another worker has it."""
    return _round(connection.execute(SQL["hold_round"], {"day": day}).fetchone())


def begin_round(connection: Connection, day: date, audiences: Mapping[ChannelId, UUID]) -> None:
    said = {channel: str(audience) for channel, audience in audiences.items()}
    connection.execute(SQL["begin_round"], {"day": day, "audiences": msgspec.json.encode(said).decode()})


def advance_round(connection: Connection, day: date, *, after: Number, planned: int, done_at: datetime | None) -> None:
    values = {"day": day, "after": after, "planned": planned, "done_at": done_at}
    connection.execute(SQL["advance_round"], values)


def sweep(connection: Connection, before: date, year: int) -> None:
    """Forget rounds before a day, and whom we greeted before *year*."""
    connection.execute(SQL["sweep_rounds"], {"before": before})
    connection.execute(SQL["sweep_greeted"], {"year": year})


def _round(row: Sequence[Any] | None) -> Round | None:
    if row is None:
        return None
    day, audiences, after, planned, done_at = row
    by_channel = {ChannelId(channel): UUID(audience) for channel, audience in audiences.items()}
    return Round(day, by_channel, Number(after), planned, done_at)
