"""`audience`: whom may an activity with two purposes and a channel reach, of everybody or of a file's numbers?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
from psycopg import Connection

from bench.harness import Report, Sample, timed
from bench.town import ACTIVITY
from placet.bootstrap import Application
from placet.gate import files
from placet.gate.replica import Replica
from placet.kernel import clock
from placet.kernel.ids import ActivityId

WARM = "audience warm, two purposes and a channel, with exclusion counts, hashed and kept"
RAW = "audience raw, from a file of numbers to the allowed file"
CONFIRM = "audience confirmed again at the moment of sending"

_REASONS = """
SELECT CASE WHEN offers.decision IS DISTINCT FROM 'given' THEN coalesce(offers.kind, 'no-decision')
            WHEN profiling.decision IS DISTINCT FROM 'given' THEN coalesce(profiling.kind, 'no-decision')
            WHEN email.decision IS DISTINCT FROM 'given' THEN 'no-channel' ELSE 'yes' END AS reason, count(*)
FROM subjects.current AS person
LEFT JOIN kinds AS profiling
  ON profiling.number = person.number AND profiling.purpose = 'profiling' AND profiling.channel = ''
LEFT JOIN kinds AS offers ON offers.number = person.number AND offers.purpose = 'offers' AND offers.channel = ''
LEFT JOIN kinds AS email ON email.number = person.number AND email.purpose = 'offers' AND email.channel = 'email'
GROUP BY 1
"""
_KINDS = """
WITH kinds AS (SELECT number, purpose, channel, decision,
    CASE WHEN decision IN ('refused', 'withdrawn', 'objected') THEN 'closed' ELSE 'lapsed' END AS kind
    FROM consents.current)
"""
_ALLOWED = """
COPY (SELECT asked.number FROM asked
JOIN consents.current AS profiling ON profiling.number = asked.number AND profiling.purpose = 'profiling'
 AND profiling.channel = '' AND profiling.decision = 'given'
JOIN consents.current AS offers ON offers.number = asked.number AND offers.purpose = 'offers'
 AND offers.channel = '' AND offers.decision = 'given'
JOIN consents.current AS email ON email.number = asked.number AND email.purpose = 'offers'
 AND email.channel = 'email' AND email.decision = 'given') TO STDOUT
