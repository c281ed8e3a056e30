"""
Plain texts of a title and paragraphs: put into the inbox of the app, said on the telephone, printed in a letter.

    notes = publish({"lv": Source("Jauns tarifs", "Sveiki, {{ name }}!\n\nNo maija …"), …}, declared={"name"})
    notes["lv"].fill({"name": "Anna"}).paragraphs

Pure. How a person stops it is not written into the text: each channel says it by itself, beside or below.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Set

import attrs

from placet.delivery.wording import Wording, in_all_languages, read, read_line
from placet.kernel.errors import BadInput
from placet.kernel.ids import ChannelId

LINK = "link"
"""The value that a letter prints as a code, too."""
LONGEST = 6000
"""Characters of a text without its values; a letter stays on its page."""

_EMPTY_LINES = re.compile(r"\n\s*\n")


@attrs.frozen
class Source:
    """What a marketer writes, in one language; an empty line ends a paragraph."""

    title: str
    text: str


@attrs.frozen(repr=False)
class Filled:
    """The text for one person."""

    title: str
    paragraphs: tuple[str, ...]


@attrs.frozen
class Note:
    """A text that was read, in one language."""

    title: Wording
    text: Wording
    language: str

    @property
    def names(self) -> frozenset[str]:
        """The values that it needs."""
        return self.title.names | self.text.names

    def fill(self, values: Mapping[str, str]) -> Filled:
        """The text with *values*; one that is missing raises `KeyError`."""
        parts = (" ".join(part.split()) for part in _EMPTY_LINES.split(self.text.fill(values)))
        return Filled(self.title.fill(values), tuple(part for part in parts if part))


Notes = Callable[[ChannelId, str, str], Note | None]
"""What a channel says for a template in a language, by the names of all three; None where there is no such text."""


def publish(sources: Mapping[str, Source], *, declared: Set[str]) -> Mapping[str, Note]:
    """The notes of *sources* by language, all or none; *declared* are the values that will be there."""
    in_all_languages(sources, what="the text")
    return {language: _note(source, language, declared) for language, source in sources.items()}


def _note(source: Source, language: str, declared: Set[str]) -> Note:
    title = read_line(source.title, declared=declared, what=f"the title ({language})")
    text = read(source.text.replace("\r\n", "\n"), declared=declared, what=f"the text ({language})")
    if sum(map(len, text.pieces)) > LONGEST:
        raise BadInput(
            f"the text ({language}) has more than {LONGEST} characters; nothing was published", code="broken-text"
        )
    return Note(title, text, language)
