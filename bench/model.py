"""
The promises W1-W6, checked with a model: at least 100,000 operations over a network that breaks, no wrong yes.

`make bench NAME=model [QUICK=1]`. The machine and its reference are `tests/model`; this runs them for long.
"""

from __future__ import annotations

import logging
import sys
import tempfile
import time
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from bench.harness import QUICK, Report
from placet.config import Config
from placet.store.embedded import EmbeddedServer

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from model.machine import Consents
from model.world import World, world

OPERATIONS = 2_000 if QUICK else 100_000
EXAMPLES = 20


def main() -> None:
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR + 1)
    report = Report("model")
    folder = Path(tempfile.mkdtemp(prefix="placet-model-", dir="/var/tmp"))
    folder.chmod(0o755)
    server = EmbeddedServer(folder / "pg")
    server.start()
    config = Config(database_url=server.url(), data_dir=folder / "data", mode="development", master_key="00" * 32)
    start = time.perf_counter()
    try:
        with world(config, folder / "proxy") as found:
            _run(found)
            total, answers, faults = found.operations, found.answers, found.faults
    except AssertionError as error:
        report.fail("wrong answers", str(error)[:400])
        report.finish()
    finally:
        server.release()
    seconds = time.perf_counter() - start
    report.add("wrong yes", 0, "answers", n=total, definite_answers=answers, faults=faults, seconds=seconds, must="0")
    report.finish()


def _run(found: World) -> None:
    """Examples until there were enough operations; each begins with new people in the same ledger."""
    machine = type("Run", (Consents,), {"world": found})
    while found.operations < OPERATIONS:
        once = settings(
            max_examples=EXAMPLES,
            stateful_step_count=100,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        )
        run_state_machine_as_test(machine, settings=once)
        print(f"{found.operations} of {OPERATIONS} operations", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
