"""A dry run of an import: each row is decided as a decision by itself is, and nothing lasts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

import attrs
from psycopg import Connection

from placet.consents import store
from placet.consents.actions import Asked, Batch, Rulebook, decide, facts_for, gather
from placet.consents.model import Outcome, Wish
from placet.kernel.ids import Number, SubjectId, new_record_id
from placet.kernel.seal import KEY_BYTES
from placet.ledger import append as ledger
from placet.ledger.model import Row
from placet.store.queries import queries

_SQL = queries("placet.consents", "imports.sql")


@attrs.frozen
class Rehearsal:
    """
    What `bulk.record_rows` would answer, unit after unit, in one transaction that is never committed.

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
        """One outcome each; ids and positions mean nothing."""
        batch = gather(self.connection, Asked.by(wishes), self.rulebook, now, partial(ledger.ending, self.connection))
        self._remind(batch, wishes)
        batch.enter = _no_row
        outcomes = [decide(batch, wish, facts_for(batch, wish)) for wish in wishes]
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
