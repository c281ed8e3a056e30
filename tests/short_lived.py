"""Where databases lie that end with their test: in memory where there is room, since nothing of them is to last."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

MEMORY, DISK = Path("/dev/shm"), Path("/var/tmp")
ROOM = 4 * 2**30
"""What two workers' servers may come to hold at once, with room to spare for everybody else."""


@contextlib.contextmanager
def open_folder() -> Iterator[Path]:
    """A folder of its own that the database's operating-system user can reach; its path is short enough for sockets."""
    folder = Path(tempfile.mkdtemp(prefix="placet-", dir=_roomy()))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@cache
def _roomy() -> Path:
    """Memory, if it is mounted, may hold programs (the server's own), and is large; else the disk."""
    if not os.access(MEMORY, os.W_OK):
        return DISK
    found = os.statvfs(MEMORY)
    free = min(found.f_bavail * found.f_frsize, _available())
    return MEMORY if free >= ROOM and not found.f_flag & os.ST_NOEXEC else DISK


def _available() -> int:
    """Bytes that may be taken without pushing anybody out (proc(5), MemAvailable)."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), 0)
