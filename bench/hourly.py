"""
A private release of people by hour and place: bounded to twelve tile-hours a person and day, over all tiles that cells
stand for, under OpenDP's discrete Gaussian noise. The peers: the same expressions on Spark; Tumult Analytics.
"""

from __future__ import annotations

from bench import mobile
from bench.harness import QUICK, Report, Sample
from bench.mobile import DAYS, Lake
from bench.peers import tumult
from placet.purposes.mobility.counting.domains import served
from placet.purposes.mobility.counting.spark import SparkEngine
from placet.purposes.mobility.model import TILE_HOURS

WEEK = "private release, hourly by cell"
DAY = "private release, hourly by cell, one day"
LONG = "private release, hourly by cell, four times the people"
PEERS_ROWS = 5_000_000


def run(report: Report, lake: Lake) -> None:
    keys = len(served(lake.atlas)) * 24
    ended = mobile.apart(mobile.days_released, lake, DAYS, TILE_HOURS, mobile.quick())
    report.add(
        WEEK, ended.seconds, "s", n=lake.rows, cpu_us=ended.cpu * 1e6, gigabytes=ended.gigabytes,
        keys=keys * len(DAYS), must="<= 45 s and <= 6 GB for 50 million",
    )  # fmt: skip
    if not QUICK:
        _longer(report, ended.seconds / lake.rows)
    rows = lake.rows_of(DAYS[0])
    report.compare(
        DAY,
        lambda: _timed(lake, mobile.quick(), rows),
        {"PySpark local[2], same expressions": lambda: _timed(lake, SparkEngine(), rows)},
        unit="/s",
        n=rows,
        must="ratio >= 5",
        rounds=1,
    )
    if QUICK:
        return  # Tumult takes longer than a quick run may.
    tumult.shown(report, lake, ours=lambda: _timed(lake, mobile.quick(), rows), rows=PEERS_ROWS)


def _timed(lake: Lake, engine: object, rows: int) -> Sample:
    return Sample(rows, mobile.apart(mobile.days_released, lake, DAYS[:1], TILE_HOURS, engine).seconds)


def _longer(report: Report, once: float) -> None:
    """Seconds an event stay what they are, and memory is bounded."""
    with mobile.laid_out(4 * mobile.PEOPLE) as lake:
        ended = mobile.apart(mobile.days_released, lake, DAYS, TILE_HOURS, mobile.quick())
        report.add(LONG, ended.seconds, "s", n=lake.rows, cpu_us=ended.cpu * 1e6, gigabytes=ended.gigabytes,
                   times_an_event=ended.seconds / lake.rows / once, must="linear, bounded memory")  # fmt: skip
