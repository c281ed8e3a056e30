"""DuckDB, in this process: one machine, bounded memory, spills to disk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import attrs
import duckdb
import pyarrow as pa

from placet.purposes.mobility.counting import quick
from placet.purposes.mobility.counting.model import Step


@attrs.frozen
class DuckEngine:
    """
    *quick* marks events by their order in the file (`quick`) instead of by windows, with the same result.
    """

    memory: str = "4GB"
    threads: int = 2
    quick: bool = True
    batch_bytes: int = 48_000_000
    group_bytes: int = 500_000_000

    @property
    def name(self) -> str:
        return f"duckdb {duckdb.__version__}"

    @contextmanager
    def opened(self, folder: Path) -> Iterator[DuckSession]:
        settings: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": self.memory,
            "threads": self.threads,
            "temp_directory": str(folder / "spill"),
            "preserve_insertion_order": False,
        }
        with duckdb.connect(":memory:", config=settings) as connection:
            connection.execute("SET enable_progress_bar = false")
            yield DuckSession(connection, self.threads if self.quick else 0)


@attrs.frozen
class DuckSession:
    """One connection; views over files, tables for what is kept."""

    connection: duckdb.DuckDBPyConnection
    quick: int
    """In so many threads; nought for not."""
    given: dict[str, pa.Table] = attrs.field(factory=dict, repr=False)
    found: dict[str, Sequence[Path]] = attrs.field(factory=dict, repr=False)

    def give(self, name: str, table: pa.Table) -> None:
        self.given[name] = table
        self.connection.register("given", table)
        self.connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS FROM given")
        self.connection.unregister("given")

    def find(self, name: str, paths: Sequence[Path], schema: pa.Schema) -> None:
        self.found[name] = paths
        files = ", ".join(_quoted(path) for path in paths)
        source = f"FROM read_parquet([{files}], hive_partitioning = false)" if paths else _nothing(schema)
        self.connection.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {source}")

    def keep(self, step: Step) -> None:
        if step.name == "marked" and self.quick:
            marked = quick.marked(self.found["events"], self.given, threads=self.quick)
            if marked is not None:
                self.give(step.name, marked)
                del self.given[step.name]  # The connection has it now.
                return
        self.connection.execute(f"CREATE OR REPLACE TEMP TABLE {step.name} AS {step.sql('duckdb')}")

    def write(self, step: Step, path: Path) -> None:
        self.connection.execute(f"COPY ({step.sql('duckdb')}) TO {_quoted(path)} (FORMAT parquet, COMPRESSION zstd)")

    def fetch(self, step: Step) -> pa.Table:
        return self.connection.sql(step.sql("duckdb")).to_arrow_table()


def _nothing(schema: pa.Schema) -> str:
    columns = ", ".join(
        f'NULL::{"INT" if field.type == pa.int32() else "BIGINT"} AS "{field.name}"' for field in schema
    )
    return f"SELECT {columns} WHERE false"


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
