"""Audiences of another time: every person's records are folded to it. A minute for a million, and never sent to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import groupby
from operator import itemgetter

import attrs
from psycopg import Connection
from pyroaring import BitMap

from placet.consents.model import from_json
from placet.consents.rules import Terms as PurposeTerms
from placet.consents.rules import fold
from placet.gate import rules, store
from placet.gate.audiences import GROUPS, Drawn, group
from placet.gate.model import NOBODY, Facts, No, Person, Question, Standings
from placet.kernel import jcs
from placet.kernel.errors import BadInput
from placet.kernel.ids import ActivityId, ChannelId, Number, Position, PurposeId
from placet.store.queries import queries

_SQL = queries("placet.gate", "past.sql")


def draw(
    connection: Connection,
    asked: ActivityId | PurposeId,
    *,
    channel: ChannelId | None,
    at: datetime,
    known_at: datetime | None,
    purposes: Mapping[PurposeId, PurposeTerms],
) -> Drawn:
    """Whom *asked* might have reached at *at*, as known at *known_at* (None: as known today)."""
    question = Question(NOBODY, asked, at=at, channel=channel)
    facts = store.unhindered(store.facts(connection, question))
    if facts.terms is None or not facts.terms.needs:
        raise BadInput(
            "no activity or purpose of the catalogue asks for consent under this name", code="unknown-activity"
        )
    instant = at if known_at is None else min(at, known_at)
    facts = attrs.evolve(facts, majors=store.majors_as_of(connection, facts.majors, instant))
    return fold_all(connection, question, facts, known_at=known_at, purposes=purposes)


def fold_all(
    connection: Connection,
    question: Question,
    facts: Facts,
    *,
    known_at: datetime | None,
    purposes: Mapping[PurposeId, PurposeTerms],
) -> Drawn:
    """The answer to *question* for every person, each from their own records; *facts* are what all share."""
    wanted = [] if facts.terms is None else [need.purpose for need in facts.terms.needs]
    members, excluded = BitMap(), dict.fromkeys(GROUPS, 0)
    for number, rows in _people(connection, wanted, question.at):
        standings = _standings(rows, purposes, question.at, known_at)
        verdict = rules.decide(question, attrs.evolve(facts, person=Person(number), standings=standings))
        if isinstance(verdict, No):
            excluded[group(verdict.reason)] += 1
        else:
            members.add(number)
    return Drawn(members, excluded)


def _people(
    connection: Connection, purposes: list[PurposeId], at: datetime
) -> Iterator[tuple[Number, list[tuple[int | None, bytes]]]]:
    """Each person there was, with the records on these purposes in order; read as a stream."""
    with connection.cursor("people") as cursor:
        cursor.itersize = 10_000
        cursor.execute(_SQL["people"], {"purposes": purposes, "at": at})
        for number, rows in groupby(cursor, key=itemgetter(0)):
            yield number, [(position, body) for _, position, body in rows]


def _standings(
    rows: list[tuple[int | None, bytes]],
    purposes: Mapping[PurposeId, PurposeTerms],
    at: datetime,
    known_at: datetime | None,
) -> Standings:
    records = [from_json(jcs.parse(body), Position(position)) for position, body in rows if position is not None]
    return store.standings(fold(records, purposes, at=at, known_at=known_at))
