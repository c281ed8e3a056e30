"""Who answers the lines of an import: the ledger, or a rehearsal of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Protocol
from uuid import UUID

import attrs
from psycopg import Connection

from placet.consents.actions import Rulebook
from placet.consents.bulk import Rehearsal, record_bulk
from placet.consents.import_model import Answers, Names, Options, Report, Unit, tally
from placet.consents.import_rows import Named, Said
from placet.consents.model import Outcome, Refused, Wish
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
_UNKNOWN = Refused("unknown-subject", "no such subject; add the subject first, or import with --create-subjects")


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
            meant, unknown = unit.names
            if unknown and self.options.create_subjects:
                # The unit before this one may have added them meanwhile.
                found, unknown = names(self.desk, connection, list(unknown.values()))
                meant = meant | found
            created = self._add(connection, unknown, now) if self.options.create_subjects else {}
            outcomes = _outcomes(
                unit,
                meant | created,
                lambda wishes: record_bulk(connection, wishes, rulebook=self.desk.rulebook, now=now),
            )
            self._advance(connection, unit, before, outcomes, len(created))
        return Answers(outcomes, len(created))

    def finish(self) -> None:
        with self.desk.database.transaction() as connection:
            connection.execute(SQL["finish"], {"file": self.file, "now": self.desk.clock()})

    def _add(self, connection: Connection, unknown: Mapping[Alias, Said], now: datetime) -> dict[Named, SubjectId]:
        worth = _worth_adding(self.desk, connection, unknown, now)
        newcomers = [Newcomer([alias], _language(unknown[alias])) for alias in worth]
        added = self.desk.subjects.add_many(connection, newcomers, now=now)
        return {alias: subject.id for alias, subject in zip(worth, added, strict=True)}

    def _advance(
        self, connection: Connection, unit: Unit, before: Report, outcomes: Sequence[Outcome], created: int
    ) -> None:
        """Move `done`: in the transaction that recorded the unit, so that neither is without the other."""
        moved = {"file": self.file, "from": before.done, "done": unit.lines[-1].number, "created": created}
        if connection.execute(SQL["advance"], {**moved, **tally(outcomes)}).fetchone() is None:
            raise Conflict("another process imports this file just now; it goes on there", code="import-runs")
        refusals = [
            _FOUR_FIELDS
            + pack.blob(self.file)
            + pack.int8(line.number)
            + pack.text(outcome.code)
            + pack.text(outcome.message)
            for line, outcome in zip(unit.lines, outcomes, strict=True)
            if isinstance(outcome, Refused)
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
        meant, unknown = unit.names
        created: set[SubjectId] = set()
        if self.options.create_subjects:
            worth = _worth_adding(self.desk, connection, unknown, now)
            provisional: dict[Named, SubjectId] = {alias: self._provisional(alias) for alias in worth}
            created = self.rehearsal.newcomers(list(provisional.values()))
            meant = meant | provisional
        outcomes = _outcomes(unit, meant, lambda wishes: self.rehearsal.answer(wishes, now=now))
        return Answers(outcomes, len(created))

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


def names(desk: Desk, connection: Connection, said: Sequence[Said | Refused]) -> Names:
    """Whom these decisions name."""
    first: dict[Named, Said] = {}
    last = None
    for each in said:
        if isinstance(each, Said) and each.named is not last:
            last = each.named
            first.setdefault(last, each)
    found = desk.subjects.find_many(connection, [named for named in first if isinstance(named, Alias)])
    ids = [named for named in first if not isinstance(named, Alias)]
    meant: dict[Named, SubjectId] = {alias: subject.id for alias, subject in found.items()}
    if ids:
        meant.update(connection.execute(SQL["onward"], {"ids": ids}).fetchall())
    unknown = {named: each for named, each in first.items() if isinstance(named, Alias) and named not in found}
    return Names(meant, unknown)


def _worth_adding(desk: Desk, connection: Connection, unknown: Mapping[Alias, Said], now: datetime) -> list[Alias]:
    """Those of the unknown whose first decision would be recorded: a refused row adds nobody."""
    terms = desk.rulebook.terms(connection)
    nobody = new_subject_id()
    return [
        alias
        for alias, said in unknown.items()
        if admit(
            said.wish(nobody, None),
            Facts(known=True, terms=terms.get(said.kind.purpose)),
            {},
            now=now,
            rest=desk.rulebook.rest,
        )
        is None
    ]


def _language(said: Said) -> str:
    return said.kind.language if said.kind.language in LANGUAGES else LANGUAGES[0]


def _outcomes(
    unit: Unit, meant: Mapping[Named, SubjectId], record: Callable[[Sequence[Wish]], Sequence[Outcome]]
) -> list[Outcome]:
    """One outcome a line; only what is understood and names somebody is passed on to *record*."""
    wishes: list[Wish | Refused] = []
    named, subject = None, None
    for said in unit.said:
        if isinstance(said, Refused):
            wishes.append(said)
            continue
        if said.named is not named:  # rows of one person stand together
            named, subject = said.named, meant.get(said.named)
        wishes.append(_UNKNOWN if subject is None else said.wish(subject, _key(said)))
    answers = iter(record([wish for wish in wishes if isinstance(wish, Wish)]))
    return [next(answers) if isinstance(wish, Wish) else wish for wish in wishes]


def _key(said: Said) -> bytes | None:
    """A `row_key` names a decision within its source, in whichever file it comes."""
    if said.row_key is None:
        return None
    return sha256(f"placet/import-row/v1\0{said.kind.source}\0{said.row_key}".encode()).digest()
