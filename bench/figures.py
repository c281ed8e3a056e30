"""The figures of the core, theme after theme; what the rows mean stands in docs/reference/benchmarks.md."""

from __future__ import annotations

import signal
import sys

from bench import audiences, checks, ground, imports, ledgers, over_http, starts, town, withdrawals
from bench.ground import Ground
from bench.harness import QUICK, Report, attempted
from placet.gate.replica import Replica

SIZES = (30_000,) if QUICK else (1_000_000, 10_000_000)
"""Every row about many is measured at both, so that its growth shows; a quick run looks at one."""


def main() -> None:
    report = Report("core")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))  # So that the ground is cleared then, too.
    with ground.opened() as here:
        for people in SIZES:
            with attempted(report, f"the town of {people:,}"):
                _town(report, here, people)
        for theme in (imports, withdrawals):
            with attempted(report, theme.__name__):
                theme.run(report, here)
        with attempted(report, "ledgers"):
            ledgers.run(report, here, SIZES)
        with attempted(report, "over http"):
            over_http.run(report, here)
    report.finish()


def _town(report: Report, ground: Ground, people: int) -> None:
    """What the gate answers in a town of *people*."""
    place = ground.place(f"town_{people}")
    town.fill(place, people)
    with place.application() as application:
        replica = Replica.of(application.database, application.config)
        replica.start()
        try:
            checks.hold(replica)
            for theme in (checks, audiences):
                with attempted(report, theme.__name__):
                    theme.run(report, application, replica, people, place.config.data_dir)
        finally:
            replica.stop()
    with attempted(report, "starts"):
        starts.run(report, place, people)
    ground.drop(place)
