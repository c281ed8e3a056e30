"""The same message for many: planned once for each, in the language of each, with the reason where it is not sent."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import attrs
import pytest
from delivery_house import CAMPAIGN, EMAIL, House, offer
from hypothesis import given
from hypothesis import strategies as st
from psycopg import Connection
from pyroaring import BitMap

from placet.delivery import batches, wishes
from placet.delivery.batches import Batch, Part
from placet.delivery.model import Kind, Refusal, Sent, State
from placet.delivery.rules import Cap, Mute
from placet.kernel.errors import BadInput
from placet.subjects.model import Alias, Subject

TOPIC = "travel"
EARLIER = """
INSERT INTO delivery.message (id, number, key, kind, activity, channel, topic, template, language, not_before,
                              not_after, state, started_at, planned_at, changed_at)
VALUES (gen_random_uuid(), %(number)s, %(key)s, 'offer', 'offers.email-campaign', 'email', %(topic)s, 'spring', 'lv',
        %(at)s, %(at)s::timestamptz + interval '1 day', 'sent', %(at)s, %(at)s, %(at)s)
"""
"""A message that was sent then."""


def batch(now: datetime, key: str = "campaign/1/email", **more: object) -> Batch:
    values: dict[str, object] = {
        "key": key, "kind": Kind.OFFER, "activity": CAMPAIGN, "channel": EMAIL, "template": "campaign/1",
        "topic": TOPIC, "not_before": now, "not_after": now + timedelta(days=1),
    }  # fmt: skip
    return Batch(**(values | more))  # type: ignore[arg-type]


def numbers(*people: Subject) -> BitMap:
    return BitMap(person.number for person in people)


def plan(connection: Connection, house: House, planned: Batch, people: BitMap) -> batches.PlannedMany:
    return house.placet.delivery.plan_many(connection, planned, people, now=house.now)


def test_everyone_gets_a_row_once_and_it_starts_like_any_other(house: House, now: datetime) -> None:
    people = [house.person(f"guest{index}") for index in range(5)]
    with house.placet.database.transaction() as connection:
        first = plan(connection, house, batch(now), numbers(*people[:3]))
        again = plan(connection, house, batch(now), numbers(*people))
    assert (first.planned, again.planned, again.rows) == (3, 2, 2)
    started = house.claim().started
    assert sorted(one.subject for one in started) == sorted(person.id for person in people)
    assert {(one.template, one.language, one.topic, one.kind) for one in started} == {
        ("campaign/1", people[0].language, TOPIC, Kind.OFFER)
    }
    assert len({one.id for one in started}) == 5


def test_whoever_may_not_get_it_has_a_row_with_the_first_reason(house: House, now: datetime) -> None:
    well, muted, nowhere, bounced, capped, slow = (
        house.person(name, address=name != "nowhere")
        for name in ("well", "muted", "nowhere", "bounced", "capped", "slow")
    )
    for key in ("campaign/a", "campaign/b"):
        house.plan(offer(capped, key, now, topic=TOPIC))
        house.settle({one.id: Sent() for one in house.claim().started})
    house.plan(offer(slow, "campaign/a", now))
    house.settle({one.id: Sent() for one in house.claim().started})
    everyone = numbers(well, muted, nowhere, bounced, capped, slow)
    with house.placet.database.transaction() as connection:
        wishes.mute(connection, muted.id, Mute(kind=Kind.OFFER, topic=TOPIC), now=now)
        wishes.slow(connection, slow.id, Kind.OFFER, now=now)
        vault = house.placet.delivery.subjects.vault
        wishes.suppress(connection, vault, Alias.email("bounced@example.lv"), "bounce", channel=EMAIL, now=now)
        planned = plan(connection, house, batch(now), everyone | BitMap([9_999]))
    assert planned.planned == 1
    assert planned.refused == {"muted": 1, "no-address": 1, "suppressed": 1, "cap-channel": 1, "cap-own": 1}
    said = [dict(house.states(person)).get("refused") for person in (well, muted, nowhere, bounced, capped, slow)]
    assert said == [None, "muted", "no-address", "suppressed", "cap-channel", "cap-own"]


def test_what_is_found_when_planning_is_what_would_be_found_when_starting(house: House, now: datetime) -> None:
    person = house.person("anna")
    later = now + timedelta(days=40)
    for key in ("campaign/a", "campaign/b"):
        house.plan(offer(person, key, now, topic=TOPIC))
        house.settle({one.id: Sent() for one in house.claim().started})
    with house.placet.database.transaction() as connection:
        wishes.mute(connection, person.id, Mute(kind=Kind.OFFER, until=later), now=now)
        soon = plan(connection, house, batch(now, "campaign/soon"), numbers(person))
        then = batch(now, "campaign/then", not_before=later, not_after=later + timedelta(days=1))
        assert plan(connection, house, then, numbers(person)).planned == 1
    assert soon.refused == {"muted": 1}


def test_one_pass_counts_for_every_cap_what_counting_each_alone_would(house: House, now: datetime) -> None:
    week, month = timedelta(days=7), timedelta(days=30)
    caps = [
        Cap(Kind.OFFER, 2, week, channel=EMAIL),
        Cap(Kind.OFFER, 3, month, channel=EMAIL),
        Cap(Kind.OFFER, 1, week, per_topic=True),
        Cap(Kind.OFFER, 4, month),
        Cap(Kind.SURVEY, 1, month),
    ]
    sent = {
        "anna": [(TOPIC, 0)],
        "berta": [("phones", 10)] * 3,
        "cecil": [("phones", 1)] * 2,
        "dana": [(TOPIC, 20)] * 4,
    }
    people = {name: house.person(name) for name in sent}
    with house.placet.database.transaction() as connection:
        for name, messages in sent.items():
            for at, (topic, days) in enumerate(messages):
                row = {
                    "number": people[name].number,
                    "key": f"earlier/{at}",
                    "topic": topic,
                    "at": now - timedelta(days),
                }
                connection.execute(EARLIER, row)
        policy = attrs.evolve(house.placet.delivery.policy, caps=tuple(caps))
        found = [
            {name for name, person in people.items() if person.number in some}
            for why, some in batches.hindrances(connection, batch(now), policy, now=now)
            if why in {Refusal.CAP_CHANNEL, Refusal.CAP_TOPIC, Refusal.CAP_ALL}
        ]

    def reached(cap: Cap) -> set[str]:
        counted = {
            name: sum(days < cap.period.days and (topic == TOPIC or not cap.per_topic) for topic, days in messages)
            for name, messages in sent.items()
        }
        return {name for name, many in counted.items() if many >= cap.most}

    assert found == [reached(cap) for cap in caps[:-1]]
    assert found == [{"cecil"}, {"berta", "dana"}, {"anna"}, {"dana"}]


def test_a_wide_plan_is_cut_into_slices_and_can_be_finished_after_it_was_broken_off(
    house: House, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [house.person(f"guest{index}") for index in range(7)]
    monkeypatch.setattr(batches, "_SLICE", 3)
    delivery, database = house.placet.delivery, house.placet.database
    half = delivery.plan_widely(database, batch(now), numbers(*people[2:5]), now=now)
    whole = delivery.plan_widely(database, batch(now), numbers(*people), now=now)
    assert (half.planned, whole.planned) == (3, 4)
    with database.transaction() as connection:
        (count,) = batches.counts(connection, ["campaign/1/email"])
        assert (count.state, count.many) == (State.PLANNED, 7)
        assert batches.recipients(connection, "campaign/1/email", [State.PLANNED]) == numbers(*people)


@given(seed=st.integers(0, 10_000))
def test_parts_are_everyone_once_each_for_the_first_reason(seed: int) -> None:
    draw = random.Random(seed)
    people = BitMap(draw.sample(range(100), 40))
    hindered = [(reason, BitMap(draw.sample(range(100), 30))) for reason in (Refusal.MUTED, Refusal.CAP_ALL)]
    muted, capped, planned = batches.partition(people, hindered)
    assert (muted.numbers, capped.numbers) == (people & hindered[0][1], people & hindered[1][1] - hindered[0][1])
    assert planned.numbers == people - hindered[0][1] - hindered[1][1]
    assert (planned.state, planned.reason) == (State.PLANNED, None)
    assert all(isinstance(part, Part) for part in (muted, capped))


def test_a_batch_has_some_time_in_which_it_may_be_sent(now: datetime) -> None:
    with pytest.raises(BadInput):
        batch(now, not_after=now)


def test_what_was_ended_is_swept_once_and_never_looked_through_again(
    house: House, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "_SWEPT", 2)
    people = numbers(*(house.person(f"guest{index}") for index in range(3)))
    with house.placet.database.transaction() as connection:
        for key in ("campaign/1/email", "campaign/2/email"):
            plan(connection, house, batch(now, key), people)
        batches.end(connection, ["campaign/1/email"], now=now)
        batches.pause(connection, ["campaign/1/email"], now=now)
        batches.resume(connection, ["campaign/1/email"], now=now)
        assert [batches.sweep(connection, now=now) for _ in range(4)] == [2, 1, 0, 0]
        found = batches.counts(connection, ["campaign/1/email", "campaign/2/email"])
        assert sorted((one.key, one.state, one.reason, one.many) for one in found) == [
            ("campaign/1/email", "refused", "cancelled", 3),
            ("campaign/2/email", "planned", None, 3),
        ]
        assert connection.execute("SELECT count(*) FROM delivery.halted WHERE swept_at IS NULL").fetchone() == (0,)
