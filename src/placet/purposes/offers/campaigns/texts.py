"""
What a campaign says: compiled as it will be sent, and judged before anybody may approve it. Pure.

In each text `{{ called }}` stands for how the person is addressed, with its comma (`Sveiki{{ called }}!`), or for
nothing where a name could be wrong. A campaign that is sent by e-mail alone has one line above its foot, `{{ news }}`:
what has changed for this person, a topic that ended, or nothing. Anything else in braces is refused here, never when it
is sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import attrs

from placet.catalogue.model import Controller
from placet.delivery import layout, letter_lint, letters, notes, sms
from placet.delivery.layout import Sender, Words
from placet.delivery.letters import Letter
from placet.delivery.model import Kind
from placet.delivery.notes import Note
from placet.delivery.sms import Text
from placet.delivery.wording import LANGUAGES
from placet.kernel.errors import BadInput
from placet.kernel.ids import ChannelId
from placet.purposes.offers.campaigns.model import Brief, Problem, Texts
from placet.purposes.offers.clicks.links import Web, placed

CALLED, NEWS = "called", "news"
DECLARED = frozenset({CALLED})
EMAIL, SMS = ChannelId("email"), ChannelId("sms")


@attrs.frozen
class Compiled:
    """The texts of a campaign as they are sent, by language; those of the channels that it uses."""

    letters: Mapping[str, Letter] = attrs.field(factory=dict)
    texts: Mapping[str, Text] = attrs.field(factory=dict)
    notes: Mapping[ChannelId, Mapping[str, Note]] = attrs.field(factory=dict)

    @property
    def names(self) -> frozenset[str]:
        """The values that they need."""
        spoken = [note.names for notes_ in self.notes.values() for note in notes_.values()]
        written = [letter.names for letter in self.letters.values()]
        short = [text.wording.names for text in self.texts.values()]
        return frozenset().union(*spoken, *written, *short)

    @property
    def places(self) -> Mapping[str, int]:
        """How many of its links may be counted, in the letter of each language that has any."""
        return {language: len(letter.links) for language, letter in self.letters.items() if letter.links}

    @property
    def asks(self) -> bool:
        """Whether anything is put in for each person."""
        return bool(self.names or self.places)


def compiled(brief: Brief, controller: Controller, *, own: str = "") -> Compiled:
    """
    All that *brief* says; a text that is broken or missing raises `BadInput`. In its letters, links to the operator's
    web may be counted, but for those that lead to us, at the address *own*.
    """
    made = Compiled()
    for channel in brief.channels:
        said = {language: found for language, texts in brief.texts.items() if (found := texts.of(channel)) is not None}
        if channel == EMAIL:
            above = f"{{{{ {NEWS} }}}}" if brief.channels == (EMAIL,) else ""
            made = attrs.evolve(made, letters=compiled_letters(said, controller, above=above, own=own))
        elif channel == SMS:
            made = attrs.evolve(made, texts=_sms(said, folded=brief.fold_sms))
        else:
            made = attrs.evolve(made, notes={**made.notes, channel: notes.publish(said, declared=DECLARED)})  # type: ignore[arg-type]
    return made


def compiled_letters(
    said: Mapping[str, object], controller: Controller, *, above: str = "", own: str = ""
) -> Mapping[str, Letter]:
    """The letters of *said* (`layout.Words` by language), from the controller."""
    web = Web.of(controller.website, own)
    sources = {
        language: _source(words, language, controller, above, web)
        for language, words in said.items()
        if isinstance(words, Words) and language in LANGUAGES
    }
    return letters.publish(sources, kind=Kind.OFFER, declared=DECLARED | {NEWS})


def sender(controller: Controller, language: str) -> Sender:
    """Who signs a letter in *language*."""
    return Sender(controller.brand, f"{controller.name}, {controller.registration}, {controller.address[language]}")


def problems(brief: Brief, controller: Controller) -> Iterator[Problem]:
    """What keeps the texts of *brief* from being sent: one channel and language after another, so that all is told."""
    for channel in brief.channels:
        for language in LANGUAGES:
            yield from _problems(brief, channel, language, controller)


def _problems(brief: Brief, channel: ChannelId, language: str, controller: Controller) -> Iterator[Problem]:
    said = brief.texts.get(language, Texts()).of(channel)
    if said is None or said == "":
        yield Problem("missing-language", f"there is no text for {channel} in {language}", channel, language)
        return
    # Compiled alone, in the place of all three, so that each language has its own problem.
    alone = attrs.evolve(brief, channels=(channel,), texts=dict.fromkeys(LANGUAGES, brief.texts[language]))
    try:
        made = compiled(alone, controller)
        if channel == SMS:
            made.texts[language].fill({CALLED: ", Aleksandrs"})
    except BadInput as error:
        yield Problem(error.code, error.message, channel, language)
        return
    if isinstance(said, Words):
        page = made.letters[language].html.fill({CALLED: "", NEWS: "", letters.STOP_LINK: "https://example.org/"})
        for finding in letter_lint.lint(said, page, language):
            if finding.level == "error":
                yield Problem(finding.code, f"the {finding.where} of the letter cannot be sent so", channel, language)


def _source(words: Words, language: str, controller: Controller, above: str, web: Web) -> letters.Source:
    written, links = placed(words, web.has)
    return layout.source(
        written, language=language, kind=Kind.OFFER, sender=sender(controller, language), above=above, links=links
    )


def _sms(said: Mapping[str, object], *, folded: bool) -> Mapping[str, Text]:
    sources = {language: text for language, text in said.items() if isinstance(text, str)}
    publish = sms.publish_folded if folded else sms.publish
    return publish(sources, declared=DECLARED)
