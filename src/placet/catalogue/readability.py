"""
How hard a text is to take in, in figures that hold for Latvian, Russian and English alike.

LIX (Björnsson 1968) is words a sentence plus the share of long words; it needs no syllables, so one formula serves
languages for which no Flesch constants were ever fitted. Latvian and Russian words are longer, so each language has
its own bound for *long* and its own limit.
"""

from __future__ import annotations

import re

import attrs

_WORD = re.compile(r"[^\W\d_]+(?:[’'-][^\W\d_]+)*")
_SENTENCE_END = re.compile(r"[.!?…](?=\s|$|[”»\"])|\n")

_LONG = {"lv": 8, "ru": 8}
"""A word longer than this is long; 6 where the language is not named, as Björnsson had it."""

LIX_LIMIT = 45.0
"""Below 30 is a children's book, 40 a newspaper, 50 a government report."""
SENTENCE_LIMIT = 25
"""Words; longer sentences are reported one by one."""

_SEVEN_BIT = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "ÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_SEVEN_BIT_TWICE = frozenset("^{}\\[~]|€\f")


@attrs.frozen
class Readability:
    """Figures of one text; `lix` is 0 for an empty one."""

    words: int
    sentences: int
    lix: float
    longest_sentence: int


def measure(text: str, language: str) -> Readability:
    """The figures of *text*; each line counts as a sentence of its own."""
    sentences = [found for part in _SENTENCE_END.split(text) if (found := _WORD.findall(part))]
    words = [word for sentence in sentences for word in sentence]
    if not words:
        return Readability(0, 0, 0.0, 0)
    long = sum(len(word) > _LONG.get(language, 6) for word in words)
    lix = len(words) / len(sentences) + 100 * long / len(words)
    return Readability(len(words), len(sentences), round(lix, 1), max(map(len, sentences)))


def sms_parts(text: str) -> int:
    """How many parts an SMS takes: 160 or 153 seven-bit characters each, else 70 or 67 of UCS-2 (3GPP TS 23.038)."""
    if all(character in _SEVEN_BIT or character in _SEVEN_BIT_TWICE for character in text):
        length = sum(2 if character in _SEVEN_BIT_TWICE else 1 for character in text)
        return 1 if length <= 160 else -(-length // 153)
    length = len(text.encode("utf-16-be")) // 2
    return 1 if length <= 70 else -(-length // 67)
