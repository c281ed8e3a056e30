"""
Recording decisions: read, decide, write, in one transaction under the ledger's head row.

This and `consents.bulk` are the only writers of decisions. What is acknowledged is durable; the tree, and so the
proof, follow within a second.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import Protocol

import attrs
from psycopg import Connection

from placet.consents import evidence as sealed_evidence
from placet.consents import store
from placet.consents.model import (
    Actor,
    Decision,
    Notice,
    Outcome,
    Record,
    Recorded,
    Refused,
    Standing,
    State,
    Wish,
)
from placet.consents.rules import Facts, Foldable, Shown, Terms, admit, fold, step
from placet.kernel import jcs
from placet.kernel.ids import (
    ChannelId,
    MandateId,
    Number,
    Position,
    PurposeId,
    RecordId,
    SubjectId,
    new_record_id,
    parse_uuid,
)
from placet.kernel.seal import keyed_hash, seal
from placet.ledger import append as ledger
from placet.ledger.entries import commitment
from placet.ledger.model import Head, Row

EVIDENCE = b"placet/evidence/v1\x00"
"""What a keyed hash of evidence begins with."""
_DECISIONS = {decision.value: decision for decision in Decision}


class Rulebook(Protocol):
    """What the rules ask of the rooms below; `bootstrap` fills it in."""

    rest: timedelta

    def terms(self, connection: Connection) -> Mapping[PurposeId, Terms]:
        """The purposes of the catalogue in force in this transaction."""
        ...

    def unwrap(self, wrapped_key: bytes, subject: SubjectId) -> bytes:
        """The subject's own key."""
        ...

    def shown(self, connection: Connection, digest: bytes) -> Shown | None:
        """The remembered text with this SHA-256."""
        ...

    def covers(
        self, connection: Connection, representative: SubjectId, mandate: MandateId, wish: Wish, now: datetime
    ) -> bool:
        """Whether the mandate lets this representative decide this."""
        ...


@attrs.frozen
class Asked:
    """What a transaction is about, so what must be read to decide it."""

    subjects: Collection[SubjectId]
    purposes: Collection[str]
    keys: Sequence[bytes]
    dated: bool
    """Whether a time is supplied that may lie before a line began."""

    @classmethod
    def by(cls, wishes: Sequence[Wish]) -> Asked:
        return cls(
            subjects={wish.subject for wish in wishes},
            purposes={wish.purpose for wish in wishes},
            keys=[wish.idempotency_key for wish in wishes if wish.idempotency_key is not None],
            dated=any(wish.occurred_at is not None for wish in wishes),
        )


@attrs.define
class Batch:
    """A transaction under way: the facts it read, and what it will write (shared with `consents.bulk`)."""

    connection: Connection
    rulebook: Rulebook
    now: datetime
    head: Head
    terms: Mapping[PurposeId, Terms]
    people: Mapping[SubjectId, store.Person]
    standings: dict[tuple[Number, PurposeId], dict[ChannelId | None, State]]
    answered: dict[bytes, store.Answered]
    line_since: Mapping[Number, datetime]
    keys: dict[SubjectId, bytes] = attrs.field(factory=dict)
    writing: store.Writing = attrs.field(factory=store.Writing)
    rows: list[Row] = attrs.field(factory=list)
    enter: Callable[[Row], object] = attrs.Factory(lambda batch: batch.rows.append, takes_self=True)
    """Where the ledger's rows go."""


def record(connection: Connection, wishes: Sequence[Wish], *, rulebook: Rulebook, now: datetime) -> list[Outcome]:
    """
    Record *wishes* in their order, in the caller's transaction; one outcome each, in the same order.

    A refused wish leaves the others untouched. Nothing is acknowledged before the caller's commit.
    """
    # The head is locked first: what is read afterwards cannot be changed by another decision until we commit.
    batch = gather(connection, Asked.by(wishes), rulebook, now, ledger.locking_head(connection))
    outcomes = [decide(batch, wish, facts_for(batch, wish)) for wish in wishes]
    ledger.append(connection, batch.rows)
    if batch.rows or batch.writing.answered:
        store.write(connection, batch.writing)
    return outcomes


def history(connection: Connection, subject: SubjectId, *, before: int | None = None, limit: int = 50) -> list[Record]:
    """The subject's records, newest first, those with a position below *before*."""
    return store.history(connection, subject, before=before, limit=limit)


def states_as_of(
    connection: Connection,
    subject: SubjectId,
    *,
    terms: Mapping[PurposeId, Terms],
    at: datetime | None,
    known_at: datetime | None,
) -> Mapping[PurposeId, Standing]:
    """The fold of the subject's records to *at*, as known at *known_at*."""
    return dict(fold(store.records(connection, subject), terms, at=at, known_at=known_at))


