"""
Tumult Analytics, in an environment of its own under build/: it needs other versions of Spark and pandas than we.

`shown` measures it beside ours when it can be installed (network, Java), and says so when it cannot.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.harness import Report, Sample
from bench.mobile import DAYS, Lake
from placet.purposes.mobility.counting import inputs
from placet.purposes.mobility.counting.domains import served

WHAT = "private release, hourly by cell, events a second"
PEER = "Tumult Analytics, at most 12 rows a person"
_FOLDER = Path(__file__).parents[2] / "build" / "tumult"
_PYTHON = _FOLDER / "bin" / "python"
_NEEDED = ["tmlt.analytics==0.21.0", "setuptools<81"]


def shown(report: Report, lake: Lake, *, ours: Callable[[], Sample], rows: int) -> None:
    """A row beside Tumult's on as many as *rows* events of one day; each is measured by events a second."""
    if (why := _installed()) is not None:
        print(f"Tumult Analytics is left out: {why}", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory(dir=lake.folder) as folder:
        _written(lake, Path(folder), rows)
        report.compare(
            WHAT, ours, {PEER: lambda: _theirs(Path(folder))}, unit="/s", n=rows, must="ratio >= 10", rounds=1
        )


def _installed() -> str | None:
    if (
        _PYTHON.exists()
        and not subprocess.run([_PYTHON, "-c", "import tmlt.analytics"], capture_output=True).returncode
    ):
        return None
    uv = Path(sys.executable).with_name("uv")
    for command in (
        [uv, "venv", "--quiet", "--clear", "--python", sys.executable, _FOLDER],
        [uv, "pip", "install", "--quiet", "--python", _PYTHON, *_NEEDED],
        [_PYTHON, "-c", "import tmlt.analytics"],
    ):
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
        if done.returncode:
            return (done.stderr.strip().splitlines() or ["it cannot be installed"])[-1]
    return None


def _written(lake: Lake, folder: Path, rows: int) -> None:
    """Events as (number, tile, hour), and all keys."""
    cells = inputs.cells(lake.atlas)
    tile_of = np.full(int(cells["cell"].to_numpy().max()) + 1, -1)
    tile_of[cells["cell"].to_numpy()] = cells["tile"].to_numpy()
    files = [path for shard in lake.scan.shards if (path := lake.scan.paths(DAYS[0], shard))]
    events = pa.concat_tables([pq.read_table(path, partitioning=None) for path in files]).slice(0, rows)
    columns = {
        "number": events["number"].to_numpy().astype(np.int64),
        "tile": tile_of[events["cell"].to_numpy()],
        "hour": events["at"].to_numpy() // 3600 % 24,
    }
    pq.write_table(pa.table(columns), folder / "events.parquet")
    (folder / "keys.json").write_text(json.dumps({"tile": served(lake.atlas).tolist(), "hour": list(range(24))}))


def _theirs(folder: Path) -> Sample:
    script = Path(__file__).with_name("tumult_release.py")
    command, env = [str(_PYTHON), str(script), str(folder)], os.environ | {"PYSPARK_PYTHON": str(_PYTHON)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    told = json.loads(done.stdout.splitlines()[-1])
    return Sample(told["rows"], told["seconds"])
