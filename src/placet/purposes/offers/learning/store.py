"""Rows of what was told, believed, picked and ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import attrs
import msgspec
from psycopg import Connection

from placet.kernel.ids import Number, SubjectId
from placet.purposes.offers.learning.model import Group, Policy, Prior, Seen, Source, Whole
from placet.purposes.offers.learning.population import Population
from placet.store.queries import queries

SQL = queries("placet.purposes.offers.learning")
HALF_LIVES = 4
"""How long anything is remembered: after so many, a sixteenth of it is left."""
KEPT_AFTER_WITHDRAWAL = timedelta(days=30)
"""As the catalogue says of `offers`."""
_AT_ONCE = 50_000


@attrs.frozen
class Doubt:
    """A person whom a topic may not interest, and what their messages told of it."""

    number: Number
    topic: str
    segment: str
    seen: Seen
    sources: tuple[Source, ...]
    """What speaks against it."""


def seen(connection: Connection, numbers: Whole, policy: Policy, *, now: datetime) -> list[tuple[Number, str, Seen]]:
    """What these persons' messages told, by topic."""
    values = weighing(policy, now=now) | {"numbers": numbers.tolist()}
    rows = connection.execute(SQL["seen"], values)
    return [
        (Number(number), topic, Seen(sends, wanted, unwanted, liked_by and Source(liked_by)))
        for number, topic, sends, wanted, unwanted, liked_by in rows
    ]


def groups(connection: Connection, policy: Policy, *, now: datetime) -> list[Group]:
    """What all told."""
    return [Group(*row) for row in connection.execute(SQL["groups"], weighing(policy, now=now))]


def doubtful(connection: Connection, policy: Policy, number: Number | None, *, now: datetime) -> list[Doubt]:
    """Whom a topic may not interest: of all, or of one person."""
    values = weighing(policy, now=now) | {"number": number, "sends": policy.stop.sends}
    rows = connection.execute(SQL["doubtful"], values)
    return [
        Doubt(Number(number), topic, segment, Seen(*told), tuple(map(Source, sources)))
        for number, topic, segment, *told, sources in rows
    ]


def weighing(policy: Policy, *, now: datetime) -> dict[str, Any]:
    """What the statements weigh messages by."""
    return {
        "signs": signs(policy),
        "half_life": policy.half_life.total_seconds(),
        "since": now - HALF_LIVES * policy.half_life,
        "silent": now - policy.silence,
        "unpressed": now - policy.unpressed,
        "now": now,
    }


def signs(policy: Policy) -> str:
    """The weight of each sign, as JSON rows."""
    rows = [{"sign": sign, "wanted": one.wanted, "unwanted": one.unwanted} for sign, one in policy.signs.items()]
    return msgspec.json.encode(rows).decode()


def subjects(connection: Connection, numbers: Sequence[Number]) -> Mapping[Number, SubjectId]:
    """Who these numbers are."""
    rows = connection.execute(SQL["subjects"], {"numbers": list(numbers)})
    return {Number(number): SubjectId(subject) for number, subject in rows}


def believed(connection: Connection, model: str, prior: Prior) -> Population:
    """What *model* believes; before it was ever fitted, what *prior* says."""
    row = connection.execute(SQL["believed"], {"model": model}).fetchone()
    return Population(prior) if row is None else _population(row[0], prior)


def keep_population(connection: Connection, model: str, population: Population, *, now: datetime) -> None:
    """What *model* believes from now on."""
    said = {
        "topics": population.topics,
        "segments": [[topic, segment, rate] for (topic, segment), rate in population.segments.items()],
        "strengths": population.strengths,
    }
    values = {"model": model, "now": now, "body": msgspec.json.encode(said).decode()}
    connection.execute(SQL["keep_population"], values)


def keep_picks(connection: Connection, sorting: UUID, columns: Mapping[str, Sequence[Any]], *, now: datetime) -> None:
    """Picks told as *columns*; in portions, since a statement's parameters have a limit."""
    for at in range(0, len(columns["numbers"]), _AT_ONCE):
        part = {name: list(column[at : at + _AT_ONCE]) for name, column in columns.items()}
        connection.execute(SQL["keep_picks"], part | {"sorting": sorting, "now": now})


def trials(connection: Connection, policy: Policy, *, ripe: datetime) -> list[dict[str, Any]]:
    """What was picked up to *ripe*, as rows of `trials.COLUMNS`."""
    names = ("person", "at", "segment", "eligible", "wished", "chosen", "propensity", "wanted", "unwanted")
    found = connection.execute(SQL["trials"], {"signs": signs(policy), "ripe": ripe})
    return [dict(zip(names, row, strict=True)) for row in found]


def forget(connection: Connection, policy: Policy, *, now: datetime) -> None:
    """Delete what is no longer remembered, and all of those who took their consent back a month ago."""
    values = {"before": now - HALF_LIVES * policy.half_life, "withdrawn": now - KEPT_AFTER_WITHDRAWAL}
    for name in ("heard", "pick", "heard_withdrawn", "pick_withdrawn", "ended_withdrawn"):
        connection.execute(SQL[f"forget_{name}"], values)


def last_round(connection: Connection, model: str) -> tuple[bool, datetime | None]:
    """Whether it is ours to make the population anew, and when that was done last."""
    row = connection.execute(SQL["population"], {"model": model}).fetchone()
    if row is not None:
        return True, row[0]
    # Nothing came back: it was never made, or another worker has it in hand.
    return connection.execute(SQL["believed"], {"model": model}).fetchone() is None, None


def _population(said: Any, prior: Prior) -> Population:
    segments = {(topic, segment): rate for topic, segment, rate in said["segments"]}
    return Population(prior, said["topics"], segments, said["strengths"])
