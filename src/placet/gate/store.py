"""What the gate reads from the database: through the views that the lower folders publish, never their tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property
from itertools import groupby
from typing import Any
from uuid import UUID

import attrs
from psycopg import Connection
from psycopg.types.json import Jsonb

from placet.consents.actions import states_as_of
from placet.consents.model import State
from placet.consents.rules import Terms as PurposeTerms
from placet.gate.model import CONSENT, Facts, Need, Person, Question, Reason, Standing, Standings, Terms, Token
from placet.kernel import jcs
from placet.kernel.ids import ActivityId, ChannelId, Number, PurposeId, SubjectId
from placet.store.copying import array
from placet.store.queries import queries

_SQL = queries("placet.gate")


def facts(connection: Connection, question: Question) -> Facts:
    """All that *question* depends on, in one statement, so in one snapshot."""
    parameters = {"subject": question.subject, "asked": question.asked, "channel": question.channel}
    return _facts(connection.execute(_SQL["facts"], parameters).fetchall())


def facts_of_many(
    connection: Connection, subjects: Sequence[SubjectId], asked: ActivityId | PurposeId, channel: ChannelId | None
) -> dict[SubjectId, Facts]:
    """`facts` of each of *subjects*, in one statement; who was never known is left out."""
    parameters = {"subjects": array(map(str, subjects)), "asked": asked, "channel": channel}
    rows = connection.execute(_SQL["facts_of_many"], parameters).fetchall()
    each = groupby(rows, key=lambda row: row[0])
    return {SubjectId(subject): _facts([row[1:] for row in found]) for subject, found in each}


def _facts(rows: list[tuple[Any, ...]]) -> Facts:
    epoch, position, recorded_at, number, _id, erased, merged, restricted, is_activity, *activity = rows[0][:11]
    needs = [row[11:] for row in rows if row[11] is not None]
    standings: dict[tuple[PurposeId, ChannelId | None], Standing] = {}
    for purpose, _channel, _major, _held, _shut, *whole_and_part in needs:
        _add(standings, purpose, None, whole_and_part[:3])
        _add(standings, purpose, whole_and_part[3], whole_and_part[4:])
    return Facts(
        ending=Token(epoch, position),
        recorded_at=recorded_at,
        terms=_activity_terms(needs, *activity) if is_activity else _purpose_terms(needs),
        # A merged person whose remaining one is merged again is not guessed at.
        person=None if number is None or merged else Person(Number(number), erased, restricted),
        standings=standings,
        majors={purpose: major for purpose, _channel, major, *_ in needs if major is not None},
        restricted=frozenset(purpose for purpose, _channel, _major, held, *_ in needs if held),
        closed=frozenset(purpose for purpose, _channel, _major, _held, shut, *_ in needs if shut),
    )


def facts_as_of(
    connection: Connection, question: Question, *, known_at: datetime | None, purposes: Mapping[PurposeId, PurposeTerms]
) -> Facts:
    """
    The same for another time: the states are folded from the person's records (design: *State*).

    What is restricted or closed is so now, and says nothing of another time.
    """
    now = unhindered(facts(connection, question))
    folded = states_as_of(connection, question.subject, terms=purposes, at=question.at, known_at=known_at)
    instant = question.at if known_at is None else min(question.at, known_at)
    return attrs.evolve(now, standings=standings(folded), majors=majors_as_of(connection, now.majors, instant))


def numbers(connection: Connection, subjects: Sequence[SubjectId]) -> dict[SubjectId, Number]:
    """The numbers of those of *subjects* who are known."""
    return dict(connection.execute(_SQL["numbers"], {"ids": list(subjects)}).fetchall())


def unhindered(facts: Facts) -> Facts:
    """*facts* as if nothing were restricted or closed."""
    person = None if facts.person is None else attrs.evolve(facts.person, restricted=False)
    return attrs.evolve(facts, person=person, restricted=frozenset(), closed=frozenset())


def standings(folded: Mapping[PurposeId, Mapping[ChannelId | None, State]]) -> Standings:
    """States as the gate's rules read them."""
    return {
        (purpose, channel): Standing(past.decision.value, past.notice_major, past.expires_at)
        for purpose, states in folded.items()
        for channel, past in states.items()
    }


