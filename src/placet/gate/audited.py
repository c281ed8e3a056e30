"""
What the audit has found so far: each use is replayed once, soon after it happened, so that a page can say in no time
that none was without a permit. `placet audit` replays everything again and sets this right.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID

import attrs
from psycopg import Connection

from placet.gate.actions import Gate
from placet.gate.audit import Finding, Purposes, Report, audit, judge
from placet.gate.uses import Use
from placet.kernel.ids import ActivityId
from placet.store.queries import queries

SLICE = 500
"""Uses that are replayed in one transaction."""
_LATE = timedelta(hours=1)
"""How long a transaction may take to commit an id that was passed over."""

_SAY_AGAIN = timedelta(minutes=1)
"""How often it is noted that nothing is left to replay."""

_SQL = queries("placet.gate", "audited.sql")


@attrs.frozen
class Audited:
    """How many uses were replayed, how many had no valid permit, and when the audit last went on; None: never."""

    uses: int
    without_permit: int
    at: datetime | None


def advance(connection: Connection, gate: Gate, *, purposes: Purposes, now: datetime) -> int:
    """Replay the next uses; returns how many, 0 when there are none or another process replays."""
    row = connection.execute(_SQL["lock_audited"]).fetchone()
    if row is None:
        return 0
    after, at = row
    connection.execute(_SQL["drop_gaps"], {"before": now - _LATE})
    late = _late(connection)
    uses = [Use(*use) for use in connection.execute(_SQL["uses_after"], {"after": after, "limit": SLICE})]
    if not late and not uses and at is not None and now - at < _SAY_AGAIN:
        return 0
    _judge(connection, gate, [*late, *uses], purposes)
    last = uses[-1].id if uses else after
    _keep_gaps(connection, gaps(after + 1, last, [use.id for use in uses]), now)
    connection.execute(_SQL["move"], {"use": last, "uses": len(uses) + len(late), "at": now})
    return len(uses) + len(late)


def gaps(first: int, last: int, ids: Sequence[int]) -> list[tuple[int, int]]:
    """The stretches of *first* to *last* that the ordered *ids* leave out."""
    bounds = [first - 1, *ids, last + 1]
    return [(before + 1, after - 1) for before, after in pairwise(bounds) if after - before > 1]


def whole(connection: Connection, gate: Gate, *, purposes: Purposes, now: datetime) -> Report:
    """Replay all uses, and put what is found in the place of what was known."""
    connection.execute(_SQL["wait_audited"])
    while advance(connection, gate, purposes=purposes, now=now):
        pass
    report = audit(connection, gate, purposes=purposes)
    connection.execute(_SQL["forget_findings"])
    for finding in report.findings:
        _keep(connection, finding)
    connection.execute(_SQL["set"], {"uses": report.uses, "at": now})
    return report


def audited(connection: Connection) -> Audited:
    """What is known now."""
    row = connection.execute(_SQL["audited"]).fetchone()
    assert row is not None
    uses, at, without_permit = row
    return Audited(uses, without_permit, at)


def findings(connection: Connection, *, limit: int) -> list[Finding]:
    """Uses without a valid permit, the newest first."""
    rows = connection.execute(_SQL["findings"], {"limit": limit})
    return [Finding(use, ActivityId(activity), at, why) for use, activity, at, why in rows]


def _late(connection: Connection) -> list[Use]:
    """Uses that committed after later ones had been replayed; what is still missing of their gaps stays one."""
    found: dict[tuple[int, int, datetime], list[Use]] = {}
    for first, last, since, *use in connection.execute(_SQL["late_uses"], {"limit": SLICE}):
        found.setdefault((first, last, since), []).append(Use(*use))
    for (first, last, since), uses in found.items():
        connection.execute(_SQL["drop_gap"], {"first": first})
        _keep_gaps(connection, gaps(first, last, [use.id for use in uses]), since)
    return [use for uses in found.values() for use in uses]


def _judge(connection: Connection, gate: Gate, uses: Sequence[Use], purposes: Purposes) -> None:
    named = [use.audience for use in uses if use.audience is not None]
    known: dict[UUID, str | None] = dict(connection.execute(_SQL["known_audiences"], {"audiences": named}).fetchall())
    judged = dict(known)
    for finding in judge(connection, gate, uses, purposes=purposes, audiences=judged):
        _keep(connection, finding)
    for audience in judged.keys() - known.keys():
        connection.execute(_SQL["keep_audience"], {"audience": audience, "why": judged[audience]})


def _keep_gaps(connection: Connection, found: Sequence[tuple[int, int]], since: datetime) -> None:
    for first, last in found:
        connection.execute(_SQL["keep_gap"], {"first": first, "last": last, "since": since})


def _keep(connection: Connection, finding: Finding) -> None:
    connection.execute(_SQL["keep_finding"], attrs.asdict(finding))
