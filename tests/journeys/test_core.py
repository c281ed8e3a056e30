"""The main path, without an interface: a text is shown, a yes is recorded, the gate opens, a no closes it."""

from __future__ import annotations

from datetime import datetime, timedelta

from placet.bootstrap import Application, erase
from placet.catalogue import store as catalogue_store
from placet.catalogue.render import render
from placet.consents import actions as consents
from placet.consents.model import Actor, Outcome, Recorded, Refused, Wish
from placet.gate.actions import Allowed, Denied
from placet.gate.model import Token
from placet.kernel import clock
from placet.kernel.ids import ActivityId, ChannelId, PurposeId
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


def test_a_yes_opens_what_was_asked_and_a_withdrawal_closes_it_from_that_instant(placet: Application) -> None:
    now = clock.now()
    anna = newcomer(placet, now)
    asked = ActivityId("offers.email-campaign")
    with placet.database.transaction() as connection:
        before = placet.gate.check(connection, anna.id, asked, channel=ChannelId("email"), now=now)
    assert isinstance(before, Denied)
    say(placet, anna, "offers", "given", now)
    say(placet, anna, "offers", "given", now, channel="email")
    with placet.database.transaction() as connection:
        opened = placet.gate.check(connection, anna.id, asked, channel=ChannelId("email"), now=now)
    assert isinstance(opened, Allowed)
    said_no = say(placet, anna, "offers", "withdrawn", now + timedelta(seconds=1))
    assert isinstance(said_no, Recorded)
    with placet.database.transaction() as connection:
        after = placet.gate.check(
            connection,
            anna.id,
            asked,
            channel=ChannelId("email"),
            token=Token.parse(said_no.token),
            now=now + timedelta(seconds=1),
        )
    assert isinstance(after, Denied)
    assert after.reason == "withdrawn"


def test_an_erased_customer_is_refused_everywhere(placet: Application) -> None:
    now = clock.now()
    anna = newcomer(placet, now)
    say(placet, anna, "usage", "given", now)
    with placet.database.transaction() as connection:
        assert erase(placet, connection, anna.id, now=now) == [anna.id]
    assert isinstance(say(placet, anna, "usage", "given", now), Refused)
    with placet.database.transaction() as connection:
        answer = placet.gate.check(connection, anna.id, PurposeId("usage"), now=now)
    assert isinstance(answer, Denied)
    assert answer.reason == "erased"
