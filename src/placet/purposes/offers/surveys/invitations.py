"""
What an invitation says: the survey's heading and introduction in one frame, and the link. Pure but for its words' file.

The link is filled in when the message starts (`{{ link }}`, `{{ printed }}` on paper), a new one for each message. The
app and the telephone have none: their texts are kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import attrs
import yaml

from placet.catalogue.model import Controller
from placet.delivery import layout, letters, notes, sms
from placet.delivery.layout import Button, Sender, Words
from placet.delivery.letters import Letter
from placet.delivery.model import Kind
from placet.delivery.notes import LINK, Note, Source
from placet.delivery.sms import Text
from placet.kernel.errors import BadInput
from placet.kernel.ids import ChannelId
from placet.purposes.offers.surveys.model import Form, Survey
from placet.purposes.offers.surveys.rules import APP, CALL, LANGUAGES, POST

PRINTED = "printed"
"""The place for a link that is typed from paper."""
NOTED = (APP, POST, CALL)
"""Channels that carry a plain text."""
_DECLARED = frozenset({LINK})
_ENDS = (".", "?", "!", "…")
_NOBODY = Sender("Placet", "Placet")
"""Stands for whoever asks where only the survey's own words are judged."""


@attrs.frozen
class Invitation:
    """The invitation to one survey, by language."""

    letters: Mapping[str, Letter]
    texts: Mapping[str, Text]
    notes: Mapping[ChannelId, Mapping[str, Note]]
    """What the app shows, a letter on paper says and an agent reads aloud."""


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
        {
            channel: notes.publish({each: noted(survey, channel, each) for each in LANGUAGES}, declared={PRINTED})
            for channel in NOTED
        },
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
    return Words(
        subject=said["subject"][language].format(title=title),
        headline=title,
        paragraphs=_paragraphs(survey, language),
        button=Button(said["button"][language], _address(language)),
    )


def short(survey: Survey, language: str, brand: str) -> str:
    """The SMS, with the place for the link."""
    template: str = _said()["sms"][language]
    title = survey.form.titles[language]
    ended = title if title[-1:] in _ENDS else f"{title}."
    return template.format(brand=brand, title=ended, link=_address(language))


def noted(survey: Survey, channel: ChannelId, language: str) -> Source:
    """What *channel* says; the app has the way to the questions beside it, a letter below."""
    paragraphs, said = list(_paragraphs(survey, language)), _said()
    if channel == CALL:
        # The agent says in one breath that nobody must answer, and that what is said is written down.
        paragraphs[-1] = said["call"][language]
    if channel == POST:
        paragraphs.append(said["post"][language].format(link=f"{{{{ {PRINTED} }}}}"))
    return Source(survey.form.titles[language], "\n\n".join(paragraphs))


def _paragraphs(survey: Survey, language: str) -> tuple[str, str, str]:
    """Why they are asked, whose the answers will be, and that nobody must answer."""
    said = _said()
    whose = said["anonymous" if survey.plan.anonymous else "named"][language]
    return survey.form.intro[language], whose, said["free"][language]


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
