"""
What was done with whose data, and under which yes (B7). A use is told as it was: one without a permit is recorded
like any other, shown to the person, and found by the audit.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import attrs
import msgspec
from psycopg import Connection
from pyroaring import BitMap

from placet.gate.actions import Confirmed, Permit
from placet.gate.membership import audiences_with
from placet.gate.model import Token
from placet.kernel.errors import BadInput
from placet.kernel.ids import ActivityId, ChannelId, Number, PurposeId, SubjectId
from placet.kernel.periods import aware
from placet.store.queries import queries

_SQL = queries("placet.gate", "uses.sql")
_MOST_WORDS = 200
_BATCH = 500
"""Audience uses that are looked at together."""
_PAGE = 1_000
YEAR = timedelta(days=365)
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_FRESH = timedelta(minutes=1)
_MOST_COUNTED = 2_000


@attrs.frozen(eq=False)
class Told:
    """A use as whoever did it reports it; of one person, or of the members of an audience."""

    activity: ActivityId | PurposeId
    at: datetime = attrs.field(converter=aware)
    outcome: str = attrs.field()
    """A few words of the trade: `sent`, `refused by carrier`, `limit raised`. No personal data."""
    channel: ChannelId | None = None
    subject: SubjectId | None = None
    permit: str | None = None
    audience: UUID | None = None
    token: Token | None = None
    without: BitMap | None = None

    @outcome.validator
    def _short(self, _attribute: object, value: str) -> None:
        if not 0 < len(value) <= _MOST_WORDS:
            raise BadInput(f"an outcome is 1 to {_MOST_WORDS} characters", code="bad-outcome")

    def __attrs_post_init__(self) -> None:
        if (self.subject is None) == (self.audience is None):
            raise BadInput("a use is of one subject or of one audience", code="bad-use")


@attrs.frozen
class Use:
    """A use as it was recorded."""

    id: int
    activity: ActivityId | PurposeId
    channel: ChannelId | None
    subject: SubjectId | None
    audience: UUID | None
    permit: str | None
    epoch: str | None
    position: int | None
    at: datetime
    outcome: str


@attrs.frozen
class Total:
    """How often an activity used a person's data, and when last."""

    activity: ActivityId | PurposeId
    count: int
    last_at: datetime

    def and_one(self, at: datetime) -> Total:
        return Total(self.activity, self.count + 1, max(self.last_at, at))


def under_permit(permit: Permit, *, outcome: str, at: datetime) -> Told:
    """What was done under *permit*."""
    return Told(
        permit.activity, at, outcome, permit.channel, subject=permit.subject, permit=permit.text, token=permit.token
    )


def under_audience(confirmed: Confirmed, *, outcome: str, at: datetime) -> Told:
    """What was done to the members of an audience who were left when it was confirmed."""
    audience = confirmed.audience
    gone = BitMap(audience.members) - confirmed.members
    return Told(
        audience.activity, at, outcome, audience.channel, audience=audience.id, token=confirmed.token, without=gone
    )


def record_use(connection: Connection, use: Told) -> None:
    """Record one use."""
    record_uses(connection, [use])


def record_uses(connection: Connection, uses: Sequence[Told]) -> None:
    """Record many in one statement; with the caller's transaction, so never without what was done."""
    connection.execute(_SQL["record"], {"uses": msgspec.json.encode([_row(use) for use in uses]).decode()})


