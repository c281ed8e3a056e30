from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from placet.access import sessions
from placet.access.sessions import Session
from placet.kernel.errors import Denied
from placet.kernel.ids import new_subject_id
from placet.store.database import Database

ANNA = new_subject_id()


@pytest.fixture
def session(database: Database, now: datetime) -> Session:
    with database.transaction() as connection:
        return sessions.open_session(connection, ANNA, "lv", now=now)


def test_token_has_256_bits_and_only_its_hash_is_stored(database: Database, session: Session) -> None:
    assert len(session.token) == 43
    assert session.token not in repr(session)
    with database.transaction() as connection:
        (row,) = connection.execute("SELECT session::text, encode(hash, 'escape') FROM access.session").fetchall()
    assert session.token not in str(row)


def test_session_is_resumed_by_its_token_only(database: Database, session: Session, now: datetime) -> None:
    with database.transaction() as connection:
        assert sessions.resume(connection, session.token, now=now) == session
        for other in ("", "x" * 43, session.token[:-1], session.token + "\x00", session.csrf):
            assert sessions.resume(connection, other, now=now) is None


def test_session_left_alone_ends(database: Database, session: Session, now: datetime) -> None:
    with database.transaction() as connection:
        assert sessions.resume(connection, session.token, now=now + timedelta(minutes=20)) is not None
        assert sessions.resume(connection, session.token, now=now + timedelta(minutes=49)) is not None
        assert sessions.resume(connection, session.token, now=now + timedelta(minutes=79)) is None


def test_session_in_steady_use_ends_after_twelve_hours(database: Database, session: Session, now: datetime) -> None:
    with database.transaction() as connection:
        for minutes in range(0, 12 * 60, 20):
            assert sessions.resume(connection, session.token, now=now + timedelta(minutes=minutes)) is not None
        assert sessions.resume(connection, session.token, now=now + sessions.LONGEST) is None


def test_signing_out_ends_one_session_and_everywhere_ends_all(
    database: Database, session: Session, now: datetime
) -> None:
    with database.transaction() as connection:
        second = sessions.open_session(connection, ANNA, "ru", now=now)
        third = sessions.open_session(connection, ANNA, "ru", now=now)
        other = sessions.open_session(connection, new_subject_id(), "en", now=now)
        sessions.revoke(connection, second, now=now)
        assert sessions.resume(connection, second.token, now=now) is None
        assert sessions.resume(connection, third.token, now=now) == third
        sessions.revoke_all(connection, ANNA, now=now)
        assert sessions.resume(connection, session.token, now=now) is None
        assert sessions.resume(connection, third.token, now=now) is None
        assert sessions.resume(connection, other.token, now=now) == other


@pytest.mark.parametrize(
    ("tokens", "seen"),
    [
        (["0000aaaa.7"], "0000aaaa.7"),
        (["0000aaaa.7", "0000aaaa.9"], "0000aaaa.9"),
        (["0000aaaa.9", "0000aaaa.7"], "0000aaaa.9"),
        (["0000aaaa.9", "0000bbbb.7"], "0000bbbb.7"),
    ],
)
def test_newest_consistency_token_is_kept(
    database: Database, session: Session, now: datetime, tokens: list[str], seen: str
) -> None:
    with database.transaction() as connection:
        for token in tokens:
            sessions.remember(connection, session, token)
        resumed = sessions.resume(connection, session.token, now=now)
    assert resumed is not None
    assert resumed.seen == seen


def test_form_of_another_session_is_refused(database: Database, session: Session, now: datetime) -> None:
    with database.transaction() as connection:
        other = sessions.open_session(connection, ANNA, "lv", now=now)
    session.demand_csrf(session.csrf)
    for sent in (other.csrf, "", session.csrf[:-1], "ā" * 64):
        with pytest.raises(Denied) as refusal:
            session.demand_csrf(sent)
        assert refusal.value.code == "csrf"


def test_language_follows_the_customer(database: Database, session: Session, now: datetime) -> None:
    with database.transaction() as connection:
        changed = sessions.speak(connection, session, "en")
        assert sessions.resume(connection, session.token, now=now) == changed
    assert changed.language == "en"


def test_sweeping_deletes_the_dead_and_spares_the_living(database: Database, session: Session, now: datetime) -> None:
    with database.transaction() as connection:
        revoked = sessions.open_session(connection, ANNA, "lv", now=now)
        sessions.revoke(connection, revoked, now=now)
        assert sessions.sweep(connection, now=now) == 1
        assert sessions.resume(connection, session.token, now=now) == session
        assert sessions.sweep(connection, now=now + timedelta(hours=1)) == 1


def test_erased_person_leaves_no_session(database: Database, session: Session, now: datetime) -> None:
    with database.transaction() as connection:
        sessions.forget(connection, ANNA)
        assert connection.execute("SELECT count(*) FROM access.session").fetchone() == (0,)
