"""Spark counts what DuckDB counts, on a cluster of two workers; the only Spark of all tests."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import attrs
import numpy as np
import pytest
from counting_town import counted, scanned, town

from placet.purposes.mobility.counting.duck import DuckEngine
from placet.purposes.mobility.model import ANCHORS, FLOWS, TILE_HOURS, ZONE_LOAD, ZONE_PROFILE

pytest.importorskip("pyspark", reason="Spark is not installed: pip install 'placet[spark]'")
if shutil.which("java") is None:
    pytest.skip("Spark needs a Java 17", allow_module_level=True)

from placet.purposes.mobility.counting.spark import SparkEngine

_SHORT_LIVED = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
CLUSTER = SparkEngine(
    master="local-cluster[2,1,1024]",
    partitions=1,
    settings={
        "spark.driver.memory": "1g",
        "spark.driver.extraJavaOptions": _SHORT_LIVED,
        "spark.executor.extraJavaOptions": _SHORT_LIVED,
        # So few rows are counted before their code would be compiled.
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    },
)
PRODUCTS = (ZONE_PROFILE, ZONE_LOAD, FLOWS, ANCHORS, TILE_HOURS)
"""Each step at least once: the others take the same steps with other tables."""


def test_a_cluster_counts_what_one_machine_counts(tmp_path: Path) -> None:
    told = town(12, people=20, days=2).on(date(2026, 10, 24))
    scan = scanned(told, tmp_path / "lake")
    # The lake has another name for the workers.
    (tmp_path / "mounted").symlink_to(tmp_path / "lake")
    cluster = attrs.evolve(CLUSTER, elsewhere={tmp_path / "lake": f"file://{tmp_path}/mounted"})
    theirs = counted(told, PRODUCTS, scan, tmp_path / "cluster", cluster)
    ours = counted(told, PRODUCTS, scan, tmp_path / "here", DuckEngine("500MB"))
    for product in PRODUCTS:
        assert ours[product.name].values.any(), product.name
        assert np.array_equal(theirs[product.name].values, ours[product.name].values), product.name
