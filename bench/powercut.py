"""
A power cut, not a killed process: what is acknowledged must be on the disk.

The database lives on a file system in a file. At a random moment every server process is stopped in its tracks, the
file is copied as it is (what was never synced is not in it), the copy is mounted and a server started on it: that is
what a machine finds when the power comes back. Two controls show that the test has teeth: with fsync off, and with
asynchronous commits, acknowledged decisions must be missing; a control that loses nothing fails the run.

Needs root and loop devices. `make bench NAME=powercut [QUICK=1]`.
"""

from __future__ import annotations

import logging
import os
import random
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import attrs
import psycopg

from bench.harness import QUICK, Report
from placet.consents.model import Actor, Recorded, Wish
from placet.consents.rules import Shown, Terms
from placet.consents.sequencer import Sequencer
from placet.kernel import clock
from placet.kernel.errors import PlacetError
from placet.kernel.ids import PurposeId, SubjectId
from placet.kernel.seal import MasterKey
from placet.store.database import Database
from placet.store.embedded import EmbeddedServer
from placet.store.migrations import migrate
from placet.subjects.actions import Subjects
from placet.subjects.model import Newcomer, Subject

ROUNDS = {"fsync on": 3 if QUICK else 20, "fsync off": 2 if QUICK else 4, "asynchronous commit": 2 if QUICK else 6}
WRITERS = 16
OFFERS = PurposeId("offers")


@attrs.define
class Book:
    """The rules of a world with one purpose; withdrawals need no text."""

    subjects: Subjects
    rest: timedelta = timedelta(days=90)

    def terms(self, _connection: psycopg.Connection) -> dict[PurposeId, Terms]:
        return {OFFERS: Terms(OFFERS, 1, 0)}

    def unwrap(self, wrapped_key: bytes, subject: SubjectId) -> bytes:
        return self.subjects.key_of(wrapped_key, subject)

    def shown(self, _connection: psycopg.Connection, _digest: bytes) -> Shown | None:
        return None

    def covers(self, *_: object) -> bool:
        return False


@attrs.frozen
class Disk:
    """A file system in a file."""

    image: Path
    mount: Path

    def make(self) -> None:
        self.mount.mkdir()
        with self.image.open("wb") as stream:
            stream.truncate(3 * 2**30)
        _run("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=1", str(self.image))
        _run("mount", "-o", "loop", str(self.image), str(self.mount))
        self.mount.chmod(0o755)

    def cut(self) -> None:
        """Stop the server in its tracks, keep what the disk holds at this moment, and go on with that."""
        pids = _servers(self.mount)
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        copy = self.image.with_suffix(".copy")
        _run("cp", "--sparse=always", str(self.image), str(copy))
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        while _servers(self.mount):
            threading.Event().wait(0.05)
        _run("umount", str(self.mount))
        copy.replace(self.image)
        _run("mount", "-o", "loop", str(self.image), str(self.mount))
        # After a real cut no process of before is left, so the server's lock files name nobody.
        for lock in ("data/postmaster.pid", "run/.s.PGSQL.5432.lock"):
            (self.mount / "pg" / lock).unlink(missing_ok=True)


@attrs.frozen
class Outcome:
    """One power cut: how many decisions were acknowledged before it, and what was found after it."""

    acknowledged: int
    lost: int
    broken: str | None


def main() -> None:
    # The pool tells of every refused connection; here the server is meant to be away.
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR + 1)
    if os.geteuid() != 0:
        raise SystemExit("the power cut needs root and loop devices")
    report = Report("powercut")
    for setting, rounds in ROUNDS.items():
        outcomes = [one_round(setting) for _ in range(rounds)]
        acknowledged, lost = sum(o.acknowledged for o in outcomes), sum(o.lost for o in outcomes)
        bad = sum(o.lost > 0 or o.broken is not None for o in outcomes)
        must = "0 lost" if setting == "fsync on" else "control: must lose"
        report.add(f"lost after a power cut, {setting}", lost, "decisions", n=acknowledged, rounds=rounds,
                   bad_rounds=bad, broken=sorted({o.broken for o in outcomes if o.broken}), must=must)  # fmt: skip
        if (setting == "fsync on") == (bad > 0):
            report.fail(setting, "acknowledged decisions were lost" if bad else "the control lost nothing: no teeth")
    report.finish()


