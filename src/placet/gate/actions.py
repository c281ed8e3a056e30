"""
The one door: `Gate.check` for one person, `Gate.audience` for many (`roles.under_purpose` for a query).

Read, decide, write: the facts come from one snapshot, the verdict from `rules.decide` (or from the replica, which
holds the same rule as bits), permits and audiences from `_mint`, which nobody else may import.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import attrs
from psycopg import Connection
from pyroaring import BitMap

from placet.config import Config
from placet.consents.rules import Terms as PurposeTerms
from placet.gate import _mint, audiences, rules, store
from placet.gate._mint import Audience, Permit
from placet.gate.model import Facts, Question, Reason, Token, Yes
from placet.gate.quick import Wording
from placet.gate.replica import Replica
from placet.gate.view import Told
from placet.kernel import errors
from placet.kernel.ids import ActivityId, ChannelId, PurposeId, SubjectId
from placet.kernel.periods import format_instant
from placet.kernel.seal import MasterKey, hashing
from placet.store.database import Database

__all__ = [
    "Allowed",
    "Answer",
    "Audience",
    "Confirmed",
    "Denied",
    "Gate",
    "Permit",
    "answer_json",
    "audience_json",
]


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


@attrs.frozen(eq=False)
class Confirmed:
    """An audience asked again: *members* may be sent to now; *gone* of it may not any more."""

    audience: Audience
    members: BitMap
    gone: int
    token: Token
    as_of: datetime


@attrs.frozen
class Gate:
    """What the gate needs besides the database: the key that signs permits, and how long its yes is good for."""

    permit_key: bytes = attrs.field(repr=False)
    permit_seconds: int = 60
    audience_seconds: int = 86_400
    _signed: Callable[[bytes], bytes] = attrs.field(init=False, eq=False, repr=False)
    _wordings: dict[tuple[str, str], Wording[_mint.PermitForm | None]] = attrs.field(
        init=False, eq=False, repr=False, factory=dict
    )
    """The last wording of each answer, by question and reason; of questions that the catalogue knows."""

    @_signed.default
    def _keyed(self) -> Callable[[bytes], bytes]:
        return hashing(self.permit_key)

    @classmethod
    def of(cls, config: Config, master: MasterKey) -> Gate:
        return cls(master.derive(_mint.KEY_LABEL), config.permit_seconds, config.audience_seconds)

    # One person

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
        return self._answer(question, store.facts(connection, question))

    def check_each(
        self,
        connection: Connection,
        subjects: Sequence[SubjectId],
        asked: ActivityId | PurposeId,
        *,
        channel: ChannelId | None = None,
        now: datetime,
    ) -> dict[SubjectId, Answer]:
        """`check` for each of *subjects*, in one statement, so in one snapshot; an answer for every one."""
        known = store.facts_of_many(connection, subjects, asked, channel)
        answers: dict[SubjectId, Answer] = {}
        for subject in subjects:
            question = Question(subject, asked, at=now, channel=channel)
            facts = known.get(subject) or store.facts(connection, question)
            answers[subject] = self._answer(question, facts)
        return answers

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

    def check_quickly(
        self,
        replica: Replica,
        subject: SubjectId,
        asked: ActivityId | PurposeId,
        *,
        channel: ChannelId | None = None,
        token: Token | None = None,
        now: datetime,
    ) -> Answer | None:
        """From memory alone, within microseconds; None when the replica may not answer: then ask the database."""
        number = replica.number_of(subject)
        if number is None:
            return None
        question = asked if channel is None else f"{asked}/{channel}"
        tick = replica.now()
        told = replica.check(number, question, token, tick)
        if told is told.view.stale:
            return None
        age = told.age_ms(tick)
        if not told.allowed:
            return Denied(Reason(told.reason), told.token, told.view.as_of, age)
        return self._allowed(replica, Question(subject, asked, now, channel), told, age, number, question)

    def tell_quickly(
        self,
        replica: Replica,
        subject: SubjectId,
        id: bytes,
        asked: ActivityId | PurposeId,
        *,
        channel: ChannelId | None = None,
        token: Token | None = None,
        now: datetime,
    ) -> bytes | None:
        """As `check_quickly`, in the words of `answer_json`; *id* is the subject's as canonical text."""
        number = replica.number_of(subject)
        if number is None:
            return None
        question = asked if channel is None else f"{asked}/{channel}"
        tick = replica.now()
        told = replica.check(number, question, token, tick)
        if told is told.view.stale:
            return None
        wording = self._wordings.get((question, told.reason))
        if wording is None or wording.told is not told:
            wording = self._wordings[question, told.reason] = Wording.of(
                told, self._form(told, asked, channel, question)
            )
        if wording.form is None:
            return wording.text(tick, None)
        until = replica.memory.end_of(number, told.view.plans[question])
        end = now + timedelta(seconds=self.permit_seconds)
        expires_at = end if until is None else min(end, until)
        return wording.text(tick, wording.form.text(self._signed, id, issued_at=now, expires_at=expires_at))

    def check_somehow(self, database: Database, replica: Replica, question: Question) -> Answer:
        """From memory if it may answer, else from the database; when that is away too, `stale`."""
        subject = question.subject
        answer = self.check_quickly(
            replica, subject, question.asked, channel=question.channel, token=question.token, now=question.at
        )
        if answer is not None:
            return answer
        try:
            with database.transaction() as connection:
                facts = store.facts(connection, question)
        except errors.Unavailable:
            view = replica.memory.view
            return Denied(Reason.STALE, view.token, view.as_of)
        if facts.person is not None:
            replica.remember(subject, facts.person.number)
        return self._answer(question, facts)

    def verify_permit(self, text: str, *, now: datetime) -> Permit:
        """The permit in *text*, if we signed it and it still holds; else `Denied` says which of the two fails."""
        permit = self.read_permit(text)
        if not permit.holds(now):
            raise errors.Denied("this permit holds no longer; ask for a new one", code="permit-expired")
        return permit

    def read_permit(self, text: str) -> Permit:
        """The permit in *text*, if we signed it, whether or not it still holds."""
        permit = _mint.read_permit(self.permit_key, text)
        if permit is None:
            raise errors.Denied("this permit was not signed by this gate; ask for a new one", code="permit-forged")
        return permit

    # Many

    def audience(
        self,
        connection: Connection,
        replica: Replica,
        asked: ActivityId | PurposeId,
        *,
        channel: ChannelId | None = None,
        token: Token | None = None,
        among: BitMap | None = None,
        now: datetime,
    ) -> Audience:
        """Whom *asked* may reach now, of *among* (numbers) or of everyone: frozen, hashed and kept."""
        question = asked if channel is None else f"{asked}/{channel}"
        found = replica.memory.columns(question, audiences.keys)
        if found is None:
            raise errors.BadInput(
                "no activity or purpose of the catalogue asks for consent under this name", code="unknown-activity"
            )
        view, plan, columns = found
        if not view.answers(token, replica.now()):
            raise _stale()
        drawn = audiences.draw(plan, columns, people=view.people, among=among)
        audience, members = _mint.mint_audience(
            drawn.members,
            id=uuid4(),
            activity=asked,
            channel=channel,
            basis=plan.basis,
            needs=plan.needs,
            token=view.token,
            as_of=now,
            expires_at=now + timedelta(seconds=self.audience_seconds),
            excluded=drawn.excluded,
        )
        store.keep_audience(connection, _columns(audience, members))
        return audience

    def kept_audience(self, connection: Connection, id: UUID) -> Audience:
        """An audience that was drawn before, as it was frozen; a changed one raises `Tampered`."""
        kept = store.kept_audience(connection, id)
        if kept is None:
            raise errors.NotFound("there is no such audience; draw one with `placet audience`", code="unknown-audience")
        digest = kept.pop("sha256")
        audience, _ = _mint.mint_audience(BitMap.deserialize(kept.pop("members")), **kept)
        if audience.sha256 != digest:
            raise errors.Tampered("the members of this audience are not those that were frozen", code="audience-broken")
        return audience

    def confirm(self, replica: Replica, audience: Audience, *, token: Token | None = None, now: datetime) -> Confirmed:
        """
        Ask again at the moment of sending: *audience* without everyone who has closed since (W5); nobody is left while
        a place that must stop does not answer (B8).

        Nobody is added: who said yes since then was not in the list that was approved.
        """
        if not audience.holds(now):
            raise errors.Denied("this audience holds no longer; draw it again", code="audience-expired")
        asked = audience.activity if audience.channel is None else f"{audience.activity}/{audience.channel}"
        found = replica.memory.columns(asked, audiences.still_keys)
        if found is None:
            raise errors.Denied(
                "what this audience was drawn for is no longer in the catalogue", code="unknown-activity"
            )
        view, plan, columns = found
        tick = replica.now()
        if not view.answers(token, tick) or not view.answers(audience.token, tick):
            raise _stale()
        members = audiences.still(plan, audience.members, columns)
        return Confirmed(audience, members, audience.count - len(members), view.token, view.as_of)

    def _answer(self, question: Question, facts: Facts) -> Answer:
        # It is never earlier than the last record: a clock that jumps back brings no consent back that had ended.
        latest = question.at if facts.recorded_at is None else max(question.at, facts.recorded_at)
        verdict = rules.decide(question if latest == question.at else attrs.evolve(question, at=latest), facts)
        if not isinstance(verdict, Yes):
            return Denied(verdict.reason, facts.ending, question.at)
        needs = tuple(str(need) for need in verdict.needs)
        permit = self._permit(question, verdict.basis, needs, verdict.until, facts.ending)
        return Allowed(verdict.basis, facts.ending, question.at, permit)

    def _allowed(
        self, replica: Replica, question: Question, told: Told, age_ms: int, number: int, asked: str
    ) -> Allowed:
        plan = told.view.plans[asked]
        until = replica.memory.end_of(number, plan)
        permit = self._permit(question, told.reason, plan.needs, until, told.token)
        return Allowed(told.reason, told.token, told.view.as_of, permit, age_ms)

    @staticmethod
    def _form(told: Told, asked: str, channel: ChannelId | None, question: str) -> _mint.PermitForm | None:
        if not told.allowed:
            return None
        needs = told.view.plans[question].needs
        return _mint.PermitForm.of(activity=asked, channel=channel, basis=told.reason, needs=needs, token=told.token)

    def _permit(
        self, question: Question, basis: str, needs: tuple[str, ...], until: datetime | None, ending: Token
    ) -> Permit:
        # A permit never outlives the consent it stands on.
        end = question.at + timedelta(seconds=self.permit_seconds)
        return _mint.mint_permit(
            self._signed,
            subject=question.subject,
            activity=question.asked,
            channel=question.channel,
            basis=basis,
            needs=needs,
            token=ending,
            issued_at=question.at,
            expires_at=end if until is None else min(end, until),
        )


