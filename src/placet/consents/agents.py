"""
Does somebody's desk hear yes far more often, or far less, than its peers? Answers that members and shops wrote down.

A rate is compared with the pooled rate of all others. Far off means all of this:

1. both sides have at least `LEAST` answers;
2. the peers' rate lies outside the Wilson score interval of the rate (Wilson 1927), at three standard deviations: among
   a hundred honest members fewer than one is named by chance;
3. the two rates differ by `FAR` or more: with thousands of answers any difference would show, and most mean nothing.

It is a reason to look, not a verdict. Of whom the answers are is not kept here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import attrs
from psycopg import Connection

from placet.consents.assisted import SQL
from placet.kernel.ids import PurposeId, StaffId

LEAST = 30
"""Answers below which nothing is said."""
FAR = 0.15
"""How far apart two rates must be."""
DEVIATIONS = 3.0
WINDOW = timedelta(days=90)
KEEP = timedelta(days=400)

Answer = Literal["given", "refused", "later"]
Standing = Literal["too-few", "in-line", "far-above", "far-below"]


@attrs.frozen
class Count:
    """How many were asked, and how many of them said yes; *who* is a member's id or a shop."""

    who: str
    asked: int
    given: int

    @property
    def rate(self) -> float:
        return self.given / self.asked if self.asked else 0.0


@attrs.frozen
class Interval:
    """Where the true rate lies, from `low` to `high`."""

    low: float
    high: float

    def __contains__(self, rate: float) -> bool:
        return self.low <= rate <= self.high


@attrs.frozen
class Compared:
    """One member or shop beside all others together."""

    count: Count
    interval: Interval
    peers: Count
    standing: Standing

    @property
    def far_off(self) -> bool:
        return self.standing in {"far-above", "far-below"}


def wilson(count: Count, *, deviations: float = DEVIATIONS) -> Interval:
    """The Wilson score interval; nobody asked means anything is possible."""
    if count.asked == 0:
        return Interval(0.0, 1.0)
    n, p, z = count.asked, count.rate, deviations
    middle = p + z * z / (2 * n)
    spread = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    return Interval(max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale))


def compare(counts: Iterable[Count]) -> list[Compared]:
    """Each of *counts* beside the others, those far off first, then by how many were asked."""
    every = list(counts)
    asked, given = sum(count.asked for count in every), sum(count.given for count in every)
    found = []
    for count in every:
        peers = Count("", asked - count.asked, given - count.given)
        interval = wilson(count)
        found.append(Compared(count, interval, peers, _standing(count, interval, peers)))
    return sorted(found, key=lambda each: (not each.far_off, -each.count.asked, each.count.who))


def note(
    connection: Connection,
    member: StaffId,
    shop: str | None,
    purpose: PurposeId,
    route: str,
    answer: Answer,
    *,
    now: datetime,
) -> None:
    """Count an answer that *member* wrote down; deciding later is one too, or a silent no would not count."""
    values: Mapping[str, object] = {"member": member, "shop": shop, "purpose": purpose, "route": route}
    connection.execute(SQL["add_answer"], {**values, "answer": answer, "now": now})


def members(connection: Connection, *, since: datetime, until: datetime) -> list[Compared]:
    """Each member who wrote answers down in the period; `Count.who` is the id (`member_of`)."""
    return compare(_counts(connection, "answers_by_member", since, until))


def shops(connection: Connection, *, since: datetime, until: datetime) -> list[Compared]:
    """Each shop where answers were written down in the period."""
    return compare(_counts(connection, "answers_by_shop", since, until))


def far_off(connection: Connection, *, now: datetime) -> int:
    """How many members and shops are far off their peers at present."""
    since = now - WINDOW
    found = [*members(connection, since=since, until=now), *shops(connection, since=since, until=now)]
    return sum(each.far_off for each in found)


def member_of(count: Count) -> StaffId:
    return StaffId(UUID(count.who))


def sweep(connection: Connection, *, now: datetime) -> int:
    """Delete answers that no comparison looks at any more; returns how many."""
    return connection.execute(SQL["sweep_answers"], {"before": now - KEEP}).rowcount


def _counts(connection: Connection, statement: str, since: datetime, until: datetime) -> list[Count]:
    return [Count(*row) for row in connection.execute(SQL[statement], {"since": since, "until": until}).fetchall()]


def _standing(count: Count, interval: Interval, peers: Count) -> Standing:
    if min(count.asked, peers.asked) < LEAST:
        return "too-few"
    if peers.rate in interval or abs(count.rate - peers.rate) < FAR:
        return "in-line"
    return "far-above" if count.rate > peers.rate else "far-below"
