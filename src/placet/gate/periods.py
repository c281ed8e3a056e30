"""
When did each person's consent hold? For data that was collected over time: it counts only where it was given *then*.

A span is what `check_as_of` answers yes to, from the first instant to the last: states folded from the records, expiry,
the notice in force. Most people have said yes once and nothing else; their spans are worked out in columns. For the
others the fold is asked again at each instant at which its answer can change: there are no others. One thing is as
`check_as_of` does not have it: before the first catalogue was published, its notices count as in force, for a yes that
was imported names the version on which it was said before there was a Placet.
Whose processing is restricted, and what is closed, is so now and says nothing of another time: `Gate.audience` does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby, pairwise
from operator import itemgetter
from typing import Self

import attrs
import numpy as np
import numpy.typing as npt
from psycopg import Connection

from placet.consents.model import Decision, Record, from_json
from placet.consents.rules import Terms as PurposeTerms
from placet.consents.rules import fold
from placet.gate import rules, store
from placet.gate.model import NOBODY, Facts, Need, Person, Question, Yes
from placet.kernel import jcs
from placet.kernel.errors import BadInput
from placet.kernel.ids import ActivityId, Number, Position, PurposeId
from placet.kernel.periods import MICROSECOND
from placet.store.queries import queries

_SQL = queries("placet.gate", "periods.sql")

OPEN = 2**62
"""The end of a span that has none."""
_UNIX = datetime(1970, 1, 1, tzinfo=UTC)
_BEGINNING, _ENDLESS = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
_SECOND = 1_000_000
Integers = npt.NDArray[np.int64]
Purposes = Mapping[PurposeId, PurposeTerms]


@attrs.frozen(eq=False)
class Periods:
    """
    Spans of consent in whole seconds since 1970 (UTC), half-open, sorted by number and beginning; those of one person
    never touch. A second counts only if consent held for all of it.
    """

    numbers: npt.NDArray[np.uint32]
    since: Integers
    until: Integers

    @classmethod
    def of(cls, spans: Sequence[tuple[int, int, int]]) -> Self:
        """From (number, since, until) in any order."""
        table = np.array(sorted(spans), np.int64).reshape(-1, 3)
        return cls(table[:, 0].astype(np.uint32), table[:, 1].copy(), table[:, 2].copy())

    def __len__(self) -> int:
        return len(self.numbers)

    def newest(self) -> Periods:
        """Each person's last span."""
        last = np.ones(len(self), np.bool_)
        last[:-1] = self.numbers[1:] != self.numbers[:-1]
        return self.where(last)

    def where(self, chosen: npt.NDArray[np.bool_]) -> Periods:
        """Some of them."""
        return Periods(self.numbers[chosen], self.since[chosen], self.until[chosen])


def periods(
    connection: Connection, asked: ActivityId | PurposeId, *, known_at: datetime | None, purposes: Purposes
) -> Periods:
    """
    For everybody, the spans in which every consent that *asked* needs was given, as known at *known_at* (None: as known
    today; the ledger's clock may run ahead of ours).

    *purposes* are the catalogue's (`CatalogueInForce.terms`); needs are those of the catalogue in force.
    """
    known_at = _ENDLESS if known_at is None else known_at
    folded = _Folded.of(connection, asked, known_at, purposes)
    said = {"purposes": folded.needed, "known_at": known_at, "plain": ""}
    found = []
    if _is_plain(folded.needs):
        said["plain"] = folded.needed[0]
        found.append(_plain(connection, folded.needed[0], known_at, folded.editions, purposes))
    spans = [
        (number, since, until)
        for number, records in _others(connection, said)
        for since, until in folded.spans(records)
    ]
    return _joined([*found, Periods.of(spans)])


def periods_of(
    connection: Connection,
    number: Number,
    asked: ActivityId | PurposeId,
    *,
    known_at: datetime | None,
    purposes: Purposes,
) -> Sequence[tuple[int, int]]:
    """The same for one person: since and until of each span."""
    known_at = _ENDLESS if known_at is None else known_at
    folded = _Folded.of(connection, asked, known_at, purposes)
    said = {"number": number, "purposes": folded.needed, "known_at": known_at}
    rows = connection.execute(_SQL["of_one"], said).fetchall()
    return list(folded.spans([from_json(jcs.parse(body), Position(position)) for position, body in rows]))


def _is_plain(needs: Sequence[Need]) -> bool:
    return len(needs) == 1 and needs[0].channel is None


Editions = Sequence[tuple[datetime, Mapping[PurposeId, int]]]
"""When each catalogue was published, the first one first, and the major versions it put into force."""


