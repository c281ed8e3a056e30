"""Which openings are presses, which links are counted, and what a token says: pure rules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import attrs
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from placet.delivery.layout import Button, Words
from placet.delivery.model import MessageId
from placet.delivery.wording import LANGUAGES
from placet.kernel.ids import Number, SubjectId
from placet.purposes.offers.clicks import questions, rules
from placet.purposes.offers.clicks.links import SECRET, Link, Web, placed
from placet.purposes.offers.clicks.model import Counted, Opening

CASES = yaml.safe_load(Path(__file__).with_name("clicks.yaml").read_text(encoding="utf-8"))
SENT = datetime(2026, 3, 12, 10, tzinfo=UTC)
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
WEB = Web.of("https://www.amigo.lv", "https://piekrisanas.amigo.lv:8443")


def after(seconds: int | None) -> datetime | None:
    return None if seconds is None else SENT + timedelta(seconds=seconds)


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_an_opening_is_taken_for_what_the_table_says(case: dict[str, Any]) -> None:
    hit, table = case.get("hit"), questions.standard()
    counted = Counted(
        MessageId(uuid4()), SubjectId(uuid4()), Number(1), SENT,
        None if hit is None else after(hit["at"]), None if hit is None else 1, after(case.get("pressed")),
    )  # fmt: skip
    at = after(case["at"])
    assert at is not None
    headers = {"user-agent": BROWSER, **case.get("headers", {})}
    place = 1 if hit is None or hit["same"] else 2
    opening = Opening(place, case.get("method", "GET"), headers, at)
    verdict = rules.judge(opening, counted, table)
    assert (verdict, rules.pressed_at(verdict, opening, counted, table)) == (case["verdict"], after(case.get("noted")))


@given(st.lists(st.tuples(st.integers(0, 600_000), st.integers(1, 3)), max_size=12), st.integers(0, 600_000))
def test_two_links_in_a_moment_are_no_press_whatever_was_before(earlier: list[tuple[int, int]], at: int) -> None:
    counted = Counted(MessageId(uuid4()), SubjectId(uuid4()), Number(1), SENT)
    for seconds, place in [*sorted(one for one in earlier if one[0] < at), (at, 1), (at + 1, 2)]:
        counted = noted(counted, Opening(place, "GET", {"user-agent": BROWSER}, SENT + timedelta(seconds=seconds)))
    assert counted.pressed_at not in {after(at), after(at + 1)}


def noted(counted: Counted, opening: Opening) -> Counted:
    """What is known of a message after an opening, as the room writes it down."""
    table = questions.standard()
    verdict = rules.judge(opening, counted, table)
    pressed = rules.pressed_at(verdict, opening, counted, table)
    return attrs.evolve(counted, hit_at=opening.at, hit_place=opening.place, pressed_at=pressed)


@given(
    campaign=st.uuids(), language=st.sampled_from(LANGUAGES), place=st.integers(1, 31),
    secret=st.binary(min_size=SECRET, max_size=SECRET),
)  # fmt: skip
def test_a_token_says_what_it_was_made_of_and_nothing_else_is_one(
    campaign: UUID, language: str, place: int, secret: bytes
) -> None:
    link = Link(campaign, language, place, secret)
    token = link.token()
    assert Link.read(token) == link
    assert (len(token), token.islower() or token.isdigit(), token.isalnum()) == (40, True, True)
    assert Link.read(token[:-1]) is None
    assert Link.read(token + "a") is None
    assert Link.read("1" * 40) is None


@given(st.text(max_size=60))
def test_no_text_makes_a_token_fail(text: str) -> None:
    assert Link.read(text) is None or len(text) == 40


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("https://amigo.lv", True),
        ("https://www.amigo.lv/lv/telefoni?a=1&b=2#x", True),
        ("http://veikals.amigo.lv/", True),
        ("https://AMIGO.LV/Akcija", True),
        ("https://amigo.lv.example.org/", False),
        ("https://notamigo.lv/", False),
        ("https://example.org/?to=https://amigo.lv", False),
        ("https://amigo.lv@example.org/", False),
        ("https://piekrisanas.amigo.lv:8443/offers", False),
        ("https://amigo.lv/{{ called }}", False),
        ("mailto:info@amigo.lv", False),
        ("tel:80700000", False),
        ("https://[", False),
        ("//amigo.lv", False),
    ],
)
def test_links_to_the_operators_web_may_be_counted_and_no_others(address: str, *, counted: bool) -> None:
    assert WEB.has(address) is counted


def test_places_stand_for_links_in_the_button_and_in_sentences() -> None:
    words = Words(
        "Tēma", "Virsraksts",
        ("Vairāk: https://amigo.lv/a.", "Arī https://amigo.lv/b (https://example.org/c), un https://amigo.lv/a!"),
        Button("Apskatīt", "https://amigo.lv/b"),
    )  # fmt: skip
    written, links = placed(words, WEB.has)
    assert links == {"link_1": "https://amigo.lv/b", "link_2": "https://amigo.lv/a"}
    assert written.button == Button("Apskatīt", "{{ link_1 }}")
    assert written.paragraphs == (
        "Vairāk: {{ link_2 }}.",
        "Arī {{ link_1 }} (https://example.org/c), un {{ link_2 }}!",
    )


def test_more_links_than_can_be_counted_stay_plain() -> None:
    words = Words("Tēma", "Virsraksts", tuple(f"https://amigo.lv/{place}" for place in range(40)))
    written, links = placed(words, WEB.has)
    assert len(links) == 31
    assert written.paragraphs[31:] == words.paragraphs[31:]


def test_the_question_is_asked_in_three_languages_and_commits_to_what_is_read() -> None:
    asked = [questions.question(language) for language in LANGUAGES]
    assert len({one.sha256 for one in asked}) == 3
    for one in asked:
        assert questions.shown(one.sha256) == one
        document = one.document.decode()
        assert all(sentence in document for sentence in (one.title, *one.text, one.yes, one.no))
    assert questions.shown(bytes(32)) is None
