"""What a marketer writes becomes a letter that says who sends it and how to stop it, in every language."""

from __future__ import annotations

import pytest

from placet.delivery.layout import Button, Sender, Words, source
from placet.delivery.letters import Letter, publish
from placet.delivery.model import Kind
from placet.delivery.wording import LANGUAGES

WORDS = Words(
    "Jauni telefoni & vairāk",
    "Sākot no 9 €",
    ("Sveiki, {{ first_name }}!", "Tikai <šonedēļ>.\nJauna rinda."),
    Button("Apskatīt", "https://amigo.lv/telefoni?a=1&b=2"),
)
SENDER = Sender("Amigo", "SIA ZetCOM, LV40003582107")
LINK = "https://amigo.lv/u/TOKEN"
FILLED = {"first_name": "Anna <b>", "stop_link": LINK}


def laid_out(kind: Kind, words: Words = WORDS) -> dict[str, Letter]:
    sources = {language: source(words, language=language, kind=kind, sender=SENDER) for language in LANGUAGES}
    return dict(publish(sources, kind=kind, declared={"first_name"}))


@pytest.mark.parametrize("kind", [Kind.OFFER, Kind.GREETING, Kind.SURVEY])
def test_every_letter_but_a_service_letter_says_why_it_came_and_how_to_stop_it(kind: Kind) -> None:
    for language, letter in laid_out(kind).items():
        page = letter.html.fill(FILLED)
        assert f'<html lang="{language}"' in page
        assert f'href="{LINK}"' in page
        assert f'href="{LINK}#why"' in page
        assert (f'href="{LINK}#topic"' in page) == (kind is Kind.OFFER)
    assert 'href="https://amigo.lv/u' not in laid_out(Kind.SERVICE)["lv"].html.fill(FILLED)


def test_words_are_shown_as_they_were_written_and_are_no_markup() -> None:
    page = laid_out(Kind.OFFER)["lv"].html.fill(FILLED, lambda value: value.replace("<", "&lt;"))
    assert "Tikai &lt;šonedēļ&gt;.<br" in page
    assert "Sveiki, Anna &lt;b>!" in page
    assert "<title>Jauni telefoni &amp; vairāk</title>" in page
    assert 'href="https://amigo.lv/telefoni?a=1&amp;b=2"' in page
    assert "SIA ZetCOM, LV40003582107" in page


def test_the_plain_part_says_the_same() -> None:
    text = source(WORDS, language="en", kind=Kind.OFFER, sender=SENDER).text
    assert text.startswith(
        "Sākot no 9 €\n\nSveiki, {{ first_name }}!\n\nTikai <šonedēļ>.\nJauna rinda.\n\nApskatīt: https"
    )
    assert "-- \nSIA ZetCOM, LV40003582107\nYou get this letter because" in text
    assert "Stop these letters: {{ stop_link }}\n" in text


def test_a_letter_without_a_button_has_no_empty_one() -> None:
    words = Words("Sveiciens", "Daudz laimes!", ("Vēlam labu dienu.", "  "))
    page = laid_out(Kind.GREETING, words)["lv"].html.fill(FILLED)
    assert page.count("<a ") == 2
