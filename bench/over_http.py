"""
`decisions over http` and `check over http`: 64 connections on the same two cores as the server, beside the usual way.

wrk makes the load (Debian's package). Ours authenticates, checks the rules, commits with fsync on, and answers with
what the receipt is made from; the peer writes a row. CPU is the server processes' own.
"""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from pathlib import Path

import attrs
import psycopg

from bench import ground, serving, wrk
from bench.ground import Ground, Place
from bench.harness import QUICK, ROUNDS, Report, Sample
from bench.serving import Server
from bench.wrk import Load
from placet.access import keys
from placet.catalogue.render import render
from placet.catalogue.store import remember_shown
from placet.kernel import clock
from placet.subjects.model import Newcomer

CONNECTIONS = 64
SECONDS = 1 if QUICK else 6
WORKERS = (1,) if QUICK else (1, 2)
PEOPLE = 500 if QUICK else 5_000

_LUA = """
local subjects = {}
for line in io.lines("%(subjects)s") do subjects[#subjects + 1] = line end
local n, run = 0, "%(run)s"
local headers = {["Content-Type"] = "application/json", ["Authorization"] = "Bearer %(key)s"}
function request()
  n = n + 1
  local subject = subjects[n %% #subjects + 1]
  headers["Idempotency-Key"] = run .. n
  return wrk.format("POST", "%(path)s", headers, string.format('%(body)s', subject))
end
"""


@attrs.define
class Stage:
    """A database, people in it, and a key; shared by all rounds."""

    place: Place
    key: str
    shown: str
    subjects: Path
    round: int = 0

    @property
    def url(self) -> str:
        assert self.place.config.database_url is not None
        return self.place.config.database_url

    def load(self, server: Server, path: str, body: str) -> Load:
        self.round += 1
        values = {"subjects": self.subjects, "run": f"{self.round}-", "key": self.key, "path": path, "body": body}
        folder = self.place.config.data_dir
        return wrk.load(server, _LUA % values, folder=folder, connections=CONNECTIONS, seconds=SECONDS)


def run(report: Report, ground: Ground) -> None:
    """All rows of this module."""
    if (why := wrk.missing()) is not None:
        report.fail("http", why)
        return
    place = ground.place("over_http")
    stage = _stage(place)
    for workers in WORKERS:
        _measure(report, stage, workers)
    ground.drop(place)


def _stage(place: Place) -> Stage:
    now = clock.now()
    with place.application() as application, application.database.transaction() as connection:
        people = application.subjects.add_many(connection, [Newcomer((), "lv") for _ in range(PEOPLE)], now=now)
        key = keys.add(connection, "bench", keys.SCOPES, now=now, per_second=10**7, burst=10**7).text
        shown = render(application.catalogue(connection), purpose="offers", language="lv", route="api")
        remember_shown(connection, shown, now)
    subjects = place.config.data_dir / "subjects"
    subjects.write_text("\n".join(str(person.id) for person in people))
    return Stage(place, key, shown.sha256.hex(), subjects)


def _measure(report: Report, stage: Stage, workers: int) -> None:
    """Both rows for so many workers: ours, then each peer, in turns."""
    decide = f'{{"subject":"%s","purpose":"offers","decision":"given","shown":"{stage.shown}"}}'
    check = '{"subject":"%s","activity":"offers"}'
    environment = {"PEER_DATABASE_URL": stage.url, "PEER_SUBJECTS": str(stage.subjects)}
    decided: list[Load] = []
    checked: list[Load] = []
    rows: list[Load] = []
    looked_up: list[Load] = []
    bare: list[Load] = []
    raw: list[Sample] = []
    for _ in range(ROUNDS):
        with serving.placet(stage.place.config, workers=workers) as server:
            decided.append(stage.load(server, "/v1/decisions", decide))
            _meet_everybody(stage, server, workers)
            checked.append(stage.load(server, "/v1/check", check))
        with serving.peer("uvicorn", "bench.peers.rows:app", environment, workers=1) as server:
            rows.append(stage.load(server, "/v1/decisions", decide))
        raw.append(_raw(stage.url))
        with serving.peer("uvicorn", "bench.peers.lookup:app", environment, workers=workers) as server:
            looked_up.append(stage.load(server, "/v1/check", check))
        with serving.peer("granian", "bench.peers.bare:app", environment, workers=workers) as server:
            bare.append(stage.load(server, "/v1/check", check))
    named = f"over http, {workers} worker{'s' if workers > 1 else ''}"
    what = f"decisions {named}"
    _row(report, what, decided, "FastAPI + SQLAlchemy, one row a commit", rows, must=">= 3000/s, >= 10x")
    limit = sorted(sample.measure("1/s") for sample in raw)[len(raw) // 2]
    _shown(report, what, decided, "raw psycopg, 32 connections (shown)", limit)
    what = f"check {named}"
    _row(report, what, checked, "FastAPI + uvicorn + look-up", looked_up, must=">= 4x, p99 <= 30 ms")
    _shown(report, what, checked, "bare granian RSGI (shown)", _median(bare).rate)


def _meet_everybody(stage: Stage, server: Server, workers: int) -> None:
    """
    The first look at a person goes to the database; the bench measures what comes after it.

    Each worker remembers for itself, and who answers a connection is the kernel's choice: so several rounds for two.
    """
    people = stage.subjects.read_text().split()
    for start in [*range(0, len(people), 1000)] * (1 + 7 * (workers - 1)):
        sent = [{"subject": id, "activity": "offers"} for id in people[start : start + 1000]]
        headers = {"Authorization": f"Bearer {stage.key}"}
        request = urllib.request.Request(f"{server.url}/v1/check", json.dumps(sent).encode(), headers)
        urllib.request.urlopen(request, timeout=60).close()


def _shown(report: Report, what: str, ours: list[Load], peer: str, value: float) -> None:
    n = sum(load.requests for load in ours)
    report.add(what, _median(ours).rate, "1/s", peer=peer, peer_value=value, n=n)


def _row(report: Report, what: str, ours: list[Load], peer: str, theirs: list[Load], *, must: str) -> None:
    mine, other = _median(ours), _median(theirs)
    report.add(
        what,
        mine.rate,
        "1/s",
        peer=peer,
        peer_value=other.rate,
        ratio=mine.rate / other.rate,
        n=sum(load.requests for load in ours),
        p99_ms=mine.p99,
        peer_p99_ms=other.p99,
        cpu_us=mine.cpu / mine.requests * 1e6,
        peer_cpu_us=other.cpu / other.requests * 1e6,
        must=must,
    )


def _median(loads: list[Load]) -> Load:
    return sorted(loads, key=lambda load: load.rate)[len(loads) // 2]


def _raw(url: str) -> Sample:
    """The limit of row-a-commit: 32 connections of psycopg, an insert and a commit each time."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS raw_decision (id bigserial PRIMARY KEY, subject text, said text)"
        )
        connection.execute("GRANT ALL ON raw_decision TO PUBLIC")
    counts = [0] * 32
    end = time.perf_counter() + SECONDS

    def write(index: int) -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            while time.perf_counter() < end:
                connection.execute("INSERT INTO raw_decision (subject, said) VALUES (%s, %s)", [str(index), "given"])
                counts[index] += 1

    threads = [threading.Thread(target=write, args=(index,)) for index in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Sample(sum(counts), SECONDS)


if __name__ == "__main__":
    alone = Report("http")
    with ground.opened() as here:
        run(alone, here)
    alone.finish()
