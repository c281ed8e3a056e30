"""How many requests were answered, and how fast: a few additions on each, since the hot routes pay for them too."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Upper ends, in seconds; what took longer is in a last one."""


class Answered(Collector):
    """Of one process. Its event loop writes; a scrape reads from a thread, from copies made at once."""

    def __init__(self) -> None:
        self._requests: defaultdict[tuple[str, str, int], int] = defaultdict(int)
        self._times: defaultdict[str, list[int]] = defaultdict(lambda: [0] * (len(_BUCKETS) + 1))
        self._seconds: defaultdict[str, float] = defaultdict(float)

    def note(self, *, method: str, route: str, status: int, seconds: float) -> None:
        """One more answer; *route* is the template, never a path that somebody sent."""
        self._requests[method, route, status] += 1
        self._times[route][bisect_left(_BUCKETS, seconds)] += 1
        self._seconds[route] += seconds

    def collect(self) -> Iterator[Metric]:
        requests = CounterMetricFamily(
            "placet_requests", "Answered requests of /v1", labels=["method", "route", "status"]
        )
        for (method, route, status), count in dict(self._requests).items():
            requests.add_metric([method, route, str(status)], count)
        yield requests
        times = HistogramMetricFamily("placet_request_seconds", "Time to answer", labels=["route"])
        for route, seconds in dict(self._seconds).items():
            below = accumulate(list(self._times[route]))
            ends = [*(str(end) for end in _BUCKETS), "+Inf"]
            times.add_metric([route], [(end, float(count)) for end, count in zip(ends, below, strict=True)], seconds)
        yield times

    def describe(self) -> Iterator[Metric]:
        """Nothing: what there is to tell depends on what was asked."""
        return iter(())
