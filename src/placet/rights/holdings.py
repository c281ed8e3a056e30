"""
Everything held about a person (GDPR 15): tables in plain words, by purpose and by legal basis, each with its rows.

    held = everything(application, connection, subject, now=now)
    for section in held.sections:       # "because you are our customer", "because the law asks for it", one a purpose
        for table in section.tables:    # title, why, until, columns in three languages
            for row in table.rows():    # read as they are asked for: ten thousand uses do not pile up

What the purposes hold is told by their duties; what the other rooms hold, by `holdings.yaml` and the functions here.
Nothing in it is about anybody else, except who represents whom; no secret of ours is in it: no token, no key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import cache, partial
from importlib.resources import files
from typing import Any, Literal, cast
from uuid import UUID

import attrs
import yaml
from psycopg import Connection

from placet.catalogue import store as catalogue_store
from placet.catalogue.model import Catalogue, Purpose
from placet.consents import store as consents
from placet.consents.model import Decision, Record
from placet.duties import Duties, Holding, Json, Person
from placet.kernel.errors import NotFound
from placet.kernel.ids import PurposeId, SubjectId
from placet.kernel.periods import format_instant
from placet.rights import dealings, rows
from placet.rights.reading import Reading
from placet.rights.rooms import Rooms
from placet.subjects.model import LANGUAGES, Subject

Basis = Literal["consent", "contract", "legal-obligation", "legitimate-interest"]
Origin = Literal["provided", "observed", "derived"]
"""Who data comes from: told by the person, seen from what they did, or made by us."""
Rows = Callable[[], Iterable[Json]]
"""Each call begins anew."""
Words = Mapping[str, str]
"""The same in each language: `lv`, `ru`, `en`."""


@attrs.frozen
class Table:
    """One kind of data about the person. Each call of *rows* begins anew; the rows have the keys of *columns*."""

    name: str
    basis: Basis
    origin: Origin
    title: Words
    why: Words
    until: Words
    columns: Mapping[str, Words]
    rows: Rows = attrs.field(repr=False)
    purpose: PurposeId | None = None
    quiet: frozenset[str] = attrs.field(default=frozenset(), converter=frozenset)
    """Columns for machines, which a page leaves out."""

    @property
    def is_portable(self) -> bool:
        """GDPR 20(1): provided by the person, or observed of them, and held on consent or contract."""
        return self.basis in ("consent", "contract") and self.origin in ("provided", "observed")


@attrs.frozen
class Section:
    """What is held for one purpose, or on one basis other than consent; *explained* tells what happens with it now."""

    id: str
    basis: Basis
    title: Words
    tables: tuple[Table, ...]
    purpose: PurposeId | None = None
    explained: Mapping[str, tuple[str, ...]] = attrs.field(factory=dict)


@attrs.frozen
class Holdings:
    """Everything, at one moment. Rows are read over the connection it was made with, inside its transaction."""

    subject: Subject
    language: str
    """What the titles inside the rows are written in."""
    made_at: datetime
    catalogue: Catalogue
    sections: tuple[Section, ...]
    records: tuple[Record, ...] = attrs.field(repr=False)
    texts: Mapping[str, bytes] = attrs.field(repr=False)
    """The exact documents that were shown, by their SHA-256."""

    @property
    def tables(self) -> tuple[Table, ...]:
        return tuple(table for section in self.sections for table in section.tables)

    def table(self, name: str) -> Table:
        """The table with this name; a purpose that is not installed has none."""
        found = next((table for table in self.tables if table.name == name), None)
        if found is None:
            raise NotFound(f"nothing is held under the name {name!r}", code="unknown-holding")
        return found


def everything(
    rooms: Rooms, connection: Connection, subject: SubjectId, *, language: str | None = None, now: datetime
) -> Holdings:
    """All that is held about *subject*; of an erased person what the ledger keeps is left: no contact and no name."""
    reading = Reading.begin(rooms, connection, subject, language=language, now=now)
    return Holdings(
        reading.person,
        reading.language,
        now,
        reading.catalogue,
        tuple(_sections(reading)),
        tuple(reading.records),
        _texts(connection, reading.records),
    )


_OTHER_BASES: tuple[Basis, ...] = ("contract", "legal-obligation", "legitimate-interest")


def _sections(reading: Reading) -> Iterator[Section]:
    """First what is held on other bases, then each purpose; also one that the catalogue has given up."""
    tables = _tables(reading)
    for basis in _OTHER_BASES:
        mine = tuple(table for table in tables if table.basis == basis)
        yield Section(basis, basis, _words()["sections"][basis], mine)
    told = {} if reading.is_erased else {duties.purpose: duties for duties in reading.rooms.duties}
    for id in dict.fromkeys([*reading.catalogue.purposes, *told]):
        purpose = reading.catalogue.purposes.get(id)
        title = dict.fromkeys(LANGUAGES, str(id)) if purpose is None else _title(purpose)
        yield _of_duties(reading, id, title, told.get(id))


def _of_duties(reading: Reading, purpose: PurposeId, title: Words, duties: Duties | None) -> Section:
    """What one purpose holds and does; nothing when none is installed for it."""
    if duties is None:
        return Section(purpose, "consent", title, (), purpose)
    person = Person(reading.person.id, reading.person.number)
    held = tuple(_of_purpose(holding, purpose) for holding in duties.export(reading.connection, person))
    told = LANGUAGES if _goes_on(reading, purpose, held) else ()
    explained = {language: tuple(duties.explain(reading.connection, person, language)) for language in told}
    return Section(purpose, "consent", title, held, purpose, explained)


def _goes_on(reading: Reading, purpose: PurposeId, held: Iterable[Table]) -> bool:
    """Whether anything happens for this purpose: it is given, or something is left of when it was."""
    given = consents.standing_of(reading.connection, reading.person.number).get(purpose, {}).get(None)
    return (given is not None and given.decision == Decision.GIVEN) or any(True for table in held for _ in table.rows())


def _tables(reading: Reading) -> tuple[Table, ...]:
    """What the rooms below hold, in the order in which it is read."""
    words = _words()["tables"]
    return tuple(Table(name, rows=partial(read, reading), **words[name]) for name, read in _ROWS.items())


_ROWS: Mapping[str, Callable[[Reading], Iterable[Json]]] = {
    "subject": rows.subject,
    "contacts": rows.contacts,
    "lines": rows.lines,
    "mandates": rows.mandates,
    "states": rows.states,
    "decisions": rows.decisions,
    "evidence": rows.evidence,
    "pending_grants": dealings.pending_grants,
    "uses": rows.uses,
    "messages": dealings.messages,
    "inbox": dealings.inbox,
    "calls": dealings.calls,
    "requests": dealings.requests,
    "restrictions": dealings.restrictions,
    "openings": dealings.openings,
    "staff_access": dealings.staff_access,
    "sign_ins": dealings.sign_ins,
    "codes": dealings.codes,
    "passkeys": dealings.passkeys,
    "processing": rows.processing,
}


def _of_purpose(holding: Holding, purpose: PurposeId) -> Table:
    columns = list(holding.rows[0]) if holding.rows else list(holding.columns)
    return Table(
        holding.name,
        cast(Basis, holding.basis),
        holding.origin,
        holding.title or dict.fromkeys(LANGUAGES, holding.name),
        holding.why,
        holding.until,
        {column: holding.columns.get(column, dict.fromkeys(LANGUAGES, column)) for column in columns},
        lambda: map(_plain, holding.rows),
        purpose,
    )


def _plain(row: Json) -> Json:
    """A row of a purpose as it is written: instants in their one form, ids and amounts as text."""
    return {name: _written(value) for name, value in row.items()}


def _written(value: object) -> object:
    match value:
        case datetime():
            return format_instant(value)
        case date():
            return value.isoformat()
        case UUID() | Decimal():
            return str(value)
        case list() | tuple() | set() | frozenset():
            return [_written(item) for item in value]
        case _:
            return value


def _texts(connection: Connection, records: Iterable[Record]) -> dict[str, bytes]:
    """The texts that the records commit to; what an import names was never shown here."""
    hashes = {record.notice.sha256 for record in records if record.notice is not None and record.notice.sha256}
    found = {digest: catalogue_store.shown(connection, bytes.fromhex(digest)) for digest in sorted(hashes)}
    return {digest: shown.document for digest, shown in found.items() if shown is not None}


def _title(purpose: Purpose) -> Words:
    return {language: purpose.notices[language].title for language in LANGUAGES if language in purpose.notices}


@cache
def _words() -> dict[str, Any]:
    """`holdings.yaml`, read once."""
    found: dict[str, Any] = yaml.safe_load(files("placet.rights").joinpath("holdings.yaml").read_text(encoding="utf-8"))
    return found
