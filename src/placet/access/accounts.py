"""
Local accounts of staff: a password, then a second factor; for an installation without an identity provider.

An account begins with an invitation, a link that works once within a day. Nothing here tells whether a login is known:
the work, the statements and the limits are the same.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from datetime import datetime, timedelta
from typing import Any

import attrs
from psycopg import Connection

from placet.access import staff, tokens, totp
from placet.access.guesses import Guesses, Kind, network_of
from placet.access.passwords import Passwords, demand_good
from placet.access.sessions import SKEW
from placet.access.staff import Member
from placet.kernel.errors import BadInput, Conflict
from placet.kernel.ids import StaffId
from placet.kernel.seal import MasterKey, keyed_hash, seal, unseal
from placet.store.database import Database
from placet.store.queries import queries

INVITED_FOR = timedelta(hours=24)
RECOVERY_CODES = 10
BROWSER_DAYS = 90

FACTOR_LABEL = "placet/totp/v1"
BROWSER_LABEL = "placet/staff-browser/v1"
_BRAND = "Placet"

SQL = queries("placet.access", "accounts.sql")


@attrs.frozen(repr=False)
class _Credentials:
    member: StaffId
    password: str | None
    totp: bytes | None
    step: int


class Accounts:
    """Signs local accounts in. What counts an attempt commits by itself: being broken off does not undo it."""

    def __init__(self, database: Database, master: MasterKey, passwords: Passwords | None = None) -> None:
        self._database = database
        self._passwords = passwords or Passwords()
        self._guesses = Guesses(master)
        self._factor_key = master.derive(FACTOR_LABEL)
        self._browser_key = master.derive(BROWSER_LABEL)

    # The first step and the second

    def password_fits(
        self, login: str, password: str, *, address: str | None, browser: str | None, now: datetime
    ) -> StaffId | None:
        """
        Whose *login* and *password* these are, or None. *address* is where the attempt comes from, *browser* the
        mark (`mark`) of one that signed in before. Too many attempts raise `TooMany`.
        """
        login = login.strip().lower()
        known: tuple[Kind, str] = ("account", login)
        if browser is not None and self._marked(browser, login, now):
            known = ("browser", browser)
        with self._database.transaction() as connection:
            guess = self._guesses.begin(connection, [known, ("network", network_of(address))], now=now)
            found = _credentials(connection.execute(SQL["credentials_by_login"], {"login": login}).fetchone())
        verdict = self._passwords.verify(None if found is None else found.password, password)
        if found is None or not verdict.fits or found.totp is None:
            return None
        with self._database.transaction() as connection:
            self._guesses.right(connection, guess)
            if verdict.outdated:
                self._keep_password(connection, found.member, password)
        return found.member

    def factor_fits(self, member: StaffId, code: str, *, now: datetime) -> bool:
        """Is *code* a one-time or recovery code of *member* that was not used before? It is used now."""
        code = "".join(code.split()).replace("-", "").upper()
        with self._database.transaction() as connection:
            guess = self._guesses.begin(connection, [("factor", str(member))], now=now)
        with self._database.transaction() as connection:
            found = _credentials(connection.execute(SQL["credentials"], {"id": member}).fetchone())
            if found is None or found.totp is None or not self._used(connection, found, code, now):
                return False
            self._guesses.right(connection, guess)
        return True

    def confirms(self, member: Member, password: str, code: str, *, address: str | None, now: datetime) -> bool:
        """Is it really *member* who sits there? Before what secures an account is changed (ASVS 5.0 7.5.1)."""
        fits = self.password_fits(member.login, password, address=address, browser=None, now=now)
        return fits == member.id and self.factor_fits(member.id, code, now=now)

    def mark(self, member: Member, *, now: datetime) -> str:
        """What a browser keeps that has signed in to *member*'s account; it opens nothing."""
        login, until = member.login, int((now + timedelta(days=BROWSER_DAYS)).timestamp())
        drawn = f"{secrets.token_urlsafe(12)}.{until}"
        return f"{drawn}.{self._mark_hash(drawn, login)}"

    # Beginning, and changing

    def invite(self, connection: Connection, member: StaffId, *, by: StaffId | None, now: datetime) -> str:
        """A link's secret with which *member* sets password and second factor; earlier ones no longer work."""
        _demand_local(connection, member)
        token = tokens.new()
        connection.execute(SQL["drop_invitations"], {"member": member})
        values = {"hash": tokens.hashed(token), "member": member, "now": now, "expires_at": now + INVITED_FOR}
        connection.execute(SQL["add_invitation"], values)
        staff.note(connection, member, "invited", by=by, now=now)
        return token

    def reset(self, connection: Connection, member: StaffId, *, by: StaffId | None, now: datetime) -> str:
        """As `invite`, for who lost everything: what they had no longer signs in, and every session ends."""
        token = self.invite(connection, member, by=by, now=now)
        connection.execute(SQL["set_password"], {"id": member, "password": None})
        connection.execute(SQL["set_factor"], {"id": member, "totp": None, "step": 0})
        connection.execute(SQL["drop_recovery_codes"], {"member": member})
        connection.execute(staff.SQL["end_staff_sessions_of"], {"member": member, "now": now})
        staff.note(connection, member, "reset", by=by, now=now)
        return token

    def invited(self, connection: Connection, token: str, *, now: datetime) -> Member | None:
        """Whom the link invites, or None: unknown, used, too late."""
        if not tokens.shaped(token):
            return None
        values = {"hash": tokens.hashed(token), "now": now, "latest": now + SKEW}
        row = connection.execute(SQL["invitation"], values).fetchone()
        return None if row is None else staff.get(connection, StaffId(row[0]))

    def prepared(self, member: Member, password: str) -> str:
        """*password* as it will be kept, if it is good enough for *member*; else raises `BadInput`."""
        demand_good(password, names=(member.login, member.name, _BRAND))
        return self._passwords.hash(password)

    def accept(
        self,
        connection: Connection,
        invitation: str,
        member: StaffId,
        *,
        password: str,
        secret: str,
        code: str,
        now: datetime,
    ) -> list[str] | None:
        """
        Use the *invitation*: *password* as `prepared`, and the second factor that made *code*. Returns the recovery
        codes, which are shown once; None when the code is wrong. An invitation that is over raises `Conflict`.
        """
        step = totp.step_of(secret, _digits(code), at=now, last=0)
        if step is None:
            return None
        values = {"hash": tokens.hashed(invitation), "member": member, "now": now}
        if connection.execute(SQL["use_invitation"], values).fetchone() is None:
            raise Conflict("this invitation was used or is too old; ask for a new one", code="invitation-over")
        connection.execute(SQL["set_password"], {"id": member, "password": password})
        staff.note(connection, member, "joined", by=member, now=now)
        return self._set_factor(connection, member, secret, step)

    def change_factor(
        self, connection: Connection, member: StaffId, *, secret: str, code: str, now: datetime
    ) -> list[str] | None:
        """The second factor is *secret* from now on, if *code* is one of its; returns the new recovery codes."""
        step = totp.step_of(secret, _digits(code), at=now, last=0)
        if step is None:
            return None
        staff.note(connection, member, "factor-changed", by=member, now=now)
        return self._set_factor(connection, member, secret, step)

    def change_password(self, connection: Connection, member: Member, password: str, *, now: datetime) -> None:
        """*password* from now on; what was weak raises `BadInput` and changes nothing."""
        values = {"id": member.id, "password": self.prepared(member, password)}
        connection.execute(SQL["set_password"], values)
        staff.note(connection, member.id, "password-changed", by=member.id, now=now)

    def recovery_codes_left(self, connection: Connection, member: StaffId) -> int:
        row = connection.execute(SQL["count_recovery_codes"], {"member": member}).fetchone()
        assert row is not None
        return int(row[0])

    def _set_factor(self, connection: Connection, member: StaffId, secret: str, step: int) -> list[str]:
        sealed = seal(self._factor_key, secret.encode(), context=member.bytes)
        connection.execute(SQL["set_factor"], {"id": member, "totp": sealed, "step": step})
        connection.execute(SQL["drop_recovery_codes"], {"member": member})
        codes = [_recovery_code() for _ in range(RECOVERY_CODES)]
        for code in codes:
            values = {"hash": self._code_hash(member, code.replace("-", "")), "member": member}
            connection.execute(SQL["add_recovery_code"], values)
        return codes

    def _used(self, connection: Connection, found: _Credentials, code: str, now: datetime) -> bool:
        """Use *code* up, as a one-time code or as a recovery code."""
        assert found.totp is not None
        secret = unseal(self._factor_key, found.totp, context=found.member.bytes).decode()
        step = totp.step_of(secret, code, at=now, last=found.step)
        if step is not None:
            return connection.execute(SQL["use_step"], {"id": found.member, "step": step}).fetchone() is not None
        values = {"hash": self._code_hash(found.member, code), "member": found.member}
        if connection.execute(SQL["use_recovery_code"], values).fetchone() is None:
            return False
        staff.note(connection, found.member, "recovery-code-used", by=found.member, now=now)
        return True

    def _keep_password(self, connection: Connection, member: StaffId, password: str) -> None:
        connection.execute(SQL["set_password"], {"id": member, "password": self._passwords.hash(password)})

    def _code_hash(self, member: StaffId, code: str) -> bytes:
        return keyed_hash(self._factor_key, b"recovery\0" + member.bytes + code.encode())

    def _mark_hash(self, drawn: str, login: str) -> str:
        return keyed_hash(self._browser_key, f"{drawn}\0{login}".encode()).hex()

    def _marked(self, mark: str, login: str, now: datetime) -> bool:
        drawn, _, shown = mark.rpartition(".")
        until = drawn.rpartition(".")[2]
        genuine = hmac.compare_digest(self._mark_hash(drawn, login).encode(), shown.encode())
        return genuine and until.isdigit() and int(until) > now.timestamp()


def sweep(connection: Connection, *, now: datetime) -> int:
    """Delete the invitations that can no longer be used; returns how many."""
    return connection.execute(SQL["sweep_invitations"], {"now": now}).rowcount


def _credentials(row: tuple[Any, ...] | None) -> _Credentials | None:
    return None if row is None else _Credentials(StaffId(row[0]), *row[1:])


def _demand_local(connection: Connection, member: StaffId) -> None:
    found = staff.get(connection, member)
    if found.source != "local":
        raise Conflict("only a local account has a password; this one signs in elsewhere", code="not-local")
    if found.disabled_at is not None:
        raise BadInput("this account is disabled; enable it first", code="member-disabled")


def _recovery_code() -> str:
    """Eighty random bits in four groups of four letters and digits."""
    text = base64.b32encode(secrets.token_bytes(10)).decode()
    return "-".join(text[start : start + 4] for start in range(0, 16, 4))


def _digits(code: str) -> str:
    return "".join(code.split())
