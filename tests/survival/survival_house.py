"""
A whole installation for tests that break it: real processes, each with its log in a file, ended by their own ids.

Deadlines here are only there so that a broken test ends; nothing is measured.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import attrs
import httpx
import psycopg

from placet.access import keys
from placet.bootstrap import Application, build
from placet.config import Config
from placet.consents import actions as consents
from placet.consents import store as consents_store
from placet.kernel import clock
from placet.kernel.ids import SubjectId
from placet.subjects.model import Newcomer

PLACET = Path(sys.executable).with_name("placet")
MASTER = "00" * 32
PATIENCE = 120.0
PURPOSES = ("usage", "profiling", "credit", "mobility")
DECISIONS = ("given", "withdrawn", "refused")
PLAIN = httpx.Client(verify=False, timeout=30, limits=httpx.Limits(max_keepalive_connections=0))
"""For single requests over HTTP: `httpx.get` reads every root certificate anew, which costs more than the answer."""


def until(done: Callable[[], bool], what: str) -> None:
    """Wait for *done*; a machine that is busy with other tests gets all the time it needs."""
    end = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < end, f"it never happened: {what}"
        time.sleep(0.05)


def at(server: str, name: str) -> str:
    """The URL of the database *name* on *server*."""
    parts = urlsplit(server)
    return urlunsplit((parts.scheme, parts.netloc, f"/{name}", parts.query, ""))


def clone(server: str, source: str, name: str) -> None:
    """Copy a database file by file; nobody may be connected to *source*."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{source}" STRATEGY FILE_COPY')


