"""Which topic somebody means who answers STOP and a word."""

from __future__ import annotations

import pytest

from placet.purposes.offers import topics


@pytest.mark.parametrize(
    ("word", "topic"),
    [
        ("travel", "travel"),
        ("TRAVEL", "travel"),
        ("ceļojumi", "travel"),
        ("celojumi", "travel"),
        ("поездки", "travel"),
        ("internet-home", "internet-home"),
        ("weather", None),
        ("", None),
    ],
)
def test_a_word_means_the_topic_it_names_and_a_word_of_two_means_none(word: str, topic: str | None) -> None:
    assert topics.meant(word) == topic
