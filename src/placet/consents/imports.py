"""
Importing decisions from a file: exactly once, whatever is interrupted.

The file's digest and the number of a line name a row for ever. Units of some thousand lines are recorded each in one
transaction, which also moves `done`, the last line answered: after a kill the next run begins behind it. Which lines
were refused is kept beside it, so the file of refused rows is complete even when several runs wrote it.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import file_digest
from io import BufferedReader
from pathlib import Path

import attrs

from placet.consents.bulk import Rehearsal
from placet.consents.import_answers import Answerer, Desk, Recording, Rehearsing, names
from placet.consents.import_files import Line, Table, open_table
from placet.consents.import_model import Options, Report, Unit
from placet.consents.import_report import RefusedFile
from placet.consents.import_rows import Layout, Reader
from placet.consents.model import Outcome, Refused

UNIT = 5_000
"""Lines in one transaction: live decisions wait for one of them, about a tenth of a second."""
_UNIT_BYTES = 4 * 1024 * 1024


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
        return _answered(desk, path, file, options, answerer, refused, progress)


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
    with _uncollected(), RefusedFile(refused, table.header) as rows:
        for unit in _ahead(_named(desk, _units(table, reader), report.resumed_after)):
            past, new = unit.split(report.resumed_after)
            if past.lines:
                refusals = answerer.refusals(past.lines[0].number, past.lines[-1].number)
                report = report.refusing(refusals.values())
                rows.write(past.lines, refusals)
            if new.lines:
                outcomes, created = answerer.answer(new, report)
                report = report.counted(new, outcomes, created)
                rows.write(new.lines, _refusals(new, outcomes))
            report = attrs.evolve(report, read=unit.read)
            progress(report)
    answerer.finish()
    return report


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


def _refusals(unit: Unit, outcomes: Sequence[Outcome]) -> dict[int, Refused]:
    """The refused lines of *unit* by number."""
    answered = zip(unit.lines, outcomes, strict=True)
    return {line.number: outcome for line, outcome in answered if isinstance(outcome, Refused)}


def _units(table: Table, reader: Reader) -> Iterator[Unit]:
    """The lines of *table* in units that neither hold many rows nor much text."""
    lines: list[Line] = []
    size, read = 0, 0.0
    for batch in table.batches:
        lines += batch.lines
        size, read = size + batch.size, batch.read
        if len(lines) >= UNIT or size >= _UNIT_BYTES:
            yield from _sliced(lines, reader, read)
            lines, size = [], 0
    yield from _sliced(lines, reader, 1.0)


def _named(desk: Desk, units: Iterator[Unit], after: int) -> Iterator[Unit]:
    """The same, with whom the lines after *after* mean."""
    for unit in units:
        if unit.lines[-1].number > after:
            with desk.database.transaction() as connection:
                unit = unit._replace(names=names(desk, connection, unit.said))
        yield unit


def _sliced(lines: Sequence[Line], reader: Reader, read: float) -> Iterator[Unit]:
    for start in range(0, len(lines), UNIT):
        some = lines[start : start + UNIT]
        yield Unit(some, [line.broken or reader.read(line.cells) for line in some], read)


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
