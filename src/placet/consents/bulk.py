"""
Recording thousands of imported rows at once, in one transaction.

The rules are those of every decision: `rules.admit` and `rules.step`. Different is how often they are asked, and how
bytes come about. A kind of row that is admitted is admitted for all of its rows, save for what each must be asked: its
person, its time, its key. Bodies, commitments and the rows of three COPY streams are written column by column. What is
said first needs no look at what stood before (`_firsts`). A property test holds that for any rows the ledger, states
and feed are those of `actions.record`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

import attrs
import numpy as np
import numpy.typing as npt
from psycopg import Connection

from placet.consents import store
from placet.consents.actions import Asked, Batch, Rulebook, fold_in, gather, key_of, seal_evidence, stamp
from placet.consents.admission import Admitted, admit_rows
from placet.consents.import_model import Answers
from placet.consents.import_rows import Rows
from placet.consents.model import Actor, Decision, Notice, Record, as_json
from placet.consents.rules import Facts, Terms, step
from placet.kernel import jcs
from placet.kernel.columns import (
    NEVER,
    Column,
    Instants,
    Places,
    Stencil,
    instant_texts,
    instants,
    moment,
    record_ids,
    stacked,
    uuid_texts,
)
from placet.kernel.ids import ChannelId, Number, Position, RecordId, SubjectId
from placet.kernel.seal import KEY_BYTES
from placet.ledger import append as ledger
from placet.ledger.entries import commitments
from placet.ledger.model import Head

SLICE = 1_000
"""Records that are made at once, and sent while the next are made."""
_WIDTHS = {"evidence": 64, "id": 36, "occurred_at": 27, "collected_at": 27, "recorded_at": 27, "subject": 36}
"""What a record has of its own, in the order of its canonical JSON, in characters."""


def record_rows(
    connection: Connection, rows: Rows, meant: Sequence[SubjectId | None], *, rulebook: Rulebook, now: datetime
) -> Answers:
    """Record what *rows* say; *meant* are the subjects of `rows.names`, None for nobody who is known."""
    batch = gather(connection, _asked(rows, meant), rulebook, now, ledger.locking_head(connection))
    admitted = admit_rows(batch, rows, meant)
    ignored = 0
    if len(admitted.at):
        entries = _Entries.of(batch, rows, admitted)
        ignored = entries.fold()
        # States need no bytes of the records: the server stores them while the first records are made.
        with ledger.copying(connection, first=partial(store.copy_changes, connection, batch.writing)) as stream:
            entries.send(stream)
        entries.answer(admitted)
        store.write_changed(connection, batch.writing)
    return Answers(len(admitted.at), ignored, admitted.repeated, admitted.refused)


def _asked(rows: Rows, meant: Sequence[SubjectId | None]) -> Asked:
    keys = [rows.said(at).idempotency_key for at in rows.keys]
    return Asked(
        subjects={subject for subject in meant if subject is not None},
        purposes={kind.purpose for kind in rows.kinds},
        keys=[key for key in keys if key is not None],
        dated=True,
    )


@attrs.define
class _Saying:
    """What the fold looks at (`rules.Foldable`), made once for a kind and dated anew for each row."""

    channel: ChannelId | None
    decision: Decision
    actor: Actor
    notice: Notice | None
    occurred_at: datetime
    recorded_at: datetime
    reason: None = None


@attrs.frozen(eq=False)
class _Form:
    """What many records have in common: all but what `_WIDTHS` names."""

    record: Record
    """One of them."""
    body: Stencil
    words: bytes

    @classmethod
    def of(cls, record: Record) -> _Form:
        return cls(record, form_of(record), ledger.words(record.purpose, record.channel, record.decision.value))


@attrs.frozen(eq=False)
class _Entries:
    """The admitted rows of one transaction, stamped, in columns: line by line what will be recorded."""

    batch: Batch
    rows: Rows
    at: Places
    """Their places among the rows."""
    people: Sequence[store.Person | None]
    who: Places
    """Their places among the people."""
    kind: Places
    position: npt.NDArray[np.int64]
    recorded: Instants
    occurred: Instants
    ids: Column

    @classmethod
    def of(cls, batch: Batch, rows: Rows, admitted: Admitted) -> _Entries:
        """Stamp the admitted rows under the locked head."""
        at, count = admitted.at, len(admitted.at)
        (first,) = instants([ledger.next_instant(batch.head, batch.now)])
        recorded, position = first + np.arange(count), batch.head.position + 1 + np.arange(count)
        batch.head = Head(batch.head.epoch, Position(int(position[-1])), moment(recorded[-1]))
        # A clock of theirs may run a little ahead of ours: nothing has occurred after it was recorded.
        occurred = np.minimum(rows.occurred[at], recorded)
        ids = record_ids(recorded)
        return cls(batch, rows, at, admitted.people, rows.who[at], rows.kind[at], position, recorded, occurred, ids)

    # The ledger's rows

    def send(self, stream: ledger.Copying) -> None:
        """Write the records, in the order of their positions: the server stores some while the next are made."""
        keys, subjects = self._keys(), self._subjects()
        forms: dict[int, _Form] = {}
        for start in range(0, len(self.at), SLICE):
            some = np.arange(start, min(start + SLICE, len(self.at)))
            packed = self._packed(some, forms, keys, subjects)
            stream.write_packed(packed, int(self.position[some[-1]]), moment(self.recorded[some[-1]]))

    def _packed(self, some: Places, forms: dict[int, _Form], keys: Column, subjects: Column) -> list[bytes]:
        """*some* records as rows of the ledger; those of one form at once."""
        packed: list[bytes] = [b""] * len(some)
        told = np.isin(self.at[some], list(self.rows.evidence))
        form = self.kind[some] * 4 + (self.rows.collected[self.at[some]] != NEVER) * 2 + told
        for each in np.unique(form).tolist():
            within = np.flatnonzero(form == each)
            places = some[within]
            if each not in forms:
                forms[each] = _Form.of(self._sample(int(places[0])))
            who, made = self.who[places], forms[each]
            bodies = made.body.fill(len(places), *self._own(places, made.record, uuid_texts(subjects[who])))
            rows = ledger.pack_records(
                made.words,
                position=self.position[places],
                ids=self.ids[places],
                recorded=self.recorded[places],
                subjects=subjects[who],
                occurred=self.occurred[places],
                bodies=bodies,
                entries=commitments(keys[who], self.ids[places], bodies),
            )
            for place, row in zip(within.tolist(), rows, strict=True):
                packed[place] = row
        return packed

    def _sample(self, place: int) -> Record:
        row = int(self.at[place])
        said, person = self.rows.said(row), self.people[self.who[place]]
        assert person is not None
        facts = Facts(known=True, terms=self.batch.terms.get(said.kind.purpose))
        evidence = None if said.evidence is None else ""
        recorded_at, id = moment(self.recorded[place]), RecordId(person.id)
        return stamp(said.wish(person.id), facts, Position(0), id, recorded_at, evidence)

    def _own(self, places: Places, record: Record, subjects: Column) -> list[Column]:
        """What each of these records has of its own, in the order of `_WIDTHS`."""
        collected = self.rows.collected[self.at[places]]
        return [
            *([] if record.evidence is None else [self._evidence(places)]),
            uuid_texts(self.ids[places]),
            instant_texts(self.occurred[places]),
            *([] if record.provenance is None else [instant_texts(collected)]),
            instant_texts(self.recorded[places]),
            subjects,
        ]

    def _evidence(self, places: Places) -> Column:
        """Seal the evidence of these, and the hashes that their records hold."""
        hashes = []
        for place in places.tolist():
            person, evidence = self.people[self.who[place]], self.rows.evidence[int(self.at[place])]
            assert person is not None
            hashes.append(seal_evidence(self.batch, evidence, person).encode())
        return stacked(hashes, _WIDTHS["evidence"])

    def _keys(self) -> Column:
        """The keys of the people; zeros where nobody's is needed."""
        needed = set(np.unique(self.who).tolist())
        none = bytes(KEY_BYTES)
        return stacked(
            [
                key_of(self.batch, person) if place in needed and person is not None else none
                for place, person in enumerate(self.people)
            ],
            KEY_BYTES,
        )

    def _subjects(self) -> Column:
        return stacked([bytes(16) if person is None else person.id.bytes for person in self.people], 16)

    # States and feed

    def fold(self) -> int:
        """Change the states; how many were kept and ignored."""
        numbers = np.array([0 if person is None else person.number for person in self.people])[self.who]
        first = _firsts(self.batch, self.rows, self.kind, numbers)
        ignored = 0
        for kind in np.unique(self.kind).tolist():
            self._fold_first(kind, np.flatnonzero(first & (self.kind == kind)), numbers)
        sayings: dict[int, _Saying] = {}
        for place in np.flatnonzero(~first).tolist():
            kind = int(self.kind[place])
            if (saying := sayings.get(kind)) is None:
                saying = sayings[kind] = self._saying(place)
            ignored += not self._fold_next(place, saying, int(numbers[place]))
        return ignored

    def _fold_first(self, kind: int, places: Places, numbers: npt.NDArray[np.int64]) -> None:
        """The states of those about whom nothing of the sort was said before: each is what `step` makes of nothing."""
        if not len(places):
            return
        said, terms = self._saying(int(places[0])), self._terms(kind)
        ((channel, state),) = step({}, said, position=0, terms=terms).items()
        self.batch.writing.firsts.append(
            store.Firsts(
                purpose=self.rows.kinds[kind].purpose,
                channel=channel,
                like=state,
                numbers=numbers[places],
                position=self.position[places],
                occurred=self.occurred[places],
                recorded=self.recorded[places],
            )
        )

    def _fold_next(self, place: int, saying: _Saying, number: int) -> bool:
        kind = int(self.kind[place])
        saying.occurred_at, saying.recorded_at = moment(self.occurred[place]), moment(self.recorded[place])
        purpose, position = self.rows.kinds[kind].purpose, Position(int(self.position[place]))
        return fold_in(self.batch, Number(number), purpose, saying, position=position, terms=self._terms(kind))

    def _saying(self, place: int) -> _Saying:
        record = self._sample(place)
        return _Saying(
            record.channel, record.decision, record.actor, record.notice, record.occurred_at, record.recorded_at
        )

    def _terms(self, kind: int) -> Terms | None:
        return self.batch.terms.get(self.rows.kinds[kind].purpose)

    # Keys

    def answer(self, admitted: Admitted) -> None:
        """Remember at which position each key was answered."""
        for row, (key, request) in admitted.requests.items():
            position = int(self.position[np.searchsorted(self.at, row)])
            self.batch.writing.answer(key, request, Position(position), self.batch.now)


