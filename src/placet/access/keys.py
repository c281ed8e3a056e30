"""
Keys of the programs that call us.

A key is `pk_<id>_<secret>`; the secret has 192 random bits and only its SHA-256 is stored. Each request is checked
against an immutable copy of all keys in memory: the copy is at most `FRESH` seconds old, so a revocation is seen
within that time, and a process that cannot renew its copy lets nobody in.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import re
import secrets
import threading
import time
from collections.abc import Callable, Collection, Mapping
from datetime import date, datetime, timedelta
from types import MappingProxyType

import attrs
import psycopg
from psycopg import Connection, errors

from placet.kernel.errors import BadInput, Conflict, Denied, NotFound, PlacetError, TooMany, Unavailable
from placet.store.database import Database
from placet.store.queries import queries

SCOPES = frozenset(
    {
        "decisions:write",
        "subjects:read",
        "subjects:write",
        "check",
        "audience",
        "receipts:read",
        "catalogue:read",
        "mobility:read",
        "admin",
    }
)

FRESH = 1.0
"""Seconds until a revocation is seen everywhere."""

OVERLAP = timedelta(days=7)
"""How long the old key of a rotation goes on working."""

PER_SECOND, BURST = 5_000, 10_000
"""Limit of a key, in each serving process, unless it was given another."""

_TEXT = re.compile(r"pk_([0-9a-z]{12})_([0-9a-f]{48})", re.ASCII)
_NOBODY = bytes(32)
_REFUSED = "this API key is not valid; make one with: placet keys add NAME --scope check"

SQL = queries("placet.access")


@attrs.frozen
class Client:
    """A program that showed a valid key, and what it may do."""

    id: str
    name: str
    scopes: frozenset[str]
    per_second: int = PER_SECOND
    burst: int = BURST

    def require(self, scope: str) -> None:
        """Raise `Denied` unless the key has *scope*; `admin` does not stand for the others."""
        if scope not in self.scopes:
            raise Denied(f"this API key does not have the scope {scope}; ask for a key that has it", code="scope")


@attrs.frozen(repr=False)
class Issued:
    """A new key; `text` is shown once and cannot be had again."""

    id: str
    text: str


@attrs.frozen
class KeyInfo:
    """What is known of a key afterwards."""

    id: str
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_on: date | None
    rotated_to: str | None


@attrs.frozen
class _Held:
    client: Client
    hash: bytes
    expires_at: datetime | None


@attrs.frozen(eq=False)
class _Copy:
    """All keys as they were read at *read_at* (ticks); swapped whole."""

    held: Mapping[str, _Held]
    read_at: float
    shown: dict[str, _Held] = attrs.field(factory=dict, repr=False)
    """Keys that were shown and proved right, in clear: they need no second proof while this copy lasts."""


class _Bucket:
    """Tokens that refill at an even rate; the keys' lock guards it."""

    __slots__ = ("at", "tokens")

    def __init__(self, tokens: float, at: float) -> None:
        self.tokens, self.at = tokens, at


