"""A Redis of our own on a socket in a folder of its own, for as long as it is measured."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import redis

KEY = b"consenting"
_CHUNK = 10_000


class NoRedisError(Exception):
    """There is no redis-server on this machine."""


@contextmanager
def redis_with(folder: Path, members: Sequence[int]) -> Iterator[redis.Redis]:
    """A running Redis whose set KEY holds *members*."""
    program = shutil.which("redis-server")
    if program is None:
        raise NoRedisError("redis-server is not installed (apt-get install redis-server)")
    home = folder / "redis"
    home.mkdir()
    where = home / "socket"
    options = ["--port", "0", "--unixsocket", str(where), "--save", "", "--appendonly", "no", "--dir", str(home)]
    server = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _fill(where, members)
        with redis.Redis(unix_socket_path=str(where)) as client:
            assert client.scard(KEY) == len(members)
            yield client
    finally:
        server.terminate()
        server.wait(timeout=30)
        shutil.rmtree(home, ignore_errors=True)


def _connected(where: Path) -> socket.socket:
    """A connection, as soon as the server answers."""
    end = time.monotonic() + 10
    while True:
        wire = socket.socket(socket.AF_UNIX)
        try:
            wire.connect(str(where))
        except OSError:
            wire.close()
            if time.monotonic() > end:
                raise NoRedisError("redis-server did not start within 10 s") from None
            time.sleep(0.02)
        else:
            return wire


def _fill(where: Path, members: Sequence[int]) -> None:
    """SADD by the wire protocol; a client library would take minutes for millions."""
    with _connected(where) as wire:
        for first in range(0, len(members), _CHUNK):
            some = members[first : first + _CHUNK]
            words = [b"SADD", KEY, *(b"%d" % member for member in some)]
            wire.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words))
            answer = wire.recv(64)
            assert answer == b":%d\r\n" % len(some), answer