"""
_BITS = {"offers": 0, "profiling": 2, "email": 8}
"""Which bit of a person says so, in the order in which they refuse."""


def run(report: Report, application: Application, replica: Replica, people: int, folder: Path) -> None:
    with application.database.transaction() as connection, _reader(application) as reader:
        counts: dict[str, dict[str, int]] = {}
        table = _table(application, replica)
        ours = partial(_drawn, application, connection, replica)
        ours()  # The columns are made when they are first asked for.
        report.compare(
            WARM,
            lambda: timed(lambda: counts.update(ours=ours())),
            {"PostgreSQL join": lambda: timed(lambda: counts.update(postgres=_postgres(reader)))},
            shown={
                "DuckDB, one column a purpose": _duckdb(table, counts),
                "polars, one column a purpose": _polars(table, counts),
            },
            unit="ms",
            n=people,
            must="<= 20 ms and >= 100x",
        )
        if any(other != counts["ours"] for other in counts.values()):
            report.fail(WARM, f"the counts differ: {counts}")
        kept = application.gate.audience(connection, replica, ActivityId(ACTIVITY), now=clock.now())
        confirm = lambda: application.gate.confirm(replica, kept, now=clock.now())  # noqa: E731
        report.compare(CONFIRM, lambda: timed(confirm), {}, unit="ms", n=people, must="<= 10 ms")
    _raw(report, application, replica, people, folder)


@contextmanager
def _reader(application: Application) -> Iterator[Connection]:
    connection = application.database.dedicated()
    connection.execute("SET work_mem = '1GB'")
    try:
        yield connection
    finally:
        connection.close()


def _drawn(application: Application, connection: Connection, replica: Replica) -> dict[str, int]:
    """The whole of it: drawn, counted, frozen, hashed and written to the database, up to the commit."""
    audience = application.gate.audience(connection, replica, ActivityId(ACTIVITY), now=clock.now())
    return {"yes": audience.count} | {reason.value: count for reason, count in audience.excluded.items() if count}


def _postgres(connection: Connection) -> dict[str, int]:
    return dict(connection.execute(_KINDS + _REASONS).fetchall())


def _table(application: Application, replica: Replica) -> dict[str, np.ndarray]:
    """One column a purpose and channel: 0 no decision, 1 given, 2 closed, 3 lapsed: a column store at its best."""
    view = replica.memory.view
    mask, closed, lapsed = (np.asarray(array)[1 : view.people + 1] for array in (view.mask, view.closed, view.lapsed))
    table = {"number": np.arange(1, view.people + 1, dtype=np.int32)}
    for name, bit in _BITS.items():
        table[name] = (mask >> bit & 1).astype(np.uint8)
        if bit < 8:
            table[name] += 2 * (closed >> bit & 1) + 3 * (lapsed >> bit & 1)
    return table


_WORDS = {0: "no-decision", 2: "closed", 3: "lapsed", 4: "no-channel", 1: "yes"}


def _duckdb(table: dict[str, np.ndarray], counts: dict[str, dict[str, int]]) -> Callable[[], Sample]:
    connection = duckdb.connect()
    people = pl.DataFrame(table).to_arrow()  # noqa: F841 - DuckDB finds it by its name
    connection.execute("CREATE TABLE person AS SELECT * FROM people")
    question = (
        "SELECT CASE WHEN offers <> 1 THEN offers WHEN profiling <> 1 THEN profiling WHEN email <> 1 THEN 4"
        " ELSE 1 END, count(*) FROM person GROUP BY 1"
    )
    allowed = "SELECT number FROM person WHERE profiling = 1 AND offers = 1 AND email = 1"

    def ask() -> None:
        found = dict(connection.execute(question).fetchall())
        connection.execute(allowed).fetchnumpy()
        counts["duckdb"] = {_WORDS[code]: count for code, count in found.items()}

    return lambda: timed(ask)


def _polars(table: dict[str, np.ndarray], counts: dict[str, dict[str, int]]) -> Callable[[], Sample]:
    people = pl.DataFrame(table)
    col = pl.col
    reason = (
        pl.when(col("offers") != 1).then(col("offers"))
        .when(col("profiling") != 1).then(col("profiling"))
        .when(col("email") != 1).then(4).otherwise(1).alias("reason")
    )  # fmt: skip

    def ask() -> None:
        found = people.select(reason).group_by("reason").len().rows()
        people.filter((col("profiling") == 1) & (col("offers") == 1) & (col("email") == 1))["number"].to_numpy()
        counts["polars"] = {_WORDS[code]: count for code, count in found}

    return lambda: timed(ask)


def _raw(report: Report, application: Application, replica: Replica, people: int, folder: Path) -> None:
    """A campaign's own list, in no order, to the list it may be sent to; PostgreSQL has it in a table already."""
    numbers = np.random.default_rng(7).permutation(np.arange(1, people + 1, dtype=np.int32))
    source, ours, theirs = folder / "asked.npy", folder / "allowed.npy", folder / "allowed.txt"
    np.save(source, numbers)
    found: dict[str, int] = {}

    def here() -> None:
        members = _allowed(application, replica, source)
        files.write_numbers(members, ours)
        found["ours"] = len(members)

    with _reader(application) as connection:
        connection.execute("CREATE TEMPORARY TABLE asked (number int)")
        with connection.cursor() as cursor, cursor.copy("COPY asked FROM STDIN") as copy:
            for first in range(0, people, 100_000):
                copy.write("".join(f"{number}\n" for number in numbers[first : first + 100_000].tolist()))
        connection.execute("ANALYZE asked")

        def there() -> None:
            with theirs.open("wb") as file, connection.cursor() as cursor, cursor.copy(_ALLOWED) as copy:
                for part in copy:
                    file.write(part)

        report.compare(
            RAW,
            lambda: timed(here),
            {"PostgreSQL join + COPY out": lambda: timed(there)},
            unit="s",
            n=people,
            must="<= 2 s and >= 4x",
        )
    with theirs.open("rb") as file:
        found["theirs"] = sum(1 for _ in file)
    if found["ours"] != found["theirs"]:
        report.fail(RAW, f"the lists differ in length: {found}")


def _allowed(application: Application, replica: Replica, source: Path) -> object:
    among = files.as_bitmap(files.read_numbers(source), len(replica.memory.view.mask))
    with application.database.transaction() as connection:
        audience = application.gate.audience(connection, replica, ActivityId(ACTIVITY), among=among, now=clock.now())
    return audience.members
