"""
The figures of offers and of the delivery that all purposes use: `make bench NAME=offers [QUICK=1]`.

Theme after theme; what the rows mean stands in docs/reference/benchmarks.md. A theme has `run(report, ground)`.
"""

from __future__ import annotations

import signal
import sys

from bench import crashing, ground, interests, mailing, selecting, sending, texting, unsubscribing
from bench.harness import Report, attempted

THEMES = (selecting, sending, mailing, texting, unsubscribing, crashing, interests)


def main() -> None:
    report = Report("offers")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))  # So that the ground is cleared then, too.
    with ground.opened() as here:
        for theme in THEMES:
            with attempted(report, theme.__name__):
                theme.run(report, here)
    report.finish()


if __name__ == "__main__":
    main()
