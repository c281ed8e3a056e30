"""
DKIM signatures (RFC 6376): RSA-SHA256 (RFC 8301), relaxed header and body. Nothing here reads a clock or a file.

1. the body is canonicalised and hashed (§3.4.4, §3.7);
2. the fields of `SIGNED` are canonicalised from the last to the first of their name (§3.4.2, §5.4.2);
3. the signature's own field is added with an empty `b=` and no line break (§3.5, §3.7);
4. the whole is signed (RSASSA-PKCS1-v1_5).

`From` is named once more than it occurs, so that no second one can be put in front (§8.15). One-click unsubscription
needs both of its fields signed (RFC 8058 §4).
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import TypeAlias

import attrs
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from placet.kernel.errors import Misconfigured

Field: TypeAlias = tuple[bytes, bytes]
"""Name and value of a header field, the value as it goes over the wire (folded by CRLF), without its last CRLF."""

SIGNED = (
    b"from",
    b"to",
    b"subject",
    b"date",
    b"message-id",
    b"reply-to",
    b"mime-version",
    b"content-type",
    b"content-language",
    b"list-unsubscribe",
    b"list-unsubscribe-post",
)

SHORTEST_KEY = 2048
"""Bits. RFC 8301 §3.2 lets no signer use less than 1024; large receivers ask for 2048."""

_DOMAIN = re.compile(r"(?=.{1,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_SELECTOR = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*", re.ASCII)
_BLANKS = re.compile(rb"\t[ \t]*| [ \t]+")
"""All but a blank that stands alone already: most do."""
_BLANKS_AT_END = re.compile(rb"[ \t]+\r\n")


@attrs.frozen
class Signer:
    """Signs for *domain* with the key whose public half stands at `selector._domainkey.domain`."""

    domain: str
    selector: str
    pem: bytes = attrs.field(repr=False)
    """The private key; as text, so that a signer can be given to another process."""

    @property
    def key(self) -> RSAPrivateKey:
        return _loaded(self.pem)

    def sign(self, fields: Sequence[Field], body: bytes, *, at: datetime) -> Field:
        """The `DKIM-Signature` field of a message of *fields* and *body* (lines end in CRLF)."""
        chosen = _chosen(fields)
        value = self._unsigned([name for name, _ in chosen], body, at=at)
        signed = b"".join(relaxed_field(name, text) + b"\r\n" for name, text in chosen)
        signed += relaxed_field(b"DKIM-Signature", value)
        signature = base64.b64encode(self.key.sign(signed, PKCS1v15(), SHA256()))
        return b"DKIM-Signature", value + b"\r\n\t ".join(_pieces(signature, 72))

    def record(self) -> str:
        """The text of the DNS record to publish (§3.6.1)."""
        public = self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}"

    def _unsigned(self, names: Sequence[bytes], body: bytes, *, at: datetime) -> bytes:
        digest = base64.b64encode(hashlib.sha256(relaxed_body(body)).digest())
        named = _folded([b"from", *names])
        return b"v=1; a=rsa-sha256; c=relaxed/relaxed; d=%s; s=%s; t=%d;\r\n\th=%s;\r\n\tbh=%s;\r\n\tb=" % (
            self.domain.encode(),
            self.selector.encode(),
            int(at.timestamp()),
            named,
            digest,
        )


def signer(domain: str, selector: str, pem: bytes) -> Signer:
    """The signer of *domain*; a name or key that receivers would not accept raises `Misconfigured`."""
    if not _DOMAIN.fullmatch(domain):
        raise Misconfigured("PLACET_DKIM_DOMAIN must be a domain in lower case, for instance amigo.lv")
    if not _SELECTOR.fullmatch(selector):
        raise Misconfigured("PLACET_DKIM_SELECTOR must be made of lower-case letters, digits and hyphens")
    _loaded(pem)
    return Signer(domain, selector, pem)


@lru_cache(maxsize=8)
def _loaded(pem: bytes) -> RSAPrivateKey:
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise Misconfigured("the DKIM key must be a private key in PEM, without a password") from None
    if not isinstance(key, RSAPrivateKey) or key.key_size < SHORTEST_KEY:
        raise Misconfigured(f"the DKIM key must be an RSA key of at least {SHORTEST_KEY} bits")
    return key


def relaxed_field(name: bytes, value: bytes) -> bytes:
    """§3.4.2, without the CRLF at the end."""
    return name.lower().rstrip(b" \t") + b":" + _BLANKS.sub(b" ", value.replace(b"\r\n", b"")).strip(b" \t")


def relaxed_body(body: bytes) -> bytes:
    """§3.4.4."""
    if not body:
        return b""
    if not body.endswith(b"\r\n"):
        body += b"\r\n"
    if b" \r\n" in body or b"\t\r\n" in body:
        body = _BLANKS_AT_END.sub(b"\r\n", body)
    body = _BLANKS.sub(b" ", body).rstrip(b"\r\n")
    return body + b"\r\n" if body else b""


def _chosen(fields: Sequence[Field]) -> list[Field]:
    """The fields to sign, each name from its last occurrence up (§5.4.2)."""
    wanted: dict[bytes, list[Field]] = {name: [] for name in SIGNED}
    for field in reversed(fields):
        if field[0].lower() in wanted:
            wanted[field[0].lower()].append((field[0].lower(), field[1]))
    return [field for found in wanted.values() for field in found]


def _folded(names: Sequence[bytes]) -> bytes:
    """*names* as in `h=`, four on a line."""
    lines = [b":".join(names[start : start + 4]) for start in range(0, len(names), 4)]
    return b":\r\n\t ".join(lines)


def _pieces(text: bytes, length: int) -> list[bytes]:
    return [text[start : start + length] for start in range(0, len(text), length)]
