"""The question, as it is shown in each language, and the table of `clicks.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from placet.delivery.wording import LANGUAGES
from placet.kernel import jcs
from placet.purposes.offers.clicks.model import Question, Table

DOCUMENT_TYPE = "placet/click-question/v1"


@cache
def question(language: str) -> Question:
    """What is asked in *language*."""
    said = words()["question"]
    title, text = said["title"][language], tuple(said["text"][language])
    yes, no = said["yes"][language], said["no"][language]
    document = {
        "type": DOCUMENT_TYPE, "language": language, "title": title, "text": list(text),
        "answers": [{"value": "yes", "label": yes}, {"value": "no", "label": no}],
    }  # fmt: skip
    return Question(language, title, text, yes, no, jcs.canonical(document))


def shown(digest: bytes) -> Question | None:
    """The question with this hash; None for a text that is not asked any more."""
    return next((one for one in map(question, LANGUAGES) if one.sha256 == digest), None)


@cache
def words() -> Mapping[str, Any]:
    """`words.yaml`."""
    found: Mapping[str, Any] = yaml.safe_load(files(__package__).joinpath("words.yaml").read_text("utf-8"))
    return found


@cache
def standard() -> Table:
    """The table that comes with the program."""
    return parse(yaml.safe_load(files(__package__).joinpath("clicks.yaml").read_text("utf-8")))


def parse(said: Mapping[str, Any]) -> Table:
    """Read a table."""
    return Table(
        too_soon=timedelta(seconds=said["too_soon_seconds"]),
        within=timedelta(days=said["within_days"]),
        burst=timedelta(seconds=said["burst_seconds"]),
        kept=timedelta(days=said["kept_days"]),
        hit_kept=timedelta(hours=said["hit_hours"]),
        prefetch={name: frozenset(values) for name, values in said["prefetch"].items()},
        programs=tuple(said["programs"]),
    )
