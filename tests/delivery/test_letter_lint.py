"""What keeps a letter from being sent, and what its author is told."""

from __future__ import annotations

import attrs
import pytest
from test_layout import FILLED, WORDS, laid_out

from placet.delivery.layout import Button
from placet.delivery.letter_lint import LONGEST_PAGE, Finding, lint
from placet.delivery.model import Kind

PAGE = "<!doctype html><html lang='lv'><head><title>A</title></head><body><p>B<br></p></body></html>"
HARD = "Individualizētās telekomunikāciju pakalpojumu nodrošināšanas " * 3


def codes(found: list[Finding]) -> set[tuple[str, str, str]]:
    return {(finding.level, finding.code, finding.where) for finding in found}


def test_a_letter_of_the_layout_has_nothing_wrong_in_any_language_or_kind() -> None:
    for kind in Kind:
        for language, letter in laid_out(kind).items():
            assert lint(WORDS, letter.html.fill(FILLED, lambda value: value.replace("<", "&lt;")), language) == []


@pytest.mark.parametrize(
    ("changed", "finding"),
    [
        ({"subject": "Re: Jūsu tarifs"}, ("error", "looks-like-an-answer", "subject")),
        ({"subject": "a" * 71}, ("warning", "long-subject", "subject")),
        ({"subject": "TIKAI ŠODIEN PIE MUMS"}, ("warning", "shouted", "subject")),
        ({"subject": "Tikai šodien!!"}, ("warning", "shouted", "subject")),
        ({"paragraphs": ("  ",)}, ("error", "no-paragraph", "paragraphs")),
        ({"paragraphs": ("vārds " * 26,)}, ("warning", "long-sentence", "paragraphs")),
        ({"paragraphs": (HARD,)}, ("warning", "hard-to-read", "paragraphs")),
        ({"button": Button("Skatīt", "https://amigo.lv/{{ stop_link }}")}, ("error", "personal-link", "button")),
        ({"button": Button("Skatīt", "http://amigo.lv/")}, ("error", "bad-link", "button")),
        ({"button": Button("Skatīt", "https://me:word@amigo.lv/")}, ("error", "bad-link", "button")),
        ({"button": Button("Skatīt", "https://192.0.2.1/")}, ("error", "bad-link", "button")),
        ({"button": Button("Skatīt", "https://[::1")}, ("error", "bad-link", "button")),
        ({"button": Button("Skatīt", "javascript:alert(1)")}, ("error", "bad-link", "button")),
        ({"button": Button("Skatīt", "https://amigo.lv/a b")}, ("error", "bad-link", "button")),
    ],
    ids=lambda value: value[1] if isinstance(value, tuple) else "",
)
def test_what_somebody_wrote_is_judged(changed: dict[str, object], finding: tuple[str, str, str]) -> None:
    assert codes(lint(attrs.evolve(WORDS, **changed), PAGE, "lv")) == {finding}


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("</p>", "", "unclosed-element"),
        ("</p>", "</div></p>", "unclosed-element"),
        (" lang='lv'", "", "no-language-or-title"),
        ("<title>A</title>", "", "no-language-or-title"),
        ("<br>", "<img alt='' src='https://elsewhere.example/a.png'>", "loads-from-elsewhere"),
        ("<br>", "<img src='data:,'>", "picture-without-words"),
        ("B", "B" * LONGEST_PAGE, "too-long"),
    ],
)
def test_the_html_is_judged(old: str, new: str, code: str) -> None:
    assert codes(lint(WORDS, PAGE.replace(old, new), "lv")) == {("error", code, "page")}
