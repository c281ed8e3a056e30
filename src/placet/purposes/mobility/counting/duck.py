"""DuckDB, in this process: one machine, bounded memory, spills to disk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
    *quick* takes the statements of quick.sql where there is one for a step; they must give what the step gives, which
    tests/mobility/counting/ holds them to.
    """

    memory: str = "4GB"
    threads: int = 2
    quick: bool = True
    batch_bytes: int = 96_000_000
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
            yield DuckSession(connection, quick.statements() if self.quick else {})


@attrs.frozen
class DuckSession:
    """One connection; views over files, tables for what is kept."""

    connection: duckdb.DuckDBPyConnection
    quick: Mapping[str, str] = attrs.field(repr=False)

    def give(self, name: str, table: pa.Table) -> None:
        self.connection.register("given", table)
        self.connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS FROM given")
        self.connection.unregister("given")

    def find(self, name: str, paths: Sequence[Path], schema: pa.Schema) -> None:
        if not paths:
            self.connection.execute(f"DROP VIEW IF EXISTS {name}")
            return self.give(name, schema.empty_table())
        files = ", ".join(_quoted(path) for path in paths)
        self.connection.execute(f"DROP TABLE IF EXISTS {name}")
        self.connection.execute(
            f"CREATE OR REPLACE TEMP VIEW {name} AS FROM read_parquet([{files}], hive_partitioning = false)"
        )
        return None

    def keep(self, step: Step) -> None:
        self.connection.execute(f"CREATE OR REPLACE TEMP TABLE {step.name} AS {self._sql(step)}")

    def write(self, step: Step, path: Path) -> None:
        self.connection.execute(f"COPY ({self._sql(step)}) TO {_quoted(path)} (FORMAT parquet, COMPRESSION zstd)")

    def fetch(self, step: Step) -> pa.Table:
        return self.connection.sql(self._sql(step)).to_arrow_table()

    def _sql(self, step: Step) -> str:
        if (sql := self.quick.get(step.name)) is None:
            return step.sql("duckdb")
        for name, number in step.numbers.items():
            self.connection.execute(f"SET VARIABLE {name} = {number}::BIGINT")
        return step.sql("duckdb", sql)


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
