"""A message starts once, under the gate's yes of that instant, or has a reason why it did not."""

from __future__ import annotations

from datetime import timedelta

from delivery_house import CAMPAIGN, EMAIL, SERVICE, House, offer

from placet.delivery import wishes
from placet.delivery.model import Kind, Sent
from placet.delivery.rules import Mute
from placet.gate import uses
from placet.subjects.model import Alias

DAY = timedelta(days=1)


def test_message_is_planned_once_for_a_key_whatever_became_of_it(house: House) -> None:
    anna, gone = house.person("anna"), house.person("gone")
    with house.placet.database.transaction() as connection:
        house.placet.subjects.erase_key(connection, gone.id, house.now)
    first = house.plan(offer(anna, "campaign/1", house.now), offer(gone, "campaign/1", house.now))
    assert (len(first.fresh), first.known, first.nobody) == (1, 0, 1)
    assert house.claim().started != ()
    again = house.plan(offer(anna, "campaign/1", house.now))
    assert (again.fresh, again.known) == ((), 1)
    assert house.states(anna) == [("sending", None)]


def test_what_starts_carries_address_values_and_the_end_of_its_time_and_is_handed_out_once(house: House) -> None:
    anna = house.person("anna")
    house.plan(offer(anna, "campaign/1", house.now, values={"name": "Anna Ē."}, topic="travel"))
    (message,) = house.claim().started
    assert (message.address, dict(message.values), message.attempt) == ("anna@example.lv", {"name": "Anna Ē."}, 1)
    assert message.until == house.now.replace(hour=18)  # 20:00 in Riga
    assert message.lease_until == house.now + timedelta(seconds=90)
    assert house.claim().started == ()
    assert "anna" not in repr(message).lower()


def test_values_lie_sealed_and_go_when_the_message_has_ended(house: House) -> None:
    anna = house.person("anna")
    house.plan(offer(anna, "campaign/1", house.now, values={"name": "Anna Slepenā"}))
    with house.placet.database.transaction() as connection:
        (sealed,) = connection.execute("SELECT sealed FROM delivery.message").fetchone()
        assert b"Slepen" not in sealed
    (message,) = house.claim().started
    house.settle({message.id: Sent("q7")})
    with house.placet.database.transaction() as connection:
        assert connection.execute("SELECT state, sealed FROM delivery.message").fetchone() == ("sent", None)


def test_withdrawal_before_the_start_refuses_with_the_gates_reason(house: House) -> None:
    anna, berta, cecilija = house.person("anna"), house.person("berta"), house.person("cecilija", yes=False)
    house.plan(*(offer(each, "campaign/1", house.now) for each in (anna, berta, cecilija)))
    house.say(anna, "withdrawn")
    house.say(berta, "withdrawn", EMAIL)
    claim = house.claim()
    assert (claim.started, claim.refused) == ((), 3)
    assert house.states(anna) == [("refused", "withdrawn")]
    assert house.states(berta) == [("refused", "channel-withdrawn")]
    assert house.states(cecilija) == [("refused", "no-decision")]


def test_decision_under_way_leaves_the_message_for_the_next_look(house: House) -> None:
    anna, berta = house.person("anna"), house.person("berta")
    house.plan(offer(anna, "campaign/1", house.now), offer(berta, "campaign/1", house.now))
    with house.placet.database.transaction() as connection:
        house.record(connection, anna, "withdrawn", None)
        claim = house.claim()
        assert [one.subject for one in claim.started] == [berta.id]
        assert (claim.busy, claim.refused) == (1, 0)
    assert house.claim().refused == 1
    assert house.states(anna) == [("refused", "withdrawn")]


def test_service_needs_no_consent_and_knows_no_hour_and_no_offer_passes_as_service(house: House) -> None:
    anna = house.person("anna", yes=False)
    night = house.now.replace(hour=23)
    house.plan(
        offer(anna, "bill", house.now, kind=Kind.SERVICE, activity=SERVICE),
        offer(anna, "hidden", house.now, kind=Kind.OFFER, activity=SERVICE),
    )
    assert [one.kind for one in house.claim(after=night - house.now).started] == [Kind.SERVICE]
    house.claim(after=night - house.now)
    assert sorted(house.states(anna)) == [("refused", "wrong-basis"), ("sending", None)]
    berta = house.person("berta")
    house.plan(offer(berta, "disguised", house.now, kind=Kind.SERVICE, activity=CAMPAIGN))
    house.claim()
    assert house.states(berta) == [("refused", "wrong-basis")]


def test_service_goes_first(house: House) -> None:
    people = [house.person(f"p{number}") for number in range(3)]
    house.plan(*(offer(each, "campaign/1", house.now - DAY, not_after=house.now + DAY) for each in people))
    house.plan(offer(people[2], "code", house.now, kind=Kind.SERVICE, activity=SERVICE))
    assert [one.kind for one in house.claim(limit=1).started] == [Kind.SERVICE]