def uses_of(
    connection: Connection,
    subject: SubjectId,
    *,
    activities: Collection[ActivityId | PurposeId] | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[Use]:
    """
    What was done with the person's data (by *activities*, if given), newest first: alone, and in audiences; also what
    was done under an identity that was merged into the person.
    """
    before = 2**62 if before is None else before
    wanted = None if activities is None else list(activities)
    identities = _identities(connection, subject)
    parameters = {"subjects": list(identities), "activities": wanted, "before": before, "limit": limit}
    statement = _SQL["of_subjects"] if wanted is None else _SQL["of_subjects_by"]
    found = [Use(*use) for use in connection.execute(statement, parameters)]
    found += _as_member(connection, identities.values(), wanted, before, limit)
    return sorted(found, key=lambda use: -use.id)[:limit]


def every_use_of(connection: Connection, subject: SubjectId) -> Iterator[Use]:
    """All that was done with the person's data, newest first, a page at a time."""
    before: int | None = None
    while page := uses_of(connection, subject, before=before, limit=_PAGE):
        yield from page
        before = page[-1].id


def totals_of(connection: Connection, subject: SubjectId, *, since: datetime) -> list[Total]:
    """How often each activity used the person's data since *since*, and when last; in no order."""
    identities = _identities(connection, subject)
    parameters = {"subjects": list(identities), "since": since}
    found = {row[0]: Total(*row) for row in connection.execute(_SQL["totals"], parameters)}
    rows = connection.execute(_SQL["audience_uses"], parameters).fetchall()
    reached = _Reached.find(connection, identities.values(), (audience for _, audience, _, _ in rows))
    for activity, audience, at, without in rows:
        if reached.by(audience, without):
            found[activity] = found.get(activity, Total(activity, 0, at)).and_one(at)
    return list(found.values())


def counted(
    connection: Connection, subject: SubjectId, *, within: timedelta | None = None, now: datetime
) -> list[Total]:
    """
    `totals_of` the time *within* now, or of all time; counted again when something was done since, and every minute.

    Ten thousand uses are counted in milliseconds, which a page that is looked at often need not spend each time.
    """
    row = connection.execute(_SQL["newest"], {"subject": subject}).fetchone()
    known = _counted.get((subject, within))
    if known is not None and known.newest == row and timedelta(0) <= now - known.at < _FRESH:
        return known.totals
    totals = totals_of(connection, subject, since=_BEGINNING if within is None else now - within)
    if len(_counted) >= _MOST_COUNTED:
        _counted.clear()
    _counted[subject, within] = _Counted(row, now, totals)
    return totals


@attrs.frozen
class _Counted:
    """What was counted, when, and how far uses went then."""

    newest: Any
    at: datetime
    totals: list[Total]


_counted: dict[tuple[SubjectId, timedelta | None], _Counted] = {}
"""Of this process; any thread writes it, each write alone is atomic."""


def _identities(connection: Connection, subject: SubjectId) -> dict[SubjectId, Number]:
    """The person and whoever was merged into it, with their numbers."""
    return dict(connection.execute(_SQL["identities"], {"subject": subject}).fetchall())


@attrs.frozen
class _Reached:
    """Which audiences a person was in, under each of their numbers."""

    audiences: Mapping[Number, Collection[UUID]]

    @classmethod
    def find(cls, connection: Connection, numbers: Iterable[Number], audiences: Iterable[UUID]) -> _Reached:
        asked = set(audiences)
        return cls({number: audiences_with(connection, number, asked) for number in numbers} if asked else {})

    def by(self, audience: UUID, without: bytes | None) -> bool:
        """Whether a use of *audience* touched the person: once, under however many numbers."""
        return any(audience in mine and not _taken_out(without, number) for number, mine in self.audiences.items())


def _as_member(
    connection: Connection,
    numbers: Collection[Number],
    activities: list[ActivityId | PurposeId] | None,
    before: int,
    limit: int,
) -> list[Use]:
    """Audience uses, newest first, until *limit* of them touched the person."""
    found: list[Use] = []
    while len(found) < limit:
        parameters = {"activities": activities, "before": before, "limit": _BATCH}
        rows = connection.execute(_SQL["of_audiences"], parameters).fetchall()
        reached = _Reached.find(connection, numbers, (use[4] for use in rows))
        found += [Use(*use) for *use, without in rows if reached.by(use[4], without)]
        if len(rows) < _BATCH:
            break
        before = rows[-1][0]
    return found[:limit]


def _taken_out(without: bytes | None, number: Number) -> bool:
    """Whether the person had left the audience when it was confirmed."""
    return without is not None and number in BitMap.deserialize(without)


def _row(use: Told) -> dict[str, object]:
    return {
        "activity": use.activity,
        "channel": use.channel,
        "subject": use.subject,
        "audience": use.audience,
        "permit": use.permit,
        "epoch": None if use.token is None else use.token.epoch,
        "position": None if use.token is None else use.token.position,
        "without": use.without.serialize().hex() if use.without else None,
        "at": use.at,
        "outcome": use.outcome,
    }
