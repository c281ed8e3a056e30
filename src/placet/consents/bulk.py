"""
Recording thousands of decisions at once, in one transaction.

The rules are those of every decision: `rules.admit` and `rules.step`. Different is how bytes come about: the ledger's
rows stream out by COPY while the next are decided, states and feed follow by COPY, and what many wishes have in common
is admitted, encoded and packed once. A property test holds that for any wishes the outcomes, records, states and feed
are those of `actions.record`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import attrs
from psycopg import Connection

from placet.consents import store
from placet.consents.actions import Batch, Rulebook, decide, facts_for, fold_in, gather, key_of, stamp
from placet.consents.model import Actor, Decision, Notice, Outcome, Record, Recorded, Wish, as_json
from placet.consents.rules import Facts, admit, times
from placet.kernel import jcs
from placet.kernel.ids import ChannelId, Number, Position, RecordIds, SubjectId, new_record_id
from placet.kernel.periods import format_instant
from placet.kernel.seal import KEY_BYTES
from placet.ledger import append as ledger
from placet.ledger.entries import commitment_of
from placet.ledger.model import Head, Row
from placet.store import copying as pack
from placet.store.queries import queries

_SQL = queries("placet.consents", "imports.sql")
_SECOND = timedelta(seconds=1)


def record_bulk(connection: Connection, wishes: Sequence[Wish], *, rulebook: Rulebook, now: datetime) -> list[Outcome]:
    """As `actions.record`, for imports of thousands: one outcome each, in the order of *wishes*."""
    batch = gather(connection, wishes, rulebook, now, ledger.lock_head(connection))
    # While rows stream out the connection answers no questions: all facts are gathered before.
    known = _facts(batch, wishes)
    with ledger.copying(connection) as rows:
        line = _Line(batch, rows)
        outcomes = [line.answer(wish, facts) for wish, facts in zip(wishes, known, strict=True)]
    if batch.writing.feed or batch.writing.answered or batch.writing.evidence:
        store.write_bulk(connection, batch.writing)
    return outcomes


@attrs.define
class _Saying:
    """What the fold looks at (`rules.Foldable`), made once for a form and dated anew for each row."""

    channel: ChannelId | None
    decision: Decision
    actor: Actor
    notice: Notice | None
    occurred_at: datetime
    recorded_at: datetime


@attrs.frozen(slots=False)
class _Form:
    """What the records of many plain wishes have in common, worked out for the first of them."""

    text: str
    """Canonical JSON with `%s` where a record's own values stand."""
    words: bytes
    saying: _Saying


@attrs.frozen(slots=False)
class _Own:
    """What the records of one person have in common."""

    key: bytes
    id: bytes
    text: str


class _Line:
    """
    Answers one wish after the other and sends what they enter.

    A wish is plain when nothing but its times, its subject and its provenance's date tells it from others of its kind.
    A kind that `admit` lets in is let in for all of them, save for the times, which are asked of each; a plain wish is
    then only stamped, committed to and folded. All else goes the way of `actions.decide`.
    """

    def __init__(self, batch: Batch, rows: ledger.Copying) -> None:
        self._batch = batch
        self._rows = rows
        self._forms: dict[Any, _Form | None] = {}
        self._own: dict[SubjectId, _Own] = {}
        self._instant = lru_cache(1024)(lambda moment: (format_instant(moment), pack.microseconds(moment)))
        self._second, self._next_second = "", datetime.min.replace(tzinfo=UTC)
        batch.enter, batch.new_id = rows.write, RecordIds()

    def answer(self, wish: Wish, facts: Facts) -> Outcome:
        if wish.evidence is not None or wish.idempotency_key is not None or wish.shown is not None:
            return decide(self._batch, wish, facts)
        provenance, actor = wish.provenance, wish.actor
        kind = (
            wish.purpose, wish.channel, wish.decision, wish.route, wish.language, wish.notice_version, wish.reason,
            actor.kind, actor.id, facts.erased,
            *((None, None) if provenance is None else (provenance.source, provenance.grade)),
        )  # fmt: skip
        try:
            form = self._forms[kind]
        except KeyError:
            form = self._forms[kind] = self._form(wish, facts)
        person = self._batch.people.get(wish.subject)
        if form is None or person is None or times(wish, facts, self._batch.now) is not None:
            return decide(self._batch, wish, facts)
        return self._enter(wish, facts, form, person)

    def _form(self, wish: Wish, facts: Facts) -> _Form | None:
        """The form of a plain wish; None where each must be decided by itself."""
        undated = attrs.evolve(wish, occurred_at=None)
        if wish.actor.kind == "representative" or wish.decision == Decision.REQUESTED:
            return None
        if admit(undated, facts, {}, now=self._batch.now, rest=self._batch.rulebook.rest) is not None:
            return None
        now = self._batch.now
        record = stamp(undated, facts, Position(0), self._batch.new_id(now), now, None)
        saying = _Saying(record.channel, record.decision, record.actor, record.notice, now, now)
        return _Form(form_of(record), ledger.words(record.purpose, record.channel, record.decision.value), saying)

    def _enter(self, wish: Wish, facts: Facts, form: _Form, person: store.Person) -> Recorded:
        """As `actions.decide` enters an admitted wish, from what its form has ready."""
        batch, saying = self._batch, form.saying
        position, recorded_at = Position(batch.head.position + 1), ledger.next_instant(batch.head, batch.now)
        said = wish.occurred_at
        saying.recorded_at = recorded_at
        saying.occurred_at = recorded_at if said is None or said > recorded_at else said
        occurred_text, occurred = self._instant(saying.occurred_at)
        own = self._own.get(person.id) or self._known(person)
        id = batch.new_id(recorded_at)
        values = [str(id), occurred_text, self._recorded(recorded_at), own.text]
        if wish.provenance is not None:
            values.insert(2, self._instant(wish.provenance.collected_at)[0])
        body = (form.text % tuple(values)).encode()
        entry, recorded = commitment_of(own.key, id.bytes, body), pack.microseconds(recorded_at)
        row = ledger.pack_record(position, id.bytes, recorded, own.id, form.words, occurred, body, entry)
        self._rows.write_packed(row, position, recorded_at)
        batch.head = Head(batch.head.epoch, position, recorded_at)
        return fold_in(batch, wish, person, facts, saying, id)

    def _recorded(self, moment: datetime) -> str:
        """As `format_instant`, for moments that follow each other by microseconds: their second is written once."""
        if moment >= self._next_second:
            whole = moment.replace(microsecond=0)
            self._second, self._next_second = format_instant(whole)[:-7], whole + _SECOND
        return f"{self._second}{moment.microsecond:06}Z"

    def _known(self, person: store.Person) -> _Own:
        own = self._own[person.id] = _Own(key_of(self._batch, person), person.id.bytes, str(person.id))
        return own


