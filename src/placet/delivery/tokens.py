"""
Tokens in the links by which a person stops what a message belongs to (RFC 8058).

A token is the message's random id and a keyed hash over it: it tells nothing about the person, cannot be guessed,
never expires, and means the same however often it comes. Lower-case base32: mail servers may change the case of an
address's left part.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from uuid import UUID

import attrs

from placet.delivery.model import MessageId
from placet.kernel.ids import RecordId
from placet.kernel.seal import MasterKey, keyed_hash

KEY_LABEL = "placet/message-tokens/v1"

_MAC = 14
_LENGTH = 48


@attrs.frozen
class Tokens:
    """Makes and reads tokens under the operator's key."""

    key: bytes = attrs.field(repr=False)

    def make(self, message: MessageId) -> str:
        """48 characters."""
        token = message.bytes + self._mac(message)
        return base64.b32encode(token).decode().lower()

    def link(self, url: str, message: MessageId) -> str:
        """The address in the message at which it is stopped."""
        return f"{url}/u/{self.make(message)}"

    def read(self, token: str) -> MessageId | None:
        """The message of *token*, or None for one that was not made here."""
        if len(token) != _LENGTH or not token.isascii():
            return None
        try:
            raw = base64.b32decode(token.upper())
        except binascii.Error:
            return None
        message = MessageId(UUID(bytes=raw[:16]))
        return message if hmac.compare_digest(raw[16:], self._mac(message)) else None

    def make_undo(self, message: MessageId, record: RecordId) -> str:
        """What a page carries so that the link of *message* may give again what *record* took back."""
        return f"{record}.{self._undo_mac(message, record).hex()}"

    def read_undo(self, message: MessageId, undo: str) -> RecordId | None:
        """The record that *undo* names, or None for one that was not made here for *message*."""
        id, _, mac = undo.partition(".")
        try:
            record = RecordId(UUID(id))
        except ValueError:
            return None
        return record if hmac.compare_digest(mac.encode(), self._undo_mac(message, record).hex().encode()) else None

    def _mac(self, message: MessageId) -> bytes:
        return keyed_hash(self.key, b"stop\0" + message.bytes)[:_MAC]

    def _undo_mac(self, message: MessageId, record: RecordId) -> bytes:
        return keyed_hash(self.key, b"undo\0" + message.bytes + record.bytes)


def tokens(master: MasterKey) -> Tokens:
    return Tokens(master.derive(KEY_LABEL))
