"""Run by Tumult's own Python: people by tile and hour, at most twelve rows a person, all keys, rho 0.005."""

import json
import sys
import time
from pathlib import Path

from pyspark.sql import SparkSession
from tmlt.analytics import AddRowsWithID, KeySet, MaxRowsPerID, QueryBuilder, RhoZCDPBudget, Session

RHO = 0.005


def main(folder: Path) -> None:
    spark = (
        SparkSession.builder.master("local[2]")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.memory", "6g")
        .config("spark.sql.shuffle.partitions", "8")
        .config("spark.sql.warehouse.dir", str(folder / "warehouse"))
        .getOrCreate()
    )
    events = spark.read.parquet(str(folder / "events.parquet"))
    rows = events.count()
    start = time.perf_counter()
    session = Session.from_dataframe(
        RhoZCDPBudget(RHO), "events", events, protected_change=AddRowsWithID(id_column="number")
    )
    keys = KeySet.from_dict(json.loads((folder / "keys.json").read_text()))
    query = QueryBuilder("events").enforce(MaxRowsPerID(12)).groupby(keys).count()
    found = session.evaluate(query, RhoZCDPBudget(RHO)).toPandas()
    print(json.dumps({"rows": rows, "seconds": time.perf_counter() - start, "keys": len(found)}))


main(Path(sys.argv[1]))
