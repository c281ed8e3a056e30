"""No room for PostgreSQL's own log: it stops, so nothing is recorded and nothing allowed, until there is room again."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import httpx
import psycopg
import pytest
from survival_house import House, Traffic, ask, assert_whole, say, until
from test_disk_full import filled

from placet.preparing import embedded
from placet.store.embedded import EmbeddedServer

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="a file system of a limited size can be mounted by root only"),
]
SIZE = 256 * 2**20
"""Bytes for the segments of the log, which are never fewer than 80 MB."""


@contextlib.contextmanager
def small_log(server: EmbeddedServer) -> Iterator[Path]:
    """The log of *server*, which does not run, in a file system of its own."""
    log = server.data / "pg_wal"
    owner, mount = log.stat(), server.folder / "log"
    mount.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(mount)], capture_output=True)
    if done.returncode != 0:
        pytest.skip("this machine may not mount a file system")
    try:
        shutil.copytree(log, mount / "pg_wal")
        shutil.rmtree(log)
        log.symlink_to(mount / "pg_wal")
        for file in [mount, mount / "pg_wal", *(mount / "pg_wal").rglob("*")]:
            os.chown(file, owner.st_uid, owner.st_gid)
        (mount / "pg_wal").chmod(0o700)
        yield mount
    finally:
        subprocess.run(["umount", "-l", str(mount)], check=True)


def use_up(server: EmbeddedServer) -> None:
    """Write until the log has no segment left; the server ends in the middle of it."""
    with contextlib.suppress(psycopg.Error), psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS public.ballast (words text STORAGE EXTERNAL)")
        for _ in range(100):
            connection.execute("INSERT INTO public.ballast SELECT repeat('x', 1000000) FROM generate_series(1, 16)")


def allowed(client: httpx.Client, subject: UUID, token: str | None = None) -> bool:
    """Whether the gate says yes. A server that cannot even tell who asks answers 503."""
    body = {"subject": str(subject), "activity": "loyalty"} | ({} if token is None else {"token": token})
    answer = client.post("/v1/check", json=body)
    assert answer.status_code in {200, 503}, answer.text
    return answer.status_code == 200 and answer.json()["allowed"]


def test_without_room_for_the_log_of_postgresql_nothing_is_recorded_and_all_comes_back_by_itself(
    open_house: Callable[..., House],
) -> None:
    house = open_house()
    key = house.key()
    anna, boris, *people = house.people(26)
    server = embedded(house.config)
    assert server is not None
    server.release()
    with small_log(server) as volume:
        main = house.serve()
        with Traffic(house.url, key, people) as traffic, house.client(key) as client:
            say(client, anna, "loyalty", "given")
            withdrawn = say(client, anna, "loyalty", "withdrawn")
            say(client, boris, "loyalty", "given")
            traffic.flows()
            with filled(volume):
                use_up(server)
                before = traffic.refusals
                until(lambda: traffic.refusals > before + 4, "answers that nothing can be recorded")
                until(lambda: not allowed(client, boris), "a no, since nobody can know")
                assert not allowed(client, anna, withdrawn["token"])
                assert client.get("/healthz").status_code == 200
                assert client.get("/readyz").status_code == 503
            traffic.flows()
            house.await_ready(main)
            assert ask(client, boris, "loyalty") == (True, "consent")
            assert ask(client, anna, "loyalty", withdrawn["token"]) == (False, "withdrawn")
        assert main.poll() is None
        traffic.repeated()
        assert_whole(house, traffic, others=3)
        house.stop()
        server.release()
