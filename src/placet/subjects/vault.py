"""
The keys of persons: one random key each, wrapped by the master key, and one keyed hash to find them by.

Everything that identifies a person is sealed under that person's key, so destroying the wrapped key forgets them
everywhere at once, in backups too once the wrapped key has left those (GDPR 17; design.md, invariant 5).
"""

from __future__ import annotations

import hmac
import os
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from placet.kernel.errors import Tampered
from placet.kernel.ids import SubjectId
from placet.kernel.seal import MasterKey, keyed_hash, new_key, seal, unseal

KEY_LABEL = "placet/subject-key/v1"
LOOKUP_LABEL = "placet/lookup/v1"
NAME_LABEL = "placet/name-word/v1"
CHECK_LABEL = "placet/master-check/v1"

_NONCE = 12


class Hashed(Protocol):
    """Something that a person is reached by: an `Alias`, or where their post goes."""

    @property
    def kind(self) -> str: ...

    @property
    def value(self) -> str: ...


class Vault:
    """Wraps and opens the keys of persons, seals their fields, hashes their aliases."""

    def __init__(self, master: MasterKey) -> None:
        self._wrapping = AESGCM(master.derive(KEY_LABEL))
        self._lookup = hmac.new(master.derive(LOOKUP_LABEL), digestmod="sha256")
        self._name = master.derive(NAME_LABEL)
        self._check = master.derive(CHECK_LABEL)

    def new_key(self, subject: SubjectId) -> tuple[bytes, bytes]:
        """A fresh key for *subject*: in clear, and wrapped."""
        key, nonce = new_key(), os.urandom(_NONCE)
        return key, nonce + self._wrapping.encrypt(nonce, key, subject.bytes)

    def unwrap(self, wrapped: bytes, subject: SubjectId) -> bytes:
        """The key of *subject*; bound to its id, so that swapping two rows is found."""
        try:
            return self._wrapping.decrypt(wrapped[:_NONCE], wrapped[_NONCE:], subject.bytes)
        except InvalidTag:
            raise Tampered(
                "a subject's key does not open: another master key is configured, or the row was changed",
                code="key-broken",
            ) from None

    def alias_hash(self, alias: Hashed) -> bytes:
        """What *alias* is found by, or known again by; without the master key nobody can guess numbers against it."""
        # A copy of the keyed state costs two thirds of keying it again, and an import hashes millions.
        keyed = self._lookup.copy()
        keyed.update(f"{alias.kind}:{alias.value}".encode())
        return keyed.digest()

    def name_hash(self, word: str) -> bytes:
        """What a folded word of a name is found by."""
        return keyed_hash(self._name, word.encode())

    def fingerprint(self) -> bytes:
        """Tells this master key from another, and nothing about either."""
        return keyed_hash(self._check, b"placet")


def seal_field(key: bytes, subject: SubjectId, field: str, value: str) -> bytes:
    """Seal one field of a person; bound to person and field, so that neither can be exchanged."""
    return seal(key, value.encode(), context=subject.bytes + field.encode())


def open_field(key: bytes, subject: SubjectId, field: str, sealed: bytes) -> str:
    return unseal(key, sealed, context=subject.bytes + field.encode()).decode()