class Keys:
    """
    The keys of this installation. Thread-safe.

    *ticks* is a monotonic clock: how old a copy is must not depend on somebody setting the time back.
    """

    def __init__(self, database: Database, *, ticks: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._ticks = ticks
        # Swapped whole by refresh(); readers take it without a lock.
        self._copy = _Copy(MappingProxyType({}), -math.inf)
        self._used: set[str] = set()
        self._buckets: dict[str, _Bucket] = {}
        # _refreshing: one thread reads the table. _counting: guards _buckets.
        self._refreshing = threading.Lock()
        self._counting = threading.Lock()
        self._watcher: threading.Thread | None = None
        self._away = False
        """Whether the watcher could not read when it last tried; only the watcher writes it."""
        self._stopping = threading.Event()

    # At each request

    def authenticate(self, key_text: str, *, now: datetime) -> Client:
        """Who shows this key; `Denied` (code `key`) if it is malformed, unknown, expired or revoked."""
        copy = self._copy
        if self._ticks() - copy.read_at > FRESH:
            copy = self._renewed(now)
        held = copy.shown.get(key_text)
        if held is None:
            held = copy.shown[key_text] = _proved(copy, key_text)
        if held.expires_at is not None and held.expires_at <= now:
            raise Denied(_REFUSED, code="key")
        self._used.add(held.client.id)
        return held.client

    def admit(self, client: Client, *, cost: int = 1) -> None:
        """Count *cost* requests of *client*; over its limit raises `TooMany` with the seconds to wait."""
        with self._counting:
            at = self._ticks()
            bucket = self._buckets.get(client.id)
            if bucket is None:
                bucket = self._buckets[client.id] = _Bucket(client.burst, at)
            bucket.tokens = min(client.burst, bucket.tokens + (at - bucket.at) * client.per_second)
            bucket.at = at
            # More than a whole burst at once is let through when full, and then paid off.
            missing = min(cost, client.burst) - bucket.tokens
            if missing <= 0:
                bucket.tokens -= cost
                return
        wait = math.ceil(missing / client.per_second)
        raise TooMany(f"too many requests with this API key; wait {wait} s", code="rate-limit", retry_after=wait)

    # The copy in memory

    def refresh(self, now: datetime) -> None:
        """Read the keys anew, and note on which day they were used."""
        with self._refreshing, self._database.transaction() as connection:
            self._read(connection, now)

    def watch(self, clock: Callable[[], datetime]) -> None:
        """Keep the copy fresh from a thread of its own, so that no request waits for the database."""
        self.refresh(clock())
        self._watcher = threading.Thread(target=self._watch, args=(clock,), name="api-keys", daemon=True)
        self._watcher.start()

    def close(self) -> None:
        """Stop watching."""
        self._stopping.set()
        if self._watcher is not None:
            self._watcher.join()
            self._watcher = None

    def _renewed(self, now: datetime) -> _Copy:
        """A fresh copy: the watcher is late. While it waits for the database no request waits with it."""
        if self._away or not self._refreshing.acquire(blocking=self._watcher is None):
            raise Unavailable("API keys cannot be checked: the database does not answer; try again later")
        try:
            if self._ticks() - self._copy.read_at > FRESH:
                with self._database.transaction() as connection:
                    self._read(connection, now)
            return self._copy
        finally:
            self._refreshing.release()

    def _read(self, connection: Connection, now: datetime) -> None:
        started = self._ticks()
        self._note_use(connection, now)
        rows = connection.execute(SQL["keys_not_revoked"]).fetchall()
        held = (
            _Held(Client(id, name, frozenset(scopes), rate, burst), hash, expires_at)
            for id, name, hash, scopes, rate, burst, expires_at in rows
        )
        # From the start of the reading: what was revoked during it may have been missed.
        self._copy = _Copy(MappingProxyType({one.client.id: one for one in held}), started)

    def _note_use(self, connection: Connection, now: datetime) -> None:
        """On which day a key was used is housekeeping: a disk that is full must not lock everybody out."""
        used, self._used = self._used, set()
        if not used:
            return
        try:
            with connection.transaction():
                connection.execute(SQL["note_use"], {"ids": list(used), "day": now.date()})
        except (errors.DiskFull, errors.ReadOnlySqlTransaction):
            self._used |= used

    def _watch(self, clock: Callable[[], datetime]) -> None:
        """Read again and again on a connection of its own, so that a busy pool keeps nobody out."""
        while not self._stopping.is_set():
            try:
                with self._database.dedicated() as connection:
                    while not self._stopping.wait(FRESH / 4):
                        with self._refreshing:
                            self._read(connection, clock())
                        self._away = False
            except (PlacetError, psycopg.Error):
                # The copy grows old and authenticate() refuses by itself; go on trying.
                self._away = True
                self._stopping.wait(FRESH / 4)


def _proved(copy: _Copy, key_text: str) -> _Held:
    """The key in *key_text*; `Denied` if it is malformed, unknown or has another secret."""
    match = _TEXT.fullmatch(key_text)
    if match is None:
        raise Denied(_REFUSED, code="key")
    held = copy.held.get(match[1])
    shown = hashlib.sha256(match[2].encode()).digest()
    # An unknown id costs the same comparison as a wrong secret.
    fits = hmac.compare_digest(shown, _NOBODY if held is None else held.hash)
    if held is None or not fits:
        raise Denied(_REFUSED, code="key")
    return held


def add(
    connection: Connection,
    name: str,
    scopes: Collection[str],
    *,
    now: datetime,
    per_second: int = PER_SECOND,
    burst: int = BURST,
) -> Issued:
    """Make a key for the program *name*."""
    if not name.strip():
        raise BadInput("a key needs the name of the program that will use it; nothing was changed", code="bad-key")
    if not scopes or not SCOPES.issuperset(scopes):
        raise BadInput(f"a key needs scopes out of: {', '.join(sorted(SCOPES))}; nothing was changed", code="bad-scope")
    if per_second < 1 or burst < 1:
        raise BadInput("the limit of a key is at least one request; nothing was changed", code="bad-limit")
    id, secret = secrets.token_hex(6), secrets.token_hex(24)
    hashed = hashlib.sha256(secret.encode()).digest()
    values = {"id": id, "client": name, "hash": hashed, "scopes": sorted(scopes)}
    connection.execute(SQL["add_key"], values | {"per_second": per_second, "burst": burst, "now": now})
    return Issued(id, f"pk_{id}_{secret}")


def rotate(connection: Connection, id: str, *, now: datetime, overlap: timedelta = OVERLAP) -> Issued:
    """Make a successor with the same name, scopes and limits; the old key works for *overlap* more."""
    row = connection.execute(SQL["lock_key"], {"id": id}).fetchone()
    if row is None:
        raise NotFound("there is no such key; see: placet keys list", code="unknown-key")
    name, scopes, per_second, burst, revoked_at, rotated_to = row
    if revoked_at is not None or rotated_to is not None:
        raise Conflict(
            "this key was revoked or rotated already; rotate its successor or add a new one", code="key-over"
        )
    issued = add(connection, name, scopes, now=now, per_second=per_second, burst=burst)
    values = {"id": id, "expires_at": now + overlap, "rotated_to": issued.id}
    connection.execute(SQL["let_key_expire"], values)
    return issued


def revoke(connection: Connection, id: str, *, now: datetime) -> None:
    """Close a key; every process refuses it within `FRESH` seconds of the commit."""
    if connection.execute(SQL["revoke_key"], {"id": id, "now": now}).fetchone() is None:
        raise NotFound("there is no such key; see: placet keys list", code="unknown-key")


def listing(connection: Connection) -> list[KeyInfo]:
    """Every key ever made, newest first."""
    return [
        KeyInfo(id, name, tuple(scopes), *rest)
        for id, name, scopes, *rest in connection.execute(SQL["list_keys"]).fetchall()
    ]
