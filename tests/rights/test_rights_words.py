"""The words of exports and case files are there in every language, each under its own key."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import pytest
import yaml

LANGUAGES = {"lv", "ru", "en"}


def sayings(found: Any, place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Everything that is said: the mappings with a language among their keys."""
    if not isinstance(found, dict):
        return
    if LANGUAGES & set(found) and not all(isinstance(said, dict) for said in found.values()):
        yield place, found
        return
    for name, part in found.items():
        yield from sayings(part, f"{place}/{name}")


@pytest.mark.parametrize("name", ["holdings.yaml", "readable.yaml", "casefile.yaml"])
def test_everything_is_said_in_every_language(name: str) -> None:
    found = dict(sayings(yaml.safe_load(files("placet.rights").joinpath(name).read_text(encoding="utf-8"))))
    assert len(found) > 15
    # A comma that is not quoted would begin another key.
    wrong = {place: said for place, said in found.items() if set(said) != LANGUAGES or not all(said.values())}
    assert wrong == {}


@pytest.mark.parametrize("name", ["holdings.yaml", "readable.yaml", "casefile.yaml"])
def test_no_key_stands_twice_for_the_second_would_hide_the_first(name: str) -> None:
    tree = yaml.compose(files("placet.rights").joinpath(name).read_text(encoding="utf-8"))
    assert list(twice(tree)) == []


def twice(node: yaml.Node | None) -> Iterator[str]:
    """The keys that a mapping somewhere below *node* has more than once."""
    if isinstance(node, yaml.MappingNode):
        keys = [key.value for key, _ in node.value]
        yield from (key for key in set(keys) if keys.count(key) > 1)
        for _, value in node.value:
            yield from twice(value)
    elif isinstance(node, yaml.SequenceNode):
        for part in node.value:
            yield from twice(part)
