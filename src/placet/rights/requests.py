"""
The requests of persons: filed, worked on within their deadline, answered. Every step is a row that stays.

Every method takes the connection whose transaction it joins; nothing is committed here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import attrs
from psycopg import Connection

from placet.consents.model import Actor
from placet.delivery.service import News, ServiceMessages, What
from placet.kernel import jcs
from placet.kernel.errors import BadInput, Conflict, Denied
from placet.kernel.ids import StaffId, SubjectId, new_record_id
from placet.kernel.periods import aware, format_instant
from placet.kernel.seal import keyed_hash
from placet.rights import deadlines, rules, store
from placet.rights.model import DATED, OPEN, Deadlines, Kind, Request, RequestId, Route, State, Step, StepKind
from placet.subjects.actions import Subjects

LONGEST = 10_000
"""Characters of what somebody may write."""
MOST_OPEN = 50
"""Requests of one person that may wait at the same time: nobody needs more, and a flood would hide other people's."""
MOST_LISTED = 201

SYSTEM = Actor("system")

_TOLD: Mapping[StepKind, What] = {
    "filed": What.REQUEST_FILED,
    "extended": What.REQUEST_EXTENDED,
    "done": What.REQUEST_DONE,
    "refused": What.REQUEST_REFUSED,
}
"""Of which steps the person is told; of an erasure nobody can be, for there is no address left."""
_CONCERNS = re.compile(r"[A-Za-z0-9._:/-]{1,100}", re.ASCII)
_ANSWERED = b"placet/request-digest/v1\x00"


