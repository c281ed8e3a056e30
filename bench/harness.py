"""
Measuring ours beside a peer, interleaved in one run: A B A B …, the median of the rounds, the ratio is the result.

These machines are noisy, so no absolute number is compared with another run's. Each row is one JSON object on a line:
`{"what", "value", "unit", "peer", "peer_value", "ratio", "n"}`, ratio > 1 means ours is better, null that the peer is
only shown; besides `cpu_us` (microseconds of the client's CPU an operation) and `must` where a bar stands.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

QUICK = bool(os.environ.get("QUICK"))
ROUNDS = 1 if QUICK else 5
"""A quick run tells that everything can be measured, not what the figure is."""


@attrs.frozen
class Sample:
    """One round: how many operations, in how many seconds; `value` overrides the rate (a percentile, for instance)."""

    operations: float
    seconds: float
    cpu: float = 0.0
    value: float | None = None

    def measure(self, unit: str) -> float:
        if self.value is not None:
            return self.value
        return self.operations / self.seconds if unit.endswith("/s") else self.seconds * _SCALE[unit] / self.operations


_SCALE = {"s": 1.0, "ms": 1e3, "us": 1e6}


def timed(action: Callable[[], Any], operations: float = 1) -> Sample:
    """Run *action* once on the clock; CPU is this process's and that of the ones it started and has seen end."""
    cpu, start = _cpu(), time.perf_counter()
    action()
    return Sample(operations, time.perf_counter() - start, _cpu() - cpu)


def _cpu() -> float:
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime


@attrs.define
class Report:
    """Collects the rows of one benchmark and prints each as it is known."""

    name: str
    rows: list[dict[str, Any]] = attrs.field(factory=list)
    failed: list[str] = attrs.field(factory=list)
    load: float = 0.0
    """The highest load average seen, our own included: far above the number of cores others were at work."""

    def compare(
        self,
        what: str,
        ours: Callable[[], Sample],
        peers: Mapping[str, Callable[[], Sample]],
        *,
        unit: str,
        n: int,
        shown: Mapping[str, Callable[[], Sample]] | None = None,
        must: str | None = None,
        rounds: int = ROUNDS,
    ) -> None:
        """Measure *ours* and every peer in turn; one row for each peer, `shown` ones without a ratio."""
        everyone = {"": ours, **peers, **(shown or {})}
        samples: dict[str, list[Sample]] = {name: [] for name in everyone}
        for _ in range(rounds):
            for name, run in everyone.items():
                samples[name].append(run())
        value = statistics.median(sample.measure(unit) for sample in samples[""])
        cpu = statistics.median(sample.cpu / sample.operations for sample in samples[""])
        for name in everyone:
            if name or len(everyone) == 1:
                theirs = statistics.median(sample.measure(unit) for sample in samples[name]) if name else None
                ratio = None if theirs is None or name in (shown or {}) else _ratio(value, theirs, unit)
                self.add(
                    what,
                    value,
                    unit,
                    peer=name or None,
                    peer_value=theirs,
                    ratio=ratio,
                    n=n,
                    cpu_us=cpu * 1e6 or None,
                    must=must,
                )

    def add(
        self,
        what: str,
        value: float,
        unit: str,
        *,
        peer: str | None = None,
        peer_value: float | None = None,
        ratio: float | None = None,
        n: int,
        **more: Any,
    ) -> None:
        row = {"what": what, "value": _round(value), "unit": unit, "peer": peer, "peer_value": _round(peer_value),
               "ratio": _round(ratio), "n": n}  # fmt: skip
        row |= {
            key: _round(item) if isinstance(item, float) else item for key, item in more.items() if item is not None
        }
        self.rows.append(row)
        print(json.dumps(row), flush=True)
        self._keep()

    def fail(self, what: str, why: str) -> None:
        """A measurement that could not be made; the run exits non-zero."""
        self.failed.append(what)
        print(json.dumps({"what": what, "error": why}), file=sys.stderr, flush=True)

    def finish(self) -> None:
        """Exit; non-zero if a measurement failed."""
        raise SystemExit(1 if self.failed else 0)

    def _keep(self) -> None:
        """Write bench/results/NAME.json as far as it is known; full runs only."""
        if QUICK:
            return
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
        self.load = max(self.load, os.getloadavg()[0])
        result = {
            "name": self.name,
            "cores": os.cpu_count(),
            "memory_mib": memory,
            "load": self.load,
            "rows": self.rows,
        }
        folder = Path(__file__).parent / "results"
        folder.mkdir(exist_ok=True)
        (folder / f"{self.name}.json").write_text(json.dumps(result, indent=1) + "\n")


@contextmanager
def attempted(report: Report, what: str) -> Iterator[None]:
    """One theme's failure is reported and fails the run, and the others are still measured."""
    try:
        yield
    except Exception as error:
        traceback.print_exc()
        report.fail(what, f"{type(error).__name__}: {error}")


def _ratio(ours: float, theirs: float, unit: str) -> float:
    return ours / theirs if unit.endswith("/s") else theirs / ours


def _round(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")
