"""
The one link of an invitation: opaque, good for one answer, and made at the moment of sending.

A token is the survey's serial, twelve random bytes, and the person's number sealed under the operator's key with those
bytes (AES-GCM); it is stored nowhere. What an answer is found by before it is sent, the *ticket*, is a keyed hash of
the random bytes: who holds the database holds no token, and with the operator's key too cannot tell which ticket was
whose. The number in a token is read for "do not ask me again", and where answers stand with their person.

Lower-case base32: what reads links aloud or changes their case does no harm.
"""

from __future__ import annotations

import base64
import binascii
import os

import attrs
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from placet.kernel.errors import NotFound
from placet.kernel.ids import Number
from placet.kernel.seal import MasterKey, keyed_hash

SEAL_LABEL = "placet/survey-links/v1"
TICKET_LABEL = "placet/survey-tickets/v1"

_SERIAL, _NONCE, _NUMBER, _TAG = 4, 12, 4, 16
_LENGTH = 58
_PADDING = "=" * 6


@attrs.frozen(repr=False)
class Link:
    """A token that was made here. *ticket* is what an anonymous answer is found by until it is sent."""

    serial: int
    ticket: bytes
    number: Number


class Links:
    """Makes and reads tokens under the operator's key. Thread-safe."""

    def __init__(self, master: MasterKey) -> None:
        self._seal = AESGCM(master.derive(SEAL_LABEL))
        self._tickets = master.derive(TICKET_LABEL)

    def make(self, serial: int, number: Number) -> str:
        """A new token each time: nothing ties two of one person together."""
        named, nonce = serial.to_bytes(_SERIAL, "big"), os.urandom(_NONCE)
        sealed = self._seal.encrypt(nonce, number.to_bytes(_NUMBER, "big"), named)
        return base64.b32encode(named + nonce + sealed).decode().rstrip("=").lower()

    def read(self, token: str) -> Link:
        """The link of *token*; one that was not made here raises `NotFound`."""
        if len(token) != _LENGTH or not token.isascii():
            raise _unknown()
        try:
            raw = base64.b32decode(token.upper() + _PADDING)
            named, nonce, sealed = raw[:_SERIAL], raw[_SERIAL : _SERIAL + _NONCE], raw[_SERIAL + _NONCE :]
            number = self._seal.decrypt(nonce, sealed, named)
        except (binascii.Error, InvalidTag):
            raise _unknown() from None
        ticket = keyed_hash(self._tickets, named + nonce)
        return Link(int.from_bytes(named, "big"), ticket, Number(int.from_bytes(number, "big")))


def _unknown() -> NotFound:
    return NotFound("this link leads nowhere; open it from the message again", code="unknown-survey")
