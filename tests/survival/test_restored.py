"""Yesterday's database comes back: nothing that it forgot may pass as if it had never been said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from survival_house import PLAIN, House, ask, clone, drop, say, until

from placet.gate import snapshot
from placet.kernel import clock
from placet.ledger.notes import Note, TreeHead
from placet.ledger.watching import RemoteLog, first_contact, go_round
from placet.ledger.witness import Cosigned, Witness


def signed(client: httpx.Client) -> int:
    """The size of the newest checkpoint; 0 before the first."""
    answer = client.get("/log/checkpoint")
    return TreeHead.parse(Note.parse(answer.text).text).size if answer.status_code == 200 else 0


def keeper_of(house: House) -> str:
    return str(PLAIN.get(f"{house.url}/readyz", timeout=30).json()["checks"]["keeper"])


@pytest.fixture
def backup(server_url: str, shared_url: str) -> object:
    """The name under which yesterday's database is kept."""
    name = urlsplit(shared_url).path[1:] + "_yesterday"
    yield name
    drop(server_url, name)


def test_a_restored_database_refuses_until_a_new_epoch_is_begun(
    server_url: str, shared_url: str, backup: str, open_house: Callable[..., House], tmp_path: Path
) -> None:
    house = open_house(database_url=shared_url)
    anna, boris = house.people(2)
    key = house.key()
    witness = Witness("witness.example/w1", tmp_path / "witness")
    log = RemoteLog.at(house.url)

    # Yesterday Anna said yes. The backup is taken.
    house.serve()
    with house.client(key) as client:
        yesterday = say(client, anna, "usage", "given")
        until(lambda: signed(client) >= yesterday["position"], "a checkpoint")
    house.stop()
    name = urlsplit(shared_url).path[1:]
    clone(server_url, name, backup)

    # Today she takes it back, and Boris says yes.
    house.serve()
    with house.client(key) as client:
        withdrawn = say(client, anna, "usage", "withdrawn")
        given = say(client, boris, "usage", "given")
        assert ask(client, boris, "usage", given["token"])[0]
        until(lambda: signed(client) >= given["position"], "a checkpoint")
    first_contact(witness, log)
    assert isinstance(go_round(witness, log, clock.now()), Cosigned)
    house.stop()
    kept = snapshot.read(house.config.data_dir / "replica" / "snapshot")
    assert kept is not None
    assert kept.token.position == given["position"]

    # Yesterday's database comes back.
    drop(server_url, name)
    clone(server_url, backup, name)
    server = house.start("serve")
    until(lambda: answers(house), f"an answer\n{house.log}")
    assert keeper_of(house) == "log-rolled-back"
    with house.client(key) as client:
        for subject, token in ((anna, None), (anna, withdrawn["token"]), (boris, None), (boris, given["token"])):
            body = {"subject": str(subject), "activity": "usage"} | ({} if token is None else {"token": token})
            assert refusal(client.post("/v1/check", json=body)) == "log-rolled-back"
        no = {"subject": str(anna), "purpose": "usage", "decision": "withdrawn"}
        assert refusal(client.post("/v1/decisions", json=no)) == "log-rolled-back"
        assert refusal(client.post("/v1/audiences", json={"activity": "usage"})) == "log-rolled-back"
        assert signed(client) == yesterday["position"]
        # The operator says that it was meant. The server notices by itself.
        told = house.run("ledger", "restored", "--reason", "a disk was lost").stdout
        assert f"positions {yesterday['position'] + 1} to {given['position']}" in told
        house.await_ready(server)
        for subject, token in ((anna, withdrawn["token"]), (boris, given["token"]), (anna, yesterday["token"])):
            assert ask(client, subject, "usage", token) == (False, "stale")
        assert ask(client, boris, "usage") == (False, "no-decision")
        again = say(client, anna, "usage", "withdrawn")
        assert again["token"].partition(".")[0] != yesterday["token"].partition(".")[0]
        assert ask(client, anna, "usage", again["token"])[1] in {"withdrawn", "closed"}
        until(lambda: signed(client) >= again["position"], "a checkpoint of the new epoch")
    first_contact(witness, log)
    verdict = go_round(witness, log, clock.now())
    assert isinstance(verdict, Cosigned)
    assert len(verdict.ended) == 1
    house.run("ledger", "verify")


def answers(house: House) -> bool:
    try:
        return PLAIN.get(f"{house.url}/healthz", timeout=10).status_code == 200
    except httpx.HTTPError:
        return False


def refusal(answer: httpx.Response) -> str:
    assert answer.status_code == 503, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return str(answer.json()["code"])
