"""
Everything held about a person, to take away (GDPR 15(3), 20): one ZIP, or its JSON alone.

    README.txt      what is what, in three languages
    data.html       everything, to read and to print, in the person's language
    data.json       everything, for programs; schema.json (JSON Schema 2020-12) describes it
    portable.json   in the same form, only what may be taken to another provider
    csv/…           each table for a spreadsheet
    texts/…         the texts shown, byte for byte as hashed, and as words
    receipts/…      the signed receipt of each record, with keys to verify them

Each row is read once and goes into all of these at once; what is kept in memory does not grow with the rows.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import datetime
from importlib.resources import files
from typing import IO, Any
from zoneinfo import ZoneInfo

import attrs
from psycopg import Connection

from placet.catalogue.model import Catalogue
from placet.catalogue.render import parse, text_of
from placet.consents import receipts
from placet.duties import Json
from placet.kernel import jcs
from placet.kernel.ids import SubjectId
from placet.kernel.periods import format_instant
from placet.ledger import store as ledger
from placet.ledger.keys import LogSigner, receipt_verifier
from placet.ledger.proof import Prover
from placet.ledger.reader import TileReader
from placet.rights.bundle import Bundle, Packing, packing
from placet.rights.holdings import Holdings, Table, everything
from placet.rights.readable import Readable, page
from placet.rights.rooms import Editions, Rooms
from placet.rights.sheets import Sheet

FORMAT = "placet/export/v1"
PORTABLE = "placet/portable/v1"
SCHEMA = "export.schema.json"

_SHOWN = 200
"""Rows of a table on the readable page; the others are in its CSV."""


def archive(
    rooms: Rooms, subject: SubjectId, *, language: str | None = None, now: datetime, tiles: TileReader | None = None
) -> Bundle:
    """The whole export of *subject*, in *language* or the person's own. The caller closes it."""
    with rooms.database.transaction() as connection, packing(now=now) as pack, ExitStack() as spools:
        held = everything(rooms, connection, subject, language=language, now=now)
        written = _write(held, spools)
        pack.add("README.txt", _template("README.txt").replace("{url}", rooms.config.url).encode())
        pack.add("data.html", _page(held, written, ZoneInfo(rooms.config.time_zone)))
        pack.add_file("data.json", written.document.file)
        pack.add_file("portable.json", written.portable.file)
        pack.add("schema.json", schema())
        for table in held.tables:
            pack.add_file(f"csv/{table.name}.csv", written.sheets[table.name])
        for sha256, document in held.texts.items():
            pack.add(f"texts/{sha256}.json", document)
            pack.add(f"texts/{sha256}.txt", f"{text_of(document)}\n".encode())
        _add_receipts(rooms, connection, subject, pack, tiles)
        pack.add("keys", published_keys(rooms, connection))
        return pack.finish(f"my-data-{now:%Y-%m-%d}.zip")


def document(rooms: Rooms, subject: SubjectId, *, language: str | None = None, now: datetime) -> Bundle:
    """The JSON of the export alone, as a file. The caller closes it."""
    with rooms.database.transaction() as connection:
        held = everything(rooms, connection, subject, language=language, now=now)
        file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - handed on
        written = _Document(file, FORMAT, held)
        for table in held.tables:
            written.begin(table)
            for row in table.rows():
                written.write(row)
        written.finish()
    return Bundle(f"my-data-{now:%Y-%m-%d}.json", file, "application/json")


def schema() -> bytes:
    """The JSON Schema that `data.json` and `portable.json` fulfil."""
    return files("placet.rights").joinpath(SCHEMA).read_bytes()


def published_keys(rooms: Rooms, connection: Connection) -> bytes:
    """The verifier keys as `/log/keys` serves them."""
    log = LogSigner(rooms.config.log_origin, rooms.keys.checkpoint)
    verifiers = [key for epoch in ledger.epochs(connection) for key in log.verifiers(epoch)]
    return "".join(f"{key}\n" for key in [*verifiers, receipt_verifier(log.base, rooms.keys.receipt)]).encode()


@attrs.define
class _Shown:
    """What the readable page shows of a table."""

    columns: list[str]
    rows: list[Json] = attrs.field(factory=list)
    count: int = 0

    def add(self, row: Json) -> None:
        self.count += 1
        if len(self.rows) < _SHOWN:
            self.rows.append(row)


@attrs.frozen
class _Written:
    """Every row, in each of its forms."""

    document: _Document
    portable: _Document
    sheets: Mapping[str, IO[bytes]]
    shown: Mapping[str, _Shown]


