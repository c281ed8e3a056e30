"""
One-time codes: a customer signs in with a phone number or an e-mail address.

Nothing here tells whether a contact is known: the answer, the statements run and the limits are the same, and an
unknown contact gets a challenge that no code fits. A code has six digits, fits once, for five minutes, and survives
five attempts; how often one may be asked for is limited for each contact and for each address.
"""

from __future__ import annotations

import hmac
import math
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal, Protocol
from uuid import UUID, uuid4

import attrs
import structlog
from psycopg import Connection

from placet.access.guesses import network_of
from placet.config import Config
from placet.kernel.errors import BadInput, TooMany
from placet.kernel.ids import SubjectId
from placet.kernel.seal import MasterKey, keyed_hash
from placet.store.database import Database
from placet.store.queries import queries
from placet.subjects.actions import Subjects
from placet.subjects.model import Alias

VALID = timedelta(minutes=5)
MOST_ATTEMPTS = 5

LIMITS = (
    ("contact", 5, timedelta(minutes=15)),
    # With five attempts each: a hundred guesses at one customer in a day (NIST SP 800-63B §5.2.2).
    ("contact", 20, timedelta(days=1)),
    ("address", 30, timedelta(hours=1)),
)
"""How many codes may be asked for, for one contact or from one address, within which time."""

KEEP = max(window for _, _, window in LIMITS)

CODE_LABEL = "placet/code/v1"

Use = Literal["sign-in", "identity", "grant", "contact"]
"""What a code is for: signing in, showing at the desk who one is, completing a grant there, or that a
contact is one's own. It fits nothing else."""

SQL = queries("placet.access")
log = structlog.get_logger()


@attrs.frozen(repr=False)
class Message:
    """A code on its way. `code` None is a decoy: do the same work, deliver nothing."""

    challenge: UUID
    contact: Alias
    code: str | None
    language: str
    use: Use = "sign-in"
    """The message must say what the code is for: nobody should tell one for a grant believing it to be a greeting."""
    subject: SubjectId | None = None
    """Whose code it is; None for a decoy."""


class CodeSender(Protocol):
    """Brings a code to a customer. It is called for unknown contacts too, and must take as long for these."""

    def send(self, connection: Connection, message: Message, *, now: datetime) -> None:
        """Queue *message* in the transaction of the request."""


class UnsafeDemoSender:
    """Demo mode: the codes stand on the sign-in page for everyone to read."""

    def send(self, connection: Connection, message: Message, *, now: datetime) -> None:
        values = {"challenge": message.challenge, "contact": str(message.contact), "code": message.code}
        connection.execute(SQL["add_demo_message"], values | {"language": message.language, "now": now})


class NoChannel:
    """No way to deliver is configured: says so in the log, without the code and without the contact."""

    def send(self, _connection: Connection, message: Message, *, now: datetime) -> None:  # noqa: ARG002 (the Protocol's)
        log.warning("sign-in code not sent: no delivery channel is configured", kind=message.contact.kind)


@attrs.frozen
class DemoMessage:
    """A code as the demo's page shows it."""

    challenge: UUID
    contact: str
    code: str
    language: str
    created_at: datetime


