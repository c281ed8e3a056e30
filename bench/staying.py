"""
Private flows between stays: events to stays of 15 minutes to trips, one a person, under OpenDP's noise.

The peer detects stays as scikit-mobility does, person after person in Python over pandas, and draws no noise.
"""

from __future__ import annotations

import pandas as pd
import pyarrow.parquet as pq

from bench import mobile
from bench.harness import QUICK, Report, Sample, timed
from bench.mobile import DAYS, Lake
from bench.peers.stays import stays
from placet.purposes.mobility.counting import inputs
from placet.purposes.mobility.model import FLOWS

WHAT = "private OD of stays"
BY_PERSON = "stay detection by person, in pandas"
FILES = 1 if QUICK else 2


def run(report: Report, lake: Lake) -> None:
    ended = mobile.apart(mobile.week_released, lake, FLOWS, mobile.quick())
    report.add(
        WHAT,
        ended.seconds,
        "s",
        n=lake.rows,
        cpu_us=ended.cpu * 1e6,
        gigabytes=ended.gigabytes,
        must="<= 60 s for 50 million",
    )
    events = _events(lake)
    report.compare(
        f"{WHAT}, events a second",
        lambda: Sample(lake.rows, ended.seconds),
        {BY_PERSON: lambda: timed(lambda: stays(events), len(events))},
        unit="/s",
        n=lake.rows,
        must="ratio >= 10",
        rounds=1,
    )


def _events(lake: Lake) -> pd.DataFrame:
    """Some shards of one day, with the place of each event in metres."""
    files = [path for shard in range(FILES) if (path := lake.scan.paths(DAYS[0], shard))]
    events = pd.concat([pq.read_table(path, partitioning=None).to_pandas() for path in files])
    return events.merge(inputs.cells(lake.atlas).to_pandas(), on="cell").sort_values(["number", "at"])
