"""Campaigns from the draft to their results: who may do what, who gets it, who does not and why."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import attrs
import pytest
from psycopg import Connection

from offers.campaign_house import ANNA, APP, BERTA, EMAIL, SMS, TRAVEL, Agency, brief, speaking, texts
from placet.bootstrap import Application
from placet.delivery.layout import Words
from placet.delivery.model import Sent
from placet.kernel.errors import PlacetError
from placet.purposes.offers import topics
from placet.purposes.offers.campaigns.model import Brief, Campaign, Condition, State, Texts
from placet.subjects.model import Subject


@pytest.fixture
def agency(placet: Application, now: datetime) -> Agency:
    """A Thursday, two in the afternoon in Riga."""
    return Agency(placet, now)


def refused(agency: Agency, act: Callable[[Connection], object]) -> str:
    """The code with which *act* is refused."""
    with pytest.raises(PlacetError) as error, agency.placet.database.transaction() as connection:
        act(connection)
    return error.value.code


def wish(agency: Agency, person: Subject, state: str) -> None:
    with agency.placet.database.transaction() as connection:
        agency.placet.offers.wishes.set(connection, person.id, TRAVEL, state, by="person", now=agency.now)  # type: ignore[arg-type]


def test_a_campaign_is_approved_by_somebody_else_than_who_wrote_or_submitted_it(agency: Agency, now: datetime) -> None:
    campaign = agency.submitted(brief(now))
    assert refused(agency, lambda c: agency.campaigns.approve(c, campaign.id, version=2, by=ANNA, now=now)) == (
        "own-campaign"
    )
    with agency.placet.database.transaction() as connection:
        approved = agency.campaigns.approve(connection, campaign.id, version=campaign.version, by=BERTA, now=now)
        steps = agency.campaigns.changes(connection, campaign.id)
    assert (approved.state, approved.approved_by) == (State.APPROVED, BERTA)
    assert [(step.what, step.by) for step in steps] == [("approved", BERTA), ("submitted", ANNA), ("created", ANNA)]


def test_what_was_submitted_is_not_edited_until_it_is_sent_back(agency: Agency, now: datetime) -> None:
    campaign = agency.submitted(brief(now))
    other = attrs.evolve(campaign.brief, name="Summer")

    def edit(connection: Connection, version: int) -> Campaign:
        return agency.campaigns.edit(connection, campaign.id, other, version=version, by=ANNA, now=now)

    assert refused(agency, lambda c: edit(c, campaign.version)) == "campaign-state"
    with agency.placet.database.transaction() as connection:
        back = agency.campaigns.send_back(
            connection, campaign.id, version=campaign.version, by=BERTA, reason="the price is wrong", now=now
        )
    assert (back.state, back.reason, back.submitted_by) == (State.DRAFT, "the price is wrong", None)
    assert refused(agency, lambda c: edit(c, campaign.version)) == "campaign-changed"
    with agency.placet.database.transaction() as connection:
        edited = edit(connection, back.version)
    assert agency.get(campaign).brief == edited.brief == other
    assert edited.reason is None


def test_a_campaign_without_a_text_in_every_language_is_not_submitted(agency: Agency, now: datetime) -> None:
    said = texts()
    said["ru"] = attrs.evolve(said["ru"], email=None)
    said["en"] = attrs.evolve(said["en"], email=attrs.evolve(said["en"].email, paragraphs=("Hello {{ nobody }}!",)))
    written = brief(now, EMAIL, texts=said)
    with agency.placet.database.transaction() as connection:
        wrong = agency.campaigns.problems(connection, written, now=now)
    assert [(one.code, one.channel, one.language) for one in wrong] == [
        ("missing-language", EMAIL, "ru"),
        ("broken-text", EMAIL, "en"),
    ]
    campaign = agency.draft(written)
    assert refused(agency, lambda c: agency.campaigns.submit(c, campaign.id, version=1, by=ANNA, now=now)) == (
        "campaign-not-ready"
    )


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"channels": ()}, "no-channel"),
        ({"criteria": (Condition("shoe-size", ("44",)),)}, "unknown-attribute"),
        ({"criteria": (Condition("language", ("de",)),)}, "bad-criteria"),
        ({"kind": "smart", "channels": (SMS,)}, "smart-is-email"),
        ({"texts": {"lv": Texts(email=Words("Re: atbilde", "x", ("y",)))}}, "looks-like-an-answer"),
    ],
)
def test_what_cannot_be_sent_is_said_while_it_is_written(agency: Agency, now: datetime, more, code) -> None:
    with agency.placet.database.transaction() as connection:
        wrong = agency.campaigns.problems(connection, brief(now, **more), now=now)
    assert code in {one.code for one in wrong}


def test_the_worker_plans_a_campaign_once_for_those_whom_it_is_for(agency: Agency, now: datetime) -> None:
    anna, ivan = agency.customer(EMAIL), agency.customer(EMAIL, language="ru")
    only_sms, silent = agency.customer(SMS), agency.customer()
    campaign = agency.running(brief(now, criteria=(speaking("ru", negated=True),)))
    assert campaign.state is State.RUNNING
    agency.campaigns.round(now)
    planned = {person: agency.house.states(person) for person in (anna, ivan, only_sms, silent)}
    assert planned == {anna: [("planned", None)], ivan: [], only_sms: [], silent: []}
    with agency.placet.database.transaction() as connection:
        chosen = agency.campaigns.selections(connection, campaign.id)[EMAIL]
        audience = agency.placet.gate.kept_audience(connection, chosen.audience)
    assert (chosen.planned, chosen.refused, chosen.held_out, list(audience.members)) == (1, 0, 0, [anna.number])
    assert {why: many for why, many in chosen.excluded.items() if many} == {
        "criteria": 1, "no-decision": 1, "no-channel": 1,
    }  # fmt: skip


def test_each_person_gets_it_once_through_the_first_channel_that_they_allow(agency: Agency, now: datetime) -> None:
    both, only_app = agency.customer(APP, EMAIL), agency.customer(APP)
    written = brief(now, EMAIL, APP)
    assert agency.excluded(written) == [(1, {"no-channel": 1}), (1, {"earlier-channel": 1})]
    agency.running(written)
    with agency.placet.database.transaction() as connection:
        shown = {
            person.number: [one.channel for one in agency.placet.delivery.of_subject(connection, person.id)]
            for person in (both, only_app)
        }
    assert shown == {both.number: [EMAIL], only_app.number: [APP]}


def test_the_live_count_names_each_reason_and_says_what_the_plan_will_be(agency: Agency, now: datetime) -> None:
    wanting, never, _gone = agency.customer(EMAIL), agency.customer(EMAIL), agency.customer(EMAIL, address=False)
    wish(agency, wanting, "want")
    wish(agency, never, "never")
    agency.customer()
    assert agency.excluded(brief(now)) == [(1, {"no-decision": 1, "muted": 1, "no-address": 1})]
    asking = brief(now, criteria=(Condition("wish", ("neutral",)),))
    assert agency.excluded(asking) == [(0, {"criteria": 2, "no-decision": 1, "no-address": 1})]
    campaign = agency.running(brief(now))
    assert [agency.house.states(person)[0][1] for person in (wanting, never, _gone)] == [None, "muted", "no-address"]
    with agency.placet.database.transaction() as connection:
        (progress,) = agency.campaigns.progress(connection, campaign.id)
    assert progress.states == {"planned": 1, "refused": 2}
    assert progress.reasons == {"muted": 1, "no-address": 1}


def test_the_letter_calls_each_person_as_their_language_does(agency: Agency, now: datetime) -> None:
    agency.customer(EMAIL, name="Jānis Bērziņš")
    campaign = agency.running(brief(now))
    (sent,) = agency.house.claim().started
    letter = agency.placet.offers.letter(sent.template, sent.language)
    assert letter is not None
    assert "Sveiki, Jāni!" in letter.html.fill({**sent.values, "stop_link": "https://amigo.lv/u/T"})
    assert sent.template == campaign.template
    assert agency.placet.offers.letter("campaign/00000000-0000-4000-8000-000000000000", "lv") is None


def test_a_paused_campaign_starts_nothing_and_goes_on_where_it_stood(agency: Agency, now: datetime) -> None:
    person = agency.customer(EMAIL)
    campaign = agency.running(brief(now))
    with agency.placet.database.transaction() as connection:
        agency.campaigns.pause(connection, campaign.id, by=ANNA, now=now)
    assert agency.house.claim().waiting == 1
    assert agency.house.claim(after=timedelta(minutes=5)).started == ()
    with agency.placet.database.transaction() as connection:
        agency.campaigns.resume(connection, campaign.id, by=ANNA, now=now + timedelta(minutes=6))
    assert len(agency.house.claim(after=timedelta(minutes=6)).started) == 1
    assert agency.house.states(person) == [("sending", None)]


def test_a_stopped_campaign_never_starts_again_and_its_rows_say_so(agency: Agency, now: datetime) -> None:
    person = agency.customer(EMAIL)
    campaign = agency.running(brief(now))
    with agency.placet.database.transaction() as connection:
        agency.campaigns.stop(connection, campaign.id, by=BERTA, reason="the price is wrong", now=now)
    assert agency.house.claim().started == ()
    agency.campaigns.round(now)
    assert agency.house.states(person) == [("refused", "cancelled")]
    assert refused(agency, lambda c: agency.campaigns.resume(c, campaign.id, by=ANNA, now=now)) == "campaign-state"


def test_a_topic_that_ends_stops_its_campaigns_with_the_reason(
    agency: Agency, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = agency.customer(EMAIL)
    campaign = agency.running(brief(now))
    left = {topic.id: topic for topic in topics.all() if topic.id != TRAVEL}
    monkeypatch.setattr(topics, "_read", lambda: left)
    agency.campaigns.round(now)
    stopped = agency.get(campaign)
    assert (stopped.state, stopped.reason) == (State.STOPPED, "topic-ended")
    assert agency.house.states(person) == [("refused", "cancelled")]


def test_a_campaign_waits_for_its_time_and_ends_with_it(agency: Agency, now: datetime) -> None:
    person = agency.customer(EMAIL)
    later = now + timedelta(days=1)
    campaign = agency.running(brief(now, starts_at=later, ends_at=later + timedelta(days=1)))
    assert (campaign.state, agency.house.states(person)) == (State.APPROVED, [])
    agency.campaigns.round(later)
    assert agency.house.states(person) == [("planned", None)]
    agency.campaigns.round(later + timedelta(days=1))
    assert agency.get(campaign).state is State.FINISHED
    assert agency.house.states(person) == [("refused", "cancelled")]


def test_those_held_out_get_nothing_and_are_what_the_results_compare_with(agency: Agency, now: datetime) -> None:
    people = [agency.customer(EMAIL) for _ in range(24)]
    campaign = agency.running(brief(now, holdout=50))
    got = [person for person in people if agency.house.states(person)]
    held = [person for person in people if not agency.house.states(person)]
    assert got
    assert held
    started = agency.house.claim(limit=30).started
    agency.house.settle({one.id: Sent() for one in started})
    wish(agency, got[0], "never")
    agency.house.say(got[1], "withdrawn")
    with agency.placet.database.transaction() as connection:
        (result,) = agency.campaigns.results(connection, campaign.id)
        chosen = agency.campaigns.selections(connection, campaign.id)[EMAIL]
    effects = {one.what: one for one in result.effects}
    assert (chosen.held_out, result.progress.states) == (len(held), {"sent": len(got)})
    for what in ("topic-stopped", "withdrawn"):
        one = effects[what]
        assert (one.sent.part, one.sent.whole, one.held_out.part, one.held_out.whole) == (1, len(got), 0, len(held))
        assert one.low < 0 < one.difference < one.high


def test_smart_campaigns_compete_and_each_person_gets_one_at_most(agency: Agency, now: datetime) -> None:
    people = [agency.customer(EMAIL) for _ in range(4)]

    def sort(_connection, competing, audience, _now):
        assert {topic for _, topic, _ in competing} == {"travel", "phones"}
        (first, _, numbers), (second, _, _) = competing
        return {first: numbers & type(numbers)([people[0].number, people[1].number]), second: type(numbers)()}

    agency.placet = attrs.evolve(
        agency.placet,
        offers=attrs.evolve(agency.placet.offers, campaigns=attrs.evolve(agency.campaigns, sort=sort)),
    )
    smart: Brief = brief(now, kind="smart")
    agency.approved(smart)
    agency.approved(attrs.evolve(smart, topic=topics.TopicId("phones")))
    agency.campaigns.round(now)
    agency.campaigns.round(now)
    assert [len(agency.house.states(person)) for person in people] == [1, 1, 0, 0]


def test_a_draft_is_neither_paused_nor_about_a_topic_that_does_not_exist(agency: Agency, now: datetime) -> None:
    campaign = agency.draft(brief(now))
    assert refused(agency, lambda c: agency.campaigns.pause(c, campaign.id, by=ANNA, now=now)) == "campaign-state"
    unknown = brief(now, topic="weather")
    assert refused(agency, lambda c: agency.campaigns.create(c, unknown, by=ANNA, now=now)) == "unknown-topic"
