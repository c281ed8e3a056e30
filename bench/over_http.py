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
from placet.config import Config
from placet.kernel import clock
from placet.store.embedded import EmbeddedServer
from placet.subjects.model import Newcomer

CONNECTIONS = 64
SECONDS = 1 if QUICK else 6
PEOPLE = 5_000
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
    folder = Path(
        subprocess.run(
            ["mktemp", "-d", "/var/tmp/placet-http-XXXXXX"], check=True, capture_output=True, text=True
        ).stdout.strip()
    )
    folder.chmod(0o755)
    server = EmbeddedServer(folder / "pg")
    server.start()
    try:
        stage = _stage(folder, server)
        _decisions(report, stage)
        for workers in (1, 2):
            _checks(report, stage, workers)
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
    placet.close()
    subjects = folder / "subjects"
    subjects.write_text("\n".join(str(person.id) for person in people))
    stage = Stage(folder, server.url(), key, "", subjects)
    with _placet(stage, workers=1):
        stage.shown = json.loads(_get("/v1/notices/offers?language=lv&route=api", key))["sha256"]
    return stage


def _decisions(report: Report, stage: Stage) -> None:
    body = f'{{"subject":"%s","purpose":"offers","decision":"given","shown":"{stage.shown}"}}'
    ours: dict[int, list[Load]] = {1: [], 2: []}
    rows: list[Load] = []
    raw: list[Sample] = []
    for _ in range(TURNS):
        for workers in (1, 2):
            with _placet(stage, workers=workers) as pids:
                ours[workers].append(stage.load(pids, "/v1/decisions", body))
        with _peer(stage, "uvicorn", "bench.peers.rows:app", 1) as pids:
            rows.append(stage.load(pids, "/v1/decisions", body))
        raw.append(_raw(stage.url))
    for workers in (1, 2):
        what = f"decisions over http, {workers} worker{'s' if workers > 1 else ''}"
        _row(report, what, ours[workers], "FastAPI + SQLAlchemy, one row a commit", rows, must=">= 3000/s, >= 10x")
        limit = sorted(sample.measure("1/s") for sample in raw)[len(raw) // 2]
        report.add(what, _median(ours[workers]).rate, "1/s", peer="raw psycopg, 32 connections (shown)",
                   peer_value=limit, n=sum(load.requests for load in ours[workers]))  # fmt: skip


def _checks(report: Report, stage: Stage, workers: int) -> None:
    body = '{"subject":"%s","activity":"offers"}'
    ours, theirs, bare = [], [], []
    for _ in range(TURNS):
        with _placet(stage, workers=workers) as pids:
            _meet_everybody(stage)
            ours.append(stage.load(pids, "/v1/check", body))
        with _peer(stage, "uvicorn", "bench.peers.lookup:app", workers) as pids:
            theirs.append(stage.load(pids, "/v1/check", body))
        with _peer(stage, "granian", "bench.peers.bare:app", workers) as pids:
            bare.append(stage.load(pids, "/v1/check", body))
    what = f"check over http, {workers} worker{'s' if workers > 1 else ''}"
    _row(report, what, ours, "FastAPI + uvicorn + look-up", theirs, must=">= 4x, p99 <= 30 ms")
    report.add(what, _median(ours).rate, "1/s", peer="bare granian RSGI (shown)", peer_value=_median(bare).rate,
               n=sum(load.requests for load in ours))  # fmt: skip


def _meet_everybody(stage: Stage) -> None:
    """The first look at a person goes to the database; the bench measures what comes after it."""
    people = stage.subjects.read_text().split()
    for start in range(0, len(people), 1000):
        sent = [{"subject": id, "activity": "offers"} for id in people[start : start + 1000]]
        headers = {"Authorization": f"Bearer {stage.key}"}
        url = f"http://127.0.0.1:{PORT}/v1/check"
        request = urllib.request.Request(url, json.dumps(sent).encode(), headers)
        urllib.request.urlopen(request, timeout=60).close()


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
