"""What is personal stays where it can be destroyed: in no log, no URL, no file; and after an erasure nowhere at all."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import httpx
import psycopg
import pytest
from psycopg import sql
from survival_house import House, say

from placet.kernel import clock

MARKERS = {
    "msisdn": "37129876543",
    "email": "zyxwva.kalnozola@example.org",
    "crm": "KUNDE-77-QX",
    "name": "Zyxwva Kalnozola",
    "evidence": "recording of the call about the blue kettle",
    "key": "key-of-zyxwva-0815",
}


@attrs.frozen
class Journey:
    """A person whose every word can be recognised, and all that was answered over HTTP."""

    house: House
    client: httpx.Client
    person: str
    record: str
    answers: list[httpx.Response]


@pytest.fixture
def journey(shared_url: str, open_house: Callable[..., House]) -> Iterator[Journey]:
    """She is recorded, signs in, decides, is asked about, and is sent wrongly in every way."""
    house = open_house(database_url=shared_url, mode="demo")
    key = house.key()
    house.serve()
    answers: list[httpx.Response] = []
    with house.client(key) as client:
        client.event_hooks["response"].append(answers.append)
        aliases = [f"msisdn:+{MARKERS['msisdn']}", f"email:{MARKERS['email']}", f"crm:{MARKERS['crm']}"]
        body = {"aliases": aliases, "name": MARKERS["name"], "birth_date": "1987-06-05"}
        person = client.post("/v1/subjects", json=body).json()["id"]
        said = say(client, person, "usage", "given", evidence=MARKERS["evidence"])
        keyed(client, person, "refused")
        keyed(client, person, "withdrawn")  # the key was used for something else
        for alias in aliases:
            client.post("/v1/subjects/lookup", json={"subject": alias})
            client.post("/v1/check", json={"subject": alias, "activity": "usage"})
            client.post("/v1/check", json={"subject": alias, "activity": alias})
        client.post("/v1/subjects", json=body)
        client.post("/v1/subjects", json={**body, "name": 7, MARKERS["name"]: MARKERS["email"]})
        client.post("/v1/decisions", json={"subject": aliases[0], "purpose": MARKERS["crm"], "decision": "refused"})
        client.post("/v1/decisions", json={**keyed_body(person, "refused"), MARKERS["email"]: 1})
        client.post("/v1/decisions", content=f'{{"subject": "{aliases[0]}", '.encode())
        client.get(f"/v1/receipts/{said['record']}")
        ask_for_a_code(house)
        yield Journey(house, client, person, said["record"], answers)


def keyed(client: httpx.Client, person: str, decision: str) -> None:
    client.post("/v1/decisions", json=keyed_body(person, decision), headers={"idempotency-key": MARKERS["key"]})


def keyed_body(person: str, decision: str) -> dict[str, str]:
    return {"subject": person, "purpose": "credit", "decision": decision}


def ask_for_a_code(house: House) -> None:
    """In demo mode it stands, with the number, in a table."""
    with house.application() as placet:
        contact = f"msisdn:+{MARKERS['msisdn']}"
        placet.codes.request(contact, address="192.0.2.1", language="lv", now=clock.now())


def forms(text: str) -> list[bytes]:
    """How *text* could stand somewhere: as it is, in hexadecimal, or in base64 at any of the three places."""
    plain = text.encode()
    middles = [base64.b64encode(b"\0" * shift + plain)[4:-4] for shift in range(3)]
    return [plain, plain.hex().encode(), *middles, *(each.replace(b"+", b"-").replace(b"/", b"_") for each in middles)]


def found_in(data: bytes) -> set[str]:
    """The names of the markers that *data* betrays."""
    lower = data.lower()
    return {
        name for name, text in MARKERS.items() if any(form in data or form.lower() in lower for form in forms(text))
    }


def tables(url: str) -> Iterator[tuple[str, bytes]]:
    """Every table of the database with all its rows, bytes as hexadecimal."""
    with psycopg.connect(url) as connection:
        names = connection.execute(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        assert ("subjects", "person") in names
        for schema, table in names:
            statement = sql.SQL("SELECT t::text FROM {} AS t").format(sql.Identifier(schema, table))
            rows = connection.execute(statement).fetchall()
            yield f"{schema}.{table}", "\n".join(row for (row,) in rows).encode()


def files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file of the installation: logs, snapshot, what the log keeps outside."""
    for file in folder.rglob("*"):
        if file.is_file():
            yield file.name, file.read_bytes()


def betrayals(places: Iterator[tuple[str, bytes]]) -> dict[str, set[str]]:
    return {place: found for place, data in places if (found := found_in(data))}


@pytest.mark.parametrize("form", range(5))
def test_the_search_finds_what_is_planted(form: int) -> None:
    for name, text in MARKERS.items():
        assert name in found_in(b"before " + forms(text)[form] + b" after")
    for shift in range(3):
        assert found_in(base64.b64encode(b"x" * shift + MARKERS["name"].encode() + b" and more")) == {"name"}


def test_what_is_personal_is_in_no_log_and_no_address_and_after_an_erasure_nowhere(
    journey: Journey, shared_url: str
) -> None:
    house, client = journey.house, journey.client
    for answer in list(journey.answers):
        addresses = [str(answer.request.url), answer.headers.get("location", "")]
        assert found_in(" ".join(addresses).encode()) == set()
        if answer.status_code >= 400:
            assert found_in(answer.content) == set(), answer.text
    # The demo's outbox shows codes to everyone; otherwise not even the living stand anywhere in clear.
    assert betrayals(tables(shared_url)) == {"access.demo_outbox": {"msisdn"}}
    assert found_in(client.get(f"/v1/subjects/{journey.person}/export").content) >= {"msisdn", "email", "crm", "name"}
    house.run("subjects", "erase", f"msisdn:+{MARKERS['msisdn']}", "--yes")
    assert betrayals(tables(shared_url)) == {}
    for path in ("export", "state", "history", "uses"):
        answer = client.get(f"/v1/subjects/{journey.person}/{path}")
        assert found_in(answer.content) == set(), path
    for alias in (f"msisdn:+{MARKERS['msisdn']}", f"email:{MARKERS['email']}", f"crm:{MARKERS['crm']}"):
        assert client.post("/v1/subjects/lookup", json={"subject": alias}).status_code == 404
    assert asked(client, journey.person)["allowed"] is False
    again = client.post("/v1/subjects", json={"aliases": [f"msisdn:+{MARKERS['msisdn']}"]})
    assert again.status_code == 201
    assert again.json()["id"] != journey.person
    house.stop()
    names = {name for name, _ in files(house.folder)}
    assert {"serve-0.log", "snapshot", "checkpoint"} <= names
    assert house.log
    assert betrayals(files(house.folder)) == {}
    assert "of 1 erased subjects" in house.run("ledger", "verify").stdout


def asked(client: httpx.Client, person: str) -> dict[str, Any]:
    found: dict[str, Any] = client.post("/v1/check", json={"subject": person, "activity": "usage"}).json()
    return found
