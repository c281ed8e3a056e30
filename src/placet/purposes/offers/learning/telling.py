"""What people are told of sorting: why they got an offer, and which topic ended. The words stand in `words.yaml`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import yaml
from psycopg import Connection

from placet.delivery.model import MessageId
from placet.kernel.errors import BadInput
from placet.purposes.offers import topics
from placet.purposes.offers.learning.model import ModelVersion, Reason, Source, Why
from placet.purposes.offers.learning.store import SQL

LANGUAGES = ("lv", "ru", "en")


def why(connection: Connection, message: MessageId) -> Why | None:
    """Why this offer: what was fixed when it was picked; None for a message that is no offer, or of nobody any more."""
    row = connection.execute(SQL["message"], {"message": message}).fetchone()
    titles = None if row is None else _titles(row[0])
    if row is None or titles is None:
        return None
    topic, channel, at, picked, propensity, eligible, model, needs, wished = row
    reason = Reason(picked) if picked is not None else Reason.WISHED if wished == "want" else Reason.CHOSEN
    choices = tuple(filter(None, (eligible or "").split("|")))
    return Why(
        topic=topic,
        reasons=(reason,),
        model=None if model is None else ModelVersion(model),
        propensity=propensity,
        eligible=choices,
        needs=tuple(needs) if needs is not None else ("offers", f"offers/{channel}"),
        at=at,
        sentences={
            language: _sentences(reason, titles[language], propensity, len(choices), language) for language in LANGUAGES
        },
        basis=words()["basis"],
    )


def ended(topic: str, language: str, sources: Sequence[str] = ()) -> str:
    """That a topic has ended for the reader, in one line for the next message, and by what that was learned."""
    said: str = words()["ended_because" if sources else "ended"][language]
    return said.format(topic=topics.get(topic).titles[language], because=because(sources, language))


def because(sources: Sequence[str], language: str) -> str:
    """What it was learned from, in words; the plainest first."""
    return ", ".join(words()["because"][source][language] for source in Source if source in sources)


@cache
def words() -> Mapping[str, Any]:
    """`words.yaml`."""
    found: Mapping[str, Any] = yaml.safe_load(files(__package__).joinpath("words.yaml").read_text("utf-8"))
    return found


def _titles(topic: str | None) -> Mapping[str, str] | None:
    """The topic in words; None for what is no topic of ours."""
    try:
        return None if topic is None else topics.get(topic).titles
    except BadInput:
        return None


def _sentences(reason: Reason, title: str, propensity: float | None, choices: int, language: str) -> Sequence[str]:
    said = words()
    found = [said["why"][reason][language].format(topic=title)]
    if propensity is not None and choices > 1:
        found.append(said["chance"][language].format(count=choices, percent=round(propensity * 100)))
    return tuple(found)