class _Document:
    """One JSON object being written, a table after the other; what the purposes hold stands last, under `holdings`."""

    def __init__(self, file: IO[bytes], format: str, held: Holdings, *, only_portable: bool = False) -> None:
        self.file = file
        self._closing = b""
        self._holdings = False
        self._separator = b"\n"
        tables = [table for table in held.tables if table.is_portable or not only_portable]
        head: dict[str, Any] = {
            "format": format,
            "made_at": format_instant(held.made_at),
            "language": held.language,
            "controller": controller(held.catalogue, held.language),
            "tables": {table.name: described(table, held.language) for table in tables},
        }
        if not only_portable:
            head["texts"] = {sha256: parse(text) for sha256, text in held.texts.items()}
        self.file.write(jcs.canonical(head)[:-1])

    def begin(self, table: Table) -> None:
        """Close the table before and open *table*; the person is one object, everything else a list."""
        self.file.write(self._closing)
        separator = b","
        if table.purpose is not None and not self._holdings:
            self._begin_holdings()
            separator = b""
        opening, self._closing = (b"", b"") if table.name == "subject" else (b"[", b"]")
        self.file.write(separator + b"\n" + jcs.canonical(table.name) + b":" + opening)
        self._separator = b"\n"

    def write(self, row: Json) -> None:
        self.file.write(self._separator + jcs.canonical(row))
        self._separator = b",\n"

    def finish(self) -> None:
        self.file.write(self._closing)
        if not self._holdings:
            self._begin_holdings()
        self.file.write(b"}}\n")

    def _begin_holdings(self) -> None:
        self.file.write(b',\n"holdings":{')
        self._holdings = True


def _write(held: Holdings, spools: ExitStack) -> _Written:
    """Read every row once, into files that have no name."""

    def spool() -> IO[bytes]:
        return spools.enter_context(tempfile.TemporaryFile())

    written = _Written(
        _Document(spool(), FORMAT, held),
        _Document(spool(), PORTABLE, held, only_portable=True),
        {table.name: spool() for table in held.tables},
        {table.name: _Shown([name for name in table.columns if name not in table.quiet]) for table in held.tables},
    )
    for table in held.tables:
        _write_table(table, written)
    written.document.finish()
    written.portable.finish()
    return written


def _write_table(table: Table, written: _Written) -> None:
    documents = [written.document, written.portable] if table.is_portable else [written.document]
    sheet, shown = Sheet(written.sheets[table.name], list(table.columns)), written.shown[table.name]
    for document in documents:
        document.begin(table)
    for row in table.rows():
        for document in documents:
            document.write(row)
        sheet.write(row)
        shown.add(row)
    sheet.close()


def _page(held: Holdings, written: _Written, zone: ZoneInfo) -> bytes:
    return page(
        "export.html",
        read=Readable(held.language, zone, held.catalogue),
        made_at=format_instant(held.made_at),
        erased=held.subject.erased_at is not None,
        controller=controller(held.catalogue, held.language),
        sections=held.sections,
        shown=written.shown,
        texts={sha256: text_of(document) for sha256, document in held.texts.items()},
    )


def _add_receipts(
    rooms: Rooms, connection: Connection, subject: SubjectId, pack: Packing, tiles: TileReader | None
) -> None:
    for receipt in every_receipt(rooms, connection, subject, tiles):
        pack.add(f"receipts/{receipt.filename}", receipt.data)


def every_receipt(
    rooms: Rooms, connection: Connection, subject: SubjectId, tiles: TileReader | None = None
) -> Iterator[receipts.Receipt]:
    """The receipt of each record of a person, under whichever id it was made; an erased person has none any more."""
    editions, prover = Editions(connection), Prover.begin(connection, reader=tiles)
    for identity in rooms.subjects.identities(connection, rooms.subjects.get(connection, subject).id):
        if identity.key is not None:
            yield from receipts.every(
                connection,
                identity.id,
                identity.key,
                catalogue_at=lambda _connection, position: editions.at(position),
                keys=rooms.keys,
                config=rooms.config,
                prover=prover,
            )


def described(table: Table, language: str) -> Json:
    """What *table* is, in one language."""
    return {
        "title": table.title[language],
        "basis": table.basis,
        "origin": table.origin,
        "purpose": table.purpose,
        "why": table.why[language],
        "until": table.until[language],
        "columns": {name: words[language] for name, words in table.columns.items()},
        "portable": table.is_portable,
    }


def controller(catalogue: Catalogue, language: str) -> Json:
    """Who answers for the data, and whom to complain to (GDPR 15(1)(f))."""
    who = catalogue.controller
    return {
        "name": who.name,
        "registration": who.registration,
        "address": who.address[language],
        "email": who.email,
        "phone": who.phone,
        "website": who.website,
        "privacy_policy": who.privacy_policy[language],
        "authority": who.authority[language],
        "authority_website": who.authority_website,
    }


def _template(name: str) -> str:
    return files("placet.rights").joinpath("templates", name).read_text(encoding="utf-8")
