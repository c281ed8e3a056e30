"""
The figures of mobility: `make bench NAME=mobility [QUICK=1]`.

Theme after theme; what the rows mean stands in docs/reference/benchmarks.md. A theme has `run(report, lake)`.
"""

from __future__ import annotations

import signal
import sys

from bench import accurate, hourly, mobile, staying
from bench.harness import Report, attempted

THEMES = (hourly, staying, accurate)


def main() -> None:
    report = Report("mobility")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))  # So that the lake is cleared then, too.
    with mobile.laid_out() as lake:
        for theme in THEMES:
            with attempted(report, theme.__name__):
                theme.run(report, lake)
    report.finish()


if __name__ == "__main__":
    main()
