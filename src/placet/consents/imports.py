"""
Importing decisions from a file: exactly once, whatever is interrupted.

The file's digest and the number of a line name a row for ever. Units of some thousand lines are recorded each in one
transaction, which also moves `done`, the last line answered: after a kill the next run begins behind it. Which lines
were refused is kept beside it, so the file of refused rows is complete even when several runs wrote it.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import file_digest
from io import BufferedReader
from pathlib import Path

import attrs

from placet.consents.import_answers import Answerer, Desk, Recording, Rehearsing, named
from placet.consents.import_files import Sheet, Table, open_table
from placet.consents.import_model import Options, Report, Unit
from placet.consents.import_report import RefusedFile
from placet.consents.import_rows import Layout, Reader
from placet.consents.rehearsal import Rehearsal

UNIT = 5_000
"""Lines in one transaction: live decisions wait for one of them, about a tenth of a second."""


def import_file(
    desk: Desk,
    path: Path,
    options: Options,
    *,
    refused: Path,
    progress: Callable[[Report], None] = lambda _: None,
) -> Report:
    """
    Record the decisions in *path*; refused rows are written to *refused*, if there are any.

    Running it again goes on where it stopped, and changes nothing once it is finished. Raises `BadInput` for a file
    that is no table of decisions, `Conflict` when it was begun with other options or is being imported by another.
    """
    with path.open("rb") as file:
        answerer = Recording(desk, _digest(file), options)
        report = _answered(desk, path, file, options, answerer, refused, progress)
    if report.done - report.resumed_after > UNIT:
        desk.database.look_again("subjects", "consents", "ledger")
    return report


def rehearse_file(
    desk: Desk,
    path: Path,
    options: Options,
    *,
    refused: Path,
    progress: Callable[[Report], None] = lambda _: None,
) -> Report:
    """What `import_file` would report now, with the file of refused rows; nothing is recorded and nothing locked."""
    with path.open("rb") as file:
        digest = _digest(file)
        connection = desk.database.dedicated(autocommit=False)
        try:
            answerer = Rehearsing(desk, digest, options, Rehearsal.begin(connection, desk.rulebook))
            return _answered(desk, path, file, options, answerer, refused, progress)
        finally:
            connection.rollback()
            connection.close()


def _answered(
    desk: Desk,
    path: Path,
    file: BufferedReader,
    options: Options,
    answerer: Answerer,
    refused: Path,
    progress: Callable[[Report], None],
) -> Report:
    table = open_table(path, file)
    reader = Reader(Layout.of(table.header), options.defaults, desk.clock())
    report = answerer.stands()
    report = attrs.evolve(report, resumed_after=report.done)
    with _uncollected(), RefusedFile(refused, table.header) as returned:
        for unit in _ahead(_units(desk, table, reader, report.resumed_after)):
            if unit.past.last:
                report = _told_again(answerer, unit.past, report, returned)
            if unit.new.last:
                answers = answerer.answer(unit, report)
                report = report.counted(answers, unit.new.last)
                returned.write(unit.new, answers.refused)
            report = attrs.evolve(report, read=unit.new.read)
            progress(report)
    answerer.finish()
    return report


def _told_again(answerer: Answerer, past: Sheet, report: Report, returned: RefusedFile) -> Report:
    """Rows that an earlier run answered: those that it refused are returned once more."""
    refusals = answerer.refusals(past.first, past.last)
    returned.write(past, refusals)
    return report.refusing(refusals.values())


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Rows make no cycles, so looking for cycles among them, a fifth of the time, finds nothing."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _units(desk: Desk, table: Table, reader: Reader, after: int) -> Iterator[Unit]:
    """The rows of *table* in units, those behind the line *after* with what they say and whom they mean."""
    for sheet in table.sheets:
        for piece in sheet.slices(UNIT):
            past, new = piece.split(after)
            rows, wrong = reader.read(new.numbers, new.columns)
            refused = {line.number: line.broken for line in new.odd if line.broken is not None} | wrong
            with desk.database.transaction() as connection:
                meant = named(desk, connection, rows.names)
            yield Unit(past, new, rows, refused, meant)


def _ahead(units: Iterator[Unit]) -> Iterator[Unit]:
    """The same, each read by a thread of its own while the one before is recorded."""
    with ThreadPoolExecutor(1, "import-reader") as pool:
        coming = pool.submit(next, units, None)
        while (unit := coming.result()) is not None:
            coming = pool.submit(next, units, None)
            yield unit


def _digest(file: BufferedReader) -> bytes:
    found = file_digest(file, "sha256").digest()
    file.seek(0)
    return found