def request_digest(wish: Wish) -> bytes:
    """SHA-256 over what the caller asked: an idempotency key used again for something else is a conflict."""
    said = [
        str(wish.subject), wish.purpose, wish.channel, wish.decision, wish.route, wish.language, wish.actor.kind,
        wish.actor.id, None if wish.shown is None else wish.shown.hex(), wish.notice_version,
        None if wish.occurred_at is None else wish.occurred_at.isoformat(),
        None if wish.mandate is None else str(wish.mandate),
        None if wish.evidence is None else sha256(wish.evidence).hexdigest(),
    ]  # fmt: skip
    return sha256(jcs.canonical(said)).digest()


def gather(connection: Connection, asked: Asked, rulebook: Rulebook, now: datetime, head: Callable[[], Head]) -> Batch:
    """Read what deciding on it takes; *head* was asked for before, and is read with the rest."""
    people_asked = store.asked_people(connection, asked.subjects)
    standings = store.asked_standings(connection, asked.subjects, asked.purposes)
    answered = store.asked_answers(connection, asked.keys)
    terms, people = rulebook.terms(connection), people_asked()
    tied = asked.dated and any(each.line_tied for each in terms.values())
    lines = store.line_since(connection, [person.number for person in people.values()]) if tied else {}
    return Batch(connection, rulebook, now, head(), terms, people, standings(), answered(), lines)


def decide(batch: Batch, wish: Wish, facts: Facts) -> Outcome:
    """Admit one wish or refuse it; what it writes is added to the batch."""
    if wish.idempotency_key is not None and (before := batch.answered.get(wish.idempotency_key)) is not None:
        return again(batch, wish, before)
    person = batch.people.get(wish.subject)
    standing = {} if person is None else batch.standings.get((person.number, wish.purpose), {})
    if (refused := admit(wish, facts, standing, now=batch.now, rest=batch.rulebook.rest)) is not None:
        return refused
    assert person is not None
    return _enter(batch, wish, person, facts)


def again(batch: Batch, wish: Wish, before: store.Answered) -> Outcome:
    """The answer to a key that was answered before."""
    if before.request != request_digest(wish):
        return Refused(
            "key-reused", "this idempotency key was used for another request; use a new key for each decision"
        )
    return Recorded(before.record, before.position, batch.head.epoch, replayed=True)


def facts_for(batch: Batch, wish: Wish) -> Facts:
    """What the rules may know about *wish*; may ask the database."""
    person = batch.people.get(wish.subject)
    return Facts(
        known=person is not None,
        erased=person is not None and person.erased,
        terms=batch.terms.get(wish.purpose),
        shown=None if wish.shown is None else batch.rulebook.shown(batch.connection, wish.shown),
        line_since=None if person is None else batch.line_since.get(person.number),
        mandate_covers=_covered(batch, wish),
    )


def _covered(batch: Batch, wish: Wish) -> bool:
    if wish.actor.kind != "representative" or wish.mandate is None or wish.actor.id is None:
        return False
    representative = SubjectId(parse_uuid(wish.actor.id, what="the representative's id"))
    return batch.rulebook.covers(batch.connection, representative, wish.mandate, wish, batch.now)


def _enter(batch: Batch, wish: Wish, person: store.Person, facts: Facts) -> Recorded:
    """Stamp, commit to, and fold one admitted wish."""
    position = Position(batch.head.position + 1)
    recorded_at = ledger.next_instant(batch.head, batch.now)
    key = key_of(batch, person)
    evidence = None if wish.evidence is None else seal_evidence(batch, wish.evidence, person)
    entered = stamp(wish, facts, position, new_record_id(recorded_at), recorded_at, evidence)
    body = entered.body
    entry = commitment(key, entered.id, body)
    batch.enter(
        Row(
            position,
            entered.id,
            recorded_at,
            body,
            entry,
            entered.subject,
            entered.purpose,
            entered.channel,
            entered.decision.value,
            entered.occurred_at,
        )
    )
    batch.head = Head(batch.head.epoch, position, recorded_at)
    if wish.idempotency_key is not None:
        _answer(batch, wish, position, entered.id)
    changed = fold_in(batch, person.number, wish.purpose, entered, position=position, terms=facts.terms)
    return Recorded(entered.id, position, batch.head.epoch, ignored=not changed)


def fold_in(
    batch: Batch, number: Number, purpose: PurposeId, said: Foldable, *, position: Position, terms: Terms | None
) -> bool:
    """Change the states by what was entered last; False when it was kept and ignored."""
    standing = batch.standings.setdefault((number, purpose), {})
    changed = step(standing, said, position=position, terms=terms)
    batch.writing.change(number, purpose, standing, changed)
    standing.update(changed)
    return bool(changed)