def _firsts(batch: Batch, rows: Rows, kind: Places, numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """
    Which of these rows the fold may take without a look at what stood before.

    Nothing is stored about the person and purpose, and in this transaction nothing else is said about them, or only a
    yes to each of several channels: a yes bars no other, and no two write the same state.
    """
    purposes = {purpose: place for place, purpose in enumerate(dict.fromkeys(each.purpose for each in rows.kinds))}
    channels = {channel: place for place, channel in enumerate(dict.fromkeys(each.channel for each in rows.kinds))}
    purpose = np.array([purposes[each.purpose] for each in rows.kinds])[kind]
    channel = np.array([channels[each.channel] for each in rows.kinds])[kind]
    no = np.array([each.decision != Decision.GIVEN for each in rows.kinds])[kind]
    about, which, said = np.unique(numbers * len(purposes) + purpose, return_inverse=True, return_counts=True)
    noes = np.bincount(which, weights=no, minlength=len(about))
    places = np.unique(which * len(channels) + channel) // len(channels)
    once = np.bincount(places, minlength=len(about)) == said
    stored = [number * len(purposes) + purposes[id] for number, id in batch.standings if id in purposes]
    alone: npt.NDArray[np.bool_] = ((said == 1) | ((noes == 0) & once)) & ~np.isin(about, stored)
    return alone[which]


def form_of(record: Record) -> Stencil:
    """
    *record*'s canonical JSON with holes where its own values stand, in the order of `_WIDTHS`.

    The places are marked by a NUL while it is made, which no record can contain, since PostgreSQL's text cannot.
    """
    shape = as_json(record)
    own = [name for name in _WIDTHS if (shape["provenance"] if name == "collected_at" else shape[name]) is not None]
    for name in own:
        (shape["provenance"] if name == "collected_at" else shape)[name] = "\0"
    # NUL is written \u0000; a text that has these six characters itself has its backslash doubled.
    start, *rest = jcs.canonical(shape).split(rb'"\u0000"')
    parts: list[bytes | int] = [start + b'"']
    for name, piece in zip(own, rest, strict=True):
        parts += [_WIDTHS[name], b'"' + piece + b'"']
    parts[-1] = b'"' + rest[-1]
    return Stencil(parts)
