"""What the journeys share: somebody new, and somebody who says something on the portal."""

from __future__ import annotations

from datetime import datetime

from placet.bootstrap import Application
from placet.catalogue import store as catalogue_store
from placet.catalogue.render import render
from placet.consents import actions as consents
from placet.consents.model import Actor, Outcome, Wish
from placet.kernel.ids import ChannelId, PurposeId
from placet.subjects.model import Alias, Subject


def newcomer(placet: Application, now: datetime) -> Subject:
    with placet.database.transaction() as connection:
        return placet.subjects.add(connection, aliases=[Alias.msisdn("+37120000009")], language="lv", now=now)


def say(
    placet: Application, person: Subject, purpose: str, decision: str, now: datetime, channel: str | None = None
) -> Outcome:
    with placet.database.transaction() as connection:
        shown = render(placet.catalogue(connection), purpose=purpose, language="lv", route="portal")
        catalogue_store.remember_shown(connection, shown, now)
        wish = Wish(
            person.id,
            PurposeId(purpose),
            decision,
            "portal",
            Actor("subject", str(person.id)),
            channel=None if channel is None else ChannelId(channel),
            language="lv",
            shown=shown.sha256,
        )
        (outcome,) = consents.record(connection, [wish], rulebook=placet.rulebook, now=now)
    return outcome
