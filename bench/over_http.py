"""
`decisions over http` and `check over http`: 64 connections on the same two cores as the server, beside the usual way.

wrk makes the load (Debian's package). Ours authenticates, checks the rules, commits with fsync on, and answers with
what the receipt is made from; the peer writes a row. CPU is the server processes' own.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import attrs
import psycopg

from bench.harness import QUICK, TURNS, Report, Sample
from placet.access import keys
from placet.bootstrap import build
from placet.catalogue.render import render
from placet.catalogue.store import remember_shown
from placet.config import Config
from placet.kernel import clock
from placet.store.embedded import EmbeddedServer
from placet.subjects.model import Newcomer

CONNECTIONS = 64
SECONDS = 1 if QUICK else 6
WORKERS = (1,) if QUICK else (1, 2)
PEOPLE = 500 if QUICK else 5_000
PORT = 18_200
_BIN = Path(sys.executable).parent

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


@attrs.frozen
class Load:
    """What wrk measured: requests a second, the 99th percentile in ms, and the server's CPU."""

    rate: float
    p99: float
    cpu: float
    requests: int


@attrs.define
class Stage:
    """A database, people in it, and a key; shared by all rounds."""

    folder: Path
    url: str
    key: str
    shown: str
    subjects: Path
    round: int = 0

    def load(self, pids: set[int], path: str, body: str) -> Load:
        self.round += 1
        script = self.folder / "load.lua"
        values = {"subjects": self.subjects, "run": f"{self.round}-", "key": self.key, "path": path, "body": body}
        script.write_text(_LUA % values)
        before = _cpu(pids)
        command = [
            "wrk",
            "-t1",
            f"-c{CONNECTIONS}",
            f"-d{SECONDS}s",
            "--latency",
            "-s",
            str(script),
            f"http://127.0.0.1:{PORT}",
        ]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        cpu = _cpu(pids) - before
        if failed := re.search(r"Non-2xx or 3xx responses: (\d+)", said):
            raise RuntimeError(f"{failed[1]} requests failed: {said}")
        requests = int(_found(r"(\d+) requests in", said))
        return Load(float(_found(r"Requests/sec:\s+([\d.]+)", said)), _milliseconds(said), cpu, requests)


def run(report: Report) -> None:
    """All rows of this module."""
    if shutil.which("wrk") is None:
        report.fail("http", "wrk is not installed: apt-get install wrk")
        return
    folder = Path(tempfile.mkdtemp(prefix="placet-http-", dir="/var/tmp"))
    folder.chmod(0o755)
    server = EmbeddedServer(folder / "pg")
    server.start()
    try:
        stage = _stage(folder, server)
        for workers in WORKERS:
            _measure(report, stage, workers)
    finally:
        server.release()
        shutil.rmtree(folder, ignore_errors=True)


def _stage(folder: Path, server: EmbeddedServer) -> Stage:
    config = _config(folder, server.url())
    placet = build(config)
    now = clock.now()
    with placet.database.transaction() as connection:
        people = placet.subjects.add_many(connection, [Newcomer((), "lv") for _ in range(PEOPLE)], now=now)
        key = keys.add(connection, "bench", keys.SCOPES, now=now, per_second=10**7, burst=10**7).text
        shown = render(placet.catalogue(connection), purpose="offers", language="lv", route="api")
        remember_shown(connection, shown, now)
    placet.close()
    subjects = folder / "subjects"
    subjects.write_text("\n".join(str(person.id) for person in people))
    return Stage(folder, server.url(), key, shown.sha256.hex(), subjects)


