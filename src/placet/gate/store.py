"""What the gate reads from the database: through the views that the lower folders publish, never their tables."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import attrs
from psycopg import Connection

from placet.consents.actions import states_as_of
from placet.consents.rules import Terms as PurposeTerms
from placet.gate.model import CONSENT, Facts, Need, Person, Question, Standing, Terms, Token
from placet.kernel.ids import ChannelId, Number, PurposeId
from placet.store.queries import queries

_SQL = queries("placet.gate")


def facts(connection: Connection, question: Question) -> Facts:
    """All that *question* depends on, in one statement, so in one snapshot."""
    parameters = {"subject": question.subject, "asked": question.asked, "channel": question.channel}
    rows = connection.execute(_SQL["facts"], parameters).fetchall()
    epoch, position, number, _id, erased, merged, is_activity, basis, *_ = rows[0]
    needs = [row[8:] for row in rows if row[8] is not None]
    standings: dict[tuple[PurposeId, ChannelId | None], Standing] = {}
    for purpose, _channel, _major, *whole_and_part in needs:
        _add(standings, purpose, None, whole_and_part[:3])
        _add(standings, purpose, whole_and_part[3], whole_and_part[4:])
    return Facts(
        ending=Token(epoch, position),
        terms=_terms(needs, is_activity=is_activity, basis=basis),
        # A merged person whose remaining one is merged again is not guessed at.
        person=None if number is None or merged else Person(Number(number), erased=erased),
        standings=standings,
        majors={purpose: major for purpose, _channel, major, *_ in needs if major is not None},
    )


def facts_as_of(
    connection: Connection, question: Question, *, known_at: datetime | None, purposes: Mapping[PurposeId, PurposeTerms]
) -> Facts:
    """The same for another time: the states are folded from the person's records (design: *State*)."""
    now = facts(connection, question)
    folded = states_as_of(connection, question.subject, terms=purposes, at=question.at, known_at=known_at)
    standings = {
        (purpose, channel): Standing(past.decision.value, past.notice_major, past.expires_at)
        for purpose, states in folded.items()
        for channel, past in states.items()
    }
    return attrs.evolve(now, standings=standings)


def _terms(needs: list[tuple[Any, ...]], *, is_activity: bool, basis: str | None) -> Terms | None:
    if not needs and not is_activity:
        return None
    asked = tuple(Need(purpose, channel or None) for purpose, channel, *_ in needs)
    return Terms(basis if is_activity else CONSENT, asked)


def _add(
    standings: dict[tuple[PurposeId, ChannelId | None], Standing],
    purpose: PurposeId,
    channel: ChannelId | None,
    columns: list[Any],
) -> None:
    decision, notice_major, expires_at = columns
    if decision is not None:
        standings[purpose, channel] = Standing(decision, notice_major, expires_at)
