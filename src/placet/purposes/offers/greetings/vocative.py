"""
How a person is addressed: `Jāni`, `Иван Петрович`, `Emma`; or not by name, where that could be wrong. Pure.

Latvian puts a name that somebody is called by into the vocative (`names.yaml`); Russian and English do not. A name is
only bent when the calendar lists it: `Thomas` is no `Thoma`. Of a name in another script than the reader's the form
that both languages have is taken (`Jeļena`, `Елена`), if it is one of those that we know.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from placet.purposes.offers.greetings.calendar import Listed, is_listed, listed

_MOST_NAMES = 2
_PATRONYMIC = re.compile(r"(?:ич|вна|чна)$")


def called(name: str | None, language: str) -> str | None:
    """What to call the person named *name* in *language*; None: better not by name."""
    given = given_names(name)
    if not given:
        return None
    if language == "lv":
        return _in_latvian(given)
    return _in_russian(given) if language == "ru" else _in_english(given)


def with_comma(called: str | None) -> str:
    """The end of a sentence that addresses somebody: `, Jāni`, or nothing."""
    return f", {called}" if called else ""


def given_names(name: str | None) -> tuple[str, ...]:
    """
    The first names of a full name, the patronymic among them: all words but the last, the surname. A full name of three
    words in Cyrillic may begin with the surname instead; the patronymic at its end tells.
    """
    words = [_cased(word) for word in unicodedata.normalize("NFC", name or "").split() if word[0].isalpha()]
    if len(words) > _MOST_NAMES and _PATRONYMIC.search(words[-1]):
        return tuple(words[1:])
    return tuple(words[:-1] if len(words) > 1 else words)


def in_calendar(name: str | None) -> tuple[tuple[Listed, ...], ...]:
    """For each first name of *name*, and each part of one with a hyphen, what it may be in the calendar."""
    parts = [part for given in given_names(name) for part in dict.fromkeys([given, *given.split("-")])]
    return tuple(found for part in parts if (found := listed(_latvian(part))))


def in_latin(name: str) -> bool:
    """Whether *name* is written in the letters of the calendar, or of languages near it."""
    return all("LATIN" in unicodedata.name(sign, "") for sign in name if sign.isalpha())


def _in_latvian(given: Sequence[str]) -> str | None:
    bent: list[str] = []
    for name in given[:_MOST_NAMES]:
        parts = [_bent(part) for part in _latvian(name).split("-")]
        if None in parts:
            break
        bent.append("-".join(part for part in parts if part))
    return " ".join(bent) or None


def _in_russian(given: Sequence[str]) -> str | None:
    if not in_latin(given[0]):
        return " ".join(given[:_MOST_NAMES]) if _cyrillic(given[0]) else None
    russian: Mapping[str, str] = _said()["russian"]
    return russian.get(given[0])


def _in_english(given: Sequence[str]) -> str | None:
    latin = [name for name in given[:_MOST_NAMES] if in_latin(name)]
    return " ".join(latin) or None


def _bent(name: str) -> str | None:
    """The vocative of one first name of the calendar."""
    if not is_listed(name):
        return None
    if name in _said()["overrides"]:
        return str(_said()["overrides"][name])
    for rule in _said()["vocative"]:
        if name.endswith(rule["ends"]):
            return name.removesuffix(rule["ends"]) + str(rule["becomes"])
    return name


def _cased(word: str) -> str:
    """A word as names are written, where a list has it in capitals or without any."""
    return word if not (word.isupper() or word.islower()) else "-".join(part.capitalize() for part in word.split("-"))


def _latvian(name: str) -> str:
    """*name* as Latvian documents spell it, where it is written in Cyrillic and known; else as it is."""
    return _spelt().get(_plain(name), name)


def _cyrillic(name: str) -> bool:
    return all("CYRILLIC" in unicodedata.name(sign, "") for sign in name if sign.isalpha())


def _plain(name: str) -> str:
    """People write Пётр and Петр."""
    return name.casefold().replace("ё", "е")


@cache
def _spelt() -> Mapping[str, str]:
    """Cyrillic first names as Latvian documents spell them."""
    found: dict[str, str] = {}
    for latvian, russian in _said()["russian"].items():
        found.setdefault(_plain(russian), latvian)
    return found


@cache
def _said() -> Mapping[str, Any]:
    here = files("placet.purposes.offers.greetings")
    found: Mapping[str, Any] = yaml.safe_load(here.joinpath("names.yaml").read_text("utf-8"))
    return found
