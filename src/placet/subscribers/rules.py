"""
Where a message may go, how it is signed, what it says. No clock, no network.

Signatures follow the Standard Webhooks specification 1.0.0, for which libraries exist in most languages.
"""

from __future__ import annotations

import base64
import hmac
import ipaddress
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import msgspec

from placet.kernel.errors import BadInput
from placet.subscribers.model import SubscriberId, Target

LONGEST_PAUSE = timedelta(hours=1)
"""Attempts are 1, 2, 4 … seconds apart, and never further than this."""

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def target(url: str, *, production: bool) -> Target:
    """Take *url* apart; what must not be called raises `BadInput`. In production it has to be `https`."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise _bad("it is not a URL") from None
    if parts.scheme not in ({"https"} if production else {"https", "http"}):
        raise _bad("in production it begins with https://" if production else "it begins with https:// or http://")
    if not host or not url.isascii() or any(sign <= " " or sign == "\x7f" for sign in url):
        raise _bad("it names no host, or has characters that must be percent-encoded")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise _bad("it must hold neither a password nor a fragment; we sign every message instead")
    secure = parts.scheme == "https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    found = Target(host, port or (443 if secure else 80), path, secure)
    if production and (address := _literal(host)) is not None and not may_be_called(address, production=production):
        raise _bad("in production it must not be a private or local address")
    return found


def may_be_called(address: str, *, production: bool) -> bool:
    """
    Whether a message may go to *address* (as resolved, not as named: a name can point anywhere).

    In production only to the public network: otherwise whoever may register a subscriber could make this server
    call the operator's inside (server-side request forgery).
    """
    if not production:
        return True
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None and not _public(inner):
            return False
    return _public(ip)


def message(*, epoch: str, rows: Sequence[tuple[Any, ...]]) -> bytes:
    """The body: what changed, in order. Ids only, no personal data. An empty channel is the purpose itself."""
    changes = [
        {
            "position": position,
            "token": f"{epoch}.{position}",
            "subject": None if subject is None else str(subject),
            "purpose": purpose,
            "channel": channel or None,
            "decision": decision,
            "notice_major": notice_major,
        }
        for position, subject, purpose, channel, decision, notice_major in rows
    ]
    return msgspec.json.encode({"type": "consents.changed", "changes": changes})


def headers(
    secret: bytes, subscriber: SubscriberId, *, epoch: str, first: int, last: int, sent_at: int, body: bytes
) -> tuple[tuple[str, str], ...]:
    """The headers of Standard Webhooks; the same changes sent again carry the same `webhook-id`."""
    id = f"{subscriber}.{epoch}.{first}-{last}"
    signature = hmac.digest(secret, f"{id}.{sent_at}.".encode() + body, "sha256")
    return (
        ("content-type", "application/json"),
        ("webhook-id", id),
        ("webhook-timestamp", str(sent_at)),
        ("webhook-signature", f"v1,{base64.b64encode(signature).decode()}"),
    )


def secret_text(secret: bytes) -> str:
    """The secret as Standard Webhooks writes it."""
    return f"whsec_{base64.b64encode(secret).decode()}"


def _literal(host: str) -> str | None:
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return None


def _public(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return ip.is_global and not ip.is_multicast


def _bad(why: str) -> BadInput:
    return BadInput(f"this URL cannot be called: {why}; nothing was registered", code="bad-url")