@attrs.frozen
class Requests:
    """Thread-safe. *zone* is where the operator's days begin and end."""

    subjects: Subjects
    zone: ZoneInfo
    service: ServiceMessages

    # Filing

    def file(
        self,
        connection: Connection,
        subject: SubjectId,
        kind: Kind,
        *,
        text: str | None,
        route: Route,
        filed_by: Actor,
        now: datetime,
        received_at: datetime | None = None,
        concerns: str | None = None,
        opening: UUID | None = None,
        key: bytes | None = None,
    ) -> Request:
        """
        Write down what a person asks for; the legal clock runs from *received_at* (default *now*).

        An agent names the *opening* under which they file it; a human review and an objection name what they concern.
        *key* is the hash of the client and its idempotency key: the same request again is the first one.
        """
        person = self.subjects.get(connection, subject)
        if person.erased_at is not None:
            raise Conflict("this subject was erased; there is nothing to ask for any more", code="erased")
        received = _received(received_at, route, now)
        _demand_fitting(kind, filed_by, concerns, opening)
        self._demand_mandate(connection, person.id, filed_by, now)
        words = _words(text)
        asked = [kind, route, filed_by.kind, filed_by.id, concerns, words, None if opening is None else str(opening),
                 None if received_at is None else format_instant(received)]  # fmt: skip
        secret = self.subjects.key(connection, person.id)
        digest = None if key is None else keyed_hash(secret, _ANSWERED + jcs.canonical(asked))
        if key is not None and (before := store.answered(connection, key)) is not None:
            return self._again(connection, person.id, before, digest)
        if store.count_open(connection, person.id) >= MOST_OPEN:
            raise Conflict(f"{MOST_OPEN} requests of this person wait already; they come first", code="too-many-open")
        due = aware(deadlines.due(received, zone=self.zone))
        request = Request(
            RequestId(new_record_id(now)), person.id, kind, "received", route, filed_by, opening, concerns, received,
            due, None, None, None, words,
        )  # fmt: skip
        if not store.add(connection, request, key=key, digest=digest):
            before = store.answered(connection, key or b"")
            assert before is not None
            return self._again(connection, person.id, before, digest)
        self._step(connection, request, "filed", filed_by, words, now=now)
        return request

    # Reading

    def get(self, connection: Connection, id: RequestId, *, subject: SubjectId | None = None) -> Request:
        """The request *id*; one that is not *subject*'s, when given, is not found."""
        request = store.get(connection, id)
        if subject is not None and self.subjects.get(connection, request.subject).id != subject:
            raise store.unknown()
        return self._opened(connection, [request])[0]

    def of_subject(
        self, connection: Connection, subject: SubjectId, *, before: RequestId | None = None, limit: int = 50
    ) -> list[Request]:
        """The person's requests, newest first, those filed before the request *before*."""
        return self._opened(connection, store.of_subject(connection, subject, before, min(limit, MOST_LISTED)))

    def queue(
        self,
        connection: Connection,
        *,
        states: Collection[State] = OPEN,
        owner: StaffId | Literal["nobody"] | None = None,
        order: Literal["due", "filing"] = "due",
        after: RequestId | None = None,
        limit: int = 50,
    ) -> list[Request]:
        """Everybody's requests, without their words: of *owner*, of `nobody` yet, or (None) of all."""
        return store.queue(
            connection, states=states, owner=owner, order=order, after=after, limit=min(limit, MOST_LISTED)
        )

    def steps(self, connection: Connection, id: RequestId) -> list[Step]:
        """Everything that happened to a request, in order."""
        request = store.get(connection, id)
        key = store.key_of(connection, self.subjects, request.subject)
        return store.steps(connection, request, key)

    def counts_by_deadline(self, connection: Connection, now: datetime) -> Deadlines:
        """How many open requests have time, are due within a week, are overdue."""
        return store.count_by_deadline(connection, soon=now + deadlines.SOON, now=now)

    # Working on them

    def take(self, connection: Connection, id: RequestId, owner: StaffId, *, now: datetime) -> Request:
        """*owner* works on it from now on; of two who take it at once the second gets `request-taken`."""
        before = store.lock(connection, id)
        after = rules.take(before, owner)
        if after == before:
            return self._opened(connection, [after])[0]
        return self._moved(connection, after, "taken", _member(owner), now=now)

    def hand_over(self, connection: Connection, id: RequestId, to: StaffId, *, by: Actor, now: datetime) -> Request:
        """*to* goes on with it, whoever had it."""
        return self._moved(connection, rules.hand_over(store.lock(connection, id), to), "handed-over", by, now=now)

    def release(self, connection: Connection, id: RequestId, *, by: Actor, now: datetime) -> Request:
        """Back to the queue, where anybody may take it."""
        return self._moved(connection, rules.release(store.lock(connection, id)), "released", by, now=now)

    def extend(self, connection: Connection, id: RequestId, *, reason: str, by: Actor, now: datetime) -> Request:
        """Two further months, once, with a *reason* that the person is told (GDPR 12(3))."""
        words = _demanded(reason, "an extension")
        after = rules.extend(store.lock(connection, id), zone=self.zone, now=now)
        return self._moved(connection, after, "extended", by, words, now=now)

    def finish(self, connection: Connection, id: RequestId, *, outcome: str, by: Actor, now: datetime) -> Request:
        """What was asked is done; *outcome* tells the person what. Withdrawn meanwhile raises `request-withdrawn`."""
        words = _demanded(outcome, "an answer")
        after = rules.finish(store.lock(connection, id), by, now=now)
        return self._moved(connection, after, "done", by, words, now=now)

    def refuse(self, connection: Connection, id: RequestId, *, reason: str, by: Actor, now: datetime) -> Request:
        """It is not done; the person is told the *reason*, and where to complain (GDPR 12(4))."""
        words = _demanded(reason, "a refusal")
        after = rules.refuse(store.lock(connection, id), by, now=now)
        return self._moved(connection, after, "refused", by, words, now=now)

    def withdraw(self, connection: Connection, id: RequestId, *, by: Actor | None = None, now: datetime) -> Request:
        """The person does not want it any more; *by* is the person where nobody else is named."""
        request = store.lock(connection, id)
        actor = Actor("subject", str(request.subject)) if by is None else by
        return self._moved(connection, rules.withdraw(request, now=now), "withdrawn", actor, now=now)

    def forget(self, connection: Connection, subject: SubjectId, *, now: datetime) -> None:
        """Of an erased person: what they asked is answered or pointless now, and every word of it goes."""
        for request in store.open_of(connection, subject):
            closed = rules.finish if request.kind == "erasure" else _pointless
            self._moved(connection, closed(request, SYSTEM, now=now), "erased", SYSTEM, now=now, words=None)
        store.forget_words(connection, subject)

    # Within

    def _moved(
        self,
        connection: Connection,
        request: Request,
        kind: StepKind,
        by: Actor,
        words: str | None = None,
        *,
        now: datetime,
    ) -> Request:
        store.change(connection, request)
        self._step(connection, request, kind, by, words, now=now)
        return self._opened(connection, [request])[0]

    def _step(
        self, connection: Connection, request: Request, kind: StepKind, by: Actor, words: str | None, *, now: datetime
    ) -> None:
        key = None if words is None else self.subjects.key(connection, request.subject)
        store.add_step(connection, request, kind, by, words, key, now=now)
        if (what := _TOLD.get(kind)) is not None:
            # An answer is dated by its day, anything before it by the day on which we must answer.
            at = now if kind in {"done", "refused"} else request.due
            news = News(what=what, key=f"request/{request.id}/{kind}", path=f"/requests/{request.id}", at=at)
            self.service.tell(connection, request.subject, news, now=now)

    def _opened(self, connection: Connection, found: Sequence[Request]) -> list[Request]:
        return store.opened(connection, self.subjects, found)

    def _again(
        self, connection: Connection, subject: SubjectId, before: tuple[RequestId, bytes], digest: bytes | None
    ) -> Request:
        id, answered = before
        request = self.get(connection, id)
        if answered != digest or request.subject != subject:
            raise Conflict(
                "this idempotency key was used for another request; use a new key for each", code="key-reused"
            )
        return request

    def _demand_mandate(self, connection: Connection, subject: SubjectId, by: Actor, now: datetime) -> None:
        """Who files for another holds a mandate over them today, whatever its purposes."""
        if by.kind != "representative":
            return
        mandates = self.subjects.mandates(connection, subject)
        if not any(
            mandate.subject == subject and str(mandate.representative) == by.id and now in mandate.period
            for mandate in mandates
        ):
            raise Denied("no mandate lets this person ask for the other; nothing was changed", code="no-mandate")


