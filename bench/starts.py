"""`cold start`: a fresh process until its replica answers, from the snapshot and what happened after it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

from bench.ground import Place
from bench.harness import QUICK, Report, Sample
from placet.bootstrap import build
from placet.config import Config
from placet.gate.replica import Replica

START = "cold start, process to first answer from snapshot and tail"
UNKEPT = "cold start, the same without a snapshot"
TAIL = 1_000 if QUICK else 10_000
"""Changes after the snapshot."""

_AFTERWARDS = """
WITH closed AS (
    UPDATE consents.state AS state SET decision = 'withdrawn', position = ending.position + state.number
    FROM (SELECT position FROM ledger.head) AS ending
    WHERE state.number <= {tail} AND purpose = 'offers' AND channel = ''
    RETURNING state.position, state.number
), told AS (
    INSERT INTO consents.outbox (position, item, number, purpose, decision)
    SELECT position, 0, number, 'offers', 'withdrawn' FROM closed
)
UPDATE ledger.head SET position = position + {tail};
"""


def run(report: Report, place: Place, people: int) -> None:
    """After the replica of *place* has stopped and left its snapshot."""
    snapshot = place.config.data_dir / "replica" / "snapshot"
    assert snapshot.exists()
    with place.owner() as connection:
        connection.execute(_AFTERWARDS.format(tail=TAIL))
        row = connection.execute("SELECT number FROM consents.change WHERE number IS NOT NULL LIMIT 1").fetchone()
    assert row is not None
    report.compare(START, lambda: _started(place, row[0]), {}, unit="s", n=people, must="<= 5 s")
    aside = snapshot.rename(snapshot.with_suffix(".aside"))
    report.compare(UNKEPT, lambda: _started(place, row[0]), {}, unit="s", n=people, rounds=1)
    aside.rename(snapshot)


def _started(place: Place, withdrawn: int) -> Sample:
    """From the start of the interpreter to the first answer, which is the no that came after the snapshot."""
    config = place.config
    said = json.dumps([config.database_url, str(config.data_dir), config.master_key, withdrawn])
    start = time.perf_counter()
    with subprocess.Popen([sys.executable, "-m", "bench.starts", said], stdout=subprocess.PIPE, cwd=_ROOT) as process:
        assert process.stdout is not None
        answer = process.stdout.readline()
        seconds = time.perf_counter() - start
        # Killed, so that it leaves no snapshot of its own.
        process.kill()
    assert answer == b"closed\n", answer
    return Sample(1, seconds)


_ROOT = Path(__file__).parent.parent


def main() -> None:
    """The process that is measured: prints its first answer."""
    url, folder, master, number = json.loads(sys.argv[1])
    application = build(Config(database_url=url, data_dir=Path(folder), master_key=master))
    replica = Replica.of(application.database, application.config)
    replica.start()
    while (told := replica.check(number, "offers", None, replica.now())) is told.view.stale:
        time.sleep(0.005)
    print(told.reason, flush=True)
    time.sleep(60)


if __name__ == "__main__":
    main()
