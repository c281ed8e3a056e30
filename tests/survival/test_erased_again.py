"""Who was erased stays erased, also when yesterday's database comes back: real processes, a real restore."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

import httpx
import pytest
from survival_house import House, clone, drop, say, until

from placet.ledger.notes import Note, TreeHead

PHONE = "+37126123457"


@pytest.fixture
def backup(server_url: str, shared_url: str) -> object:
    """The name under which yesterday's database is kept."""
    name = urlsplit(shared_url).path[1:] + "_yesterday"
    yield name
    drop(server_url, name)


def known(client: httpx.Client) -> int:
    """Whether somebody is known by the number: 200 or 404."""
    return client.post("/v1/subjects/lookup", json={"subject": f"msisdn:{PHONE}"}).status_code


def signed(client: httpx.Client) -> int:
    answer = client.get("/log/checkpoint")
    return TreeHead.parse(Note.parse(answer.text).text).size if answer.status_code == 200 else 0


def test_a_restore_brings_no_erased_person_back(
    server_url: str, shared_url: str, backup: str, open_house: Callable[..., House]
) -> None:
    house = open_house(database_url=shared_url)
    key = house.key()

    # Yesterday Zane was a customer. The backup is taken.
    house.serve()
    with house.client(key) as client:
        added = client.post("/v1/subjects", json={"aliases": [f"msisdn:{PHONE}"], "name": "Zane Ozola"})
        zane = added.json()["id"]
        given = say(client, zane, "usage", "given")
        until(lambda: signed(client) >= given["position"], "a checkpoint")
    house.stop()
    name = urlsplit(shared_url).path[1:]
    clone(server_url, name, backup)

    # Today she is erased, while the server runs; the server knows it at once.
    house.serve()
    with house.client(key) as client:
        assert known(client) == 200
        house.run("erase", zane, "--yes")
        assert known(client) == 404
        until(lambda: signed(client) > given["position"], "a checkpoint of the erasure")
    house.stop()

    # Yesterday's database comes back. Before anything is answered she is gone again.
    drop(server_url, name)
    clone(server_url, backup, name)
    server = house.start("serve")
    with house.client(key) as client:
        until(lambda: answers(client), f"an answer\n{house.log}")
        assert known(client) == 404
        assert client.get(f"/v1/subjects/{zane}/history").status_code == 200
        # The log lost what was signed, so its operator is asked first; then it says that she was erased.
        house.run("ledger", "restored", "--reason", "a disk was lost")
        house.await_ready(server)
        until(lambda: signed(client) >= given["position"] + 2, "the new epoch and the erasure")
    assert PHONE not in house.log
    verified = house.run("ledger", "verify").stdout
    assert "every row is as it was signed" in verified
    assert house.run("erasures", "list").stdout.split()[2] == zane


def answers(client: httpx.Client) -> bool:
    try:
        return client.get("/healthz").status_code == 200
    except httpx.HTTPError:
        return False