def _columns(audience: Audience, members: bytes) -> dict[str, Any]:
    return {
        "id": audience.id,
        "activity": audience.activity,
        "channel": audience.channel,
        "basis": audience.basis,
        "needs": list(audience.needs),
        "epoch": audience.token.epoch,
        "position": audience.token.position,
        "as_of": audience.as_of,
        "expires_at": audience.expires_at,
        "count": audience.count,
        "excluded": dict(audience.excluded),
        "sha256": audience.sha256,
        "members": members,
    }


def _stale() -> errors.Unavailable:
    return errors.Unavailable("the replica has not caught up with that; try again in a moment", code="stale")


def answer_json(answer: Answer) -> dict[str, Any]:
    """The answer as the command line and the REST interface print it."""
    return {
        "allowed": isinstance(answer, Allowed),
        "reason": answer.basis if isinstance(answer, Allowed) else answer.reason.value,
        "as_of": format_instant(answer.as_of),
        "age_ms": answer.age_ms,
        "token": str(answer.token),
        "permit": answer.permit.text if isinstance(answer, Allowed) and answer.permit is not None else None,
    }


def audience_json(audience: Audience) -> dict[str, Any]:
    """The audience as the command line and the REST interface print it; members are given to those who ask for them."""
    return {
        "id": str(audience.id),
        "count": audience.count,
        "excluded": {reason.value: count for reason, count in audience.excluded.items()},
        "hash": audience.sha256.hex(),
        "as_of": format_instant(audience.as_of),
        "expires_at": format_instant(audience.expires_at),
        "token": str(audience.token),
    }