class Codes:
    """Asks for and checks one-time codes; each call is a transaction of its own, so that an attempt always counts."""

    def __init__(self, database: Database, subjects: Subjects, master: MasterKey, sender: CodeSender) -> None:
        self._database = database
        self._subjects = subjects
        self._key = master.derive(CODE_LABEL)
        self._sender = sender

    def request(self, contact: str, *, address: str, language: str, now: datetime, use: Use = "sign-in") -> UUID:
        """
        Send a code to *contact* (`msisdn:…` or `email:…`) if it is somebody's; returns the challenge either way.

        *address* is where the request came from, for the limits. Too many requests raise `TooMany`.
        """
        alias = _reachable(Alias.parse(contact))
        return self._ask(alias, None, address=address, language=language, now=now, use=use)

    def confirm(self, contact: Alias, subject: SubjectId, *, address: str, language: str, now: datetime) -> UUID:
        """
        Send a code to a contact that *subject* says is theirs, whoever's it is known as; only `confirmed` takes it.

        So nobody signs in by a contact that its owner has not confirmed, and nobody learns whose a contact is.
        """
        return self._ask(_reachable(contact), subject, address=address, language=language, now=now, use="contact")

    def _ask(
        self, alias: Alias, subject: SubjectId | None, *, address: str, language: str, now: datetime, use: Use
    ) -> UUID:
        """Send a code for *subject*; None: for whoever is known by *alias*, if anybody is."""
        contact_hash = self._subjects.vault.alias_hash(alias)
        address_hash = keyed_hash(self._key, b"address\0" + network_of(address).encode())
        challenge, code = uuid4(), f"{secrets.randbelow(1_000_000):06}"
        with self._database.transaction() as connection:
            _limit(connection, contact_hash, address_hash, now)
            known = self._subjects.find(connection, alias)
            whose = subject or (None if known is None else known.id)
            values = {
                "id": challenge,
                "contact": contact_hash,
                "address": address_hash,
                "subject": whose,
                "code": self._hash(challenge, code, _bound(use, contact_hash)),
                "now": now,
                "expires_at": now + VALID,
            }
            connection.execute(SQL["add_challenge"], values)
            message = Message(challenge, alias, None if whose is None else code, language, use, whose)
            self._sender.send(connection, message, now=now)
        return challenge

    def verify(self, challenge: UUID, code: str, *, now: datetime, use: Use = "sign-in") -> SubjectId | None:
        """Whose *code* this is, or None: wrong, for another use, used, late, tried too often, or nobody's contact."""
        return self._verified(challenge, code, use, now=now)

    def confirmed(self, challenge: UUID, contact: Alias, subject: SubjectId, code: str, *, now: datetime) -> bool:
        """Whether *code* is the one that `confirm` sent to this very *contact* for *subject*."""
        use = _bound("contact", self._subjects.vault.alias_hash(contact))
        return self._verified(challenge, code, use, now=now) == subject

    def _verified(self, challenge: UUID, code: str, use: str, *, now: datetime) -> SubjectId | None:
        shown = self._hash(challenge, code.strip(), use)
        with self._database.transaction() as connection:
            values = {"id": challenge, "most": MOST_ATTEMPTS, "now": now}
            row = connection.execute(SQL["try_challenge"], values).fetchone()
            if row is None:
                return None
            stored, subject = row
            fits = hmac.compare_digest(stored, shown)
            if not fits or subject is None:
                return None
            connection.execute(SQL["use_challenge"], {"id": challenge, "now": now})
        return SubjectId(subject)

    def _hash(self, challenge: UUID, code: str, use: str) -> bytes:
        # Keyed, since six digits could be tried out against a plain hash; bound to its challenge and its use.
        return keyed_hash(self._key, b"code\0" + use.encode() + b"\0" + challenge.bytes + code.encode())


def forget(connection: Connection, contacts: Sequence[bytes]) -> None:
    """Delete what was asked for by the contacts (keyed hashes) of an erased person before anybody was known by them."""
    connection.execute(SQL["forget_challenges_for"], {"contacts": contacts})


def _reachable(alias: Alias) -> Alias:
    if alias.kind not in {"msisdn", "email"}:
        raise BadInput("a code can be sent to a phone number or an e-mail address only", code="bad-contact")
    return alias


def _bound(use: Use, contact: bytes) -> str:
    """What a code is good for; one that confirms a contact is good for that contact alone."""
    return f"{use}:{contact.hex()}" if use == "contact" else use


def sender_for(config: Config, channels: CodeSender | None = None) -> CodeSender:
    """How codes leave under these settings: on the page in demo mode, else by *channels*, if any are set up."""
    if config.mode == "demo":
        log.warning("demo mode: sign-in codes stand on the page for everyone to read")
        return UnsafeDemoSender()
    return channels or NoChannel()


def demo_messages(connection: Connection, *, limit: int = 20) -> list[DemoMessage]:
    """Demo mode: the codes that would have been sent, newest first."""
    return [DemoMessage(*row) for row in connection.execute(SQL["demo_messages"], {"limit": limit}).fetchall()]


def sweep(connection: Connection, *, now: datetime) -> int:
    """Delete the challenges that no limit looks at any more, with their demo messages; returns how many."""
    return connection.execute(SQL["sweep_challenges"], {"since": now - KEEP}).rowcount


def _limit(connection: Connection, contact: bytes, address: bytes, now: datetime) -> None:
    """Raise `TooMany` for a contact or an address that asked too often; refused requests do not count."""
    turns = (int.from_bytes(hashed[:8], "big", signed=True) for hashed in (contact, address))
    connection.execute(SQL["take_turns"], {"keys": sorted(turns)})
    for who, most, window in LIMITS:
        values = {"who": contact if who == "contact" else address, "since": now - window}
        row = connection.execute(SQL[f"recent_for_{who}"], values).fetchone()
        assert row is not None
        count, oldest = row
        if count >= most:
            wait = max(1, math.ceil((oldest + window - now).total_seconds()))
            raise TooMany(
                f"too many codes were asked for; wait {wait} s and ask again", code="too-many-codes", retry_after=wait
            )
