"""
What an invitation says: the survey's heading and introduction in one frame, and the link. Pure but for its words' file.

The link is filled in when the message starts (`{{ link }}`), a new one for each message.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import attrs
import yaml

from placet.catalogue.model import Controller
from placet.delivery import layout, letters, sms
from placet.delivery.layout import Button, Sender, Words
from placet.delivery.letters import Letter
from placet.delivery.model import Kind
from placet.delivery.sms import Text
from placet.kernel.errors import BadInput
from placet.purposes.offers.surveys.model import Form, Survey
from placet.purposes.offers.surveys.rules import LANGUAGES

LINK = "link"
_DECLARED = frozenset({LINK})
_ENDS = (".", "?", "!", "…")
_NOBODY = Sender("Placet", "Placet")
"""Stands for whoever asks where only the survey's own words are judged."""


@attrs.frozen
class Invitation:
    """The invitation to one survey, by language."""

    letters: Mapping[str, Letter]
    texts: Mapping[str, Text]


def compiled(survey: Survey, senders: Mapping[str, Sender] | None = None) -> Invitation:
    """The invitation from *senders* (by language); words that cannot be sent raise `BadInput`."""
    form, from_whom = survey.form, senders or dict.fromkeys(LANGUAGES, _NOBODY)
    _demand_plain(form)
    words = {language: written(survey, language) for language in LANGUAGES}
    sources = {
        language: layout.source(said, language=language, kind=Kind.SURVEY, sender=from_whom[language])
        for language, said in words.items()
    }
    shorts = {language: short(survey, language, from_whom[language].brand) for language in LANGUAGES}
    return Invitation(
        letters.publish(sources, kind=Kind.SURVEY, declared=_DECLARED),
        sms.publish_folded(shorts, declared=_DECLARED),
    )


def senders(controller: Controller) -> Mapping[str, Sender]:
    """Who asks, in each language."""
    return {
        language: Sender(controller.brand, f"{controller.name}, {controller.registration}, {address}")
        for language, address in controller.address.items()
    }


def written(survey: Survey, language: str) -> Words:
    """The letter before it is framed."""
    said, title = _said(), survey.form.titles[language]
    whose = said["anonymous" if survey.plan.anonymous else "named"][language]
    return Words(
        subject=said["subject"][language].format(title=title),
        headline=title,
        paragraphs=(survey.form.intro[language], whose, said["free"][language]),
        button=Button(said["button"][language], _address(language)),
    )


def short(survey: Survey, language: str, brand: str) -> str:
    """The SMS, with the place for the link."""
    template: str = _said()["sms"][language]
    title = survey.form.titles[language]
    ended = title if title[-1:] in _ENDS else f"{title}."
    return template.format(brand=brand, title=ended, link=_address(language))


def _address(language: str) -> str:
    return f"{{{{ {LINK} }}}}?lang={language}"


def _demand_plain(form: Form) -> None:
    """A survey's own words have no places to fill: everybody reads the same."""
    if any("{{" in text for texts in (form.titles, form.intro) for text in texts.values()):
        raise BadInput("a heading or an introduction has a place to fill; nothing was changed", code="broken-text")


@cache
def _said() -> Mapping[str, Any]:
    found: Mapping[str, Any] = yaml.safe_load(
        files("placet.purposes.offers.surveys").joinpath("invitations.yaml").read_text("utf-8")
    )
    return found