def key_of(batch: Batch, person: store.Person) -> bytes:
    if (key := batch.keys.get(person.id)) is None:
        assert person.wrapped_key is not None
        key = batch.keys[person.id] = batch.rulebook.unwrap(person.wrapped_key, person.id)
    return key


def stamp(
    wish: Wish, facts: Facts, position: Position, id: RecordId, recorded_at: datetime, evidence: str | None
) -> Record:
    shown, notice, said = facts.shown, None, wish.occurred_at
    if shown is not None and wish.shown is not None:
        notice = Notice(f"{shown.major}.{shown.minor}", wish.shown.hex())
    elif wish.notice_version is not None:
        notice = _unseen(wish.notice_version)
    return Record(
        id=id,
        subject=wish.subject,
        purpose=wish.purpose,
        channel=wish.channel,
        decision=_DECISIONS[wish.decision],
        route=wish.route,
        actor=wish.actor,
        # A clock of theirs may run a little ahead of ours: nothing has occurred after it was recorded.
        occurred_at=recorded_at if said is None or said > recorded_at else said,
        recorded_at=recorded_at,
        language=wish.language if wish.language is not None else (None if shown is None else shown.language),
        notice=notice,
        mandate=wish.mandate,
        evidence=evidence,
        provenance=wish.provenance,
        reason=wish.reason,
        position=position,
    )


@lru_cache(1024)
def _unseen(version: str) -> Notice:
    """The notice of an import: its version is known, the text that was shown is not."""
    return Notice(version, None)


def seal_evidence(batch: Batch, evidence: bytes, person: store.Person) -> str:
    """Seal *evidence* under the person's key; returns the keyed hash that the record holds (hex)."""
    key = key_of(batch, person)
    digest = keyed_hash(key, EVIDENCE + evidence)
    sealed = seal(key, evidence, context=person.id.bytes + sealed_evidence.CONTEXT)
    batch.writing.evidence.append(
        {"hash": digest.hex(), "number": person.number, "sealed": sealed.hex(), "created_at": batch.now}
    )
    return digest.hex()


def _answer(batch: Batch, wish: Wish, position: Position, id: RecordId) -> None:
    assert wish.idempotency_key is not None
    digest = request_digest(wish)
    batch.answered[wish.idempotency_key] = store.Answered(digest, position, id)
    batch.writing.answer(wish.idempotency_key, digest, position, batch.now)


SYSTEM = Actor("system")


def expire(connection: Connection, *, rulebook: Rulebook, now: datetime, limit: int = 1000) -> int:
    """Write the record of consents whose time has run out; they have counted as expired since then already."""
    wishes = [
        Wish(id, purpose, Decision.EXPIRED, "api", SYSTEM, channel=channel, reason="valid_for")
        for id, purpose, channel, _ in store.due(connection, now, limit)
    ]
    return sum(isinstance(outcome, Recorded) for outcome in record(connection, wishes, rulebook=rulebook, now=now))


def erased(connection: Connection, subject: SubjectId, number: Number, *, now: datetime) -> Position:
    """
    Write the `erased` event and forget what this folder holds of the person (GDPR Art. 17).

    The caller destroys the subject's key in the same transaction. Ledger rows stay, and every proof with them.
    """
    head = ledger.lock_head(connection)
    position = Position(head.position + 1)
    recorded_at = ledger.next_instant(head, now)
    id = new_record_id(recorded_at)
    body = ledger.event_body({"type": "erased", "subject": str(subject)}, id, recorded_at)
    ledger.append(connection, [Row(position, id, recorded_at, body, None, subject=subject, decision="erased")])
    forget(connection, number)
    _announce(connection, position, 0, "erased", number=number)
    return position


def forget(connection: Connection, number: Number) -> None:
    """Delete what this folder holds of a person, before the ledger may say so: a restore may have ended its epoch."""
    connection.execute(store.SQL["forget"], {"number": number})


def forget_answers(connection: Connection, *, before: datetime) -> None:
    """Forget the idempotency keys that were answered before *before*."""
    connection.execute(store.SQL["forget_answers"], {"before": before})


def published(connection: Connection, position: Position, lapsed: Sequence[tuple[PurposeId, int]]) -> None:
    """Tell the followers that a publication at *position* put new major versions into force."""
    for item, (purpose, major) in enumerate(lapsed):
        _announce(connection, position, item, "published", purpose=purpose, notice_major=major)


def _announce(
    connection: Connection,
    position: Position,
    item: int,
    decision: str,
    *,
    number: Number | None = None,
    purpose: PurposeId | None = None,
    notice_major: int | None = None,
) -> None:
    parameters = {"position": position, "item": item, "decision": decision, "number": number, "purpose": purpose,
                  "notice_major": notice_major}  # fmt: skip
    connection.execute(store.SQL["announce"], parameters)
