"""
How many said what: a roll-up of the ledger by the day on which it was said in the operator's zone.

A position cursor keeps it: each slice of records is added in the transaction that moves the cursor, so every record
counts once, whoever stops in between. Pages read the roll-up alone: what they cost follows the days, not the records.
A yes is *regretted* when the same person said no to the same thing within 7 days (`counts.sql`, `count_regret`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Literal

import attrs
from psycopg import Connection

from placet.consents.model import Decision
from placet.consents.rebuild import Rebuilt
from placet.kernel.ids import ChannelId, Position, PurposeId
from placet.ledger.append import ending
from placet.store.queries import queries

Step = Literal["week", "month"]
Progress = Callable[[int, int], None]
"""Called with the positions counted so far, and all."""

SLICE = 10_000
"""Positions that are counted in one transaction."""

_SQL = queries("placet.consents", "counts.sql")


@attrs.frozen
class Said:
    """How often something was said in a period. None: the record does not say."""

    purpose: PurposeId
    channel: ChannelId | None
    decision: Decision
    language: str | None
    route: str
    notice_version: str | None
    count: int
    regretted: int


@attrs.frozen
class Spell:
    """What was said of one purpose or channel in the week or month that begins on *first*."""

    first: date
    purpose: PurposeId
    channel: ChannelId | None
    decision: Decision
    count: int
    regretted: int


def advance(connection: Connection, *, zone: str) -> int:
    """
    Count the next slice; returns how many positions that were, 0 when all is counted or another process counts.

    When the operator's *zone* has changed, the days of all records have: the counting begins anew.
    """
    row = connection.execute(_SQL["lock_counted"]).fetchone()
    if row is None:
        return 0
    position, counted_in = row
    if counted_in != zone and position:
        connection.execute(_SQL["clear"])
        position = 0
    upto = min(ending(connection).position, position + SLICE)
    _count(connection, position, upto, zone)
    return int(upto - position)


def rebuild(connection: Connection, *, zone: str, progress: Progress | None = None) -> Rebuilt:
    """Count everything again; pages show the old counts until the transaction has committed."""
    connection.execute(_SQL["wait_counted"])
    before = set(connection.execute(_SQL["everything"]))
    connection.execute(_SQL["clear"])
    end = ending(connection).position
    for after in range(0, end, SLICE):
        upto = min(after + SLICE, end)
        _count(connection, after, upto, zone)
        if progress is not None:
            progress(upto, end)
    found = set(connection.execute(_SQL["everything"]))
    return Rebuilt(len(found), len({row[:7] for row in before ^ found}))


def counted_to(connection: Connection) -> Position:
    """Up to which position of the ledger the counts go."""
    row = connection.execute(_SQL["counted"]).fetchone()
    return Position(0 if row is None else row[0])


def said(connection: Connection, *, since: date, until: date) -> list[Said]:
    """What was said from *since* to before *until*."""
    rows = connection.execute(_SQL["said"], {"since": since, "until": until})
    return [
        Said(PurposeId(purpose), _channel(channel), Decision(word), language or None, route, version or None, *counts)
        for purpose, channel, word, language, route, version, *counts in rows
    ]


def over_time(connection: Connection, *, since: date, until: date, step: Step) -> list[Spell]:
    """The same by weeks (from Monday) or months, the oldest first; where nothing was said there is no row."""
    rows = connection.execute(_SQL["over_time"], {"since": since, "until": until, "step": step})
    return [
        Spell(first, PurposeId(purpose), _channel(channel), Decision(word), *counts)
        for first, purpose, channel, word, *counts in rows
    ]


def _count(connection: Connection, after: int, upto: int, zone: str) -> None:
    if upto == after:
        return
    slice_ = {"after": after, "upto": upto, "zone": zone}
    connection.execute(_SQL["count_said"], slice_)
    connection.execute(_SQL["count_regret"], slice_)
    connection.execute(_SQL["move"], {"position": upto, "zone": zone})


def _channel(name: str) -> ChannelId | None:
    return ChannelId(name) if name else None
