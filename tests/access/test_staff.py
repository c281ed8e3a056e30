"""Members, their roles and their sessions: what ends when an account does, and who may not do what to whom."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import psycopg
import pytest

from placet.access import staff, staff_sessions
from placet.access.places import Place, place_of
from placet.access.staff import Member, Role
from placet.access.staff_sessions import StaffSession
from placet.kernel.errors import BadInput, Conflict, Denied, NotFound, PlacetError
from placet.store.database import Database

HERE = Place("10.0.0.0/16", "Firefox, Linux")


def hire(database: Database, now: datetime, login: str, *roles: Role) -> Member:
    with database.transaction() as connection:
        return staff.add(connection, login, name=login.title(), roles=roles, source="demo", by=None, now=now)


def sit(database: Database, now: datetime, member: Member) -> StaffSession:
    with database.transaction() as connection:
        return staff_sessions.open_session(connection, member, method="password", place=HERE, now=now)


def resumed(database: Database, session: StaffSession, now: datetime) -> StaffSession | None:
    with database.transaction() as connection:
        return staff_sessions.resume(connection, session.token, now=now)


@pytest.fixture
def oskars(database: Database, now: datetime) -> Member:
    return hire(database, now, "oskars", Role.ADMIN)


@pytest.fixture
def agnese(database: Database, now: datetime) -> Member:
    return hire(database, now, "agnese", Role.AGENT)


def test_a_login_is_one_persons_whatever_its_case(database: Database, agnese: Member, now: datetime) -> None:
    with database.transaction() as connection:
        assert staff.by_login(connection, " AGNESE ") == agnese
    with pytest.raises(Conflict) as refusal:
        hire(database, now, "Agnese")
    assert refusal.value.code == "login-taken"


@pytest.mark.parametrize("login", ["", "-x", "a b", "ā", "x" * 101, "a\x00", "a/b", "<i>"])
def test_a_login_is_plain(database: Database, now: datetime, login: str) -> None:
    with pytest.raises(BadInput):
        hire(database, now, login)


def test_no_role_asked_for_is_never_a_yes(oskars: Member) -> None:
    assert not oskars.has()
    assert not oskars.has(Role.AGENT, Role.DPO)
    assert oskars.has(Role.AGENT, Role.ADMIN)


def test_nobody_changes_their_own_roles_or_account(database: Database, oskars: Member, now: datetime) -> None:
    hire(database, now, "second", Role.ADMIN)
    for change in (
        lambda connection: staff.set_roles(connection, oskars.id, set(Role), by=oskars.id, now=now),
        lambda connection: staff.disable(connection, oskars.id, by=oskars.id, now=now),
        lambda connection: staff.enable(connection, oskars.id, by=oskars.id, now=now),
    ):
        with pytest.raises(Denied), database.transaction() as connection:
            change(connection)
    with database.transaction() as connection:
        assert staff.get(connection, oskars.id) == oskars


def test_the_last_administrator_is_not_taken_away(
    database: Database, oskars: Member, agnese: Member, now: datetime
) -> None:
    for change in (
        lambda connection: staff.set_roles(connection, oskars.id, [Role.DPO], by=agnese.id, now=now),
        lambda connection: staff.disable(connection, oskars.id, by=None, now=now),
    ):
        with pytest.raises(Conflict) as refusal, database.transaction() as connection:
            change(connection)
        assert refusal.value.code == "last-admin"


def test_an_administrator_who_cannot_sign_in_yet_counts_for_nothing(
    database: Database, oskars: Member, now: datetime
) -> None:
    with database.transaction() as connection:
        staff.add(connection, "invited", name="Invited", roles=[Role.ADMIN], source="local", by=None, now=now)
    with pytest.raises(Conflict), database.transaction() as connection:
        staff.disable(connection, oskars.id, by=None, now=now)


def test_two_administrators_cannot_take_each_other_away_at_once(database: Database, now: datetime) -> None:
    pair = [hire(database, now, "one", Role.ADMIN), hire(database, now, "two", Role.ADMIN)]
    refused: list[PlacetError] = []
    together = threading.Barrier(2)

    def take_away(by: Member, other: Member) -> None:
        try:
            with database.transaction() as connection:
                connection.execute("SELECT 1")
                together.wait(timeout=10)
                staff.disable(connection, other.id, by=by.id, now=now)
        except PlacetError as error:
            refused.append(error)

    threads = [threading.Thread(target=take_away, args=order) for order in (pair, pair[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    assert [error.code for error in refused] == ["last-admin"]


def test_losing_a_role_ends_every_session_and_gaining_one_ends_none(
    database: Database, oskars: Member, agnese: Member, now: datetime
) -> None:
    session = sit(database, now, agnese)
    with database.transaction() as connection:
        more = staff.set_roles(connection, agnese.id, [Role.AGENT, Role.REVIEWER], by=oskars.id, now=now)
    still = resumed(database, session, now)
    assert still is not None
    assert still.member == more, "the session has the new role at once"
    with database.transaction() as connection:
        staff.set_roles(connection, agnese.id, [Role.REVIEWER], by=oskars.id, now=now)
    assert resumed(database, session, now) is None


def test_disabling_ends_every_session_and_enabling_brings_none_back(
    database: Database, oskars: Member, agnese: Member, now: datetime
) -> None:
    sessions = [sit(database, now, agnese) for _ in range(2)]
    with database.transaction() as connection:
        staff.disable(connection, agnese.id, by=oskars.id, now=now)
    assert [resumed(database, session, now) for session in sessions] == [None, None]
    with database.transaction() as connection:
        staff.enable(connection, agnese.id, by=oskars.id, now=now)
    assert [resumed(database, session, now) for session in sessions] == [None, None]


def test_a_session_ends_after_fifteen_idle_minutes_and_after_ten_hours(
    database: Database, agnese: Member, now: datetime
) -> None:
    session = sit(database, now, agnese)
    assert resumed(database, session, now + timedelta(minutes=14)) is not None
    assert resumed(database, session, now + timedelta(minutes=28)) is not None
    assert resumed(database, session, now + timedelta(minutes=44)) is None
    steady = sit(database, now, agnese)
    for minutes in range(0, 600, 10):
        assert resumed(database, steady, now + timedelta(minutes=minutes)) is not None
    assert resumed(database, steady, now + timedelta(hours=10)) is None


def test_a_token_has_256_bits_and_only_its_hash_is_stored(database: Database, agnese: Member, now: datetime) -> None:
    session = sit(database, now, agnese)
    assert len(session.token) == 43
    assert session.token not in repr(session)
    with database.transaction() as connection:
        (row,) = connection.execute("SELECT staff_session::text FROM access.staff_session").fetchall()
        for other in ("", "x" * 43, session.token[:-1], session.token + "\0"):
            assert staff_sessions.resume(connection, other, now=now) is None
    assert session.token not in row[0]


def test_sessions_are_listed_and_ended_one_by_one_by_their_own_member_only(
    database: Database, agnese: Member, oskars: Member, now: datetime
) -> None:
    here, there, other = sit(database, now, agnese), sit(database, now, agnese), sit(database, now, oskars)
    with database.transaction() as connection:
        listed = staff_sessions.listing(connection, agnese.id, now=now, asking=here)
        (others,) = staff_sessions.listing(connection, oskars.id, now=now)
    assert sorted(session.here for session in listed) == [False, True]
    assert listed[0].place == HERE
    with pytest.raises(NotFound), database.transaction() as connection:
        staff_sessions.end_one(connection, agnese.id, others.id, by=agnese.id, now=now)
    (away,) = [session.id for session in listed if not session.here]
    with database.transaction() as connection:
        staff_sessions.end_one(connection, agnese.id, away, by=agnese.id, now=now)
    assert resumed(database, there, now) is None
    assert resumed(database, here, now) is not None
    assert resumed(database, other, now) is not None


def test_every_change_is_written_down_with_who_made_it_and_stays(
    database: Database, admin_url: str, oskars: Member, agnese: Member, now: datetime
) -> None:
    with database.transaction() as connection:
        staff.set_roles(connection, agnese.id, [Role.AGENT, Role.DPO], by=oskars.id, now=now)
        staff.set_shop(connection, agnese.id, "Rīga, Brīvības 100", by=oskars.id, now=now)
        staff.disable(connection, agnese.id, by=oskars.id, now=now)
        staff.enable(connection, agnese.id, by=None, now=now)
        staff.enable(connection, agnese.id, by=None, now=now)
        events = staff.events(connection, member=agnese.id)
    assert [(event.kind, event.by, event.detail) for event in events] == [
        ("enabled", None, ""),
        ("disabled", oskars.id, ""),
        ("shop", oskars.id, "– → Rīga, Brīvības 100"),
        ("roles", oskars.id, "agent → agent, dpo"),
        ("added", None, "agent"),
    ]
    for url in (database.url, admin_url):
        with psycopg.connect(url) as connection, pytest.raises(psycopg.Error):
            connection.execute("UPDATE access.staff_event SET by = NULL")


@pytest.mark.parametrize(
    ("address", "agent", "place"),
    [
        (
            "85.254.11.7",
            "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Firefox/130.0",
            Place("85.254.0.0/16", "Firefox, Linux"),
        ),
        (
            "2a03:ec00:b1::7",
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537 Chrome/129.0 Safari/537 Edg/129.0",
            Place("2a03:ec00::/32", "Edge, Windows"),
        ),
        ("::ffff:85.254.11.7", "curl/8", Place("85.254.0.0/16", "–")),
        (None, "Mozilla/5.0 (iPhone) Version/17 Safari/604", Place("–", "Safari, iPhone")),
        ("testclient", "<script>", Place("–", "–")),
    ],
)
def test_a_place_is_as_coarse_as_is_enough(address: str | None, agent: str, place: Place) -> None:
    assert place_of(address, agent) == place
