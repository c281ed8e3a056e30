"""Who answers the lines of an import: the ledger, or a rehearsal of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

import attrs
import numpy as np
from psycopg import Connection

from placet.consents.actions import Rulebook
from placet.consents.admission import UNKNOWN
from placet.consents.bulk import record_rows
from placet.consents.import_model import Answers, Options, Report, Unit
from placet.consents.import_rows import Named, Rows, Said
from placet.consents.model import Outcome, Refused
from placet.consents.rehearsal import Rehearsal
from placet.consents.rules import Facts, admit
from placet.kernel.errors import Conflict
from placet.kernel.ids import SubjectId, new_subject_id
from placet.store import copying as pack
from placet.store.database import Database
from placet.store.queries import queries
from placet.subjects.actions import Subjects
from placet.subjects.model import LANGUAGES, Alias, Newcomer

SQL = queries("placet.consents", "imports.sql")
_FOUR_FIELDS = pack.fields(4)


@attrs.frozen
class Desk:
    """What an import needs of the rooms around it."""

    database: Database
    subjects: Subjects
    rulebook: Rulebook
    clock: Callable[[], datetime]


class Answerer(Protocol):
    """Who answers the lines: the ledger, or a rehearsal of it."""

    def stands(self) -> Report:
        """What earlier runs have done."""
        ...

    def refusals(self, first: int, last: int) -> Mapping[int, Refused]:
        """Those of the lines from *first* to *last* that earlier runs refused."""
        ...

    def answer(self, unit: Unit, before: Report) -> Answers:
        """Answer lines that nobody has answered; *before* says what was done before them."""
        ...

    def finish(self) -> None:
        """Every line is answered."""
        ...


@attrs.frozen
class Recording:
    """Answers from the ledger."""

    desk: Desk
    file: bytes
    options: Options

    def stands(self) -> Report:
        with self.desk.database.transaction() as connection:
            begun = {"file": self.file, "options": self.options.words, "now": self.desk.clock()}
            connection.execute(SQL["begin"], begun)
            return _stands(connection, self.file, self.options)

    def refusals(self, first: int, last: int) -> Mapping[int, Refused]:
        with self.desk.database.transaction() as connection:
            return _refusals(connection, self.file, first, last)

    def answer(self, unit: Unit, before: Report) -> Answers:
        now = self.desk.clock()
        with self.desk.database.transaction() as connection:
            meant, created = unit.meant, 0
            if self.options.create_subjects and None in meant:
                # The unit before this one may have added them meanwhile.
                meant = named(self.desk, connection, unit.rows.names)
                meant, created = self._add(connection, unit.rows, meant, now)
            found = record_rows(connection, unit.rows, meant, rulebook=self.desk.rulebook, now=now)
            answers = attrs.evolve(found, refused={**unit.refused, **found.refused}, created=created)
            self._advance(connection, unit, before, answers)
        return answers

    def finish(self) -> None:
        with self.desk.database.transaction() as connection:
            connection.execute(SQL["finish"], {"file": self.file, "now": self.desk.clock()})

    def _add(
        self, connection: Connection, rows: Rows, meant: Sequence[SubjectId | None], now: datetime
    ) -> tuple[Sequence[SubjectId | None], int]:
        """Add whom nobody knows; whom the names mean then, and how many were added."""
        worth = _worth_adding(self.desk, connection, rows, meant, now)
        newcomers = [Newcomer([alias], _language(said)) for alias, said in worth.values()]
        added = self.desk.subjects.add_many(connection, newcomers, now=now)
        known = {name: subject.id for name, subject in zip(worth, added, strict=True)}
        return [known.get(name, subject) for name, subject in enumerate(meant)], len(added)

    def _advance(self, connection: Connection, unit: Unit, before: Report, answers: Answers) -> None:
        """Move `done`: in the transaction that recorded the unit, so that neither is without the other."""
        moved = {"file": self.file, "from": before.done, "done": unit.new.last, "refused": len(answers.refused),
                 "recorded": answers.recorded, "ignored": answers.ignored, "repeated": answers.repeated,
                 "created": answers.created}  # fmt: skip
        if connection.execute(SQL["advance"], moved).fetchone() is None:
            raise Conflict("another process imports this file just now; it goes on there", code="import-runs")
        refusals = [
            _FOUR_FIELDS
            + pack.blob(self.file)
            + pack.int8(number)
            + pack.text(refused.code)
            + pack.text(refused.message)
            for number, refused in answers.refused.items()
        ]
        if refusals:
            pack.copy_rows(connection, SQL["copy_refusals"], refusals)


@attrs.frozen
class Rehearsing:
    """Answers from a rehearsal: the same, and none of them lasts."""

    desk: Desk
    file: bytes
    options: Options
    rehearsal: Rehearsal

    def stands(self) -> Report:
        return _stands(self.rehearsal.connection, self.file, self.options)

    def refusals(self, first: int, last: int) -> Mapping[int, Refused]:
        return _refusals(self.rehearsal.connection, self.file, first, last)

    def answer(self, unit: Unit, before: Report) -> Answers:  # noqa: ARG002 - a rehearsal moves nothing
        connection, now = self.rehearsal.connection, self.desk.clock()
        meant, created = unit.meant, 0
        if self.options.create_subjects:
            worth = _worth_adding(self.desk, connection, unit.rows, meant, now)
            provisional = {name: self._provisional(alias) for name, (alias, _) in worth.items()}
            created = len(self.rehearsal.newcomers(list(provisional.values())))
            meant = [provisional.get(name, subject) for name, subject in enumerate(meant)]
        found = Answers.of(unit.rows.numbers.tolist(), self._outcomes(unit.rows, meant, now))
        return attrs.evolve(found, refused={**unit.refused, **found.refused}, created=created)

    def _outcomes(self, rows: Rows, meant: Sequence[SubjectId | None], now: datetime) -> list[Outcome]:
        """One outcome a row; only what names somebody is decided."""
        subjects = [meant[name] for name in rows.who]
        wishes = [rows.said(row).wish(subject) for row, subject in enumerate(subjects) if subject is not None]
        answers = iter(self.rehearsal.answer(wishes, now=now))
        return [UNKNOWN if subject is None else next(answers) for subject in subjects]

    def finish(self) -> None:
        """Nothing lasts."""

    def _provisional(self, alias: Alias) -> SubjectId:
        """The same id for the same alias in every unit, without remembering any alias."""
        return SubjectId(UUID(bytes=self.desk.subjects.vault.alias_hash(alias)[:16]))


def _stands(connection: Connection, file: bytes, options: Options) -> Report:
    row = connection.execute(SQL["stands"], {"file": file}).fetchone()
    if row is None:
        return Report()
    words, done, recorded, ignored, repeated, refused, created = row
    if words != options.words:
        raise Conflict(
            f"this file was begun with other options: {words}; go on with those, its rows are answered once",
            code="other-options",
        )
    return Report(recorded, ignored, repeated, refused, created, done)


def _refusals(connection: Connection, file: bytes, first: int, last: int) -> Mapping[int, Refused]:
    rows = connection.execute(SQL["refusals"], {"file": file, "first": first, "last": last})
    return {line: Refused(code, message) for line, code, message in rows}


def named(desk: Desk, connection: Connection, names: Sequence[Named]) -> list[SubjectId | None]:
    """Whom these names mean; None: nobody who is known."""
    found = desk.subjects.find_many(connection, [name for name in names if isinstance(name, Alias)])
    meant: dict[Named, SubjectId] = {alias: subject.id for alias, subject in found.items()}
    if ids := [name for name in names if not isinstance(name, Alias)]:
        meant.update(connection.execute(SQL["onward"], {"ids": ids}).fetchall())
    return [meant.get(name) for name in names]


def _worth_adding(
    desk: Desk, connection: Connection, rows: Rows, meant: Sequence[SubjectId | None], now: datetime
) -> dict[int, tuple[Alias, Said]]:
    """
    Those of the unknown whose first decision would be recorded: a refused row adds nobody.

    By their place among the names, with what was said first under that name.
    """
    terms = desk.rulebook.terms(connection)
    nobody = new_subject_id()
    unknown = {place for place, subject in enumerate(meant) if subject is None}
    worth: dict[int, tuple[Alias, Said]] = {}
    for place, first in zip(*np.unique(rows.who, return_index=True), strict=True):
        alias = rows.names[place]
        if place not in unknown or not isinstance(alias, Alias):
            continue
        said = rows.said(int(first))
        wish = attrs.evolve(said.wish(nobody), idempotency_key=None)
        facts = Facts(known=True, terms=terms.get(said.kind.purpose))
        if admit(wish, facts, {}, now=now, rest=desk.rulebook.rest) is None:
            worth[int(place)] = (alias, said)
    return worth


def _language(said: Said) -> str:
    return said.kind.language if said.kind.language in LANGUAGES else LANGUAGES[0]
