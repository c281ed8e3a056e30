"""
`import`: a file of decisions into state, leaves and a checkpoint, beside COPY of the very same ledger rows alone.

Each round begins with the same customers and no decisions, in a database of its own. As in an installation that runs,
the tree is kept by another process; the clock stops when a checkpoint holds every row.
"""

from __future__ import annotations

import csv
import itertools
import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from multiprocessing.synchronize import Event
from pathlib import Path

from bench import harness
from bench.ground import Ground, Place
from bench.harness import QUICK, Sample, timed
from placet.bootstrap import Application
from placet.consents.import_answers import Desk
from placet.consents.import_model import Options, Report
from placet.consents.imports import import_file
from placet.kernel import clock
from placet.ledger import proof
from placet.ledger.append import ending
from placet.subjects.model import Alias, Newcomer

IMPORT = "import, CSV to state, leaves and checkpoint, validated"
ROWS = 10_000 if QUICK else 1_000_000
EACH = 4
"""Decisions a customer: a no is one in eight."""
_COLLECTED = datetime(2025, 11, 3, 9, tzinfo=UTC)
_SAID = (("offers", ""), ("offers", "email"), ("usage", ""), ("profiling", ""))


def run(report: harness.Report, ground: Ground) -> None:
    base = ground.place("customers")
    _customers(base, ROWS // EACH)
    file, rows = base.config.data_dir / "decisions.csv", base.config.data_dir / "rows.copy"
    _write(file, ROWS)
    serial = itertools.count()

    def ours() -> Sample:
        place = ground.place(f"import_{next(serial)}", like=base.name)
        sample = _imported(place, file)
        if not rows.exists():
            _copy_out(place, rows)
        ground.drop(place)
        return sample

    def theirs() -> Sample:
        place = ground.place(f"copy_{next(serial)}", like=base.name)
        sample = _copied(place, rows)
        ground.drop(place)
        return sample

    report.compare(
        IMPORT,
        ours,
        {"COPY of the same ledger rows alone": theirs},
        unit="rows/s",
        n=ROWS,
        must=">= 30,000/s and >= 0.3x",
        rounds=1 if QUICK else 3,
    )
    ground.drop(base)


def _customers(place: Place, count: int) -> None:
    with place.application() as application:
        for first in range(0, count, 50_000):
            some = [Newcomer((Alias("crm", f"C{at}"),), "lv") for at in range(first, min(first + 50_000, count))]
            with application.database.transaction() as connection:
                application.subjects.add_many(connection, some, now=clock.now())


def _write(file: Path, count: int) -> None:
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["subject", "purpose", "channel", "decision", "occurred_at", "notice_version", "language",
                         "source", "grade", "collected_at"])  # fmt: skip
        writer.writerows(_lines(count))


def _lines(count: int) -> Iterator[tuple[str, ...]]:
    for at in range(count):
        customer, which = divmod(at, EACH)
        purpose, channel = _SAID[which]
        decision = "refused" if (customer + which) % 8 == 0 else "given"
        moment = (_COLLECTED - timedelta(days=customer % 900, seconds=at % 86_400)).isoformat()
        yield (f"crm:C{customer}", purpose, channel, decision, moment, "1.0", "lv", "crm-2019", "B", moment)


def _imported(place: Place, file: Path) -> Sample:
    with place.application() as application, _kept(place):
        desk = Desk(application.database, application.subjects, application.rulebook, clock.now)
        reports: list[Report] = []

        def whole() -> None:
            reports.append(import_file(desk, file, Options(), refused=file.with_suffix(".refused")))
            while not _signed(application):
                time.sleep(0.01)

        sample = timed(whole, ROWS)
        (found,) = reports
        with application.database.transaction() as connection:
            states = connection.execute("SELECT count(*) FROM consents.current").fetchone()
        assert (found.recorded, found.refused) == (ROWS, 0)
        # A yes that is older than a no is kept, and opens nothing.
        assert states == (ROWS - found.ignored,)
    return sample


def _signed(application: Application) -> bool:
    with application.database.transaction() as connection:
        checkpoint = proof.latest_checkpoint(connection)
        return checkpoint is not None and checkpoint.size == ending(connection).position


@contextmanager
def _kept(place: Place) -> Iterator[None]:
    """Keep the tree of *place* in another process, which has begun when this yields."""
    spawn = multiprocessing.get_context("spawn")
    begun, stop = spawn.Event(), spawn.Event()
    keeper = spawn.Process(target=_keep, args=(place, begun, stop))
    keeper.start()
    try:
        if not begun.wait(60):
            raise RuntimeError("the keeper did not begin")
        yield
    finally:
        stop.set()
        keeper.join()


def _keep(place: Place, begun: Event, stop: Event) -> None:
    with place.application() as application:
        application.keeper.begin(clock.now())
        begun.set()
        application.keeper.follow(stop, clock.now)  # type: ignore[arg-type] - it asks whether it is set


def _copy_out(place: Place, rows: Path) -> None:
    with place.owner() as connection, connection.cursor() as cursor, rows.open("wb") as stream:
        order = "SELECT * FROM ledger.record WHERE subject IS NOT NULL ORDER BY position"
        with cursor.copy(f"COPY ({order}) TO STDOUT (FORMAT BINARY)") as copy:
            for part in copy:
                stream.write(part)


def _copied(place: Place, rows: Path) -> Sample:
    """Into a table like the ledger's, with its indexes, durably committed."""
    with place.owner() as owner:
        owner.execute("CREATE TABLE ledger.copied (LIKE ledger.record INCLUDING ALL)")

        def whole() -> None:
            order = "COPY ledger.copied FROM STDIN (FORMAT BINARY)"
            with rows.open("rb") as stream, owner.cursor() as cursor, cursor.copy(order) as copy:
                while part := stream.read(1 << 18):
                    copy.write(part)

        sample = timed(whole, ROWS)
        assert owner.execute("SELECT count(*) FROM ledger.copied").fetchone() == (ROWS,)
    return sample
