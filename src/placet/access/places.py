"""
Where and with what somebody signed in, as coarse as is enough to recognise it: a network and a kind of browser.

An address in full, or a browser's whole name, would be more than a list of sessions needs (GDPR 5(1)(c)).
"""

from __future__ import annotations

import ipaddress

import attrs

UNKNOWN = "–"
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)
# The first that is named decides: most browsers also name those they want to be taken for.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("YaBrowser", "Yandex"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS", "Firefox"),
    ("Chrome/", "Chrome"),
    ("CriOS", "Chrome"),
    ("Safari/", "Safari"),
)


@attrs.frozen
class Place:
    """A network such as `85.254.0.0/16`, and a browser such as `Firefox, Windows`."""

    network: str
    browser: str


NOWHERE = Place(UNKNOWN, UNKNOWN)


def place_of(address: str | None, user_agent: str) -> Place:
    """The place of a request, from its address and its User-Agent header (RFC 9110 §10.1.5)."""
    return Place(_network(address), _browser(user_agent))


def _network(address: str | None) -> str:
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return UNKNOWN
    if isinstance(parsed, ipaddress.IPv6Address):
        parsed = parsed.ipv4_mapped or parsed
    length = 16 if isinstance(parsed, ipaddress.IPv4Address) else 32
    return str(ipaddress.ip_network((parsed, length), strict=False))


def _browser(user_agent: str) -> str:
    browser = next((name for sign, name in _BROWSERS if sign in user_agent), None)
    system = next((name for sign, name in _SYSTEMS if sign in user_agent), None)
    return ", ".join(filter(None, (browser, system))) or UNKNOWN
