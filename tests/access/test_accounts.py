"""A local account: a password that is guessed at in vain, then a second factor that counts once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import pyotp
import pytest
from argon2 import PasswordHasher

from placet.access import accounts as module
from placet.access import guesses, staff, totp
from placet.access.accounts import Accounts
from placet.access.passwords import Passwords
from placet.access.staff import Member, Role
from placet.kernel.errors import BadInput, Conflict, TooMany
from placet.kernel.seal import MasterKey
from placet.store.database import Database

MASTER = MasterKey(b"\x07" * 32)
PASSWORD = "zils vilks skrien pa mežu"
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture
def accounts(database: Database) -> Accounts:
    return Accounts(database, MASTER, Passwords(QUICK))


def hire(database: Database, now: datetime, login: str) -> Member:
    with database.transaction() as connection:
        return staff.add(connection, login, name=login.title(), roles=[Role.AGENT], by=None, now=now)


class Joined:
    """A member who has joined, with what they carry."""

    def __init__(self, database: Database, accounts: Accounts, login: str, now: datetime) -> None:
        self.member, self.secret = hire(database, now, login), totp.new_secret()
        with database.transaction() as connection:
            invitation = accounts.invite(connection, self.member.id, by=None, now=now)
            codes = accounts.accept(
                connection,
                invitation,
                self.member.id,
                password=accounts.prepared(self.member, PASSWORD),
                secret=self.secret,
                code=self.code(now),
                now=now,
            )
        assert codes is not None
        self.recovery = codes

    def code(self, at: datetime) -> str:
        return pyotp.TOTP(self.secret).at(at)


@pytest.fixture
def agnese(database: Database, accounts: Accounts, now: datetime) -> Joined:
    return Joined(database, accounts, "agnese", now - timedelta(hours=1))


Try = Callable[..., bool]


@pytest.fixture
def tries(accounts: Accounts, now: datetime) -> Try:
    def attempt(
        login: str = "agnese",
        password: str = PASSWORD,
        *,
        address: str = "10.0.0.1",
        browser: str | None = None,
        at: datetime = now,
    ) -> bool:
        return accounts.password_fits(login, password, address=address, browser=browser, now=at) is not None

    return attempt


def test_login_and_password_open_the_first_step(tries: Try, agnese: Joined) -> None:
    assert tries()
    assert tries(" AGNESE ")
    for password in ("", PASSWORD.upper(), PASSWORD + " ", "another password altogether"):
        assert not tries(password=password)


def test_an_unknown_invited_disabled_or_foreign_account_is_a_wrong_password(
    database: Database, tries: Try, agnese: Joined, now: datetime
) -> None:
    hire(database, now, "invited")
    with database.transaction() as connection:
        staff.add(connection, "sample", name="S", roles=[Role.ADMIN], source="demo", by=None, now=now)
        staff.disable(connection, agnese.member.id, by=None, now=now)
    assert not any(
        tries(login, password) for login in ("nobody", "invited", "sample", "agnese", "") for password in (PASSWORD, "")
    )


def test_a_password_is_kept_anew_when_parameters_changed(database: Database, agnese: Joined, now: datetime) -> None:
    newer = Accounts(database, MASTER, Passwords(PasswordHasher(time_cost=2, memory_cost=16, parallelism=1)))
    assert newer.password_fits("agnese", "wrong", address=None, browser=None, now=now) is None
    kept = []
    for _ in range(2):
        assert newer.password_fits("agnese", PASSWORD, address=None, browser=None, now=now) is not None
        with database.transaction() as connection:
            kept.append(connection.execute("SELECT password FROM access.member").fetchone())
    assert "m=16,t=2" in kept[0][0]
    assert kept[0] == kept[1]


def test_guessing_ends_for_an_hour_and_not_for_ever(tries: Try, agnese: Joined, now: datetime) -> None:
    for number in range(10):
        assert not tries(password="wrong", address=f"10.0.{number}.1")
    with pytest.raises(TooMany) as refusal:
        tries(address="10.9.9.9")
    assert refusal.value.code == "too-many-guesses"
    assert refusal.value.retry_after == 3600
    # Refused attempts do not count: who goes on guessing does not lengthen it.
    for minutes in (10, 30, 59):
        with pytest.raises(TooMany):
            tries(at=now + timedelta(minutes=minutes))
    assert tries(at=now + timedelta(minutes=60))


def test_an_attacker_elsewhere_does_not_lock_out_a_browser_that_signed_in_before(
    accounts: Accounts, tries: Try, agnese: Joined, now: datetime
) -> None:
    mark = accounts.mark(agnese.member, now=now)
    for number in range(10):
        assert not tries(password="wrong", address=f"10.0.{number}.1")
    with pytest.raises(TooMany):
        tries()
    assert tries(browser=mark)
    # A mark opens nothing, holds for its own account only, not when altered, and not for ever.
    assert not tries(password="wrong", browser=mark)
    for other in (mark[:-1] + ("0" if mark[-1] != "0" else "1"), "", "x.y.z", mark.replace(".", ".9", 1)):
        with pytest.raises(TooMany):
            tries(browser=other)
    late = now + timedelta(days=module.BROWSER_DAYS, minutes=1)
    for number in range(10):
        assert not tries(password="wrong", address=f"10.0.{number}.1", at=late)
    with pytest.raises(TooMany):
        tries(browser=mark, at=late)


def test_a_marked_browser_guesses_no_more_than_another(
    accounts: Accounts, tries: Try, agnese: Joined, now: datetime
) -> None:
    mark = accounts.mark(agnese.member, now=now)
    for number in range(10):
        assert not tries(password="wrong", browser=mark, address=f"10.0.{number}.1")
    with pytest.raises(TooMany):
        tries(browser=mark)


def test_one_network_guesses_at_many_accounts_fifty_times_an_hour(tries: Try) -> None:
    for number in range(50):
        assert not tries(f"login{number}", address=f"2a03:ec00:b1::{number:x}")
    with pytest.raises(TooMany):
        tries("another", address="2a03:ec00:b1::ffff")
    assert not tries("another", address="2a03:ec00:b2::1")


def test_an_unknown_login_meets_the_same_limits(tries: Try) -> None:
    for number in range(10):
        assert not tries("nobody", address=f"10.0.{number}.1")
    with pytest.raises(TooMany) as refusal:
        tries("nobody", address="10.1.1.1")
    assert refusal.value.retry_after == 3600


def test_parallel_guesses_do_not_outrun_the_limit(tries: Try, agnese: Joined) -> None:
    outcomes: list[str] = []

    def attempt(number: int) -> None:
        try:
            outcomes.append("fits" if tries(password="wrong", address=f"10.0.{number}.1") else "wrong")
        except TooMany:
            outcomes.append("refused")

    threads = [threading.Thread(target=attempt, args=(number,)) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(outcomes) == ["refused"] * 14 + ["wrong"] * 10


def test_a_one_time_code_counts_once_also_for_two_at_once(accounts: Accounts, agnese: Joined, now: datetime) -> None:
    code = agnese.code(now)
    outcomes: list[bool] = []
    threads = [
        threading.Thread(target=lambda: outcomes.append(accounts.factor_fits(agnese.member.id, code, now=now)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert sorted(outcomes) == [False, False, False, True]
    later = now + timedelta(minutes=20)
    assert not accounts.factor_fits(agnese.member.id, agnese.code(later - timedelta(seconds=70)), now=later)
    assert accounts.factor_fits(agnese.member.id, agnese.code(later), now=later)


def test_a_recovery_code_signs_in_once_however_it_is_typed(
    database: Database, accounts: Accounts, agnese: Joined, now: datetime
) -> None:
    first, second = agnese.recovery[:2]
    assert accounts.factor_fits(agnese.member.id, first.lower().replace("-", " "), now=now)
    assert not accounts.factor_fits(agnese.member.id, first, now=now)
    assert accounts.factor_fits(agnese.member.id, second, now=now)
    with database.transaction() as connection:
        assert accounts.recovery_codes_left(connection, agnese.member.id) == 8
        (stored,) = connection.execute(
            "SELECT string_agg(recovery_code::text, ' ') FROM access.recovery_code"
        ).fetchall()
        kinds = [event.kind for event in staff.events(connection, member=agnese.member.id)]
    assert agnese.recovery[2].replace("-", "") not in stored[0]
    assert kinds.count("recovery-code-used") == 2


def test_another_members_recovery_code_fits_nobody_else(
    database: Database, accounts: Accounts, agnese: Joined, now: datetime
) -> None:
    other = Joined(database, accounts, "other", now)
    assert not accounts.factor_fits(agnese.member.id, other.recovery[0], now=now)


def test_second_factors_are_guessed_five_times_a_quarter_and_thirty_times_a_day(
    accounts: Accounts, agnese: Joined, now: datetime
) -> None:
    refused = 0
    for minutes in range(0, 24 * 60, 5):
        at = now + timedelta(minutes=minutes)
        for _ in range(4):
            try:
                assert not accounts.factor_fits(agnese.member.id, "AAAA-AAAA-AAAA-AAAA", now=at)
            except TooMany:
                refused += 1
    assert 24 * 12 * 4 - refused == 30


def test_an_invitation_works_once_within_a_day_and_a_new_one_ends_the_old(
    database: Database, accounts: Accounts, now: datetime
) -> None:
    member, secret = hire(database, now, "new"), totp.new_secret()
    with database.transaction() as connection:
        old = accounts.invite(connection, member.id, by=None, now=now)
        link = accounts.invite(connection, member.id, by=None, now=now)
        assert accounts.invited(connection, old, now=now) is None
        assert accounts.invited(connection, link, now=now) == member
        assert accounts.invited(connection, link, now=now + timedelta(hours=24)) is None
        for other in ("", "x" * 43, link + "\0", "../" * 10):
            assert accounts.invited(connection, other, now=now) is None
        (stored,) = connection.execute("SELECT invitation::text FROM access.invitation").fetchall()
    assert link not in stored[0]

    def accept(code: str) -> list[str] | None:
        with database.transaction() as connection:
            return accounts.accept(connection, link, member.id, password="kept", secret=secret, code=code, now=now)

    assert accept("000000") is None, "a wrong code leaves the invitation as it was"
    codes = accept(pyotp.TOTP(secret).at(now))
    assert codes is not None
    assert len(set(codes)) == 10
    with pytest.raises(Conflict):
        accept(pyotp.TOTP(secret).at(now))


def test_a_weak_password_is_refused_before_anything_is_kept(accounts: Accounts, agnese: Joined) -> None:
    for weak in ("short", "agnese2026agnese", "passwordpassword"):
        with pytest.raises(BadInput):
            accounts.prepared(agnese.member, weak)


def test_a_reset_leaves_nothing_that_signs_in(
    database: Database, accounts: Accounts, tries: Try, agnese: Joined, now: datetime
) -> None:
    with database.transaction() as connection:
        link = accounts.reset(connection, agnese.member.id, by=None, now=now)
        assert accounts.invited(connection, link, now=now) == agnese.member
    assert not tries()
    assert not accounts.factor_fits(agnese.member.id, agnese.code(now), now=now)
    assert not accounts.factor_fits(agnese.member.id, agnese.recovery[0], now=now)


def test_only_a_local_open_account_is_invited(database: Database, accounts: Accounts, now: datetime) -> None:
    with database.transaction() as connection:
        sample = staff.add(connection, "sample", name="S", roles=[], source="demo", by=None, now=now)
        member = staff.add(connection, "gone", name="G", roles=[], by=None, now=now)
        staff.disable(connection, member.id, by=None, now=now)
    for id, code in ((sample.id, "not-local"), (member.id, "member-disabled")):
        with pytest.raises(BadInput) as refusal, database.transaction() as connection:
            accounts.invite(connection, id, by=None, now=now)
        assert refusal.value.code == code


def test_nothing_of_a_secret_is_stored_in_clear(
    database: Database, accounts: Accounts, agnese: Joined, now: datetime
) -> None:
    with database.transaction() as connection:
        (row,) = connection.execute("SELECT member::text, encode(totp, 'escape') FROM access.member").fetchall()
    for secret in (PASSWORD, agnese.secret):
        assert secret not in row[0]
        assert secret not in row[1]


def test_sweeping_forgets_guesses_that_no_limit_looks_at(database: Database, tries: Try, now: datetime) -> None:
    assert not tries("nobody")
    with database.transaction() as connection:
        assert guesses.sweep(connection, now=now + timedelta(hours=23)) == 0
        assert guesses.sweep(connection, now=now + timedelta(hours=24)) == 2
