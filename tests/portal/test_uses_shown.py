"""What was done with a customer's data is shown to that customer, and to nobody else (mission B7)."""

from __future__ import annotations

import re
from collections.abc import Callable

import attrs
from portal_visitor import Visitor, newcomer

from placet.bootstrap import Application, merge
from placet.catalogue import store as catalogue_store
from placet.catalogue.render import render
from placet.consents import actions as consents
from placet.consents.model import Actor, Wish
from placet.gate.actions import Allowed
from placet.gate.replica import Replica
from placet.gate.uses import Told, every_use_of, record_uses, under_audience, under_permit
from placet.kernel import clock
from placet.kernel.ids import ActivityId, ChannelId, PurposeId
from placet.subjects.model import Subject

Visit = Callable[..., Visitor]
CAMPAIGN = ActivityId("offers.email-campaign")


def give(demo: Application, person: Subject, purpose: str, channel: str | None = None) -> None:
    now = clock.now()
    with demo.database.transaction() as connection:
        shown = render(demo.catalogue(connection), purpose=purpose, language="lv", route="portal")
        catalogue_store.remember_shown(connection, shown, now)
        wish = Wish(
            person.id,
            PurposeId(purpose),
            "given",
            "portal",
            Actor("subject", str(person.id)),
            channel=None if channel is None else ChannelId(channel),
            shown=shown.sha256,
        )
        consents.record(connection, [wish], rulebook=demo.rulebook, now=now)


def use(demo: Application, person: Subject, activity: str, times: int = 1, *, permitted: bool = True) -> None:
    now = clock.now()
    with demo.database.transaction() as connection:
        answer = demo.gate.check(connection, person.id, ActivityId(activity), now=now)
        assert isinstance(answer, Allowed)
        told = under_permit(answer.permit, outcome="done", at=now)
        record_uses(connection, [told if permitted else attrs.evolve(told, permit=None)] * times)


def campaign(demo: Application) -> None:
    """A use of an audience: everybody who allows e-mail."""
    replica = Replica.of(demo.database, demo.config)
    replica.catch_up()
    now = clock.now()
    with demo.database.transaction() as connection:
        audience = demo.gate.audience(connection, replica, CAMPAIGN, now=now)
        confirmed = demo.gate.confirm(replica, audience, now=now)
        record_uses(connection, [under_audience(confirmed, outcome="sent", at=now)])


def card(visitor: Visitor, purpose: str) -> str:
    visitor.go("/")
    found = visitor.text.partition(f'id="{purpose}"')[2].partition('<li class="card')[0]
    return " ".join(re.sub(r"<[^>]+>", " ", found).split())


def test_the_start_page_counts_uses_alone_and_together_with_others(
    guest: Visitor, demo: Application, anna: Subject
) -> None:
    assert "not once in the last year" in card(guest, "offers")
    give(demo, anna, "offers")
    give(demo, anna, "offers", "email")
    use(demo, anna, CAMPAIGN, 2)
    campaign(demo)
    assert "We used your data 3 times, last on" in card(guest, "offers")
    assert "not once in the last year" in card(guest, "usage")


def test_each_use_tells_when_what_which_data_and_under_which_yes(
    guest: Visitor, demo: Application, anna: Subject
) -> None:
    give(demo, anna, "offers")
    give(demo, anna, "offers", "email")
    use(demo, anna, CAMPAIGN)
    campaign(demo)
    use(demo, anna, CAMPAIGN, permitted=False)
    guest.go("/uses")
    assert "Offers and news by e-mail 3 times" in guest.words
    guest.go("/uses/offers")
    lines = re.findall(r"<li class=\"(?:open|closed)\">(.*?)</li>", guest.text, re.DOTALL)
    told = [" ".join(re.sub(r"<[^>]+>", " ", line).split()) for line in lines]
    assert len(told) == 3
    assert all("Offers and news by e-mail Read: name and contacts, which topics" in line for line in told)
    assert ["No check is on record" in line for line in told] == [True, False, False]
    assert ["Together with others" in line for line in told] == [False, True, False]
    assert all("On the ground of your consent." in line for line in told)


def test_uses_under_an_identity_that_was_merged_later_are_shown_as_one_s_own(
    guest: Visitor, demo: Application, anna: Subject
) -> None:
    twin = newcomer(demo, "+37120000009")
    for person in (anna, twin):
        give(demo, person, "offers")
        give(demo, person, "offers", "email")
        use(demo, person, CAMPAIGN)
    campaign(demo)
    assert "We used your data 2 times" in card(guest, "offers")
    with demo.database.transaction() as connection:
        merge(demo, connection, anna.id, twin.id, now=clock.now())
    # One campaign reached both, and is one use.
    assert "We used your data 3 times" in card(guest, "offers")
    guest.go("/uses/offers")
    assert guest.text.count('<p class="what">') == 3
    assert guest.text.count("Together with others") == 1
    with demo.database.transaction() as connection:
        assert len(list(every_use_of(connection, anna.id))) == 3


def test_what_needs_no_consent_stands_apart(guest: Visitor, demo: Application, anna: Subject) -> None:
    use(demo, anna, "contract.billing")
    guest.go("/uses")
    assert "What needs no consent" in guest.words
    guest.go("/uses/without-consent")
    assert "On the ground of our contract with you." in guest.words


def test_uses_are_paged_and_complete(guest: Visitor, demo: Application, anna: Subject) -> None:
    give(demo, anna, "usage")
    use(demo, anna, "usage.tariff-advice", 30)
    more = [
        Told(ActivityId("usage.device-advice"), clock.now(), "done", subject=anna.id),
        Told(ActivityId("contract.billing"), clock.now(), "done", subject=anna.id),
    ]
    with demo.database.transaction() as connection:
        record_uses(connection, more)
    guest.go("/uses/usage")
    assert guest.text.count('<p class="what">') == 25
    (older,) = re.findall(r'href="(/uses/usage\?before=\d+)"', guest.text)
    guest.go(older)
    assert guest.text.count('<p class="what">') == 6
    assert guest.go("/uses/usage?before=x").status_code == 400
    assert guest.go("/uses/nothing").status_code == 404


def test_another_customer_s_uses_are_nowhere(guest: Visitor, visit: Visit, demo: Application, anna: Subject) -> None:
    give(demo, anna, "offers")
    give(demo, anna, "offers", "email")
    newcomer(demo, "+37120000002")
    use(demo, anna, CAMPAIGN)
    campaign(demo)
    stranger = visit()
    stranger.sign_in("20000002")
    stranger.go("/uses")
    assert "Nothing was done with your data yet." in stranger.words
    stranger.go("/uses/offers")
    assert "Your data was not used for this." in stranger.words
