"""
C2SP signed notes: verifier keys, checkpoints (tlog-checkpoint) and timestamped cosignatures (tlog-cosignature v1).

The log signs a checkpoint twice with its one checkpoint key: as a plain note (type 0x01), which every client reads, and
as a timestamped cosignature (type 0x04), which fixes when. The messages begin differently: none can pass for the other.
"""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Literal

import attrs
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from placet.kernel.errors import BadInput, Tampered
from placet.ledger.merkle import Hash

KeyType = Literal[1, 4]
NOTE: KeyType = 1
COSIGNATURE: KeyType = 4

_DASH = "\u2014 "
_MOST_SIGNATURES = 64
_MOST_BYTES = 65_536


@attrs.frozen
class VerifierKey:
    """A public key as `name+hash+base64`: what a client is configured with."""

    name: str
    type: KeyType
    public: bytes

    @property
    def id(self) -> bytes:
        """SHA-256(name ‖ newline ‖ type ‖ key), its first four bytes."""
        return sha256(self.name.encode() + b"\n" + bytes([self.type]) + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{_encode(bytes([self.type]) + self.public)}"

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """Read a verifier key; a wrong hash, name or type raises `BadInput`."""
        name, _, rest = text.partition("+")
        id, _, encoded = rest.partition("+")
        data = decode_base64(encoded)
        if len(data) != 33 or data[0] not in (NOTE, COSIGNATURE) or not _is_name(name):
            raise BadInput("a verifier key is name+hash+base64 of an Ed25519 key, type 1 or 4", code="bad-verifier-key")
        key = cls(name, COSIGNATURE if data[0] == COSIGNATURE else NOTE, data[1:])
        if key.id.hex() != id:
            raise BadInput("the verifier key's hash does not match its name and key", code="bad-verifier-key")
        return key

    def verify(self, text: str, signature: bytes) -> datetime | None:
        """Raise `Tampered` unless *signature* is this key's over *text*; returns the time of a cosignature."""
        if self.type == NOTE:
            message, moment = text.encode(), None
        else:
            seconds = int.from_bytes(signature[:8], "big")
            message, moment, signature = cosigned_message(text, seconds), _moment(seconds), signature[8:]
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except InvalidSignature:
            raise Tampered(f"the signature of {self.name} is wrong", code="bad-signature") from None
        return moment


@attrs.frozen
class Signer:
    """A private key under a name."""

    name: str
    key: Ed25519PrivateKey = attrs.field(repr=False)

    def verifier(self, type: KeyType) -> VerifierKey:
        return VerifierKey(self.name, type, self.key.public_key().public_bytes_raw())

    def sign(self, text: str) -> str:
        """A plain signature line over *text*."""
        return signature_line(self.verifier(NOTE), self.key.sign(text.encode()))

    def cosign(self, text: str, now: datetime) -> str:
        """A timestamped signature line over *text*, to the second."""
        seconds = int(now.timestamp())
        signature = struct.pack(">Q", seconds) + self.key.sign(cosigned_message(text, seconds))
        return signature_line(self.verifier(COSIGNATURE), signature)


@attrs.frozen
class Signature:
    """One signature line, not yet verified."""

    name: str
    id: bytes
    data: bytes
    line: str


@attrs.frozen
class Note:
    """A signed text, not yet verified."""

    text: str
    signatures: tuple[Signature, ...]

    @classmethod
    def parse(cls, note: str) -> Note:
        """Take a signed note apart; one that is not of the form raises `BadInput`."""
        text, blank, lines = note.rpartition("\n\n")
        if not blank or not lines.endswith("\n") or len(note) > _MOST_BYTES or _has_controls(note):
            raise BadInput("a signed note is a text, an empty line and signature lines", code="bad-note")
        signatures = tuple(parse_signature(line) for line in lines.splitlines(keepends=True))
        if len(signatures) > _MOST_SIGNATURES:
            raise BadInput(f"a note has at most {_MOST_SIGNATURES} signatures", code="bad-note")
        return cls(text + "\n", signatures)

    def __str__(self) -> str:
        return join(self.text, [signature.line for signature in self.signatures])

    def verified_by(self, keys: Sequence[VerifierKey]) -> dict[VerifierKey, datetime | None]:
        """The *keys* that signed, with the time of a cosignature; a known key's wrong signature raises `Tampered`."""
        known = {(key.name, key.id): key for key in keys}
        found: dict[VerifierKey, datetime | None] = {}
        for signature in self.signatures:
            if key := known.get((signature.name, signature.id)):
                found[key] = key.verify(self.text, signature.data)
        return found


@attrs.frozen
class TreeHead:
    """What a checkpoint says: this log had *size* entries under *root*."""

    origin: str
    size: int
    root: Hash

    @property
    def text(self) -> str:
        return f"{self.origin}\n{self.size}\n{_encode(self.root)}\n"

    @classmethod
    def parse(cls, text: str) -> TreeHead:
        """Read a checkpoint's text; extension lines are refused: no client could audit them."""
        lines = text.split("\n")
        if len(lines) != 4 or not lines[0] or lines[3] or not is_decimal(lines[1]):
            raise BadInput("a checkpoint has three lines: origin, size and root", code="bad-checkpoint")
        root = decode_base64(lines[2])
        if len(root) != 32:
            raise BadInput("a checkpoint's root has 32 bytes", code="bad-checkpoint")
        return cls(lines[0], int(lines[1]), root)


def sign_checkpoint(head: TreeHead, signer: Signer, now: datetime) -> str:
    """The signed note for *head*: a plain and a timestamped line of the same key."""
    return join(head.text, [signer.sign(head.text), signer.cosign(head.text, now)])


def join(text: str, lines: Sequence[str]) -> str:
    """A note from its text and its signature lines."""
    return f"{text}\n{''.join(lines)}"


def signature_line(key: VerifierKey, signature: bytes) -> str:
    return f"{_DASH}{key.name} {_encode(key.id + signature)}\n"


def parse_signature(line: str) -> Signature:
    """Take one signature line, with its newline, apart."""
    name, _, encoded = line.removeprefix(_DASH).removesuffix("\n").partition(" ")
    data = decode_base64(encoded)
    if not line.startswith(_DASH) or not line.endswith("\n") or not _is_name(name) or len(data) < 5:
        raise BadInput("a signature line is a dash, a key name and base64", code="bad-note")
    return Signature(name, data[:4], data[4:], line)


def cosigned_message(text: str, seconds: int) -> bytes:
    """What a v1 cosignature signs: a header, the time, and the whole text."""
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()


def encode_hash(hash: Hash) -> str:
    """A hash as a line of a proof writes it."""
    return _encode(hash)


def decode_hash(line: str) -> Hash:
    """A hash from a line of a proof."""
    if len(hash := decode_base64(line)) != 32:
        raise BadInput("a hash has 32 bytes", code="bad-proof")
    return hash


def is_decimal(text: str) -> bool:
    """A number in the one spelling that C2SP allows: ASCII digits without a leading zero, below 10**19."""
    return text.isascii() and text.isdigit() and len(text) < 20 and (text == "0" or text[0] != "0")


def decode_base64(text: str) -> bytes:
    """Strict base64: one spelling for one value; anything else raises `BadInput`."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BadInput("not valid base64", code="bad-note") from None
    if _encode(data) != text:
        raise BadInput("base64 with stray bits", code="bad-note")
    return data


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _moment(seconds: int) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        raise BadInput("the cosignature's time is out of range", code="bad-note") from None


def _is_name(name: str) -> bool:
    return bool(name) and "+" not in name and not any(character.isspace() for character in name)


def _has_controls(text: str) -> bool:
    return any(character < " " and character != "\n" for character in text)
