"""
JSON Web Signature, as much as a receipt needs: Ed25519 (RFC 8037), flattened JSON form (RFC 7515 §7.2.2).

One algorithm, one key chosen by the reader and never by the message, no extensions: what makes JWS libraries
dangerous (`alg: none`, keys inside the header, `crit`, `b64`) is refused because it is not there.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable

import attrs
import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from placet.kernel import jcs

ALGORITHM = "EdDSA"
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*")


class Malformed(ValueError):
    """Not a JWS of the one kind we read; the message says which part is wrong."""


@attrs.frozen
class Flattened:
    """The three members of a flattened JWS, each base64url without padding."""

    protected: str
    payload: str
    signature: str

    @property
    def signing_input(self) -> bytes:
        """RFC 7515 §5.1 step 8: ASCII(BASE64URL(protected) ‖ '.' ‖ BASE64URL(payload))."""
        return f"{self.protected}.{self.payload}".encode()


@attrs.frozen
class Header:
    """The protected header: the algorithm is fixed, *kid* names the key, *typ* what was signed."""

    kid: str
    typ: str


def sign(payload: bytes, header: Header, signer: Callable[[bytes], bytes]) -> Flattened:
    """Sign *payload*; *signer* makes the 64 bytes of an Ed25519 signature."""
    protected = jcs.canonical({"alg": ALGORITHM, "kid": header.kid, "typ": header.typ})
    unsigned = Flattened(encode(protected), encode(payload), "")
    return attrs.evolve(unsigned, signature=encode(signer(unsigned.signing_input)))


def read_header(signed: Flattened) -> Header:
    """The protected header of *signed*, which nobody has verified yet; raises `Malformed`."""
    try:
        header = jcs.parse(decode(signed.protected))
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Malformed("the protected header is not JSON") from None
    if not isinstance(header, dict) or set(header) != {"alg", "kid", "typ"}:
        raise Malformed("the protected header must hold alg, kid and typ and nothing else")
    if header["alg"] != ALGORITHM:
        raise Malformed(f"the algorithm must be {ALGORITHM}")
    if not (isinstance(header["kid"], str) and isinstance(header["typ"], str)):
        raise Malformed("kid and typ must be text")
    return Header(header["kid"], header["typ"])


def verified(signed: Flattened, key: Ed25519PublicKey) -> bytes | None:
    """The payload if *key* signed it, else None; raises `Malformed` when a part is not base64url."""
    signature, payload = decode(signed.signature), decode(signed.payload)
    try:
        key.verify(signature, signed.signing_input)
    except InvalidSignature:
        return None
    return payload


def encode(data: bytes) -> str:
    """Base64url without padding (RFC 7515 §2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """The bytes whose one spelling *text* is; raises `Malformed` for any other spelling."""
    if not _BASE64URL.fullmatch(text):
        raise Malformed("a part is not base64url")
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        raise Malformed("a part is not base64url") from None
    if encode(data) != text:
        raise Malformed("a part is not base64url in its one spelling")
    return data
