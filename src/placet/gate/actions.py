"""
The one door: `Gate.check` for one person, `Gate.audience` for many, `under_purpose` for a query in the database.

Read, decide, write: the facts come from one statement (one snapshot), the verdict from `rules.decide`, the permit
from `_mint`, which nobody else may import.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import attrs
from psycopg import Connection

from placet.config import Config
from placet.consents.rules import Terms as PurposeTerms
from placet.gate import _mint, rules, store
from placet.gate._mint import Audience, Permit
from placet.gate.model import Facts, Question, Reason, Token, Yes
from placet.kernel import errors
from placet.kernel.ids import ActivityId, ChannelId, PurposeId, SubjectId
from placet.kernel.periods import format_instant
from placet.kernel.seal import MasterKey

__all__ = ["Allowed", "Answer", "Audience", "Denied", "Gate", "Permit", "as_json", "under_purpose"]


@attrs.frozen
class Allowed:
    """It may happen, on the legal basis *basis*; *permit* is None when the question was about another time than now."""

    basis: str
    token: Token
    as_of: datetime
    permit: Permit | None
    age_ms: int = 0


@attrs.frozen
class Denied:
    """It may not happen. `age_ms`: how long ago what the answer rests on was last heard to be true."""

    reason: Reason
    token: Token
    as_of: datetime
    age_ms: int = 0


Answer = Allowed | Denied


@attrs.frozen
class Gate:
    """What the gate needs besides the database: the key that signs permits, and how long its yes is good for."""

    permit_key: bytes = attrs.field(repr=False)
    permit_seconds: int = 60
    audience_seconds: int = 86_400

    @classmethod
    def of(cls, config: Config, master: MasterKey) -> Gate:
        return cls(master.derive(_mint.KEY_LABEL), config.permit_seconds, config.audience_seconds)

    def check(
        self,
        connection: Connection,
        subject: SubjectId,
        asked: ActivityId | PurposeId,
        *,
        channel: ChannelId | None = None,
        token: Token | None = None,
        now: datetime,
    ) -> Answer:
        """May *asked* (an activity, or a purpose by itself) happen for *subject* now? Authoritative: one statement."""
        question = Question(subject, asked, at=now, channel=channel, token=token)
        return self._answer(question, store.facts(connection, question), now=now)

    def check_as_of(
        self,
        connection: Connection,
        subject: SubjectId,
        asked: ActivityId | PurposeId,
        *,
        at: datetime,
        known_at: datetime | None,
        purposes: Mapping[PurposeId, PurposeTerms],
        channel: ChannelId | None = None,
        token: Token | None = None,
    ) -> Answer:
        """
        Might it have happened at *at*, as known at *known_at* (None: as known today)? *purposes* are the catalogue's.

        States are those of that time; needs are those of the catalogue in force. Never a permit: time has passed.
        """
        question = Question(subject, asked, at=at, channel=channel, token=token)
        facts = store.facts_as_of(connection, question, known_at=known_at, purposes=purposes)
        verdict = rules.decide(question, facts)
        if isinstance(verdict, Yes):
            return Allowed(verdict.basis, facts.ending, question.at, permit=None)
        return Denied(verdict.reason, facts.ending, question.at)

    def verify_permit(self, text: str, *, now: datetime) -> Permit:
        """The permit in *text*, if we signed it and it still holds; else `Denied` says which of the two fails."""
        permit = _mint.read_permit(self.permit_key, text)
        if permit is None:
            raise errors.Denied("this permit was not signed by this gate; ask for a new one", code="permit-forged")
        if not permit.holds(now):
            raise errors.Denied("this permit holds no longer; ask for a new one", code="permit-expired")
        return permit

    def _answer(self, question: Question, facts: Facts, *, now: datetime) -> Answer:
        verdict = rules.decide(question, facts)
        if not isinstance(verdict, Yes):
            return Denied(verdict.reason, facts.ending, now)
        permit = self._permit(question, verdict, facts.ending, now)
        return Allowed(verdict.basis, facts.ending, now, permit)

    def _permit(self, question: Question, verdict: Yes, ending: Token, now: datetime) -> Permit:
        # A permit never outlives the consent it stands on.
        end = now + timedelta(seconds=self.permit_seconds)
        return _mint.mint_permit(
            self.permit_key,
            subject=question.subject,
            activity=question.asked,
            channel=question.channel,
            basis=verdict.basis,
            token=ending,
            issued_at=now,
            expires_at=end if verdict.until is None else min(end, verdict.until),
        )


@contextlib.contextmanager
def under_purpose(connection: Connection, activity: ActivityId, channel: ChannelId | None) -> Iterator[None]:
    """
    Read under *activity*'s purpose role: each statement shows the rows of those who consent when it starts (B6).

    Inside a transaction at READ COMMITTED; above it nothing is shown. A statement or a server-side cursor that runs
    already keeps its snapshot, so draw long lists in pages. Outside the block the program is itself again.
    """
    role = store.role_of(connection, activity)
    if role is None:
        raise errors.Denied(f"{activity} needs no purpose, so no purpose's role reads for it", code="no-purpose-role")
    with connection.transaction():
        store.take_role(connection, role, activity, channel)
        yield
        store.leave_role(connection)


def as_json(answer: Answer) -> dict[str, Any]:
    """The answer as the command line and the REST interface print it."""
    allowed = isinstance(answer, Allowed)
    return {
        "allowed": allowed,
        "reason": answer.basis if isinstance(answer, Allowed) else answer.reason.value,
        "as_of": format_instant(answer.as_of),
        "age_ms": answer.age_ms,
        "token": str(answer.token),
        "permit": answer.permit.text if isinstance(answer, Allowed) and answer.permit is not None else None,
    }
