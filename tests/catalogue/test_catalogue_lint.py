from __future__ import annotations

from typing import Any

import pytest
from catalogue_tables import Edit, table

from placet.catalogue.files import load
from placet.catalogue.lint import lint
from placet.catalogue.model import Catalogue
from placet.catalogue.readability import Readability, measure, sms_parts


def test_acme_has_no_findings(acme: Catalogue) -> None:
    assert lint(acme) == []


@pytest.mark.parametrize("case", table("lint.yaml"), ids=lambda case: case["case"])
def test_one_wrong_thing_is_found_by_its_code_and_place(case: dict[str, Any], edit: Edit) -> None:
    folder = edit([case, *case.get("and", [])])
    found = {(finding.code, finding.where) for finding in lint(load(folder))}
    assert (case["code"], case["where"]) in found
    # Where one fault shows at several places, it is still one kind of fault.
    expected = {case["code"]} | ({"long-sentence"} if case["code"] in {"hard-to-read", "long-sms"} else set())
    assert {code for code, _ in found} <= expected


def test_errors_come_before_warnings(edit: Edit) -> None:
    cases = {case["case"]: case for case in table("lint.yaml")}
    folder = edit([cases["a sentence that nobody can follow"], cases["both answers the same"]])
    levels = [finding.level for finding in lint(load(folder))]
    assert levels == sorted(levels)
    assert set(levels) == {"error", "warning"}


def test_readability_counts_words_sentences_and_long_words() -> None:
    # 10 words in 2 sentences, one of them longer than six letters: 5 + 10 = 15.
    assert measure("We look at hours. Never at whom you call, surely!", "en") == Readability(10, 2, 5.0, 6)
    assert measure("We look at megabytes. Never at whom you call, surely!", "en") == Readability(10, 2, 15.0, 6)


def test_readability_of_nothing_is_zero() -> None:
    assert measure(" – 80700000 ", "lv") == Readability(0, 0, 0.0, 0)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("ā" * 70, 1),
        ("ā" * 71, 2),
        ("д" * 134, 2),
        ("д" * 135, 3),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
    ],
)
def test_sms_parts_follow_the_alphabet(text: str, parts: int) -> None:
    assert sms_parts(text) == parts
