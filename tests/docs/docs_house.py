"""One running installation for all pages: its own folder and database, the sample customers, a free port."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import attrs
from docs_runner import Shell, environment, loaded

from short_lived import open_folder

TOUR = "/var/tmp/placet-tour"
"""The data folder that the pages speak of."""
ADDRESS = "127.0.0.1:8000"


@attrs.frozen
class House:
    """Where the installation is, and what it said when it started."""

    folder: Path
    port: int
    programs: Path
    greeting: tuple[str, ...]

    def shell(self, folder: Path) -> Shell:
        """A shell in *folder* for which this is the installation that the pages speak of."""
        settings = {"PLACET_DATA_DIR": str(self.folder), "PLACET_PORT": str(self.port)}
        replaced = {TOUR: str(self.folder), ADDRESS: f"127.0.0.1:{self.port}", "$PWD/.venv/bin": str(self.programs)}
        clients = next((self.folder / "postgres" / "server").glob("pginstall*/bin"))
        return Shell(folder, environment(self.programs, clients, **settings), replaced)


@contextlib.contextmanager
def running() -> Iterator[House]:
    """An installation that serves until the end of the block."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with open_folder() as folder, loaded(folder) as programs:
        data, log = folder / "d", folder / "server.log"
        with log.open("w") as stream:
            server = subprocess.Popen(
                [str(Path(sys.executable).parent / "placet"), "serve", "--demo", "--no-month"],
                cwd=folder,
                env=environment(programs, PLACET_DATA_DIR=str(data), PLACET_PORT=str(port)),
                stdout=stream,
                stderr=subprocess.STDOUT,
            )
        try:
            _wait(f"http://127.0.0.1:{port}/readyz", folder / "placet.socket", server, log)
            said = log.read_text(encoding="utf-8").replace(f"127.0.0.1:{port}", ADDRESS)
            yield House(data, port, programs, tuple(said.splitlines()))
        finally:
            server.terminate()
            server.wait(timeout=30)


def _wait(address: str, programs: Path, server: subprocess.Popen[bytes], log: Path) -> None:
    """Until the server is ready and the shells' programs are loaded."""
    for _ in range(600):
        assert server.poll() is None, log.read_text(encoding="utf-8")
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                if answer.status == 200 and programs.exists():
                    return
        except OSError:
            pass
        time.sleep(0.1)
    raise AssertionError(log.read_text(encoding="utf-8"))
