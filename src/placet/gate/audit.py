"""
Every use replayed against the ledger (B7): was there a permit or audience, was it ours, was it in time, and did the
consents it stands on hold where the ledger ended when it was judged?

What a permit stands on is written in it and signed, so a later change of the catalogue does not change the answer.
The consents of an erased person are still replayed: what was done is judged by what was known then.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import attrs
from psycopg import Connection
from pyroaring import BitMap

from placet.consents.folds import Folds
from placet.consents.model import Standing
from placet.consents.rules import Terms as PurposeTerms
from placet.gate import past, rules, store
from placet.gate.actions import Audience, Gate, Permit
from placet.gate.model import CONSENT, NOBODY, Facts, Need, No, Person, Question, Terms
from placet.gate.uses import Use
from placet.kernel import errors
from placet.kernel.ids import ActivityId, Number, PurposeId, SubjectId
from placet.store.queries import queries

_SQL = queries("placet.gate", "audit.sql")
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


def audit(connection: Connection, gate: Gate, *, purposes: Purposes) -> Report:
    """Replay all uses; *purposes* say how long a yes of each holds."""
    audiences: dict[UUID, str | None] = {}
    count, findings = 0, []
    for page in _pages(connection):
        count += len(page)
        findings += judge(connection, gate, page, purposes=purposes, audiences=audiences)
    return Report(count, tuple(findings))


def judge(
    connection: Connection,
    gate: Gate,
    uses: Sequence[Use],
    *,
    purposes: Purposes,
    audiences: dict[UUID, str | None],
) -> list[Finding]:
    """
    What is wrong with *uses*, in their order; nothing is found on a use with a valid permit.

    *audiences* remembers what each audience was found to be. What the ledger tells of all permits is read at once.
    """
    read = {use.id: _permit(gate, use) for use in uses if use.audience is None}
    told = _Told.of(connection, [permit for permit in read.values() if isinstance(permit, Permit)], purposes)
    findings = []
    for use in uses:
        if use.audience is not None:
            why = _audience_use(connection, gate, use, told, audiences)
        else:
            permit = read[use.id]
            why = _replayed(permit, told) if isinstance(permit, Permit) else permit
        if why is not None:
            findings.append(Finding(use.id, use.activity, use.at, why))
    return findings


@attrs.frozen
class _Told:
    """What the ledger tells of many permits."""

    purposes: Purposes
    numbers: Mapping[SubjectId, Number]
    recorded: Mapping[int, datetime]
    """When the record was made at which each permit was judged."""
    folds: Folds
    majors: store.Majors

    @classmethod
    def of(cls, connection: Connection, permits: Iterable[Permit], purposes: Purposes) -> _Told:
        subjects = list({permit.subject for permit in permits})
        positions = list({permit.token.position for permit in permits})
        return cls(
            purposes,
            dict(connection.execute(_SQL["known"], {"subjects": subjects}).fetchall()),
            dict(connection.execute(_SQL["recorded"], {"positions": positions}).fetchall()),
            Folds.of(connection, subjects),
            store.Majors(connection),
        )


def _pages(connection: Connection) -> Iterator[list[Use]]:
    after = 0
    while rows := connection.execute(_SQL["all"], {"after": after, "limit": _PAGE}).fetchall():
        yield [Use(*row) for row in rows]
        after = rows[-1][0]


def _permit(gate: Gate, use: Use) -> Permit | str:
    """The permit of the use; or why it had no valid one, whatever the ledger says."""
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
    return permit if permit.holds(use.at) else "permit-out-of-time"


def _replayed(permit: Permit, told: _Told) -> str | None:
    """4. Why the ledger does not say the same where it ended when the permit was made; None when it does."""
    number, recorded_at = told.numbers.get(permit.subject), told.recorded.get(permit.token.position)
    if number is None:
        return "not-allowed:unknown-subject"
    if not permit.needs:
        return None if permit.basis != "consent" else "not-allowed:unknown-activity"
    if recorded_at is None:
        return "not-allowed:no-decision"
    refused = []
    for at in _moments(permit.issued_at, recorded_at):
        folded = told.folds.states(permit.subject, terms=told.purposes, at=at, known_at=recorded_at)
        question = Question(permit.subject, permit.activity, at)
        majors = told.majors.at(min(permit.issued_at, recorded_at))
        verdict = rules.decide(question, _facts(permit, number, folded, majors))
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
    permit: Permit, number: Number, folded: Mapping[PurposeId, Standing], majors: Mapping[PurposeId, int]
) -> Facts:
    return Facts(
        ending=permit.token,
        terms=_terms(permit.needs),
        person=Person(number),
        standings=store.standings(folded),
        majors=majors,
    )


def _terms(needs: tuple[str, ...]) -> Terms:
    return Terms(CONSENT, tuple(Need.parse(need) for need in needs))


def _audience_use(
    connection: Connection, gate: Gate, use: Use, told: _Told, judged: dict[UUID, str | None]
) -> str | None:
    """Why the use had no valid audience; None when it had."""
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
        judged[audience.id] = _members_replayed(connection, audience, told)
    return judged[audience.id]


def _members_replayed(connection: Connection, audience: Audience, told: _Told) -> str | None:
    """Whether the ledger gives every member, leaving out those whose records are not asked any more."""
    row = connection.execute(_SQL["recorded"], {"positions": [audience.token.position]}).fetchone()
    known_at = None if row is None else row[1]
    if known_at is None:
        return "not-allowed:no-decision" if audience.count else None
    majors = told.majors.at(min(audience.as_of, known_at))
    facts = Facts(audience.token, _terms(audience.needs), majors=majors)
    wrong = BitMap(audience.members) - BitMap(number for (number,) in connection.execute(_SQL["gone"]))
    for at in _moments(audience.as_of, known_at):
        if wrong:
            question = Question(NOBODY, audience.activity, at)
            wrong -= past.fold_all(connection, question, facts, known_at=known_at, purposes=told.purposes).members
    return f"members-without-consent:{len(wrong)}" if wrong else None
