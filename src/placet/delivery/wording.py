"""
Texts with places for values: `Sveiki, {{ name }}!`. A name in two braces and nothing else: no logic, no filters.

A text is read once, when it is published, and a place that nobody fills is refused then (`broken-text`). What is
filled in later comes from customers' records: its control characters become spaces, so that no name can add a header.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Set

import attrs

from placet.kernel.errors import BadInput

LANGUAGES = ("lv", "ru", "en")

_PLACE = re.compile(r"\{\{\s*([a-z][a-z0-9_]{0,39})\s*\}\}", re.ASCII)
_CODE = "broken-text"


@attrs.frozen
class Wording:
    """Fixed text at the even places of *pieces*, the names of values at the odd ones."""

    pieces: tuple[str, ...]

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self.pieces[1::2])

    def fill(self, values: Mapping[str, str], form: Callable[[str], str] = str) -> str:
        """The text with *values*, each cleaned and then given *form*; a value that is missing raises `KeyError`."""
        return "".join(form(cleaned(values[piece])) if place % 2 else piece for place, piece in enumerate(self.pieces))

    def filled(self, values: Mapping[str, str], form: Callable[[str], str] = str) -> Wording:
        """The same with *values*, which are given *form*, in their places; the other places stay."""
        pieces = [""]
        for place, piece in enumerate(self.pieces):
            if place % 2 and piece not in values:
                pieces += [piece, ""]
            else:
                pieces[-1] += form(values[piece]) if place % 2 else piece
        return Wording(tuple(pieces))


def read(text: str, *, declared: Set[str], what: str) -> Wording:
    """Take *text* apart; *what* names it for the marketer who reads the refusal."""
    if not text.strip():
        raise BadInput(f"{what} is empty; nothing was published", code=_CODE)
    pieces = tuple(_PLACE.split(text))
    if any("{{" in piece or "{%" in piece or "{#" in piece for piece in pieces[::2]):
        raise BadInput(f"{what} has a place that is not {{{{ name }}}}; nothing was published", code=_CODE)
    if unknown := sorted(set(pieces[1::2]) - declared):
        raise BadInput(f"{what} asks for {', '.join(unknown)}, which nobody fills; nothing was published", code=_CODE)
    return Wording(pieces)


def read_line(text: str, *, declared: Set[str], what: str) -> Wording:
    """As `read`, for a text that becomes a header: one line, no control characters."""
    if any(unicodedata.category(sign) in {"Cc", "Zl", "Zp"} for sign in text):
        raise BadInput(f"{what} must be one line without control characters; nothing was published", code=_CODE)
    return read(text, declared=declared, what=what)


def in_all_languages(texts: Mapping[str, object], *, what: str) -> None:
    """Refuse *texts* (by language) that lack one of `LANGUAGES` or have another."""
    if missing := [language for language in LANGUAGES if language not in texts]:
        raise BadInput(f"{what} is missing in {', '.join(missing)}; nothing was published", code="missing-language")
    if other := sorted(set(texts) - set(LANGUAGES)):
        raise BadInput(f"{what} is in {', '.join(other)}, which nobody reads here", code="missing-language")


def cleaned(value: str) -> str:
    """*value* in NFC with a space for every control character and line separator (Unicode Cc, Zl, Zp)."""
    if value.isascii() and value.isprintable():
        return value
    composed = unicodedata.normalize("NFC", value)
    return "".join(" " if unicodedata.category(sign) in {"Cc", "Zl", "Zp", "Cs"} else sign for sign in composed)
