"""
Protocol data units of SMPP (Short Message Peer-to-Peer Protocol Specification v3.4): bytes to values and back. Pure.

Only what an ESME needs to send, to receive receipts and answers, and to stay connected; any other command is answered
with `generic_nack`.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from enum import IntEnum

import attrs

HEADER = struct.Struct(">IIII")
LONGEST = 65_536
"""Bytes. Nothing we exchange is longer; a larger length is a broken stream."""

RESPONSE = 0x8000_0000


class Command(IntEnum):
    """§5.1.2.1."""

    GENERIC_NACK = 0x8000_0000
    BIND_TRANSCEIVER = 0x09
    BIND_TRANSCEIVER_RESP = 0x8000_0009
    QUERY_SM = 0x03
    QUERY_SM_RESP = 0x8000_0003
    SUBMIT_SM = 0x04
    SUBMIT_SM_RESP = 0x8000_0004
    DELIVER_SM = 0x05
    DELIVER_SM_RESP = 0x8000_0005
    UNBIND = 0x06
    UNBIND_RESP = 0x8000_0006
    ENQUIRE_LINK = 0x15
    ENQUIRE_LINK_RESP = 0x8000_0015


class Status(IntEnum):
    """§5.1.3, those that change what we do."""

    OK = 0x00
    INVALID_COMMAND = 0x03
    SYSTEM_ERROR = 0x08
    INVALID_DESTINATION = 0x0B
    QUEUE_FULL = 0x14
    THROTTLED = 0x58


class Tag(IntEnum):
    """Optional parameters (§5.3.2)."""

    RECEIPTED_MESSAGE_ID = 0x001E
    USER_MESSAGE_REFERENCE = 0x0204
    MESSAGE_PAYLOAD = 0x0424
    MESSAGE_STATE = 0x0427


class Malformed(ConnectionError):
    """The other side sent bytes that are no SMPP; the connection cannot go on."""


@attrs.frozen
class Pdu:
    """A header (§3.2) and the bytes behind it."""

    command: int
    status: int
    sequence: int
    body: bytes = attrs.field(default=b"", repr=False)

    def encode(self) -> bytes:
        return HEADER.pack(HEADER.size + len(self.body), self.command, self.status, self.sequence) + self.body


@attrs.frozen
class Short:
    """The body that `submit_sm` (§4.4.1) and `deliver_sm` (§4.6.1) share."""

    source: str
    destination: str = attrs.field(repr=False)
    message: bytes = attrs.field(repr=False)
    data_coding: int = 0
    esm_class: int = 0
    validity: str = ""
    registered: int = 0
    options: Mapping[int, bytes] = attrs.field(factory=dict, repr=False)

    def encode(self) -> bytes:
        if len(self.message) > 254:
            raise ValueError("short_message holds 254 bytes at most")
        return b"".join(
            (
                b"\0",
                *(_address(address) for address in (self.source, self.destination)),
                bytes((self.esm_class, 0, 0)),
                b"\0",
                _text(self.validity),
                bytes((self.registered, 0, self.data_coding, 0, len(self.message))),
                self.message,
                *(struct.pack(">HH", tag, len(value)) + value for tag, value in self.options.items()),
            )
        )


def decode_header(raw: bytes) -> tuple[int, int, int, int]:
    """Length of the body, command, status, sequence number."""
    length, command, status, sequence = HEADER.unpack(raw)
    if not HEADER.size <= length <= LONGEST:
        raise Malformed(f"a PDU of {length} bytes")
    return length - HEADER.size, command, status, sequence


def decode_short(body: bytes) -> Short:
    """Read `deliver_sm` or `submit_sm`; the text in `message_payload` (§5.3.2.32) counts where there is one."""
    reader = Reader(body)
    reader.text()
    reader.take(2)
    source = reader.text()
    reader.take(2)
    destination = reader.text()
    esm_class = reader.take(3)[0]
    reader.text()
    validity = reader.text()
    registered, _replace, data_coding, _default, length = reader.take(5)
    message = reader.take(length)
    options = reader.options()
    message = options.get(Tag.MESSAGE_PAYLOAD, message)
    return Short(source, destination, message, data_coding, esm_class, validity, registered, options)


def bind(system_id: str, password: str, system_type: str = "") -> bytes:
    """The body of `bind_transceiver` (§4.1.5), version 3.4."""
    return _text(system_id) + _text(password) + _text(system_type) + bytes((0x34, 0, 0)) + b"\0"


def query(message_id: str, source: str) -> bytes:
    """The body of `query_sm` (§4.8.1)."""
    return _text(message_id) + _address(source)


class Reader:
    """Takes a body apart from its beginning; too few bytes raise `Malformed`."""

    def __init__(self, body: bytes) -> None:
        self._body, self._at = body, 0

    def take(self, count: int) -> bytes:
        found = self._body[self._at : self._at + count]
        if len(found) != count:
            raise Malformed("a PDU ends too early")
        self._at += count
        return found

    def text(self) -> str:
        """A C-octet string (§3.1)."""
        end = self._body.find(b"\0", self._at)
        if end < 0:
            raise Malformed("a text in a PDU has no end")
        found = self._body[self._at : end]
        self._at = end + 1
        return found.decode("latin-1")

    def options(self) -> dict[int, bytes]:
        found = {}
        while self._at < len(self._body):
            tag, length = struct.unpack(">HH", self.take(4))
            found[tag] = self.take(length)
        return found


def _text(value: str) -> bytes:
    raw = value.encode("latin-1")
    if b"\0" in raw:
        raise ValueError("a text in a PDU cannot hold a zero byte")
    return raw + b"\0"


def _address(address: str) -> bytes:
    """Type and plan of number (§5.2.5, §5.2.6): international, a short code, or letters."""
    digits = address.removeprefix("+")
    if not digits.isdecimal():
        return bytes((5, 0)) + _text(address)
    return bytes((1 if address.startswith("+") else 3, 1)) + _text(digits)