def test_at_night_it_waits_for_morning_and_is_too_late_if_its_day_is_over(house: House) -> None:
    anna, berta = house.person("anna"), house.person("berta")
    evening = house.now.replace(hour=19)
    house.plan(
        offer(anna, "campaign/1", house.now),
        offer(berta, "campaign/1", house.now, not_after=evening + timedelta(hours=6)),
    )
    claim = house.claim(after=evening - house.now)
    assert (claim.started, claim.waiting, claim.refused) == ((), 1, 1)
    assert house.states(berta) == [("refused", "too-late")]
    assert house.claim(after=evening - house.now + timedelta(hours=11)).started == ()
    assert len(house.claim(after=evening - house.now + timedelta(hours=12)).started) == 1


def test_caps_count_what_may_have_reached_the_person_whoever_sent_it(house: House) -> None:
    anna = house.person("anna")
    house.plan(*(offer(anna, f"campaign/{number}", house.now) for number in range(3)))
    for _ in range(3):
        house.claim()
    assert sorted(house.states(anna)) == [("refused", "cap-channel"), ("sending", None), ("sending", None)]


def test_muted_suppressed_and_addressless_are_refused_each_with_its_reason(house: House) -> None:
    muted, bounced, nowhere = house.person("muted"), house.person("bounced"), house.person("nowhere", address=False)
    with house.placet.database.transaction() as connection:
        wishes.mute(connection, muted.id, Mute(topic="travel"), now=house.now)
        wishes.suppress(
            connection, house.placet.vault, Alias.email("bounced@example.lv"), "bounce", channel=EMAIL, now=house.now
        )
    house.plan(*(offer(each, "campaign/1", house.now, topic="travel") for each in (muted, bounced, nowhere)))
    house.claim()
    assert [house.states(each)[0][1] for each in (muted, bounced, nowhere)] == ["muted", "suppressed", "no-address"]
    house.plan(offer(muted, "campaign/2", house.now, topic="music"))
    assert len(house.claim().started) == 1
    with house.placet.database.transaction() as connection:
        assert wishes.muted(connection, muted.id) == [Mute(topic="travel")]
        wishes.unmute(connection, muted.id, Mute(topic="travel"))
        assert wishes.muted(connection, muted.id) == []


def test_what_was_sent_is_a_use_under_its_permit_and_what_was_refused_is_shown_and_no_use(house: House) -> None:
    anna = house.person("anna")
    house.plan(offer(anna, "campaign/1", house.now))
    (message,) = house.claim().started
    house.settle({message.id: Sent("q7")}, after=timedelta(seconds=2))
    house.say(anna, "withdrawn")
    house.plan(offer(anna, "campaign/2", house.now))
    house.claim()
    assert [(one.state, one.reason) for one in house.shown(anna)] == [("refused", "withdrawn"), ("sent", None)]
    with house.placet.database.transaction() as connection:
        (use,) = uses.uses_of(connection, anna.id)
    assert (use.activity, use.channel, use.outcome, use.at) == (CAMPAIGN, EMAIL, "sent", house.now)
    assert use.permit is not None


def test_what_was_planned_for_a_merged_person_is_sent_to_the_one_that_remains(house: House) -> None:
    anna, twin = house.person("anna"), house.person("twin")
    house.plan(offer(twin, "campaign/1", house.now, values={"name": "Anna"}))
    with house.placet.database.transaction() as connection:
        house.placet.subjects.merge(connection, anna.id, twin.id)
    (message,) = house.claim().started
    assert (message.subject, dict(message.values)) == (anna.id, {"name": "Anna"})


def test_what_was_planned_can_be_taken_back_until_it_starts(house: House) -> None:
    anna = house.person("anna")
    planned = house.plan(offer(anna, "campaign/1", house.now), offer(anna, "campaign/2", house.now))
    house.claim(limit=1)
    with house.placet.database.transaction() as connection:
        assert house.placet.delivery.cancel(connection, planned.fresh, now=house.now) == 1
    assert sorted(house.states(anna)) == [("refused", "cancelled"), ("sending", None)]


def test_erasing_leaves_no_message_wish_or_address(house: House) -> None:
    anna, berta = house.person("anna"), house.person("berta")
    house.plan(offer(anna, "campaign/1", house.now), offer(berta, "campaign/1", house.now))
    with house.placet.database.transaction() as connection:
        wishes.mute(connection, anna.id, Mute(), now=house.now)
        address = Alias.email("anna@example.lv")
        wishes.suppress(connection, house.placet.vault, address, "complaint", channel=EMAIL, now=house.now)
        house.placet.delivery.forget(connection, anna.number, [address])
    with house.placet.database.transaction() as connection:
        assert connection.execute("SELECT number FROM delivery.message").fetchall() == [(berta.number,)]
        for table in ("muted", "suppressed"):
            assert connection.execute(f"SELECT count(*) FROM delivery.{table}").fetchone() == (0,)


def test_the_newest_address_that_is_still_theirs_is_used(house: House) -> None:
    anna = house.person("old")
    with house.placet.database.transaction() as connection:
        for name, later in (("newer", DAY), ("newest", 2 * DAY)):
            address = Alias.email(f"{name}@example.lv")
            house.placet.subjects.add_contact(connection, anna.id, address, now=house.now + later)
        house.placet.subjects.end_contact(connection, anna.id, address, now=house.now + 3 * DAY)
        found = house.placet.subjects.newest(connection, [anna.id], "email")
    assert {one: alias.value for one, alias in found.items()} == {anna.id: "newer@example.lv"}
