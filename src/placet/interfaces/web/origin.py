"""
Who calls: the connection's other end, or whom the proxies that we trust say they were called by.

A proxy appends the address that called it to `X-Forwarded-For`, so the header is to be believed from its right end, and
only as far as those who wrote it are trusted. What stands left of that is no more than a word of whoever sent it.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence

from placet.config import Network

_WITH_PORT = re.compile(r"\[(?P<six>[0-9A-Fa-f:.]+)\](?::\d+)?|(?P<four>\d+\.\d+\.\d+\.\d+):\d+", re.ASCII)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def caller(peer: str | None, forwarded: Sequence[str], trusted: Sequence[Network]) -> str | None:
    """
    The address of who called, for a connection from *peer* with these `X-Forwarded-For` headers.

    The rightmost address that is no proxy of *trusted*; behind a word that is no address, the proxy that wrote it.
    """
    if peer is None or not trusted:
        return peer
    here = _parsed(peer)
    hops = ",".join(forwarded).split(",") if forwarded else []
    while here is not None and _within(here, trusted) and hops:
        before = _parsed(hops.pop())
        if before is None:
            break
        here = before
    return peer if here is None else str(here)


def _parsed(text: str) -> Address | None:
    """An address as proxies write it: some add the port (RFC 7239 §6), some write IPv4 inside IPv6."""
    text = text.strip()
    if (match := _WITH_PORT.fullmatch(text)) is not None:
        text = match["six"] or match["four"]
    try:
        parsed = ipaddress.ip_address(text)
    except ValueError:
        return None
    return parsed if isinstance(parsed, ipaddress.IPv4Address) else parsed.ipv4_mapped or parsed


def _within(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)
