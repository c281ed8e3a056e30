"""Two servers on one database are one Placet; one key on two databases is a fork, and the witness says so."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from survival_house import House, Traffic, ask, assert_whole, at, clone, drop, say, until

from placet.kernel import clock
from placet.ledger.notes import Note, TreeHead
from placet.ledger.watching import RemoteLog, first_contact, go_round
from placet.ledger.witness import Cosigned, Refused, Witness


def test_two_servers_share_one_ledger_and_both_see_every_withdrawal(
    shared_url: str, open_house: Callable[..., House]
) -> None:
    house = open_house(database_url=shared_url)
    other = open_house("other", database_url=shared_url, data_dir=house.settings["data_dir"])
    key, people = house.key(), house.people(24)
    first, second = house.start("serve"), other.start("serve")
    house.await_ready(first)
    other.await_ready(second)
    with (
        Traffic(house.url, key, people[:12], name="a") as here,
        Traffic(other.url, key, people[12:], name="b") as there,
        house.client(key) as client,
        other.client(key) as neighbour,
    ):
        for person in house.people(6):
            given = say(client, person, "loyalty", "given")
            assert ask(neighbour, person, "loyalty", given["token"]) == (True, "consent")
            until(lambda person=person: ask(neighbour, person, "loyalty")[0], "the other's replica sees the yes")
            withdrawn = say(client, person, "loyalty", "withdrawn")
            allowed, reason = ask(neighbour, person, "loyalty", withdrawn["token"])
            assert not allowed
            assert reason in {"withdrawn", "closed"}
            until(lambda person=person: not ask(neighbour, person, "loyalty")[0], "without the token, within the bound")
        here.flows()
        there.flows()
    # The same keys at the other server: one database, one memory of what was answered.
    here.repeated(at=other.url)
    there.repeated(at=house.url)
    assert_whole(house, here, there, others=12)


def test_a_copied_key_on_a_copied_database_is_a_fork_that_the_witness_refuses(
    server_url: str, shared_url: str, open_house: Callable[..., House], tmp_path: Path
) -> None:
    house = open_house(database_url=shared_url)
    anna, boris = house.people(2)
    key = house.key()
    with house.application() as placet:
        placet.keeper.run_once(clock.now())
    name = urlsplit(shared_url).path[1:]
    clone(server_url, name, f"{name}_copy")
    try:
        double = open_house("double", database_url=at(server_url, f"{name}_copy"))
        shutil.copytree(house.config.data_dir, double.config.data_dir)
        first, second = house.start("serve"), double.start("serve")
        house.await_ready(first)
        double.await_ready(second)
        with house.client(key) as client, double.client(key) as copy:
            ours = say(client, anna, "usage", "refused")
            theirs = say(copy, boris, "usage", "refused")
            assert ours["token"] == theirs["token"]
            until(lambda: size_at(house) >= ours["position"], "a checkpoint")
            until(lambda: size_at(double) >= theirs["position"], "a checkpoint of the copy")
        witness = Witness("witness.example/w1", tmp_path / "witness")
        first_contact(witness, RemoteLog.at(house.url))
        assert isinstance(go_round(witness, RemoteLog.at(house.url), clock.now()), Cosigned)
        verdict = go_round(witness, RemoteLog.at(double.url), clock.now())
        assert isinstance(verdict, Refused)
        assert (verdict.status, verdict.code) == (409, "forked")
        (evidence,) = (witness.folder / "evidence").iterdir()
        assert evidence.read_text().count(f"{head_of(house).origin}\n") >= 2
        double.close()
    finally:
        drop(server_url, f"{name}_copy")


def head_of(house: House) -> TreeHead:
    return TreeHead.parse(Note.parse(RemoteLog.at(house.url).checkpoint()).text)


def size_at(house: House) -> int:
    return head_of(house).size
