"""
How an SMS is cut and counted (3GPP TS 23.038, TS 23.040), and what folding the Latvian letters would save. Pure.

The alphabet of GSM has none of the 22 Latvian letters: one `ā` turns a whole message into UCS-2, and its parts hold 70
characters (67 of several) where they would hold 160 (153).
"""

from __future__ import annotations

import unicodedata
from enum import Enum

import attrs

from placet.kernel.errors import BadInput

# TS 23.038 §6.2.1 and §6.2.1.1; place in the text is the code. `\x1b` stands where the extension escapes.
_GSM = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = {
    "\f": 0x0A,
    "^": 0x14,
    "{": 0x28,
    "}": 0x29,
    "\\": 0x2F,
    "[": 0x3C,
    "~": 0x3D,
    "]": 0x3E,
    "|": 0x40,
    "€": 0x65,
}
_ESCAPE = 0x1B
_SEPTETS = {
    **{sign: bytes((code,)) for code, sign in enumerate(_GSM) if code != _ESCAPE},
    **{sign: bytes((_ESCAPE, code)) for sign, code in _EXTENDED.items()},
}

_FOLDED = str.maketrans(
    {
        "„": '"',
        "“": '"',
        "”": '"',
        "«": '"',
        "»": '"',
        "‘": "'",
        "’": "'",
        "–": "-",
        "—": "-",
        "…": "...",
        "\u00a0": " ",
    }
)

MOST_PARTS = 10


class Encoding(Enum):
    """Characters of one message, of each of several parts, and the SMPP `data_coding`."""

    GSM = (160, 153, 0)
    UCS2 = (70, 67, 8)

    @property
    def alone(self) -> int:
        return int(self.value[0])

    @property
    def each(self) -> int:
        return int(self.value[1])

    @property
    def data_coding(self) -> int:
        return int(self.value[2])


@attrs.frozen
class Parts:
    """A text ready to be submitted: *parts* are what goes into each `short_message`, without its header."""

    encoding: Encoding
    parts: tuple[bytes, ...]

    @property
    def count(self) -> int:
        return len(self.parts)


@attrs.frozen
class Prices:
    """What a text costs as written and with its letters folded, for the page where it is edited."""

    as_written: int
    folded: int
    cents_a_part: int

    @property
    def cents_as_written(self) -> int:
        return self.as_written * self.cents_a_part

    @property
    def cents_folded(self) -> int:
        return self.folded * self.cents_a_part


def cut(text: str) -> Parts:
    """*text* in as few parts as it needs. More than `MOST_PARTS` raises `BadInput`; empty does too."""
    if not text:
        raise BadInput("an SMS needs a text; nothing was sent", code="broken-text")
    signs = [_SEPTETS.get(sign) for sign in text]
    if None in signs:
        parts = _cut([sign.encode("utf-16-be", "replace") for sign in text], Encoding.UCS2, unit=2)
    else:
        parts = _cut([sign for sign in signs if sign is not None], Encoding.GSM, unit=1)
    if parts.count > MOST_PARTS:
        raise BadInput(f"this SMS needs {parts.count} parts; {MOST_PARTS} are the most", code="broken-text")
    return parts


def fold(text: str) -> str:
    """*text* with letters outside the alphabet of GSM replaced by what they are built on; Cyrillic stays as it is."""
    return "".join(_folded(sign) for sign in unicodedata.normalize("NFC", text).translate(_FOLDED))


def prices(text: str, *, cents_a_part: int) -> Prices:
    """Both prices of *text*; what its places will be filled with is not in them."""
    return Prices(cut(text).count, cut(fold(text)).count, cents_a_part)


def read(encoded: bytes, data_coding: int) -> str:
    """The text of an SMS that came in; what cannot be read becomes U+FFFD."""
    if data_coding == Encoding.UCS2.data_coding:
        return encoded.decode("utf-16-be", "replace")
    if data_coding in {1, 3}:
        return encoded.decode("latin-1")
    return _from_gsm(encoded)


def _folded(sign: str) -> str:
    if sign in _SEPTETS:
        return sign
    base = unicodedata.normalize("NFD", sign)[0]
    return base if base in _SEPTETS else sign


def _cut(signs: list[bytes], encoding: Encoding, *, unit: int) -> Parts:
    """A character is never cut in two: neither an escaped one nor a surrogate pair."""
    if sum(map(len, signs)) <= encoding.alone * unit:
        return Parts(encoding, (b"".join(signs),))
    parts, part = [], b""
    for sign in signs:
        if len(part) + len(sign) > encoding.each * unit:
            parts.append(part)
            part = b""
        part += sign
    return Parts(encoding, (*parts, part))


def _from_gsm(encoded: bytes) -> str:
    extended = {code: sign for sign, code in _EXTENDED.items()}
    found, codes = [], iter(encoded)
    for code in codes:
        if code == _ESCAPE:
            found.append(extended.get(next(codes, 0x20), " "))
        else:
            found.append(_GSM[code] if code < len(_GSM) else "\ufffd")
    return "".join(found)
