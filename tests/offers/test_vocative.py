"""How people are addressed, and not where it could be wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as some

from placet.purposes.offers.greetings.vocative import called, with_comma

TABLE = yaml.safe_load(Path(__file__).with_name("vocative.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("row", TABLE, ids=[f"{place}" for place in range(len(TABLE))])
def test_each_person_is_called_as_the_table_says(row: dict[str, Any]) -> None:
    assert {language: called(row["name"], language) for language in ("lv", "ru", "en")} == {
        language: row[language] for language in ("lv", "ru", "en")
    }


def test_who_has_no_name_here_is_not_addressed_by_one() -> None:
    assert called(None, "lv") is None
    assert with_comma(None) == ""
    assert with_comma("Jāni") == ", Jāni"


@given(some.text(max_size=40), some.sampled_from(["lv", "ru", "en"]))
def test_no_name_makes_it_fail_and_no_address_is_empty(name: str, language: str) -> None:
    assert called(name, language) != ""
