"""What is put into a campaign's messages for each person, at the moment at which they start; none of it is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from uuid import UUID

from psycopg import Connection

from placet.delivery.model import Filling
from placet.kernel.ids import SubjectId
from placet.purposes.offers.campaigns.texts import CALLED, NEWS, Compiled
from placet.purposes.offers.clicks.actions import Clicks
from placet.purposes.offers.clicks.links import PLACE
from placet.purposes.offers.greetings.vocative import called, with_comma
from placet.purposes.offers.learning.model import Known
from placet.subjects.actions import Subjects

Knows = Callable[[Connection, Filling, bool], Mapping[SubjectId, Known]]
"""What the learner knows of these persons in one statement; True: their messages tell what has changed for them."""


def personal(
    connection: Connection,
    filling: Filling,
    said: Compiled,
    *,
    subjects: Subjects,
    knows: Knows | None,
    clicks: Clicks | None,
) -> Mapping[SubjectId, Mapping[str, str]]:
    """
    How each person is addressed (`{{ called }}`), or nothing where a name could be wrong; their news; and links of
    their own for whoever allows us to count them.
    """
    filled: dict[SubjectId, dict[str, str]] = {id: {} for id in filling.messages}
    if CALLED in said.names:
        for id in filling.messages:
            person, name = subjects.get(connection, id), subjects.profile(connection, id).name
            filled[id][CALLED] = with_comma(called(name, person.language))
    tells = NEWS in said.names
    known = {} if knows is None or not (tells or said.places) else knows(connection, filling, tells)
    if tells:
        for id in filling.messages:
            filled[id][NEWS] = known.get(id, Known()).news
    allow = [id for id, one in known.items() if one.counts]
    if clicks is not None and said.places and allow:
        for id, addresses in _counted(connection, filling, allow, said, clicks).items():
            filled[id] |= addresses
    return filled


def _counted(
    connection: Connection, filling: Filling, allow: list[SubjectId], said: Compiled, clicks: Clicks
) -> Mapping[SubjectId, Mapping[str, str]]:
    campaign = UUID(filling.template.partition("/")[2])
    messages = {id: filling.messages[id] for id in allow}
    found = clicks.addresses(connection, campaign, messages, said.places, now=filling.now)
    return {id: {PLACE.format(place): link for place, link in links.items()} for id, links in found.items()}
