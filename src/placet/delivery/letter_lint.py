"""
What is wrong with a letter before anybody gets it. Pure; an error keeps it from being sent, a warning is advice.

1. the subject: short enough to be read whole in a list, not shouted, and not made to look like an answer (Information
   Society Services Law of Latvia, s. 8: a commercial message is recognisable as one);
2. the sentences are readable, by the measure that holds for what customers are asked;
3. the button leads to an https address that is the same for everybody, so that a click by itself tells of nobody;
4. the HTML: every element is closed, the language and a title are said, nothing loads from elsewhere, pictures have
   words, and it is not so long that mailboxes cut it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Literal
from urllib.parse import urlsplit

import attrs

from placet.catalogue.readability import LIX_LIMIT, SENTENCE_LIMIT, measure
from placet.delivery.layout import Button, Words

LONGEST_SUBJECT = 70
"""Characters that a list of letters shows on a wide screen."""
LONGEST_PAGE = 102_400
"""Bytes; Gmail shows no more than these."""

_ANSWER = re.compile(r"^\s*(re|fw|fwd|aw|atb|отв)\s*:", re.IGNORECASE)
_SHOUTED = re.compile(r"[!?]{2,}")
_MOST_SHOUTED = 12
"""Letters; a subject of fewer may be an abbreviation."""
_VOID = frozenset({"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"})
_LOADS = frozenset({"src", "srcset", "background", "poster"})


@attrs.frozen
class Finding:
    """One remark. *where* is a part of the letter: `subject`, `paragraphs`, `button`, `page`."""

    level: Literal["error", "warning"]
    code: str
    where: str


def lint(words: Words, page: str, language: str) -> list[Finding]:
    """Every finding on *words* and on the *page* that was made of them, errors first."""
    found = [*_subject(words.subject), *_sentences(words, language), *_button(words.button), *_page(page)]
    return sorted(found, key=lambda finding: finding.level != "error")


def _subject(subject: str) -> Iterator[Finding]:
    """Step 1."""
    if _ANSWER.match(subject):
        yield Finding("error", "looks-like-an-answer", "subject")
    if len(subject) > LONGEST_SUBJECT:
        yield Finding("warning", "long-subject", "subject")
    letters = [sign for sign in subject if sign.isalpha()]
    if _SHOUTED.search(subject) or (len(letters) >= _MOST_SHOUTED and all(sign.isupper() for sign in letters)):
        yield Finding("warning", "shouted", "subject")


def _sentences(words: Words, language: str) -> Iterator[Finding]:
    """Step 2."""
    if not any(paragraph.strip() for paragraph in words.paragraphs):
        yield Finding("error", "no-paragraph", "paragraphs")
        return
    figures = measure("\n".join([words.headline, *words.paragraphs]), language)
    if figures.longest_sentence > SENTENCE_LIMIT:
        yield Finding("warning", "long-sentence", "paragraphs")
    if figures.lix > LIX_LIMIT:
        yield Finding("warning", "hard-to-read", "paragraphs")


def _button(button: Button | None) -> Iterator[Finding]:
    """Step 3."""
    if button is None:
        return
    if "{{" in button.link:
        yield Finding("error", "personal-link", "button")
    elif not _is_sound(button.link):
        yield Finding("error", "bad-link", "button")


def _is_sound(link: str) -> bool:
    """An https address with a host name: no number, no name and password before it, no blanks."""
    try:
        parts = urlsplit(link)
        host = parts.hostname or ""
    except ValueError:
        return False
    named = "." in host and not host.replace(".", "").isdigit() and ":" not in host
    return parts.scheme == "https" and named and "@" not in parts.netloc and not re.search(r"\s", link)


def _page(page: str) -> Iterator[Finding]:
    """Step 4."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    if reader.open or reader.crossed:
        yield Finding("error", "unclosed-element", "page")
    if reader.language is None or not reader.title.strip():
        yield Finding("error", "no-language-or-title", "page")
    if reader.loads:
        yield Finding("error", "loads-from-elsewhere", "page")
    if reader.wordless:
        yield Finding("error", "picture-without-words", "page")
    if len(page.encode()) > LONGEST_PAGE:
        yield Finding("error", "too-long", "page")


class _Reader(HTMLParser):
    """Walks through the elements; what mail programs of one maker alone read is a comment, and is left out."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.crossed = self.loads = self.wordless = False
        self.language: str | None = None
        self.title = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        if tag == "html":
            self.language = said.get("lang")
        self.loads |= any((said.get(name) or "").strip().startswith(("http", "//")) for name in _LOADS)
        self.wordless |= tag == "img" and said.get("alt") is None
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """`<br/>`: a slash that HTML ignores."""
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if self.open and self.open[-1] == tag:
            self.open.pop()
        else:
            self.crossed = True

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "title":
            self.title += data