def majors(connection: Connection) -> dict[PurposeId, int]:
    """The major versions in force."""
    return {PurposeId(purpose): major for purpose, major in connection.execute(_SQL["majors"])}


def majors_as_of(
    connection: Connection, in_force: Mapping[PurposeId, int], instant: datetime
) -> Mapping[PurposeId, int]:
    """The major versions in force at *instant*; *in_force* are those of today."""
    return Majors(connection, in_force).at(instant)


class Majors:
    """
    The major versions in force at any instant: those of today if nothing was published since, else as the ledger tells.

    Read when they are needed first, and once: thousands of uses are judged in one transaction.
    """

    def __init__(self, connection: Connection, in_force: Mapping[PurposeId, int] | None = None) -> None:
        self._connection = connection
        self._in_force = majors(connection) if in_force is None else in_force

    def at(self, instant: datetime) -> Mapping[PurposeId, int]:
        """Nothing published by then means that nothing was in force, so that nothing could be given on it."""
        if self._since is not None and self._since <= instant:
            return self._in_force
        return next((majors for published_at, majors in self._published if published_at <= instant), {})

    def until(self, instant: datetime) -> list[tuple[datetime, Mapping[PurposeId, int]]]:
        """What every publication by *instant* put into force, the first one first."""
        return [(at, majors) for at, majors in reversed(self._published) if at <= instant]

    @cached_property
    def _since(self) -> datetime | None:
        row = self._connection.execute(_SQL["edition"]).fetchone()
        return None if row is None else row[0]

    @cached_property
    def _published(self) -> list[tuple[datetime, Mapping[PurposeId, int]]]:
        """Every publication, the latest first."""
        events = ((at, jcs.parse(body)) for at, body in self._connection.execute(_SQL["events"]))
        return [
            (at, {notice["purpose"]: int(notice["version"].partition(".")[0]) for notice in event["notices"]})
            for at, event in events
            if event["type"] == "catalogue"
        ]


def role_of(connection: Connection, activity: ActivityId) -> str | None:
    """The role of the activity's own purpose, or of the first one it needs."""
    row = connection.execute(_SQL["role_of"], {"activity": activity}).fetchone()
    return None if row is None else str(row[0])


def take_role(connection: Connection, role: str, activity: ActivityId, channel: ChannelId | None) -> None:
    """Until the transaction ends or `leave_role`. Hashing a few million numbers needs more than the usual work_mem."""
    connection.execute(_SQL["take_role"], {"role": role, "activity": activity, "channel": channel or ""})


def leave_role(connection: Connection) -> None:
    connection.execute(_SQL["leave_role"])


def keep_audience(connection: Connection, columns: Mapping[str, Any]) -> None:
    connection.execute(_SQL["keep_audience"], {**columns, "excluded": Jsonb(columns["excluded"])})


def kept_audience(connection: Connection, id: UUID) -> dict[str, Any] | None:
    """The columns of an audience, as the gate freezes it again."""
    row = connection.execute(_SQL["kept_audience"], {"id": id}).fetchone()
    if row is None:
        return None
    activity, channel, basis, needs, epoch, position, as_of, expires_at, excluded, sha256, members = row
    return {
        "id": id,
        "activity": activity,
        "channel": channel,
        "basis": basis,
        "needs": tuple(needs),
        "token": Token(epoch, position),
        "as_of": as_of,
        "expires_at": expires_at,
        "excluded": {Reason(reason): count for reason, count in excluded.items()},
        "sha256": sha256,
        "members": members,
    }


def _activity_terms(needs: list[tuple[Any, ...]], basis: str | None, channel: ChannelId | None) -> Terms:
    return Terms(basis, tuple(Need(purpose, channel) for purpose, channel, *_ in needs), channel)


def _purpose_terms(needs: list[tuple[Any, ...]]) -> Terms | None:
    """A purpose asked for by itself needs itself; a word that is neither activity nor purpose has no terms."""
    return Terms(CONSENT, tuple(Need(purpose) for purpose, *_ in needs)) if needs else None


def _add(
    standings: dict[tuple[PurposeId, ChannelId | None], Standing],
    purpose: PurposeId,
    channel: ChannelId | None,
    columns: list[Any],
) -> None:
    decision, notice_major, expires_at = columns
    if decision is not None:
        standings[purpose, channel] = Standing(decision, notice_major, expires_at)
