"""Apache Spark: a cluster, or all cores of one machine, with the same steps (docs/how-to/mobility-on-spark.md)."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import attrs
import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import pyspark
from pyspark.sql import SparkSession
from pyspark.sql.pandas.types import from_arrow_schema

from placet.purposes.mobility.counting.model import Step

ibis.pyspark  # noqa: B018  # loading it is what teaches Ibis the dialect
_LOCAL = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}


@attrs.frozen
class SparkEngine:
    """
    *master* as Spark names it: `local[2]`, `spark://…:7077`, `yarn`, `k8s://…`. The lake and the folder of the run must
    be where every worker finds them under the same path.
    """

    master: str = "local[2]"
    settings: Mapping[str, str] = attrs.field(factory=dict)
    elsewhere: Mapping[Path, str] = attrs.field(factory=dict)
    """Folders that the workers find under another name: `{Path("/mnt/lake"): "s3a://lake"}`."""
    partitions: int = 8
    batch_bytes: int = 4_000_000_000
    group_bytes: int = 64_000_000_000

    @property
    def name(self) -> str:
        return f"spark {pyspark.__version__}"

    @contextmanager
    def opened(self, folder: Path) -> Iterator[SparkOfSteps]:
        spark = self._built(folder).getOrCreate()
        try:
            yield SparkOfSteps(spark, folder, self.elsewhere)
        finally:
            spark.stop()

    def _built(self, folder: Path) -> SparkSession.Builder:
        fixed = {
            "spark.sql.session.timeZone": "UTC",
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
            "spark.local.dir": str(folder / "spill"),
            "spark.sql.warehouse.dir": str(folder / "warehouse"),
            "spark.sql.shuffle.partitions": str(self.partitions),
            **(_LOCAL if self.master.startswith("local") else {}),
            **self.settings,
        }
        builder = SparkSession.Builder().appName("placet mobility").master(self.master)
        for name, value in fixed.items():
            builder = builder.config(name, value)
        return builder


@attrs.frozen
class SparkOfSteps:
    """Tables go by way of Parquet in *folder*, where the workers read them."""

    spark: SparkSession
    folder: Path
    elsewhere: Mapping[Path, str]

    def give(self, name: str, table: pa.Table) -> None:
        path = self.folder / "given" / f"{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, path)
        self._named(name, [path], table.schema)

    def find(self, name: str, paths: Sequence[Path], schema: pa.Schema) -> None:
        if not paths:
            return self.give(name, schema.empty_table())
        return self._named(name, paths, schema)

    def keep(self, step: Step) -> None:
        path = self.folder / "kept" / step.name
        shutil.rmtree(path, ignore_errors=True)
        self.write(step, path)
        self._named(step.name, [path], step.expression.schema().to_pyarrow())

    def write(self, step: Step, path: Path) -> None:
        self.spark.sql(step.sql("pyspark")).write.parquet(self._uri(path))

    def fetch(self, step: Step) -> pa.Table:
        return self.spark.sql(step.sql("pyspark")).toArrow()

    def _named(self, name: str, paths: Sequence[Path], schema: pa.Schema) -> None:
        read = self.spark.read.schema(from_arrow_schema(schema)).parquet(*map(self._uri, paths))
        read.select(*schema.names).createOrReplaceTempView(name)

    def _uri(self, path: Path) -> str:
        """As Hadoop names it: nothing in it is escaped."""
        for folder, uri in self.elsewhere.items():
            if path.is_relative_to(folder):
                return f"{uri}/{path.relative_to(folder)}"
        return f"file://{path}"