def _measure(report: Report, stage: Stage, workers: int) -> None:
    """Both rows for so many workers: ours, then each peer, in turns."""
    decide = f'{{"subject":"%s","purpose":"offers","decision":"given","shown":"{stage.shown}"}}'
    check = '{"subject":"%s","activity":"offers"}'
    decided: list[Load] = []
    checked: list[Load] = []
    rows: list[Load] = []
    looked_up: list[Load] = []
    bare: list[Load] = []
    raw: list[Sample] = []
    for _ in range(TURNS):
        with _placet(stage, workers=workers) as pids:
            decided.append(stage.load(pids, "/v1/decisions", decide))
            _meet_everybody(stage, workers)
            checked.append(stage.load(pids, "/v1/check", check))
        with _peer(stage, "uvicorn", "bench.peers.rows:app", 1) as pids:
            rows.append(stage.load(pids, "/v1/decisions", decide))
        raw.append(_raw(stage.url))
        with _peer(stage, "uvicorn", "bench.peers.lookup:app", workers) as pids:
            looked_up.append(stage.load(pids, "/v1/check", check))
        with _peer(stage, "granian", "bench.peers.bare:app", workers) as pids:
            bare.append(stage.load(pids, "/v1/check", check))
    named = f"over http, {workers} worker{'s' if workers > 1 else ''}"
    what = f"decisions {named}"
    _row(report, what, decided, "FastAPI + SQLAlchemy, one row a commit", rows, must=">= 3000/s, >= 10x")
    limit = sorted(sample.measure("1/s") for sample in raw)[len(raw) // 2]
    _shown(report, what, decided, "raw psycopg, 32 connections (shown)", limit)
    what = f"check {named}"
    _row(report, what, checked, "FastAPI + uvicorn + look-up", looked_up, must=">= 4x, p99 <= 30 ms")
    _shown(report, what, checked, "bare granian RSGI (shown)", _median(bare).rate)


def _meet_everybody(stage: Stage, workers: int) -> None:
    """
    The first look at a person goes to the database; the bench measures what comes after it.

    Each worker remembers for itself, and who answers a connection is the kernel's choice: so several rounds for two.
    """
    people = stage.subjects.read_text().split()
    for start in [*range(0, len(people), 1000)] * (1 + 7 * (workers - 1)):
        sent = [{"subject": id, "activity": "offers"} for id in people[start : start + 1000]]
        headers = {"Authorization": f"Bearer {stage.key}"}
        url = f"http://127.0.0.1:{PORT}/v1/check"
        request = urllib.request.Request(url, json.dumps(sent).encode(), headers)
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


@contextmanager
def _placet(stage: Stage, *, workers: int) -> Iterator[set[int]]:
    config = _config(stage.folder, stage.url)
    environment = {
        "PLACET_DATABASE_URL": stage.url,
        "PLACET_DATA_DIR": str(config.data_dir),
        "PLACET_MASTER_KEY": config.master_key or "",
        "PLACET_PORT": str(PORT),
        "PLACET_WORKERS": str(workers),
    }
    with _process([str(_BIN / "placet"), "serve"], environment, "/readyz") as pids:
        yield pids


@contextmanager
def _peer(stage: Stage, server: str, target: str, workers: int) -> Iterator[set[int]]:
    environment = {"PEER_DATABASE_URL": stage.url, "PEER_SUBJECTS": str(stage.subjects)}
    flags = ["--no-access-log"] if server == "uvicorn" else ["--interface", "rsgi", "--no-access-log"]
    command = [
        str(_BIN / server),
        target,
        "--host",
        "127.0.0.1",
        "--port",
        str(PORT),
        "--workers",
        str(workers),
        *flags,
    ]
    with _process(command, environment, None) as pids:
        yield pids


@contextmanager
def _process(command: list[str], environment: Mapping[str, str], ready: str | None) -> Iterator[set[int]]:
    """A server with its children, until it listens (and says that it is ready)."""
    process = subprocess.Popen(
        command,
        env=os.environ | {"PYTHONPATH": "."} | dict(environment),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(process, ready)
        yield _family(process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], ready: str | None) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}")
        with suppress(OSError):
            if ready is None:
                socket.create_connection(("127.0.0.1", PORT), 1).close()
                return
            if b'"ready":true' in _get(ready, ""):
                time.sleep(0.5)
                return
        time.sleep(0.1)
    raise RuntimeError("the server did not become ready")


def _get(path: str, key: str) -> bytes:
    request = urllib.request.Request(f"http://127.0.0.1:{PORT}{path}", headers={"Authorization": f"Bearer {key}"})
    with urllib.request.urlopen(request, timeout=5) as answer:
        return bytes(answer.read())


def _config(folder: Path, url: str) -> Config:
    return Config(database_url=url, data_dir=folder / "data", mode="development", master_key="11" * 32)


def _family(pid: int) -> set[int]:
    found, todo = {pid}, [pid]
    while todo:
        parent = todo.pop()
        for task in Path(f"/proc/{parent}/task").iterdir():
            children = {int(child) for child in (task / "children").read_text().split()}
            todo += children - found
            found |= children
    return found


def _cpu(pids: set[int]) -> float:
    """Seconds of CPU these processes have used."""
    total = 0
    for pid in pids:
        with suppress(FileNotFoundError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    if match is None:
        raise RuntimeError(f"wrk said nothing like {pattern}: {text}")
    return match[1]


def _milliseconds(said: str) -> float:
    match = re.search(r"99%\s+([\d.]+)(us|ms|s)", said)
    if match is None:
        raise RuntimeError(f"wrk told no percentiles: {said}")
    return float(match[1]) * {"us": 1e-3, "ms": 1.0, "s": 1e3}[match[2]]


if __name__ == "__main__":
    alone = Report("http")
    run(alone)
    alone.finish()
