"""
Where people stood at thousands of moments, for the judgement of what was done with their data.

`consents.actions.states_as_of` reads and folds all records for each moment; here they are read once, and folded once
for every state of the ledger that differs.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import accumulate

from psycopg import Connection

from placet.consents import store
from placet.consents.model import Record, Standing
from placet.consents.rules import Terms, fold
from placet.kernel.ids import PurposeId, SubjectId


class Folds:
    """Answers as `states_as_of` does, for the subjects of *records*, which are in order. For one thread."""

    @classmethod
    def of(cls, connection: Connection, subjects: Iterable[SubjectId]) -> Folds:
        """For *subjects*, with their records of now."""
        return cls(store.records_of_many(connection, list(subjects)))

    def __init__(self, records: Sequence[Record]) -> None:
        self._records: dict[SubjectId, list[Record]] = {}
        for record in records:
            self._records.setdefault(record.subject, []).append(record)
        self._recorded = {id: [each.recorded_at for each in mine] for id, mine in self._records.items()}
        self._latest = {id: list(accumulate((each.occurred_at for each in mine), max)) for id, mine in
                        self._records.items()}  # fmt: skip
        self._known: dict[tuple[SubjectId, int], Mapping[PurposeId, Standing]] = {}

    def states(
        self, subject: SubjectId, *, terms: Mapping[PurposeId, Terms], at: datetime, known_at: datetime
    ) -> Mapping[PurposeId, Standing]:
        """The fold of the subject's records to *at*, as known at *known_at*; *terms* are always the same."""
        mine = self._records.get(subject, [])
        count = bisect_right(self._recorded.get(subject, []), known_at)
        if count and self._latest[subject][count - 1] > at:
            # Something was recorded by then that is said to have occurred later: no prefix answers this.
            return dict(fold(mine[:count], terms, at=at))
        if (subject, count) not in self._known:
            self._known[subject, count] = dict(fold(mine[:count], terms))
        return self._known[subject, count]
