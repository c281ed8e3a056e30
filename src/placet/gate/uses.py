"""
What was done with whose data, and under which yes (B7). A use is told as it was: one without a permit is recorded
like any other, shown to the person, and found by the audit.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import attrs
import msgspec
from psycopg import Connection
from pyroaring import BitMap

from placet.gate.actions import Confirmed, Permit
from placet.gate.model import Token
from placet.kernel.errors import BadInput
from placet.kernel.ids import ActivityId, ChannelId, Number, PurposeId, SubjectId
from placet.kernel.periods import aware
from placet.store.queries import queries

_SQL = queries("placet.gate", "uses.sql")
_MOST_WORDS = 200


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


def uses_of(connection: Connection, subject: SubjectId, *, before: int | None = None, limit: int = 50) -> list[Use]:
    """What was done with the person's data, newest first: alone, and as a member of audiences."""
    row = connection.execute(_SQL["number"], {"subject": subject}).fetchone()
    before = 2**62 if before is None else before
    parameters = {"subject": subject, "before": before, "limit": limit}
    found = [Use(*use) for use in connection.execute(_SQL["of_subject"], parameters)]
    if row is not None:
        found += _as_member(connection, Number(row[0]), before, limit)
    return sorted(found, key=lambda use: -use.id)[:limit]


def _as_member(connection: Connection, number: Number, before: int, limit: int) -> list[Use]:
    """Audience uses, newest first, until *limit* of them touched the person."""
    found: list[Use] = []
    while len(found) < limit:
        rows = connection.execute(_SQL["of_audiences"], {"before": before, "limit": limit}).fetchall()
        for *columns, without in rows:
            use = Use(*columns)
            assert use.audience is not None
            taken_out = without is not None and number in BitMap.deserialize(without)
            if not taken_out and number in _members(connection, use.audience):
                found.append(use)
        if len(rows) < limit:
            break
        before = rows[-1][0]
    return found[:limit]


_known_members: dict[UUID, BitMap] = {}
_MOST_KNOWN = 64


def _members(connection: Connection, audience: UUID) -> BitMap:
    """The members of an audience never change, so a few of them are kept."""
    if (known := _known_members.get(audience)) is not None:
        return known
    row = connection.execute(_SQL["members"], {"audience": audience}).fetchone()
    members = BitMap() if row is None else BitMap.deserialize(row[0])
    if len(_known_members) >= _MOST_KNOWN:
        _known_members.clear()
    _known_members[audience] = members
    return members


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
