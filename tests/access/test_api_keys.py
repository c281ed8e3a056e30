from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from placet.access import keys as api_keys
from placet.access.keys import Issued, Keys
from placet.kernel.errors import BadInput, Conflict, Denied, NotFound, TooMany, Unavailable
from placet.store.database import Database


class Ticks:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def keys(database: Database, ticks: Ticks) -> Iterator[Keys]:
    keys = Keys(database, ticks=ticks)
    yield keys
    keys.close()


@pytest.fixture
def issued(database: Database, now: datetime) -> Issued:
    with database.transaction() as connection:
        return api_keys.add(connection, "shop", ["check", "audience"], now=now)


def test_key_lets_its_client_in_with_its_scopes_only(keys: Keys, issued: Issued, now: datetime) -> None:
    client = keys.authenticate(issued.text, now=now)
    assert (client.id, client.name, client.scopes) == (issued.id, "shop", frozenset({"check", "audience"}))
    client.require("check")
    with pytest.raises(Denied, match="admin") as refusal:
        client.require("admin")
    assert refusal.value.code == "scope"


def test_secret_has_192_bits_and_only_its_hash_is_stored(database: Database, issued: Issued) -> None:
    secret = issued.text.rpartition("_")[2]
    assert len(bytes.fromhex(secret)) == 24
    assert issued.text not in repr(issued)
    with database.transaction() as connection:
        rows = connection.execute("SELECT hash, api_key::text FROM access.api_key").fetchall()
    assert rows[0][0] == hashlib.sha256(secret.encode()).digest()
    assert secret not in rows[0][1]


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[:-1] + ("0" if text[-1] != "0" else "1"),
        lambda text: "pk_" + "0" * 12 + "_" + text.rpartition("_")[2],
        lambda text: text[:-1],
        lambda text: text + "\n",
        lambda text: text.upper(),
        lambda text: "",
        lambda text: "pk_\x00",
        lambda text: "pk_000000000000_" + "0" * 48,
    ],
)
def test_anything_but_the_key_is_refused_alike(keys: Keys, issued: Issued, now: datetime, change) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(Denied, match="not valid") as refusal:
        keys.authenticate(change(issued.text), now=now)
    assert refusal.value.code == "key"


def test_no_key_at_all_lets_nobody_in(keys: Keys, now: datetime) -> None:
    with pytest.raises(Denied):
        keys.authenticate("pk_000000000000_" + "0" * 48, now=now)


def test_revocation_is_seen_within_the_bound(
    keys: Keys, issued: Issued, database: Database, ticks: Ticks, now: datetime
) -> None:
    keys.authenticate(issued.text, now=now)
    with database.transaction() as connection:
        api_keys.revoke(connection, issued.id, now=now)
    ticks.at += api_keys.FRESH
    keys.authenticate(issued.text, now=now)
    ticks.at += 0.001
    with pytest.raises(Denied):
        keys.authenticate(issued.text, now=now)


def test_rotated_key_works_until_the_overlap_ends(
    keys: Keys, issued: Issued, database: Database, now: datetime
) -> None:
    with database.transaction() as connection:
        successor = api_keys.rotate(connection, issued.id, now=now, overlap=timedelta(hours=1))
    old, new = (keys.authenticate(text, now=now) for text in (issued.text, successor.text))
    assert (old.name, old.scopes) == (new.name, new.scopes)
    keys.authenticate(issued.text, now=now + timedelta(minutes=59))
    with pytest.raises(Denied):
        keys.authenticate(issued.text, now=now + timedelta(hours=1))
    keys.authenticate(successor.text, now=now + timedelta(hours=1))
    with database.transaction() as connection, pytest.raises(Conflict):
        api_keys.rotate(connection, issued.id, now=now)


def test_listing_shows_what_happened_and_no_secret(
    keys: Keys, issued: Issued, database: Database, ticks: Ticks, now: datetime
) -> None:
    keys.authenticate(issued.text, now=now)
    ticks.at += 2
    keys.authenticate(issued.text, now=now + timedelta(days=1))
    keys.refresh(now + timedelta(days=1))
    with database.transaction() as connection:
        api_keys.revoke(connection, issued.id, now=now)
        (info,) = api_keys.listing(connection)
    assert (info.id, info.name, info.scopes, info.revoked_at) == (issued.id, "shop", ("audience", "check"), now)
    assert info.last_used_on == (now + timedelta(days=1)).date()
    assert issued.text.rpartition("_")[2] not in str(info)


@pytest.mark.parametrize("scopes", [[], ["everything"], ["check", "root"]])
def test_key_without_known_scopes_is_not_made(database: Database, now: datetime, scopes: list[str]) -> None:
    with database.transaction() as connection, pytest.raises(BadInput, match="scopes"):
        api_keys.add(connection, "shop", scopes, now=now)


def test_unknown_key_cannot_be_rotated_or_revoked(database: Database, now: datetime) -> None:
    with database.transaction() as connection:
        with pytest.raises(NotFound):
            api_keys.rotate(connection, "000000000000", now=now)
        with pytest.raises(NotFound):
            api_keys.revoke(connection, "000000000000", now=now)


def test_limit_lets_a_burst_through_and_then_an_even_rate(
    keys: Keys, database: Database, ticks: Ticks, now: datetime
) -> None:
    with database.transaction() as connection:
        issued = api_keys.add(connection, "slow", ["check"], now=now, per_second=2, burst=3)
    client = keys.authenticate(issued.text, now=now)
    for _ in range(3):
        keys.admit(client)
    with pytest.raises(TooMany) as refusal:
        keys.admit(client)
    assert refusal.value.retry_after == 1
    ticks.at += 0.5
    keys.admit(client)
    with pytest.raises(TooMany):
        keys.admit(client)


def test_request_larger_than_a_burst_is_let_through_once_and_paid_off(
    keys: Keys, database: Database, ticks: Ticks, now: datetime
) -> None:
    with database.transaction() as connection:
        issued = api_keys.add(connection, "bulk", ["check"], now=now, per_second=10, burst=10)
    client = keys.authenticate(issued.text, now=now)
    keys.admit(client, cost=100)
    with pytest.raises(TooMany) as refusal:
        keys.admit(client)
    assert refusal.value.retry_after == 10
    ticks.at += 9.1
    keys.admit(client)


def test_process_that_cannot_renew_its_copy_lets_nobody_in(
    keys: Keys, issued: Issued, database: Database, ticks: Ticks, now: datetime
) -> None:
    keys.watch(lambda: now)
    keys.authenticate(issued.text, now=now)
    database.close()
    keys._stopping.set()
    ticks.at += 1.5
    with pytest.raises(Unavailable):
        keys.authenticate(issued.text, now=now)


@pytest.mark.timeout(60)
def test_watching_process_follows_a_revocation_by_itself(database: Database, issued: Issued, now: datetime) -> None:
    keys = Keys(database)
    keys.watch(lambda: now)
    try:
        keys.authenticate(issued.text, now=now)
        with database.transaction() as connection:
            api_keys.revoke(connection, issued.id, now=now)
        seen = threading.Event()
        while not seen.is_set():
            try:
                keys.authenticate(issued.text, now=now)
                time.sleep(0.01)
            except Denied:
                seen.set()
    finally:
        keys.close()
