"""
Links that are counted: which ones of a letter may be, the places that stand for them, and their addresses. Pure.

`/l/TOKEN` says which campaign, in which language, which of its links, and holds a secret that is drawn for the message.
It leads to what the campaign says there and to nothing else, and tells nothing about the person.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit
from uuid import UUID

import attrs

from placet.delivery.layout import Button, Words
from placet.delivery.wording import LANGUAGES

SECRET = 8
"""Bytes of a secret."""
PLACE = "link_{}"
_MOST = 31
"""Links of one letter that can be counted; others are plain."""
_LENGTH = 40
_ADDRESS = re.compile(r"https?://[^\s<>\"]+")
_BEHIND = ".,;:!?)]}'»”"
"""What stands behind an address in a sentence, and is not of it."""


@attrs.frozen
class Link:
    """What a token says; *secret* is whose message it stands in, for whoever has the row."""

    campaign: UUID
    language: str
    place: int
    secret: bytes = attrs.field(repr=False)

    def token(self) -> str:
        """40 characters in lower case."""
        where = LANGUAGES.index(self.language) << 5 | self.place
        return base64.b32encode(self.campaign.bytes + bytes([where]) + self.secret).decode().lower()

    def address(self, url: str) -> str:
        return f"{url}/l/{self.token()}"

    @classmethod
    def read(cls, token: str) -> Link | None:
        """The link of *token*; None for what is none."""
        if len(token) != _LENGTH or not token.isascii():
            return None
        try:
            raw = base64.b32decode(token.upper())
        except binascii.Error:
            return None
        language, place = raw[16] >> 5, raw[16] & _MOST
        if language >= len(LANGUAGES) or place == 0:
            return None
        return cls(UUID(bytes=raw[:16]), LANGUAGES[language], place, raw[17:])


@attrs.frozen
class Web:
    """The operator's own web: its *site*, with all that is below, but for *ours*, where people stop and choose."""

    site: str
    ours: str

    @classmethod
    def of(cls, website: str, url: str) -> Web:
        return cls((urlsplit(website).hostname or "").removeprefix("www."), urlsplit(url).netloc.lower())

    def has(self, address: str) -> bool:
        """Whether *address* is one that may be counted."""
        if not _ADDRESS.fullmatch(address) or "{" in address:
            return False
        try:
            parts = urlsplit(address)
            host = parts.hostname or ""
        except ValueError:
            return False
        within = bool(self.site) and (host == self.site or host.endswith(f".{self.site}"))
        return within and "@" not in parts.netloc and parts.netloc.lower() != self.ours


def placed(words: Words, may: Callable[[str], bool]) -> tuple[Words, Mapping[str, str]]:
    """*words* with a place for each address that *may* be counted, and the address of each place."""
    found: dict[str, str] = {}

    def place(address: str) -> str:
        if not may(address) or (address not in found and len(found) == _MOST):
            return address
        return f"{{{{ {found.setdefault(address, PLACE.format(len(found) + 1))} }}}}"

    def sentence(match: re.Match[str]) -> str:
        address = match[0].rstrip(_BEHIND)
        return place(address) + match[0][len(address) :]

    button = words.button and Button(words.button.label, place(words.button.link))
    paragraphs = tuple(_ADDRESS.sub(sentence, paragraph) for paragraph in words.paragraphs)
    return attrs.evolve(words, button=button, paragraphs=paragraphs), {name: link for link, name in found.items()}
