"""
A name as it is searched for: folded words, whatever the script. Nothing here reads a database or holds a key.

Folded means: compatibility forms made alike (Unicode NFKD), marks above and below letters left out, case left out. So
`Bērziņa`, `BERZINA` and `berzina` are one word, and so are `Фёдоров` and `Федоров`. No script is turned into another.
"""

from __future__ import annotations

import unicodedata

MOST_WORDS = 12
"""Words of a name that are searched for; longer names are found by these."""
_INSIDE_WORDS = frozenset("'’ʼ`´")


def words_of(name: str) -> frozenset[str]:
    """The folded words of *name*; empty when it holds no letter and no digit."""
    folded = "".join(map(_folded, unicodedata.normalize("NFKD", name.casefold())))
    return frozenset(folded.casefold().split()[:MOST_WORDS])


def initials(name: str | None) -> str:
    """The first letter of each of the first three words: enough to tell two results apart, too little to copy."""
    if name is None:
        return ""
    words = [word for word in unicodedata.normalize("NFC", name).split() if word[0].isalnum()]
    return " ".join(f"{word[0].upper()}." for word in words[:3])


def _folded(sign: str) -> str:
    if unicodedata.combining(sign) or sign in _INSIDE_WORDS:
        return ""
    return sign if unicodedata.category(sign)[0] in "LMN" else " "
