"""Every word of the interface is there in Latvian and Russian, and nothing is left over."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import placet.interfaces
from placet.interfaces.web.languages import choose

INTERFACES = Path(placet.interfaces.__file__).parent
TEMPLATES = "templates/**.html"


def said_in_templates() -> set[str]:
    found = set()
    for part in sorted(path.parent for path in INTERFACES.glob("*/templates")):
        for _, _, message, _, _ in extract_from_dir(
            part,
            [(TEMPLATES, "jinja2.ext:babel_extract")],
            options_map={TEMPLATES: {"extensions": "jinja2.ext.i18n", "silent": "false"}},
            keywords={"_": None, "ngettext": (1, 2)},
        ):
            found.add(message)
    return found


def key(message: Message) -> str | tuple[str, ...]:
    """What a template says: a text, or one and many of something."""
    return message.id if isinstance(message.id, str) else tuple(message.id)


def strings(message: Message) -> tuple[str, ...]:
    """Its translations: one, or one for each plural form."""
    return (message.string,) if isinstance(message.string, str) else tuple(message.string)


@pytest.mark.parametrize("language", ["lv", "ru"])
def test_catalogue_has_every_string_and_no_other(language: str) -> None:
    with (INTERFACES / f"web/locale/{language}.po").open("rb") as stream:
        messages = {key(message): message for message in read_po(stream) if message.id}
    assert set(messages) == said_in_templates()
    assert [id for id, message in messages.items() if not all(strings(message)) or message.fuzzy] == []


@pytest.mark.parametrize("language", ["lv", "ru"])
def test_translations_keep_the_placeholders(language: str) -> None:
    def placeholders(text: str) -> list[str]:
        return sorted(re.findall(r"%\(\w+\)s", text))

    with (INTERFACES / f"web/locale/{language}.po").open("rb") as stream:
        wrong = [
            message.id
            for message in read_po(stream)
            for string in strings(message)
            if placeholders(key(message)[0] if message.pluralizable else message.id or "") != placeholders(string)
        ]
    # The header has no id; every other message keeps what it was given.
    assert [id for id in wrong if id] == []


@pytest.mark.parametrize(
    ("asked", "remembered", "accepted", "spoken"),
    [
        (None, None, "", "lv"),
        (None, None, "de-DE, fr;q=0.9", "lv"),
        (None, None, "en-GB,en;q=0.9,ru;q=0.8", "en"),
        (None, None, "ru;q=0.8, lv;q=0.9", "lv"),
        (None, None, "ru;q=0, en;q=nonsense", "lv"),
        (None, "ru", "en", "ru"),
        ("lv", "ru", "en", "lv"),
        ("xx", "ru", "en", "ru"),
        (None, "xx", "en", "en"),
    ],
)
def test_the_reader_s_choice_wins_over_the_browser_s(
    asked: str | None, remembered: str | None, accepted: str, spoken: str
) -> None:
    assert choose(asked=asked, remembered=remembered, accepted=accepted) == spoken
