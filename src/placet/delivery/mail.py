"""
One e-mail as it goes over the wire: the header of RFC 5322, one-click unsubscription (RFC 8058), the signature. Pure.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime
from email.utils import format_datetime

import attrs

from placet.delivery.addresses import Mailbox, mailbox
from placet.delivery.dkim import Field, Signer
from placet.delivery.letters import STOP_LINK, Letter
from placet.delivery.model import Kind, Outgoing
from placet.delivery.tokens import Tokens
from placet.kernel.errors import BadInput, Misconfigured

_WORD_BYTES = 39
"""So that a line with the field's name and an encoded word has at most 76 characters (RFC 2047 §2)."""


@attrs.frozen
class House:
    """Who sends: the name people read, its address, where mail returns to, and where the links lead."""

    name: str
    sender: Mailbox
    returns: str
    """The domain of return addresses: `b+REFERENCE@` for bounces, `u+TOKEN@` for people who write to stop."""
    url: str
    tokens: Tokens
    signer: Signer | None = None

    def message_id(self, reference: str) -> str:
        return f"<{reference}@{self.returns}>"


@attrs.frozen
class Mail:
    """An envelope (RFC 5321 §2.3.1) and what is in it."""

    sender: str
    recipient: Mailbox
    content: bytes = attrs.field(repr=False)


def house(name: str, sender: str, *, returns: str, url: str, tokens: Tokens, signer: Signer | None) -> House:
    """Check what the settings say of the sender; a line break in a name would be a header, and is refused here."""
    if not name.strip() or not name.isprintable():
        raise Misconfigured("PLACET_SMTP_FROM_NAME must be one line of text")
    try:
        box = mailbox(sender)
        mailbox(f"b@{returns}")
    except BadInput:
        raise Misconfigured("PLACET_SMTP_FROM and PLACET_SMTP_RETURN_DOMAIN must name where mail can be sent") from None
    if box.international:
        raise Misconfigured("PLACET_SMTP_FROM must have an ASCII form: not every server takes another (RFC 6531)")
    if signer is not None and not _aligned(box.address.rpartition("@")[2], signer.domain):
        raise Misconfigured("PLACET_DKIM_DOMAIN must be the domain of PLACET_SMTP_FROM, or above it (RFC 7489 §3.1.1)")
    return House(name, box, returns, url, tokens, signer)


def compose(house: House, letter: Letter, message: Outgoing, *, at: datetime) -> Mail:
    """
    The mail of *message*, signed. A value that the letter needs and *message* lacks raises `KeyError`, an address that
    is none `BadInput`.
    """
    recipient = mailbox(message.address)
    link = house.tokens.link(house.url, message.id)
    values = {**message.values, STOP_LINK: link}
    body = letter.fill(values)
    fields = _fields(house, letter, message, recipient, values, at)
    if house.signer is not None:
        fields = [house.signer.sign(fields, body, at=at), *fields]
    header = b"".join(name + b": " + value + b"\r\n" for name, value in fields)
    return Mail(f"b+{message.reference}@{house.returns}", recipient, header + b"\r\n" + body)


def encoded(text: str) -> bytes:
    """*text* as the value of an unstructured field, in encoded words where it needs them (RFC 2047)."""
    if text.isascii() and len(text) <= 60 and "=?" not in text:
        return text.encode()
    words, word = [], b""
    for sign in text:
        raw = sign.encode("utf-8", "replace")
        if len(word) + len(raw) > _WORD_BYTES:
            words.append(word)
            word = b""
        word += raw
    return b"\r\n ".join(b"=?utf-8?B?" + base64.b64encode(part) + b"?=" for part in [*words, word])


def _fields(
    house: House, letter: Letter, message: Outgoing, recipient: Mailbox, values: Mapping[str, str], at: datetime
) -> list[Field]:
    fields = [
        (b"From", _phrase(house.name) + b"\r\n <" + house.sender.address.encode() + b">"),
        (b"To", b"<" + recipient.address.encode() + b">"),
        (b"Subject", encoded(letter.subject.fill(values))),
        (b"Date", format_datetime(at).encode()),
        (b"Message-ID", house.message_id(message.reference).encode()),
        (b"MIME-Version", b"1.0"),
        (b"Content-Type", f'multipart/alternative;\r\n boundary="{letter.boundary}"'.encode()),
        (b"Content-Language", letter.language.encode()),
        # RFC 3834 §5: no automatic answers, please.
        (b"Auto-Submitted", b"auto-generated"),
    ]
    if message.kind is not Kind.SERVICE:
        fields += _one_click(house, message, values[STOP_LINK])
    return fields


def _one_click(house: House, message: Outgoing, link: str) -> list[Field]:
    """RFC 8058 §3.1. On one line: a relay that folds anew would break the signature."""
    token = house.tokens.make(message.id)
    return [
        (b"List-Unsubscribe", f"<{link}>, <mailto:u+{token}@{house.returns}>".encode()),
        (b"List-Unsubscribe-Post", b"List-Unsubscribe=One-Click"),
    ]


def _phrase(name: str) -> bytes:
    """A display name (RFC 5322 §3.4)."""
    if name.isascii() and len(name) <= 60:
        return b'"' + name.replace("\\", "\\\\").replace('"', '\\"').encode() + b'"'
    return encoded(name)


def _aligned(domain: str, signing: str) -> bool:
    return domain.lower() == signing or domain.lower().endswith(f".{signing}")
