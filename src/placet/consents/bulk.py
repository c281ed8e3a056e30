"""
Recording thousands of decisions at once, in one transaction.

What is admitted and what it changes is decided by `actions.decide`, as everywhere. Different is only how bytes come
about: the ledger's rows stream out by COPY while the next are decided, states and feed follow by COPY, and what the
bodies of many records have in common is encoded once. A property test holds that both write the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from uuid import UUID

import attrs
from psycopg import Connection

from placet.consents import store
from placet.consents.actions import Batch, Rulebook, decide, facts_for, gather
from placet.consents.model import Outcome, Record, Wish, as_json
from placet.consents.rules import Facts
from placet.kernel import jcs
from placet.kernel.ids import MandateId, Number, RecordIds, SubjectId, new_record_id
from placet.kernel.periods import format_instant
from placet.kernel.seal import KEY_BYTES
from placet.ledger import append as ledger
from placet.ledger.model import Row
from placet.store.queries import queries

_SQL = queries("placet.consents", "imports.sql")


def record_bulk(connection: Connection, wishes: Sequence[Wish], *, rulebook: Rulebook, now: datetime) -> list[Outcome]:
    """As `actions.record`, for imports of thousands: one outcome each, in the order of *wishes*."""
    batch = gather(connection, wishes, rulebook, now, ledger.lock_head(connection))
    # While rows stream out the connection answers no questions: all facts are gathered before.
    known = _facts(batch, wishes)
    batch.new_id, batch.encode = RecordIds(), Bodies().of
    with ledger.copying(connection) as batch.enter:
        outcomes = [decide(batch, wish, facts) for wish, facts in zip(wishes, known, strict=True)]
    if batch.writing.feed or batch.writing.answered or batch.writing.evidence:
        store.write_bulk(connection, batch.writing)
    return outcomes


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
        batch.encode, batch.enter = _no_body, _no_row
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


def _no_body(_record: Record) -> bytes:
    return b""


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


class Bodies:
    """
    Canonical bodies (`Record.body`), faster: records that differ only in what each has of its own share a form.

    A form is the canonical JSON of one of them, with `%s` where evidence, id, times and subject stand: in this order,
    which is that of their keys. The places are marked by a NUL while it is made, which no record can contain, since
    PostgreSQL's text cannot.
    """

    def __init__(self) -> None:
        self._forms: dict[tuple[str | bool | MandateId | None, ...], str] = {}
        # Times and persons come again from row to row: of one person's decisions, of one export.
        self._instant = lru_cache(1024)(format_instant)
        self._subject = lru_cache(1024)(UUID.__str__)

    def of(self, record: Record) -> bytes:
        actor, notice, provenance = record.actor, record.notice, record.provenance
        key = (
            record.purpose, record.channel, record.decision.value, record.route, record.language, record.reason,
            record.mandate, actor.kind, actor.id, record.evidence is None,
            *((None, None) if notice is None else (notice.version, notice.sha256)),
            *((None, None) if provenance is None else (provenance.source, provenance.grade)),
        )  # fmt: skip
        if (form := self._forms.get(key)) is None:
            form = self._forms[key] = _form(record)
        own = [
            str(record.id),
            self._instant(record.occurred_at),
            format_instant(record.recorded_at),
            self._subject(record.subject),
        ]
        if provenance is not None:
            own.insert(2, self._instant(provenance.collected_at))
        if record.evidence is not None:
            own.insert(0, record.evidence)
        return (form % tuple(own)).encode()


_OWN = ("evidence", "id", "occurred_at", "recorded_at", "subject")


def _form(record: Record) -> str:
    """*record*'s canonical JSON with `%s` where its own values stand."""
    shape = as_json(record)
    for name in _OWN:
        if shape[name] is not None:
            shape[name] = "\0"
    if shape["provenance"] is not None:
        shape["provenance"]["collected_at"] = "\0"
    # NUL is written \u0000; a text that has these six characters itself has its backslash doubled.
    return jcs.canonical(shape).decode().replace("%", "%%").replace(r'"\u0000"', '"%s"')
