from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import attrs
import psycopg
import pytest
import structlog
from psycopg import Connection

from placet.access import codes
from placet.access.codes import Codes, Message, NoChannel, UnsafeDemoSender, sender_for
from placet.config import Config
from placet.kernel.errors import BadInput, TooMany
from placet.kernel.seal import MasterKey
from placet.store.database import Database
from placet.subjects.actions import Subjects
from placet.subjects.model import Alias, Subject

MASTER = MasterKey(bytes(32))
ANNA, NOBODY = "msisdn:+37120000001", "msisdn:+37129999999"


class Postbox:
    """A sender that keeps what it was given."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    def send(self, connection: Connection, message: Message, *, now: datetime) -> None:
        self.messages.append(message)

    @property
    def code(self) -> str:
        code = self.messages[-1].code
        assert code is not None
        return code


@pytest.fixture
def postbox() -> Postbox:
    return Postbox()


@pytest.fixture
def signing_in(database: Database, postbox: Postbox) -> Codes:
    return Codes(database, Subjects(database, MASTER), MASTER, postbox)


@pytest.fixture
def anna(database: Database, now: datetime) -> Subject:
    aliases = [Alias.parse(ANNA), Alias.email("anna@example.lv"), Alias.crm("A-1")]
    with database.transaction() as connection:
        return Subjects(database, MASTER).add(connection, aliases=aliases, now=now)


def ask(signing_in: Codes, contact: str, now: datetime, address: str = "192.0.2.1") -> UUID:
    return signing_in.request(contact, address=address, language="lv", now=now)


def test_code_signs_its_owner_in_once(signing_in: Codes, postbox: Postbox, anna: Subject, now: datetime) -> None:
    challenge = ask(signing_in, "email:ANNA@example.lv", now)
    assert len(postbox.code) == 6
    assert signing_in.verify(challenge, postbox.code, now=now) == anna.id
    assert signing_in.verify(challenge, postbox.code, now=now) is None


def test_code_ends_after_five_minutes(signing_in: Codes, postbox: Postbox, anna: Subject, now: datetime) -> None:
    challenge = ask(signing_in, ANNA, now)
    assert signing_in.verify(challenge, postbox.code, now=now + codes.VALID) is None
    assert signing_in.verify(challenge, postbox.code, now=now + codes.VALID - timedelta(seconds=1)) == anna.id


def test_code_survives_four_wrong_attempts_and_not_five(
    signing_in: Codes, postbox: Postbox, anna: Subject, now: datetime
) -> None:
    challenge = ask(signing_in, ANNA, now)
    first = postbox.code
    for _ in range(4):
        assert signing_in.verify(challenge, "x", now=now) is None
    assert signing_in.verify(challenge, first, now=now) == anna.id
    challenge = ask(signing_in, ANNA, now)
    for _ in range(5):
        assert signing_in.verify(challenge, "x", now=now) is None
    assert signing_in.verify(challenge, postbox.code, now=now) is None


def test_parallel_attempts_are_counted_one_by_one(
    signing_in: Codes, postbox: Postbox, anna: Subject, database: Database, now: datetime
) -> None:
    challenge = ask(signing_in, ANNA, now)
    threads = [
        threading.Thread(target=signing_in.verify, args=(challenge, "x"), kwargs={"now": now}) for _ in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.transaction() as connection:
        assert connection.execute("SELECT attempts FROM access.challenge").fetchone() == (5,)


def test_code_of_one_challenge_does_not_fit_another(
    signing_in: Codes, postbox: Postbox, anna: Subject, now: datetime
) -> None:
    ask(signing_in, ANNA, now)
    code = postbox.code
    others = [ask(signing_in, NOBODY, now), uuid4()]
    assert [signing_in.verify(other, code, now=now) for other in others] == [None, None]


class _Recorded(psycopg.Cursor[Any]):
    statements: list[str] = []  # noqa: RUF012 (one list for the whole test is the point)

    def execute(self, query: Any, *arguments: Any, **keywords: Any) -> Any:
        # The pool asks an idle connection with an empty statement whether it still lives.
        if query:
            _Recorded.statements.append(str(query))
        return super().execute(query, *arguments, **keywords)


class _Watched(Database):
    @contextlib.contextmanager
    def transaction(self) -> Iterator[Connection]:
        with super().transaction() as connection:
            connection.cursor_factory = _Recorded
            yield connection


@pytest.mark.parametrize("sender", [UnsafeDemoSender(), NoChannel()])
def test_unknown_contact_gets_the_same_answer_and_the_same_work(
    app_url: str, anna: Subject, sender: codes.CodeSender, now: datetime
) -> None:
    watched = _Watched(app_url, size=1)
    signing_in = Codes(watched, Subjects(watched, MASTER), MASTER, sender)
    work = []
    for contact in (ANNA, NOBODY):
        _Recorded.statements.clear()
        challenge = ask(signing_in, contact, now)
        assert isinstance(challenge, UUID)
        assert signing_in.verify(challenge, "wrong", now=now) is None
        work.append(list(_Recorded.statements))
    watched.close()
    assert work[0] == work[1]
    assert len(work[0]) >= 5


def test_limits_are_the_same_for_unknown_contacts(
    signing_in: Codes, postbox: Postbox, anna: Subject, now: datetime
) -> None:
    refusals = []
    for number, contact in enumerate((ANNA, NOBODY)):
        for _ in range(5):
            ask(signing_in, contact, now, address=f"192.0.2.{number}")
        with pytest.raises(TooMany) as refusal:
            ask(signing_in, contact, now, address=f"192.0.2.{number}")
        refusals.append((refusal.value.message, refusal.value.retry_after))
    assert refusals[0] == refusals[1]
    assert [message.code is None for message in postbox.messages] == [False] * 5 + [True] * 5


def test_contact_may_ask_again_when_the_window_has_passed(
    signing_in: Codes, postbox: Postbox, anna: Subject, now: datetime
) -> None:
    for _ in range(5):
        ask(signing_in, ANNA, now)
    with pytest.raises(TooMany) as refusal:
        ask(signing_in, ANNA, now + timedelta(minutes=14))
    assert refusal.value.retry_after == 60
    ask(signing_in, ANNA, now + timedelta(minutes=15))


def test_contact_gets_twenty_codes_a_day(signing_in: Codes, anna: Subject, now: datetime) -> None:
    for number in range(20):
        ask(signing_in, ANNA, now + number * timedelta(minutes=15), address=f"192.0.2.{number}")
    with pytest.raises(TooMany):
        ask(signing_in, ANNA, now + timedelta(hours=23, minutes=59), address="192.0.2.99")
    ask(signing_in, ANNA, now + timedelta(days=1), address="192.0.2.99")


def test_address_cannot_ask_for_many_contacts(signing_in: Codes, now: datetime) -> None:
    for number in range(30):
        ask(signing_in, f"email:{number}@example.lv", now)
    with pytest.raises(TooMany):
        ask(signing_in, "email:more@example.lv", now)
    ask(signing_in, "email:more@example.lv", now, address="192.0.2.2")


def test_caller_with_a_whole_ipv6_network_counts_as_one(signing_in: Codes, now: datetime) -> None:
    for number in range(30):
        ask(signing_in, f"email:{number}@example.lv", now, address=f"2001:db8::{number:x}")
    with pytest.raises(TooMany):
        ask(signing_in, "email:more@example.lv", now, address="2001:db8::ffff:1")
    ask(signing_in, "email:more@example.lv", now, address="2001:db8:0:1::1")


@pytest.mark.parametrize("contact", ["crm:A-1", "crm:unknown", "A-1", "email:none"])
def test_what_cannot_receive_a_code_is_refused(signing_in: Codes, anna: Subject, now: datetime, contact: str) -> None:
    with pytest.raises(BadInput):
        ask(signing_in, contact, now)


def test_nothing_in_clear_is_stored(
    signing_in: Codes, postbox: Postbox, anna: Subject, database: Database, now: datetime
) -> None:
    ask(signing_in, ANNA, now)
    with database.transaction() as connection:
        (row,) = connection.execute("SELECT contact, address, code FROM access.challenge").fetchall()
    for planted in (postbox.code, "20000001", "192.0.2.1"):
        assert all(planted.encode() not in value for value in row)


def test_demo_shows_codes_of_known_contacts_only(
    database: Database, config: Config, anna: Subject, now: datetime
) -> None:
    demo = attrs.evolve(config, mode="demo")
    signing_in = Codes(database, Subjects(database, MASTER), MASTER, sender_for(demo))
    challenge = ask(signing_in, ANNA, now)
    ask(signing_in, NOBODY, now)
    with database.transaction() as connection:
        (message,) = codes.demo_messages(connection)
    assert (message.challenge, message.contact) == (challenge, ANNA)
    assert signing_in.verify(challenge, message.code, now=now) == anna.id


@pytest.mark.parametrize("mode", ["development", "production"])
def test_outside_the_demo_the_log_says_that_nothing_is_configured_without_the_code(
    database: Database, config: Config, anna: Subject, now: datetime, mode: Any
) -> None:
    signing_in = Codes(database, Subjects(database, MASTER), MASTER, sender_for(attrs.evolve(config, mode=mode)))
    with structlog.testing.capture_logs() as logged:
        ask(signing_in, ANNA, now)
        ask(signing_in, NOBODY, now)
    event = "sign-in code not sent: no delivery channel is configured"
    assert logged == [{"event": event, "kind": "msisdn", "log_level": "warning"}] * 2
    with database.transaction() as connection:
        assert codes.demo_messages(connection) == []


def test_sweeping_forgets_who_asked(database: Database, anna: Subject, config: Config, now: datetime) -> None:
    signing_in = Codes(database, Subjects(database, MASTER), MASTER, UnsafeDemoSender())
    ask(signing_in, ANNA, now)
    with database.transaction() as connection:
        assert codes.sweep(connection, now=now + timedelta(hours=23)) == 0
        assert codes.sweep(connection, now=now + timedelta(days=1)) == 1
        assert codes.demo_messages(connection) == []