def _plain(
    connection: Connection, purpose: PurposeId, known_at: datetime, editions: Editions, purposes: Purposes
) -> Periods:
    """The spans of those who said yes to *purpose* once, and nothing else."""
    row = connection.execute(_SQL["plain"], {"purpose": purpose, "known_at": known_at}).fetchone()
    assert row is not None
    numbers, said, majors = (
        np.frombuffer(packed or b"", kind) for packed, kind in zip(row, (">i4", ">i8", ">i4"), strict=True)
    )
    valid_for = None if (terms := purposes.get(purpose)) is None else terms.valid_for
    expires = np.full(len(said), OPEN) if valid_for is None else said + valid_for // MICROSECOND
    parts = [
        _cut(numbers[majors == major], said[majors == major], expires[majors == major], first, beyond)
        for major, first, beyond in _in_force(purpose, editions)
    ]
    return _joined(parts)


def _in_force(purpose: PurposeId, editions: Editions) -> Iterator[tuple[int, int, int]]:
    """The major versions of the purpose's notice, each with the time (microseconds) for which it was in force."""
    changes = [(_microseconds(at), majors.get(purpose)) for at, majors in editions]
    joined = [next(same) for _, same in groupby(changes, key=itemgetter(1))]
    for (first, major), (beyond, _) in pairwise([*joined, (OPEN, None)]):
        if major is not None:
            yield major, first, beyond


def _cut(numbers: Integers, said: Integers, expires: Integers, first: int, beyond: int) -> Periods:
    """Spans from what was *said* to where it *expires*, as far as they lie in one stretch of microseconds."""
    since, until = np.maximum(said, first), np.minimum(expires, beyond)
    since, until = -(-since // _SECOND), np.where(until == OPEN, OPEN, until // _SECOND)
    return Periods(numbers.astype(np.uint32), since, until).where(since < until)


def _others(connection: Connection, said: Mapping[str, object]) -> Iterator[tuple[Number, list[Record]]]:
    """Each of the others with their records on these purposes in order; read as a stream."""
    with connection.cursor("others") as cursor:
        cursor.itersize = 10_000
        cursor.execute(_SQL["others"], said)
        for number, rows in groupby(cursor, key=itemgetter(0)):
            yield number, [from_json(jcs.parse(body), Position(position)) for _, position, body in rows]


@attrs.frozen
class _Folded:
    """Asks the fold at each instant at which its answer can change."""

    question: Question
    facts: Facts
    needs: Sequence[Need]
    editions: Editions
    purposes: Purposes

    @classmethod
    def of(cls, connection: Connection, asked: ActivityId | PurposeId, known_at: datetime, purposes: Purposes) -> Self:
        question = Question(NOBODY, asked, at=known_at)
        facts = store.unhindered(store.facts(connection, question))
        if facts.terms is None or not facts.terms.needs:
            raise BadInput(
                "no activity or purpose of the catalogue asks for consent under this name", code="unknown-activity"
            )
        (_, first), *later = store.Majors(connection, facts.majors).until(known_at) or [(_BEGINNING, {})]
        return cls(question, facts, facts.terms.needs, [(_BEGINNING, first), *later], purposes)

    @property
    def needed(self) -> list[PurposeId]:
        return [need.purpose for need in self.needs]

    def spans(self, records: Sequence[Record]) -> Iterator[tuple[int, int]]:
        """The spans of one person, in seconds."""
        instants = self._instants(records)
        answers = [(_microseconds(at), self._holds(records, at)) for at in instants]
        changes = [next(same) for _, same in groupby(answers, key=itemgetter(1))]
        for (since, held), (until, _) in pairwise([*changes, (OPEN, False)]):
            first, beyond = -(-since // _SECOND), until if until == OPEN else until // _SECOND
            if held and first < beyond:
                yield first, beyond

    def _instants(self, records: Sequence[Record]) -> list[datetime]:
        """When something was said, when it expires, when another catalogue came into force."""
        found = {at for at, _ in self.editions}
        for record in records:
            found.add(record.occurred_at)
            if record.decision is Decision.GIVEN and (valid_for := self._valid_for(record.purpose)) is not None:
                found.add(record.occurred_at + valid_for)
        return sorted(found)

    def _valid_for(self, purpose: PurposeId) -> timedelta | None:
        terms = self.purposes.get(purpose)
        return None if terms is None else terms.valid_for

    def _holds(self, records: Sequence[Record], at: datetime) -> bool:
        majors = next((majors for since, majors in reversed(self.editions) if since <= at), {})
        standings = store.standings(fold(records, self.purposes, at=at))
        facts = attrs.evolve(self.facts, person=Person(Number(0)), standings=standings, majors=majors)
        return isinstance(rules.decide(attrs.evolve(self.question, at=at), facts), Yes)


def _joined(parts: Sequence[Periods]) -> Periods:
    """All of them, in order."""
    if not parts:
        return Periods.of([])
    numbers = np.concatenate([part.numbers for part in parts])
    since = np.concatenate([part.since for part in parts])
    order = np.lexsort((since, numbers))
    return Periods(numbers[order], since[order], np.concatenate([part.until for part in parts])[order])


def _microseconds(at: datetime) -> int:
    return (at - _UNIX) // MICROSECOND