def one_round(setting: str) -> Outcome:
    folder = Path(tempfile.mkdtemp(prefix="placet-power-", dir="/var/tmp"))
    folder.chmod(0o755)
    disk = Disk(folder / "disk.img", folder / "d")
    try:
        disk.make()
        return _cut_once(disk, setting)
    finally:
        for pid in _servers(disk.mount):
            os.kill(pid, signal.SIGKILL)
        threading.Event().wait(0.2)
        subprocess.run(["umount", "-l", str(disk.mount)], check=False, capture_output=True)
        shutil.rmtree(folder, ignore_errors=True)


def _cut_once(disk: Disk, setting: str) -> Outcome:
    server = EmbeddedServer(disk.mount / "pg", fsync=setting != "fsync off")
    server.start()
    roles = migrate(server.url())
    os.sync()
    acknowledged: set[UUID] = set()
    options = "&options=-csynchronous_commit%3Doff" if setting == "asynchronous commit" else ""
    with _writing(server.url(role=roles.app) + options, acknowledged):
        threading.Event().wait(random.uniform(1.0, 3.0))
        disk.cut()
        said = frozenset(acknowledged)
    try:
        EmbeddedServer(disk.mount / "pg", fsync=True).start()
        present, whole = _found(server.url(role=roles.app))
    except (PlacetError, psycopg.Error) as error:
        return Outcome(len(said), len(said), type(error).__name__)
    return Outcome(len(said), len(said - present), None if whole else "ledger has gaps or states differ")


@contextmanager
def _writing(url: str, acknowledged: set[UUID]) -> Iterator[None]:
    """Writers that say yes and no as fast as they are answered; each answer is noted when it has arrived."""
    database = Database(url, size=2, timeout=2)
    subjects = Subjects(database, MasterKey(bytes(32)))
    with database.transaction() as connection:
        people = subjects.add_many(connection, [Newcomer((), "lv") for _ in range(500)], now=clock.now())
    sequencer = Sequencer(database, Book(subjects), clock.now)
    sequencer.start()
    stop = threading.Event()
    writers = [
        threading.Thread(target=_write, args=(sequencer, people[index::WRITERS], acknowledged, stop), daemon=True)
        for index in range(WRITERS)
    ]
    for writer in writers:
        writer.start()
    try:
        yield
    finally:
        stop.set()
        for writer in writers:
            writer.join(timeout=20)
        database.close()


def _write(sequencer: Sequencer, people: list[Subject], acknowledged: set[UUID], stop: threading.Event) -> None:
    while not stop.is_set():
        for person in people:
            wish = Wish(person.id, OFFERS, "withdrawn", "portal", Actor("subject"))
            try:
                (outcome,) = sequencer.record([wish])
            except PlacetError:
                return
            if isinstance(outcome, Recorded):
                acknowledged.add(outcome.record)


def _found(url: str) -> tuple[set[UUID], bool]:
    """The records that are there, and whether positions, head and states agree with each other."""
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT position, id FROM ledger.record ORDER BY position").fetchall()
        head = connection.execute("SELECT position FROM ledger.head").fetchone()
        stray = connection.execute(
            "SELECT count(*) FROM consents.state AS s WHERE s.position <>"
            " (SELECT max(e.position) FROM ledger.entered AS e JOIN subjects.current AS p ON p.id = e.subject"
            "  WHERE p.number = s.number)"
        ).fetchone()
    whole = [position for position, _ in rows] == list(range(1, len(rows) + 1)) and head == (len(rows),)
    return {id for _, id in rows}, whole and stray == (0,)


def _servers(mount: Path) -> list[int]:
    """The server processes whose data lies under *mount*."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                if (entry / "cwd").readlink().is_relative_to(mount):
                    found.append(int(entry.name))
    return [pid for pid in found if pid != os.getpid()]


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


if __name__ == "__main__":
    main()
