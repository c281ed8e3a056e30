"""
Passkeys: a customer signs in with what unlocks their device (W3C Web Authentication Level 3).

A passkey is added only after another sign-in, and lists no name: the authenticator says which one it used
("discoverable"). What we keep is a public key. The person is always verified (user verification is required), so a
passkey is two factors in one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import attrs
import structlog
import webauthn
from psycopg import Connection
from webauthn.authentication.verify_authentication_response import VerifiedAuthentication
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, parse_authentication_credential_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    CredentialDeviceType,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)
from webauthn.registration.verify_registration_response import VerifiedRegistration

from placet.access.ceremonies import Ceremonies
from placet.kernel.errors import BadInput, Conflict, NotFound
from placet.kernel.ids import SubjectId
from placet.store.queries import queries

VALID = timedelta(minutes=5)
MOST = 20
"""Passkeys of one person."""

ADD, SIGN_IN = "passkey-add", "passkey-sign-in"
_LONGEST_NAME = 60
_TRANSPORTS = frozenset(transport.value for transport in AuthenticatorTransport)

SQL = queries("placet.access", "passkeys.sql")
log = structlog.get_logger()


@attrs.frozen
class Passkey:
    """A passkey as its customer sees it. *syncable*: it may be on several devices of theirs, *backed_up*: it is."""

    id: UUID
    credential: bytes = attrs.field(repr=False)
    transports: tuple[str, ...]
    syncable: bool
    backed_up: bool
    name: str
    created_at: datetime
    used_at: datetime | None


@attrs.frozen(repr=False)
class Asked:
    """What the browser hands to an authenticator (JSON), and the token with which its answer comes back."""

    options: str
    token: str


class Passkeys:
    """The passkeys of the site at *origin*; its host is the relying party's id."""

    def __init__(self, ceremonies: Ceremonies, *, origin: str, name: str) -> None:
        self.origin = origin
        self._ceremonies = ceremonies
        self._host = urlsplit(origin).hostname or ""
        self._name = name

    def ask_new(self, connection: Connection, subject: SubjectId, *, label: str, now: datetime) -> Asked:
        """Ask for a new passkey of *subject*; *label* is what their authenticator calls the account."""
        existing = listing(connection, subject)
        if len(existing) >= MOST:
            raise Conflict(f"nobody has more than {MOST} passkeys; remove one first", code="too-many-passkeys")
        options = webauthn.generate_registration_options(
            rp_id=self._host,
            rp_name=self._name,
            user_id=subject.bytes,
            user_name=label,
            user_display_name=label,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
            ),
            exclude_credentials=[PublicKeyCredentialDescriptor(id=passkey.credential) for passkey in existing],
        )
        content = {"challenge": bytes_to_base64url(options.challenge), "subject": str(subject)}
        token = self._ceremonies.begin(connection, ADD, content, valid=VALID, now=now)
        return Asked(webauthn.options_to_json(options), token)

    def add(
        self, connection: Connection, subject: SubjectId, token: str | None, answer: str, *, name: str, now: datetime
    ) -> bool:
        """Keep the passkey that *answer* brings, if it is right, in time and from whoever was asked."""
        name = _called(name)
        begun = self._ceremonies.finish(connection, ADD, token, now=now)
        if begun is None or begun["subject"] != str(subject):
            return False
        try:
            verified = webauthn.verify_registration_response(
                credential=answer,
                expected_challenge=base64url_to_bytes(begun["challenge"]),
                expected_rp_id=self._host,
                expected_origin=self.origin,
                require_user_verification=True,
            )
        except (WebAuthnException, ValueError) as error:
            log.warning("passkey refused", why=type(error).__name__)
            return False
        values = _kept(verified) | {"subject": subject, "transports": _transports(answer), "name": name, "now": now}
        return connection.execute(SQL["add_passkey"], values | {"id": uuid4()}).fetchone() is not None

    def ask(self, connection: Connection, *, now: datetime) -> Asked:
        """Ask for any passkey of this site: whose it is, its authenticator knows."""
        options = webauthn.generate_authentication_options(
            rp_id=self._host, user_verification=UserVerificationRequirement.REQUIRED
        )
        content = {"challenge": bytes_to_base64url(options.challenge)}
        token = self._ceremonies.begin(connection, SIGN_IN, content, valid=VALID, now=now)
        return Asked(webauthn.options_to_json(options), token)

    def sign_in(self, connection: Connection, token: str | None, answer: str, *, now: datetime) -> SubjectId | None:
        """Who signed in with *answer*, or None: late, unknown, removed, replayed or forged."""
        begun = self._ceremonies.finish(connection, SIGN_IN, token, now=now)
        if begun is None:
            return None
        try:
            credential = parse_authentication_credential_json(answer)
            row = connection.execute(SQL["passkey_by_credential"], {"credential": credential.raw_id}).fetchone()
            if row is None:
                return None
            id, subject, public_key, counter, syncable = row
            verified = webauthn.verify_authentication_response(
                credential=credential,
                expected_challenge=base64url_to_bytes(begun["challenge"]),
                expected_rp_id=self._host,
                expected_origin=self.origin,
                credential_public_key=public_key,
                credential_current_sign_count=counter,
                require_user_verification=True,
            )
        except (WebAuthnException, ValueError) as error:
            log.warning("passkey refused", why=type(error).__name__)
            return None
        # §7.2 steps 6 and 16: the authenticator names the same person, and is of the kind that it was.
        handle = credential.response.user_handle
        if (handle is not None and handle != subject.bytes) or _syncable(verified) != syncable:
            log.warning("passkey refused", why="other person or other kind")
            return None
        used = {"id": id, "counter": verified.new_sign_count, "backed_up": verified.credential_backed_up, "now": now}
        connection.execute(SQL["use_passkey"], used)
        return SubjectId(subject)


