"""A full disk: nothing is recorded and everybody is told so, questions are answered, and nothing needs repair."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psycopg
import pytest
from survival_house import House, Traffic, ask, assert_whole, say, until

from placet.store.embedded import EmbeddedServer
from short_lived import open_folder

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="a file system of a limited size can be mounted by root only"),
]
SIZE = 400 * 2**20
"""Bytes for the server's programs (70 MB), a fresh cluster, and its first log segments."""


@pytest.fixture
def small_server() -> Iterator[EmbeddedServer]:
    """A server whose disk is small."""
    with open_folder() as folder:
        mount = folder / "disk"
        mount.mkdir()
        options = f"size={SIZE},mode=0755"
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(mount)], capture_output=True)
        if done.returncode != 0:
            pytest.skip("this machine may not mount a file system")
        server = EmbeddedServer(mount / "pg")
        try:
            server.start()
            yield server
        finally:
            server.release()
            subprocess.run(["umount", "-l", str(mount)], check=True)


@contextlib.contextmanager
def filled(folder: Path) -> Iterator[None]:
    """Leave no byte free in the file system of *folder*."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as stream, contextlib.suppress(OSError):
        while True:
            stream.write(bytes(2**20))
    with filler.open("ab", buffering=0) as stream, contextlib.suppress(OSError):
        while True:
            stream.write(bytes(4096))
    try:
        yield
    finally:
        filler.unlink()


def test_on_a_full_disk_decisions_wait_and_checks_go_on(
    small_server: EmbeddedServer, open_house: Callable[..., House]
) -> None:
    with psycopg.connect(small_server.url(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE placet_small")
    house = open_house(database_url=small_server.url("placet_small"))
    key = house.key()
    anna, boris, clara, *people = house.people(27)
    main = house.serve()
    postmaster = (small_server.data / "postmaster.pid").read_text()
    with Traffic(house.url, key, people) as traffic, house.client(key) as client:
        given = [say(client, person, "loyalty", "given") for person in (anna, clara)]
        say(client, boris, "loyalty", "refused")
        traffic.flows()
        with filled(small_server.folder.parent):
            before = traffic.refusals
            until(lambda: traffic.refusals > before + 4, "answers that nothing can be recorded")
            refused, recorded = until_refused(client, boris)
            assert refused.headers["content-type"] == "application/problem+json"
            assert refused.json()["code"] == "unavailable"
            assert refused.headers["retry-after"]
            # From the replica, and (Clara was never asked about) from the database.
            assert ask(client, anna, "loyalty", given[0]["token"]) == (True, "consent")
            assert ask(client, clara, "loyalty", given[1]["token"]) == (True, "consent")
            assert not ask(client, boris, "loyalty")[0]
            assert not ask(client, people[0], "offers.email-campaign")[0]
            assert client.get("/log/checkpoint").status_code == 200
            assert client.get(f"/v1/subjects/{anna}/state").status_code == 200
            assert (small_server.data / "postmaster.pid").read_text() == postmaster
        traffic.flows()
        house.await_ready(main)
        again = say(client, anna, "loyalty", "withdrawn")
        assert not ask(client, anna, "loyalty", again["token"])[0]
    traffic.repeated()
    assert_whole(house, traffic, others=4 + recorded)


def until_refused(client: httpx.Client, person: object) -> tuple[httpx.Response, int]:
    """A decision that finds no room, and how many before it found a last gap."""
    found: list[httpx.Response] = []

    def refused() -> bool:
        body = {"subject": str(person), "purpose": "credit", "decision": "refused"}
        found.append(client.post("/v1/decisions", json=body))
        return found[-1].status_code == 503

    until(refused, "a decision that is refused")
    assert {answer.status_code for answer in found[:-1]} <= {201}
    return found[-1], len(found) - 1
