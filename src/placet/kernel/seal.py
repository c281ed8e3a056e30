"""
Keys and sealing: AES-256-GCM for what must be readable again, HMAC-SHA256 for what must only be recognised.

Every purpose of a key has its own label; keys are derived from the master key by HKDF-SHA256 (RFC 5869), so that
no key serves two uses. Sealed bytes are `nonce (12) ‖ ciphertext ‖ tag (16)`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from hashlib import sha256

import attrs
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from placet.kernel.errors import Misconfigured, Tampered

KEY_BYTES = 32


@attrs.frozen(repr=False)
class MasterKey:
    """The operator's 256-bit key, from a file or the environment; it never leaves the process."""

    secret: bytes = attrs.field()

    @secret.validator
    def _length(self, _attribute: object, value: bytes) -> None:
        if len(value) != KEY_BYTES:
            raise Misconfigured(f"the master key must have {KEY_BYTES} bytes, not {len(value)}")

    def derive(self, label: str) -> bytes:
        """The 32-byte key for *label* (for instance `placet/lookup/v1`)."""
        return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=label.encode()).derive(self.secret)


def new_key() -> bytes:
    return os.urandom(KEY_BYTES)


def seal(key: bytes, plain: bytes, *, context: bytes) -> bytes:
    """Encrypt *plain*; *context* (associated data) must be given again to open it."""
    nonce = os.urandom(12)
    return nonce + AESGCM(key).encrypt(nonce, plain, context)


def unseal(key: bytes, sealed: bytes, *, context: bytes) -> bytes:
    """Decrypt what `seal` made; another key, context or a changed byte raises `Tampered`."""
    try:
        return AESGCM(key).decrypt(sealed[:12], sealed[12:], context)
    except InvalidTag:
        raise Tampered("sealed data does not open under this key", code="seal-broken") from None


_BLOCK = 64
_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))


def keyed_hash(key: bytes, data: bytes) -> bytes:
    """
    HMAC-SHA256 (RFC 2104 §2) of *data*, 32 bytes, for keys of at most one block (64 bytes).

    `hmac.digest` looks its algorithm up anew each time and gives the interpreter's lock away: beside a busy thread that
    costs ten times the hashing (29 µs against 2 µs was measured), and a decision needs two of them.
    """
    block = key.ljust(_BLOCK, b"\0")
    return sha256(block.translate(_OUTER) + sha256(block.translate(_INNER) + data).digest()).digest()


def hashing(key: bytes) -> Callable[[bytes], bytes]:
    """`keyed_hash` under one key that is used again and again."""
    block = key.ljust(_BLOCK, b"\0")
    inner, outer = block.translate(_INNER), block.translate(_OUTER)
    return lambda data: sha256(outer + sha256(inner + data).digest()).digest()
