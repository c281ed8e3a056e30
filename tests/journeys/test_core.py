"""The main path, without an interface: a text is shown, a yes is recorded, the gate opens, a no closes it."""

from __future__ import annotations

from datetime import timedelta

from journeys_support import newcomer, say

from placet.bootstrap import Application, erase
from placet.consents.model import Recorded, Refused
from placet.gate.actions import Allowed, Denied
from placet.gate.model import Token
from placet.kernel import clock
from placet.kernel.ids import ActivityId, ChannelId, PurposeId


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