def _received(received_at: datetime | None, route: Route, now: datetime) -> datetime:
    if received_at is None:
        return now
    if route not in DATED:
        raise BadInput("what is filed on the page is received when it is filed", code="time-not-yours")
    received = aware(received_at)
    if received > now:
        raise BadInput("a request cannot have been received in the future; nothing was changed", code="in-the-future")
    return received


def _demand_fitting(kind: Kind, by: Actor, concerns: str | None, opening: UUID | None) -> None:
    if by.kind == "agent" and opening is None:
        raise BadInput("an agent files under the opening of the person's record", code="no-opening")
    if concerns is None and kind in {"human-review", "objection"}:
        raise BadInput(
            "name the decision, record or activity that the request concerns; nothing was changed", code="no-concern"
        )
    if concerns is not None and not _CONCERNS.fullmatch(concerns):
        raise BadInput("what a request concerns is named by its id; nothing was changed", code="no-concern")


def _words(text: str | None) -> str | None:
    """What somebody wrote, in any script, as it is; nothing written is None."""
    if text is None or not (text := text.strip().replace("\r\n", "\n")):
        return None
    if len(text) > LONGEST:
        raise BadInput(f"write at most {LONGEST} characters; nothing was changed", code="text-too-long")
    if any(unicodedata.category(sign) in {"Cc", "Cs"} and sign not in "\n\t" for sign in text):
        raise BadInput("the text holds control characters; nothing was changed", code="bad-text")
    return text


def _demanded(text: str, what: str) -> str:
    words = _words(text)
    if words is None:
        raise BadInput(f"{what} needs words that the person will read; nothing was changed", code="no-reason")
    return words


def _member(id: StaffId) -> Actor:
    return Actor("agent", str(id))


def _pointless(request: Request, _by: Actor, *, now: datetime) -> Request:
    return rules.withdraw(request, now=now)
