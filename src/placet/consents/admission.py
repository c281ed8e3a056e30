"""
Which of thousands of imported rows are recorded.

`rules.admit` decides; here it is asked once for each kind of row, and for each row about which there is a doubt: whose
person is unknown or erased, whose time may be wrong, which has a key of its own. A doubt costs time, never an answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import attrs
import numpy as np
import numpy.typing as npt

from placet.consents import store
from placet.consents.actions import Batch, again, facts_for, request_digest
from placet.consents.import_rows import Rows
from placet.consents.model import Recorded, Refused
from placet.consents.rules import CLOCK_SLACK, Facts, admit
from placet.kernel.columns import NEVER, Places, instants
from placet.kernel.ids import Position, RecordId, SubjectId

_ANYBODY = SubjectId(UUID(int=0))
UNKNOWN = Refused("unknown-subject", "no such subject; add the subject first, or import with --create-subjects")


@attrs.define(eq=False)
class Admitted:
    """What may be recorded of some rows, and what became of the others."""

    people: Sequence[store.Person | None]
    """Whom each of the rows' names means."""
    at: Places = attrs.field(factory=lambda: np.empty(0, np.int64))
    """The places of the rows that may be recorded."""
    refused: dict[int, Refused] = attrs.field(factory=dict)
    """By number."""
    repeated: int = 0
    """Rows whose key was answered before."""
    requests: dict[int, tuple[bytes, bytes]] = attrs.field(factory=dict)
    """Key and request of the admitted rows that have a key, by their place."""


def admit_rows(batch: Batch, rows: Rows, meant: Sequence[SubjectId | None]) -> Admitted:
    """Admit *rows* or refuse them; *meant* as in `bulk.record_rows`."""
    people = [None if subject is None else batch.people.get(subject) for subject in meant]
    found = Admitted(people)
    living = np.array([person is not None and not person.erased for person in people], bool)[rows.who]
    kinds = np.array([_is_admitted(batch, rows, kind) for kind in range(len(rows.kinds))], bool)[rows.kind]
    fine = living & kinds & _in_time(batch, rows, people)
    fine[list(rows.keys)] = False
    for row in np.flatnonzero(~fine).tolist():
        fine[row] = _is_let_in(batch, rows, row, meant[rows.who[row]], found)
    found.at = np.flatnonzero(fine)
    return found


def _is_admitted(batch: Batch, rows: Rows, kind: int) -> bool:
    """Whether rows of this kind are let in, whoever says them and whenever."""
    first = np.flatnonzero(rows.kind == kind)[:1].tolist()
    if not first:
        return False
    wish = attrs.evolve(rows.said(first[0]).wish(_ANYBODY), occurred_at=None)
    facts = Facts(known=True, terms=batch.terms.get(wish.purpose))
    return admit(wish, facts, {}, now=batch.now, rest=batch.rulebook.rest) is None


def _in_time(batch: Batch, rows: Rows, people: Sequence[store.Person | None]) -> npt.NDArray[np.bool_]:
    """Whether `rules.times` has nothing against them."""
    fine: npt.NDArray[np.bool_] = rows.occurred <= instants([batch.now + CLOCK_SLACK])[0]
    if batch.line_since:
        began = [None if person is None else batch.line_since.get(person.number) for person in people]
        since = np.array([NEVER if each is None else instants([each])[0] for each in began])
        terms = [batch.terms.get(kind.purpose) for kind in rows.kinds]
        tied = np.array([each is not None and each.line_tied for each in terms], bool)
        fine &= ~tied[rows.kind] | (rows.occurred >= since[rows.who])
    return fine


def _is_let_in(batch: Batch, rows: Rows, row: int, subject: SubjectId | None, found: Admitted) -> bool:
    """As `actions.decide` answers one wish, with its refusal or repetition noted."""
    number = int(rows.numbers[row])
    if subject is None:
        found.refused[number] = UNKNOWN
        return False
    wish = rows.said(row).wish(subject)
    key = wish.idempotency_key
    if key is not None and (before := batch.answered.get(key)) is not None:
        answer = again(batch, wish, before)
        if isinstance(answer, Recorded):
            found.repeated += 1
        else:
            found.refused[number] = answer
        return False
    # An import's rows are people's own words: what stood before never speaks against recording them.
    refused = admit(wish, facts_for(batch, wish), {}, now=batch.now, rest=batch.rulebook.rest)
    if refused is not None:
        found.refused[number] = refused
        return False
    if key is not None:
        found.requests[row] = (key, request_digest(wish))
        batch.answered[key] = store.Answered(found.requests[row][1], Position(0), RecordId(subject))
    return True