def listing(connection: Connection, subject: SubjectId) -> list[Passkey]:
    """The passkeys of *subject*, the oldest first."""
    rows = connection.execute(SQL["passkeys_of"], {"subject": subject}).fetchall()
    return [Passkey(id, credential, tuple(transports), *rest) for id, credential, transports, *rest in rows]


def rename(connection: Connection, subject: SubjectId, id: UUID, name: str) -> None:
    """Call a passkey *name*; somebody else's raises `NotFound`."""
    values = {"id": id, "subject": subject, "name": _called(name)}
    if connection.execute(SQL["rename_passkey"], values).fetchone() is None:
        raise NotFound("there is no such passkey", code="unknown-passkey")


def remove(connection: Connection, subject: SubjectId, id: UUID) -> None:
    """It signs in no longer; somebody else's raises `NotFound`."""
    if connection.execute(SQL["remove_passkey"], {"id": id, "subject": subject}).fetchone() is None:
        raise NotFound("there is no such passkey", code="unknown-passkey")


def forget(connection: Connection, subject: SubjectId) -> None:
    """Delete every passkey of *subject*."""
    connection.execute(SQL["forget_passkeys_of"], {"subject": subject})


def _kept(verified: VerifiedRegistration) -> dict[str, object]:
    return {
        "credential": verified.credential_id,
        "public_key": verified.credential_public_key,
        "counter": verified.sign_count,
        "syncable": _syncable(verified),
        "backed_up": verified.credential_backed_up,
    }


def _syncable(verified: VerifiedRegistration | VerifiedAuthentication) -> bool:
    return verified.credential_device_type == CredentialDeviceType.MULTI_DEVICE


def _transports(answer: str) -> Sequence[str]:
    """How the browser says that the authenticator is reached; only words of the specification."""
    response = json.loads(answer).get("response", {})
    said = response.get("transports", []) if isinstance(response, dict) else []
    return sorted({word for word in said if isinstance(word, str)} & _TRANSPORTS) if isinstance(said, list) else []


def _called(name: str) -> str:
    words = " ".join(name.split())
    if not words or len(words) > _LONGEST_NAME or not words.isprintable():
        raise BadInput(f"a passkey's name has 1 to {_LONGEST_NAME} characters; nothing was changed", code="bad-name")
    return words
