"""What a greeting says, in every channel and language (`words.yaml`). Pure, but for the file."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import attrs
import yaml

from placet.catalogue.model import Controller
from placet.delivery import layout, letters, notes, sms
from placet.delivery.layout import Sender, Words
from placet.delivery.letters import Letter
from placet.delivery.model import Kind
from placet.delivery.notes import Note
from placet.delivery.sms import Text
from placet.delivery.wording import LANGUAGES
from placet.purposes.offers.greetings.model import TEMPLATE, Occasion

CALLED = "called"
"""The value that every greeting is filled with: `, Jāni`, or nothing."""
_DECLARED = frozenset({CALLED})


@attrs.frozen
class Texts:
    """The greetings of one sender, each by its template and language."""

    letters: Mapping[tuple[str, str], Letter]
    texts: Mapping[tuple[str, str], Text]
    notes: Mapping[tuple[str, str], Note]


@cache
def compiled(whose: tuple[tuple[str, Sender], ...], number: str | None) -> Texts:
    """The greetings from the senders of each language (`senders`); *number*: what an SMS comes from."""
    from_whom = dict(whose)
    letters_, texts, notes_ = {}, {}, {}
    for occasion in Occasion:
        template = f"{TEMPLATE}/{occasion}"
        for language, letter in _letters(occasion, from_whom).items():
            letters_[template, language] = letter
        for language, text in sms.publish(_shorts(occasion, from_whom, number), declared=_DECLARED).items():
            texts[template, language] = text
        for language, note in notes.publish(_plain(occasion), declared=_DECLARED).items():
            notes_[template, language] = note
    return Texts(letters_, texts, notes_)


def senders(controller: Controller) -> tuple[tuple[str, Sender], ...]:
    """Who greets, in each language."""
    return tuple(
        (language, Sender(controller.brand, f"{controller.name}, {controller.registration}, {address}"))
        for language, address in sorted(controller.address.items())
    )


def said(what: str) -> Any:
    """A part of the words, as it stands in the file."""
    return _said()[what]


def _letters(occasion: Occasion, from_whom: Mapping[str, Sender]) -> Mapping[str, Letter]:
    words = _said()[occasion]
    sources = {}
    for language in LANGUAGES:
        subject = words["subject"][language]
        written = Words(subject, subject, tuple(words["paragraphs"][language]))
        sources[language] = layout.source(written, language=language, kind=Kind.GREETING, sender=from_whom[language])
    return letters.publish(sources, kind=Kind.GREETING, declared=_DECLARED)


def _shorts(occasion: Occasion, from_whom: Mapping[str, Sender], number: str | None) -> Mapping[str, str]:
    """With the letters of the language: a greeting without them looks careless, and costs one part more."""
    words, stop = _said()[occasion]["sms"], _said()["stop"]
    answered = number is not None and sms.answerable(number)
    return {
        language: words[language].replace("{brand}", from_whom[language].brand)
        + (f" {stop[language]}" if answered else "")
        for language in LANGUAGES
    }


def _plain(occasion: Occasion) -> Mapping[str, notes.Source]:
    words = _said()[occasion]
    return {
        language: notes.Source(words["subject"][language], "\n\n".join(words["paragraphs"][language]))
        for language in LANGUAGES
    }


@cache
def _said() -> Mapping[str, Any]:
    here = files("placet.purposes.offers.greetings")
    found: Mapping[str, Any] = yaml.safe_load(here.joinpath("words.yaml").read_text("utf-8"))
    return found