@attrs.frozen
class Rehearsal:
    """
    A dry run: what `record_bulk` would answer, unit after unit, in one transaction that is never committed.

    It locks nothing. What one unit would change and a later one must see stands in temporary tables.
    """

    connection: Connection
    rulebook: Rulebook

    @classmethod
    def begin(cls, connection: Connection, rulebook: Rulebook) -> Rehearsal:
        for statement in ("rehearse_states", "rehearse_answers", "rehearse_newcomers"):
            connection.execute(_SQL[statement])
        return cls(connection, rulebook)

    def newcomers(self, ids: Sequence[SubjectId]) -> set[SubjectId]:
        """Remember subjects that would be added; those that were not remembered before."""
        rows = self.connection.execute(_SQL["rehearse_newcomer"], {"ids": list(ids)})
        return {SubjectId(id) for (id,) in rows}

    def answer(self, wishes: Sequence[Wish], *, now: datetime) -> list[Outcome]:
        """As `record_bulk`; ids and positions mean nothing."""
        batch = gather(self.connection, wishes, self.rulebook, now, ledger.ending(self.connection))
        self._remind(batch, wishes)
        known = _facts(batch, wishes)
        batch.enter = _no_row
        outcomes = [decide(batch, wish, facts) for wish, facts in zip(wishes, known, strict=True)]
        self._remember(batch)
        return outcomes

    def _remind(self, batch: Batch, wishes: Sequence[Wish]) -> None:
        """Add to the facts what this rehearsal has changed so far."""
        people, ids = dict(batch.people), list({wish.subject for wish in wishes} - batch.people.keys())
        for id, number in self.connection.execute(_SQL["rehearsed_newcomers"], {"ids": ids}):
            people[id] = store.Person(id, Number(-number), None, erased=False)
            batch.keys[id] = bytes(KEY_BYTES)
        batch.people = people
        numbers, purposes = [person.number for person in people.values()], list({wish.purpose for wish in wishes})
        batch.standings |= store.standings(self.connection, numbers, purposes, statement=_SQL["rehearsed_states"])
        keys = [wish.idempotency_key for wish in wishes if wish.idempotency_key is not None]
        for key, request in self.connection.execute(_SQL["rehearsed_answers"], {"keys": keys}):
            batch.answered[bytes(key)] = store.Answered(bytes(request), batch.head.position, new_record_id(batch.now))

    def _remember(self, batch: Batch) -> None:
        touched = {
            "numbers": [person.number for person in batch.people.values()],
            "purposes": list({purpose for _, purpose in batch.standings}),
        }
        self.connection.execute(_SQL["forget_rehearsed"], touched)
        states = {
            (number, purpose, channel): state
            for (number, purpose), standing in batch.standings.items()
            for channel, state in standing.items()
        }
        store.copy_states(self.connection, _SQL["copy_rehearsed"], states)
        answers = [(answer["key"], answer["request"]) for answer in batch.writing.answered]
        self.connection.execute(
            _SQL["rehearse_answer"], {"keys": [key for key, _ in answers], "requests": [said for _, said in answers]}
        )


def _no_row(_row: Row) -> None:
    return None


def _facts(batch: Batch, wishes: Sequence[Wish]) -> list[Facts]:
    """The facts for each wish; those that differ in nothing that facts depend on share one value."""
    shared: dict[tuple[bool, str, datetime | None], Facts] = {}
    found = []
    for wish in wishes:
        person = batch.people.get(wish.subject)
        if person is None or wish.shown is not None or wish.mandate is not None:
            found.append(facts_for(batch, wish))
            continue
        key = (person.erased, wish.purpose, batch.line_since.get(person.number))
        if (facts := shared.get(key)) is None:
            facts = shared[key] = facts_for(batch, wish)
        found.append(facts)
    return found


_OWN = ("evidence", "id", "occurred_at", "recorded_at", "subject")


def form_of(record: Record) -> str:
    """
    *record*'s canonical JSON with `%s` where its own values stand, in the order of their keys: evidence, id,
    occurred_at, collected_at, recorded_at, subject.

    The places are marked by a NUL while it is made, which no record can contain, since PostgreSQL's text cannot.
    """
    shape = as_json(record)
    for name in _OWN:
        if shape[name] is not None:
            shape[name] = "\0"
    if shape["provenance"] is not None:
        shape["provenance"]["collected_at"] = "\0"
    # NUL is written \u0000; a text that has these six characters itself has its backslash doubled.
    return jcs.canonical(shape).decode().replace("%", "%%").replace(r'"\u0000"', '"%s"')
