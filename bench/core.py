"""The figures of the core, each beside its peer. `make bench NAME=core [QUICK=1]`; what the rows mean: docs/reference/benchmarks.md."""

from __future__ import annotations

import importlib
import importlib.util
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from bench import audiences, checks, ground, town
from bench.ground import Ground
from bench.harness import QUICK, Report
from placet.gate.replica import Replica

SIZES = (10_000, 100_000) if QUICK else (1_000_000, 10_000_000)
"""Every row about many is measured at both, so that its growth shows."""


def main() -> None:
    report = Report("core")
    with ground.opened() as place:
        for people in SIZES:
            with attempted(report, f"the town of {people:,}"):
                _town(report, place, people)
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
    ground.drop(place)


@contextmanager
def attempted(report: Report, what: str) -> Iterator[None]:
    """One theme's failure is reported and fails the run, and the others are still measured."""
    try:
        yield
    except Exception as error:
        traceback.print_exc()
        report.fail(what, f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
