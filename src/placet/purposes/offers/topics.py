"""What offers are about: few topics that stay (`topics.yaml`). A customer wants, does not mind, or never wants each."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import NewType

import attrs
import yaml

from placet.delivery.stop_words import plain
from placet.kernel.errors import BadInput

TopicId = NewType("TopicId", str)


@attrs.frozen
class Topic:
    """One topic; *ended*: what stands under it is still read, and nothing new is offered."""

    id: TopicId
    titles: Mapping[str, str]
    ended: bool = False


def all() -> tuple[Topic, ...]:  # noqa: A001 - read as `topics.all()`
    """The topics that offers may be about now, in the order in which they are shown."""
    return tuple(topic for topic in _read().values() if not topic.ended)


def get(id: str) -> Topic:
    """The topic *id*, ended ones too; an unknown one raises `BadInput`."""
    if (topic := _read().get(TopicId(id))) is None:
        known = ", ".join(one.id for one in all())
        raise BadInput(f"there is no topic {id!r}; choose one of {known}", code="unknown-topic")
    return topic


def offered(id: str) -> bool:
    """Whether something may be offered under *id*: it is a topic, and has not ended."""
    return any(topic.id == id for topic in all())


def meant(word: str) -> TopicId | None:
    """The topic that somebody who writes `STOP word` means: its id, or the first word of its title."""
    return _words().get(plain(word))


@cache
def _words() -> Mapping[str, TopicId]:
    """A word that two topics begin with means neither."""
    found: dict[str, set[TopicId]] = {}
    for topic in all():
        for said in (topic.id, *(title.split()[0] for title in topic.titles.values())):
            found.setdefault(plain(said), set()).add(topic.id)
    return {word: next(iter(ids)) for word, ids in found.items() if len(ids) == 1}


@cache
def _read() -> Mapping[TopicId, Topic]:
    rows = yaml.safe_load(files("placet.purposes.offers").joinpath("topics.yaml").read_text(encoding="utf-8"))
    topics = [Topic(TopicId(row["id"]), row["titles"], bool(row.get("ended"))) for row in rows]
    return {topic.id: topic for topic in topics}
