"""
Every use replayed against the ledger (B7): was there a permit or audience, was it ours, was it in time, and did the
consents it stands on hold where the ledger ended when it was judged?

What a permit stands on is written in it and signed, so a later change of the catalogue does not change the answer.
The consents of an erased person are still replayed: what was done is judged by what was known then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from uuid import UUID

import attrs
from psycopg import Connection
from pyroaring import BitMap

from placet.consents.actions import states_as_of
from placet.consents.model import Standing
from placet.consents.rules import Terms as PurposeTerms
from placet.gate import past, rules, store
from placet.gate.actions import Audience, Gate, Permit
from placet.gate.model import CONSENT, NOBODY, Facts, Need, No, Person, Question, Terms
from placet.gate.uses import Use
from placet.kernel import errors
from placet.kernel.ids import ActivityId, Number, PurposeId
from placet.store.queries import queries

_SQL = queries("placet.gate", "uses.sql")
_PAGE = 1_000


@attrs.frozen
class Finding:
    """A use without a valid permit, and *why*: a stable word, after a colon the gate's reason."""

    use: int
    activity: ActivityId | PurposeId
    at: datetime
    why: str


@attrs.frozen
class Report:
    uses: int
    findings: tuple[Finding, ...]


Purposes = Mapping[PurposeId, PurposeTerms]
StatesAsOf = Callable[..., Mapping[PurposeId, Standing]]
"""`consents.actions.states_as_of`, or what answers the same faster for one person."""


def audit(connection: Connection, gate: Gate, *, purposes: Purposes) -> Report:
    """Replay all uses; *purposes* say how long a yes of each holds."""
    audiences: dict[UUID, str | None] = {}
    count, findings = 0, []
    for use in _uses(connection):
        count += 1
        if (finding := judge(connection, gate, use, purposes=purposes, audiences=audiences)) is not None:
            findings.append(finding)
    return Report(count, tuple(findings))


def judge(
    connection: Connection,
    gate: Gate,
    use: Use,
    *,
    purposes: Purposes,
    audiences: dict[UUID, str | None],
    states: StatesAsOf = states_as_of,
) -> Finding | None:
    """What is wrong with one use; *audiences* remembers what each audience was found to be."""
    why = (
        _subject_use(connection, gate, use, purposes, states)
        if use.audience is None
        else _audience_use(connection, gate, use, purposes, audiences)
    )
    return None if why is None else Finding(use.id, use.activity, use.at, why)


def _uses(connection: Connection) -> Iterator[Use]:
    after = 0
    while rows := connection.execute(_SQL["all"], {"after": after, "limit": _PAGE}).fetchall():
        yield from (Use(*row) for row in rows)
        after = rows[-1][0]


def _subject_use(connection: Connection, gate: Gate, use: Use, purposes: Purposes, states: StatesAsOf) -> str | None:
    """Why the use had no valid permit; None when it had."""
    # 1. There is a permit, and it is ours.
    if use.permit is None:
        return "no-permit"
    try:
        permit = gate.read_permit(use.permit)
    except errors.Denied:
        return "permit-forged"
    # 2. It is for this person, activity and channel.
    if (permit.subject, permit.activity, permit.channel) != (use.subject, use.activity, use.channel):
        return "permit-for-another"
    # 3. It was used in its time.
    if not permit.holds(use.at):
        return "permit-out-of-time"
    # 4. The ledger says the same where it ended then.
    return _replayed(connection, permit, purposes, states)


def _replayed(connection: Connection, permit: Permit, purposes: Purposes, states: StatesAsOf) -> str | None:
    parameters = {"subject": permit.subject, "position": permit.token.position}
    row = connection.execute(_SQL["judged"], parameters).fetchone()
    assert row is not None
    number, recorded_at = row
    if number is None:
        return "not-allowed:unknown-subject"
    if not permit.needs:
        return None if permit.basis != "consent" else "not-allowed:unknown-activity"
    if recorded_at is None:
        return "not-allowed:no-decision"
    refused = []
    for at in _moments(permit.issued_at, recorded_at):
        folded = states(connection, permit.subject, terms=purposes, at=at, known_at=recorded_at)
        question = Question(permit.subject, permit.activity, at)
        verdict = rules.decide(question, _facts(connection, permit, Number(number), recorded_at, folded))
        if not isinstance(verdict, No):
            return None
        refused.append(verdict.reason)
    return f"not-allowed:{refused[0]}"


def _moments(judged_at: datetime, recorded_at: datetime) -> list[datetime]:
    """
    When a yes may have held. `recorded_at` strictly increases, so after many records at once the ledger's clock runs
    ahead of the gate's; what was said then and what was judged then lie on either side of the difference.
    """
    return [judged_at] if recorded_at <= judged_at else [recorded_at, judged_at]


def _facts(
    connection: Connection,
    permit: Permit,
    number: Number,
    known_at: datetime,
    folded: Mapping[PurposeId, Standing],
) -> Facts:
    return Facts(
        ending=permit.token,
        terms=_terms(permit.needs),
        person=Person(number),
        standings=store.standings(folded),
        majors=store.majors_as_of(connection, store.majors(connection), min(permit.issued_at, known_at)),
    )


def _terms(needs: tuple[str, ...]) -> Terms:
    return Terms(CONSENT, tuple(Need.parse(need) for need in needs))


def _audience_use(
    connection: Connection, gate: Gate, use: Use, purposes: Purposes, judged: dict[UUID, str | None]
) -> str | None:
    assert use.audience is not None
    try:
        audience = gate.kept_audience(connection, use.audience)
    except errors.Tampered:
        return "audience-broken"
    if (audience.activity, audience.channel) != (use.activity, use.channel):
        return "audience-for-another"
    if not audience.holds(use.at):
        return "audience-out-of-time"
    # Each audience is replayed once, however often it was used.
    if audience.id not in judged:
        judged[audience.id] = _members_replayed(connection, audience, purposes)
    return judged[audience.id]


def _members_replayed(connection: Connection, audience: Audience, purposes: Purposes) -> str | None:
    """Whether the ledger gives every member, leaving out those whose records are not asked any more."""
    parameters = {"subject": NOBODY, "position": audience.token.position}
    row = connection.execute(_SQL["judged"], parameters).fetchone()
    known_at = None if row is None else row[1]
    if known_at is None:
        return "not-allowed:no-decision" if audience.count else None
    majors = store.majors_as_of(connection, store.majors(connection), min(audience.as_of, known_at))
    facts = Facts(audience.token, _terms(audience.needs), majors=majors)
    wrong = BitMap(audience.members) - BitMap(number for (number,) in connection.execute(_SQL["gone"]))
    for at in _moments(audience.as_of, known_at):
        if wrong:
            question = Question(NOBODY, audience.activity, at)
            wrong -= past.fold_all(connection, question, facts, known_at=known_at, purposes=purposes).members
    return f"members-without-consent:{len(wrong)}" if wrong else None
