"""
kill -9 of everything in turn, while clients decide: what was acknowledged is there, once, and the house recovers.

Nothing here shows durability: a killed process leaves its writes in the kernel. That is `bench/powercut.py`.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable
from pathlib import Path

from survival_house import House, Traffic, assert_whole, until

from placet.preparing import embedded
from placet.store.embedded import EmbeddedServer


def servers(server: EmbeddedServer) -> list[int]:
    """The processes of PostgreSQL, the postmaster first."""
    postmaster = int((server.data / "postmaster.pid").read_text().split()[0])
    found = [postmaster]
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and (entry / "cwd").readlink() == server.data and int(entry.name) != postmaster:
                found.append(int(entry.name))
    return found


def alive(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def backends(server: EmbeddedServer, database: str) -> list[int]:
    """The processes that serve connections to *database*."""
    return [pid for pid in servers(server) if f" {database} ".encode() in Path(f"/proc/{pid}/cmdline").read_bytes()]


def test_killed_server_processes_lose_nothing_and_come_back(open_house: Callable[..., House], own_url: str) -> None:
    house = open_house(database_url=own_url)
    key, people = house.key(), house.people(24)
    main = house.serve()
    worker_process = house.start("work")
    with Traffic(house.url, key, people) as traffic:
        traffic.flows()
        (worker,) = house.workers(main)
        os.kill(worker, signal.SIGKILL)
        traffic.flows()
        worker_process.kill()
        traffic.flows()
        (worker,) = house.workers(main)
        main.kill()
        until(lambda: not alive(worker), "the end of a worker whose server was killed")
        house.serve()
        house.start("work")
        traffic.flows()
    traffic.repeated()
    assert_whole(house, traffic)


def test_killed_postgresql_loses_nothing_and_the_server_finds_it_again(
    open_house: Callable[..., House], own_server: EmbeddedServer, own_url: str
) -> None:
    house = open_house(database_url=own_url)
    key, people = house.key(), house.people(24)
    main = house.serve()
    with Traffic(house.url, key, people) as traffic:
        traffic.flows()
        name = own_url.partition("@/")[2].partition("?")[0]
        for pid in backends(own_server, name)[:1]:
            os.kill(pid, signal.SIGKILL)  # PostgreSQL restarts itself.
        traffic.flows()
        killed = servers(own_server)
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        until(lambda: not any(map(alive, killed)), "the end of PostgreSQL")
        before = traffic.refusals
        until(lambda: traffic.refusals > before, "an answer while the database is away")
        own_server.start()
        traffic.flows()
        house.await_ready(main)
    assert main.poll() is None
    traffic.repeated()
    assert_whole(house, traffic)


def test_killed_embedded_server_is_started_again_by_the_server_that_uses_it(open_house: Callable[..., House]) -> None:
    """Nobody helps here: the installation runs its own database."""
    house = open_house()
    key, people = house.key(), house.people(24)
    main = house.serve()
    ours = embedded(house.config)
    assert ours is not None
    with Traffic(house.url, key, people) as traffic:
        traffic.flows()
        killed = servers(ours)
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        traffic.flows()
        again = servers(ours)
        assert not set(killed) & set(again)
        os.kill(again[0], signal.SIGKILL)  # The postmaster alone: its children must have gone before another may begin.
        traffic.flows()
        house.await_ready(main)
    assert main.poll() is None
    traffic.repeated()
    assert_whole(house, traffic)