def drop(server: str, name: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:

        def dropped() -> bool:
            # Sessions of other roles end by themselves: the administrator is no superuser.
            with contextlib.suppress(psycopg.errors.ObjectInUse, psycopg.errors.InsufficientPrivilege):
                connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
                return True
            return False

        until(dropped, f"the end of every connection to {name}")


@attrs.define
class House:
    """One installation: its folder, its settings, and the processes that were started for it."""

    folder: Path
    settings: dict[str, str]
    port: int
    processes: list[subprocess.Popen[bytes]] = attrs.field(factory=list)

    @classmethod
    def at(cls, folder: Path, *, database_url: str | None = None, **settings: str) -> House:
        port = _free_port()
        known = {"data_dir": str(folder / "data"), "master_key": MASTER, "port": str(port), "mode": "development"}
        if database_url is not None:
            known["database_url"] = database_url
        folder.mkdir(exist_ok=True)
        return cls(folder, known | settings, port)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """Everything that the processes have printed."""
        return "".join(file.read_text() for file in sorted(self.folder.glob("*.log")))

    @property
    def config(self) -> Config:
        return Config(**self.settings)  # type: ignore[arg-type]

    @property
    def environment(self) -> Mapping[str, str]:
        own = {name: value for name, value in os.environ.items() if not name.startswith("PLACET_")}
        return (
            own | {f"PLACET_{name.upper()}": value for name, value in self.settings.items()} | {"PYTHONUNBUFFERED": "1"}
        )

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """A long-running command."""
        with (self.folder / f"{arguments[0]}-{len(self.processes)}.log").open("wb") as log:
            process = subprocess.Popen(
                [PLACET, *arguments], cwd=self.folder, env=self.environment, stdout=log, stderr=subprocess.STDOUT
            )
        self.processes.append(process)
        return process

    def serve(self) -> subprocess.Popen[bytes]:
        """`placet serve`, waited for until it is ready."""
        process = self.start("serve")
        self.await_ready(process)
        return process

    def await_ready(self, process: subprocess.Popen[bytes] | None = None) -> None:
        def ready() -> bool:
            assert process is None or process.poll() is None, f"the server ended:\n{self.log}"
            with contextlib.suppress(httpx.HTTPError):
                return PLAIN.get(f"{self.url}/readyz", timeout=10).status_code == 200
            return False

        until(ready, f"readiness of the server\n{self.log}")

    def run(self, *arguments: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
        """A command that ends by itself."""
        done = subprocess.run(
            [PLACET, *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        assert done.returncode == expect, f"placet {arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def workers(self, process: subprocess.Popen[bytes]) -> list[int]:
        """The processes that serve requests for *process*."""
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        return [int(pid) for pid in children]

    @contextlib.contextmanager
    def application(self) -> Iterator[Application]:
        """The same installation inside the test's own process; nothing is started."""
        application = build(self.config)
        try:
            yield application
        finally:
            application.close()

    def key(self) -> str:
        """An API key that may do everything."""
        with self.application() as placet, placet.database.transaction() as connection:
            return keys.add(connection, "tests", keys.SCOPES, now=clock.now()).text

    def people(self, count: int) -> list[UUID]:
        with self.application() as placet, placet.database.transaction() as connection:
            newcomers = [Newcomer((), "lv") for _ in range(count)]
            return [one.id for one in placet.subjects.add_many(connection, newcomers, now=clock.now())]

    def client(self, key: str | None = None) -> httpx.Client:
        """A client with *key*, or with a new one that may do everything."""
        headers = {"authorization": f"Bearer {key or self.key()}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=30, verify=False)

    def stop(self) -> None:
        """End everything in good order."""
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=PATIENCE)

    def close(self) -> None:
        """End what still runs, each by its own id; a killed server may have left a worker."""
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@attrs.define
class Traffic:
    """
    Clients that decide over HTTP and never give up: each request has its key, and is sent until it is answered.

    *answers* is shared by the clients' threads; each writes under keys of its own.
    """

    url: str
    api_key: str
    people: list[UUID]
    clients: int = 4
    name: str = "client"
    answers: dict[str, dict[str, Any]] = attrs.field(factory=dict)
    bodies: dict[str, dict[str, str]] = attrs.field(factory=dict)
    odd: list[str] = attrs.field(factory=list)
    """Answers that are neither a recorded decision nor `try again`."""
    refusals: int = 0
    _shown: dict[str, str] = attrs.field(factory=dict)
    _stop: threading.Event = attrs.field(factory=threading.Event)
    _threads: list[threading.Thread] = attrs.field(factory=list)

    def __enter__(self) -> Traffic:
        with self._client() as client:
            for purpose in PURPOSES:
                notice = client.get(f"/v1/notices/{purpose}?language=lv&route=api").json()
                self._shown[purpose] = notice["sha256"]
        for number in range(self.clients):
            thread = threading.Thread(target=self._decide, args=(number,), daemon=True)
            self._threads.append(thread)
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=PATIENCE)
        assert not any(thread.is_alive() for thread in self._threads), "a request was never answered"

    def flows(self, more: int = 20) -> None:
        """Wait until that many more decisions were acknowledged."""
        goal = len(self.answers) + more
        until(lambda: len(self.answers) >= goal, f"{more} more decisions; odd answers: {self.odd[:3]}")

    def _client(self, at: str | None = None) -> httpx.Client:
        headers = {"authorization": f"Bearer {self.api_key}"}
        return httpx.Client(base_url=at or self.url, headers=headers, timeout=30, verify=False)

    def _decide(self, number: int) -> None:
        with self._client() as client:
            mine = self.people[number :: self.clients]
            count = 0
            while not self._stop.is_set():
                count += 1
                key = f"{self.name}/{number}/{count}"
                purpose, decision = PURPOSES[count % len(PURPOSES)], DECISIONS[count % len(DECISIONS)]
                self.bodies[key] = {"subject": str(mine[count % len(mine)]), "purpose": purpose, "decision": decision}
                if decision == "given":
                    self.bodies[key] |= {"shown": self._shown[purpose], "language": "lv"}
                self._insist(client, key)

    def _insist(self, client: httpx.Client, key: str) -> None:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                answer = self.send(client, key)
            except httpx.HTTPError:
                time.sleep(0.05)
                continue
            if answer.status_code == 201:
                self.answers[key] = answer.json()
                return
            if answer.status_code != 503 or answer.headers["content-type"] != "application/problem+json":
                self.odd.append(f"{answer.status_code} {answer.text}")
            self.refusals += 1
            time.sleep(0.05)

    def send(self, client: httpx.Client, key: str) -> httpx.Response:
        """The request of *key*, as it was sent before."""
        return client.post("/v1/decisions", json=self.bodies[key], headers={"idempotency-key": key})

    def repeated(self, some: int = 40, *, at: str | None = None) -> None:
        """Send requests again, also *at* another server: each is answered with the record of the first time."""
        with self._client(at) as client:
            for key in list(self.answers)[-some:]:
                again = self.send(client, key).json()
                assert again["record"] == self.answers[key]["record"]
                assert again["replayed"] is True


def say(client: httpx.Client, subject: UUID, purpose: str, decision: str, **more: str) -> dict[str, Any]:
    """A decision that is recorded; a yes is said on the text in force."""
    body = {"subject": str(subject), "purpose": purpose, "decision": decision, "language": "lv"} | more
    if decision == "given":
        body["shown"] = client.get(f"/v1/notices/{purpose}?language=lv&route=api").json()["sha256"]
    answer = client.post("/v1/decisions", json=body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def ask(client: httpx.Client, subject: UUID, activity: str, token: str | None = None) -> tuple[bool, str]:
    """What the gate says, and why."""
    body = {"subject": str(subject), "activity": activity} | ({} if token is None else {"token": token})
    answer = client.post("/v1/check", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["allowed"], answer.json()["reason"]


def assert_whole(house: House, *traffics: Traffic, others: int = 0) -> None:
    """
    What is acknowledged is there, once; positions have no gap; the tree and the states are those of the records.

    *others*: how many decisions the test itself has made besides.
    """
    answers = [answer for traffic in traffics for answer in traffic.answers.values()]
    said = {UUID(answer["record"]): answer["position"] for answer in answers}
    assert [odd for traffic in traffics for odd in traffic.odd] == []
    requests = sum(len(traffic.bodies) for traffic in traffics)
    assert len(said) == len(answers) == requests, "two requests share a record, or one has none"
    with house.application() as placet:
        with placet.database.transaction() as connection:
            assert_gapless(connection)
            rows = connection.execute("SELECT id, position FROM ledger.entered WHERE subject IS NOT NULL").fetchall()
            assert said.items() <= dict(rows).items(), "an acknowledged record is missing"
            assert len(rows) == len(said) + others, "a record was written twice"
            terms = placet.in_force.terms(connection)
            for subject in [person for traffic in traffics for person in traffic.people]:
                person = consents_store.people(connection, [SubjectId(subject)])[SubjectId(subject)]
                held = consents_store.standing_of(connection, person.number)
                assert held == consents.states_as_of(
                    connection, SubjectId(subject), terms=terms, at=None, known_at=None
                )
        placet.keeper.run_once(clock.now())
    verified = house.run("ledger", "verify").stdout
    assert "every row is as it was signed" in verified


def assert_gapless(connection: psycopg.Connection) -> None:
    rows = connection.execute("SELECT position, recorded_at FROM ledger.entered ORDER BY position").fetchall()
    assert [position for position, _ in rows] == list(range(1, len(rows) + 1))
    assert connection.execute("SELECT position FROM ledger.head").fetchone() == (len(rows),)
    times = [recorded_at for _, recorded_at in rows]
    assert all(earlier < later for earlier, later in itertools.pairwise(times))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
