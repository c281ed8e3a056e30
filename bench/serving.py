"""Servers that are measured: processes of their own on a free port, ready when they are yielded, ended by their ids."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import attrs

from placet.config import Config

BIN = Path(sys.executable).parent
SECONDS_TO_START = 60


@attrs.frozen
class Server:
    """One that runs: the process and its children."""

    process: subprocess.Popen[bytes]
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cpu(self) -> float:
        """Seconds of CPU that it has used so far."""
        return sum(map(_cpu, _family(self.process.pid))) / os.sysconf("SC_CLK_TCK")


@contextmanager
def placet(config: Config, *, workers: int) -> Iterator[Server]:
    """`placet serve`, until it says that it is ready."""
    environment = {
        "PLACET_DATABASE_URL": config.database_url or "",
        "PLACET_DATA_DIR": str(config.data_dir),
        "PLACET_MASTER_KEY": config.master_key or "",
        "PLACET_PORT": str(port := _free_port()),
        "PLACET_WORKERS": str(workers),
    }
    with _started([str(BIN / "placet"), "serve"], environment, port) as server:
        _await(server, _ready)
        time.sleep(0.5)  # Of two workers one has answered.
        yield server


@contextmanager
def peer(program: str, target: str, environment: Mapping[str, str], *, workers: int) -> Iterator[Server]:
    """*target* (`module:application`) under uvicorn or granian, until it listens."""
    own = {"uvicorn": [], "granian": ["--interface", "rsgi"]}[program]
    port = _free_port()
    address = ["--host", "127.0.0.1", "--port", str(port), "--workers", str(workers), "--no-access-log"]
    with _started([str(BIN / program), target, *address, *own], environment, port) as server:
        _await(server, _listens)
        yield server


@contextmanager
def _started(command: Sequence[str], environment: Mapping[str, str], port: int) -> Iterator[Server]:
    process = subprocess.Popen(
        command,
        env=os.environ | {"PYTHONPATH": "."} | dict(environment),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield Server(process, port)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await(server: Server, answers: Callable[[Server], bool]) -> None:
    end = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < end:
        if server.process.poll() is not None:
            raise RuntimeError(f"the server ended with {server.process.returncode}")
        with suppress(OSError):
            if answers(server):
                return
        time.sleep(0.1)
    raise RuntimeError("the server did not become ready")


def _ready(server: Server) -> bool:
    with urllib.request.urlopen(f"{server.url}/readyz", timeout=5) as answer:
        return b'"ready":true' in answer.read()


def _listens(server: Server) -> bool:
    socket.create_connection(("127.0.0.1", server.port), 1).close()
    return True


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def _family(pid: int) -> set[int]:
    found, todo = {pid}, [pid]
    while todo:
        parent = todo.pop()
        for task in Path(f"/proc/{parent}/task").iterdir():
            children = {int(child) for child in (task / "children").read_text().split()}
            todo += children - found
            found |= children
    return found


def _cpu(pid: int) -> int:
    """Clock ticks."""
    with suppress(FileNotFoundError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])
    return 0
