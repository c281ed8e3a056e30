"""Whether an SMS that came in means stop. Pure; the words stand in `stop_words.yaml`, for a lawyer to read."""

from __future__ import annotations

import unicodedata
from functools import cache
from pathlib import Path

import attrs
import yaml

_TOPIC_AFTER = ("stop", "стоп")


@attrs.frozen
class Stop:
    """Stop: everything of this channel, or one *topic* as the person wrote it (folded)."""

    topic: str | None = None


@attrs.frozen
class PerhapsStop:
    """It may mean stop."""


@attrs.frozen
class SomethingElse:
    """It is about something else."""


def meaning(text: str) -> Stop | PerhapsStop | SomethingElse:
    """What *text* wants. A doubt is never taken for a wish to go on."""
    said = plain(text)
    stops, perhaps = _words()
    if said in stops:
        return Stop()
    first, _, rest = said.partition(" ")
    if first in _TOPIC_AFTER and rest and " " not in rest:
        return Stop(rest)
    padded = f" {said}"
    if any(f" {beginning}" in padded for beginning in perhaps):
        return PerhapsStop()
    return SomethingElse()


def plain(text: str) -> str:
    """As words are compared: folded case, no diacritics, no punctuation around words, single spaces."""
    decomposed = unicodedata.normalize("NFKD", text.casefold().replace("й", "\0"))
    letters = "".join(sign for sign in decomposed if not unicodedata.combining(sign)).replace("\0", "й")
    spaced = "".join(sign if sign.isalnum() or sign == "-" else " " for sign in letters)
    return " ".join(word.strip("-") for word in spaced.split() if word.strip("-"))


@cache
def _words() -> tuple[frozenset[str], tuple[str, ...]]:
    listed = yaml.safe_load(Path(__file__).with_name("stop_words.yaml").read_text(encoding="utf-8"))
    return frozenset(map(plain, listed["stop"])), tuple(map(plain, listed["perhaps"]))
