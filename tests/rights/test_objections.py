"""Objection (GDPR 21): direct marketing ends at once, a legitimate interest is weighed by a member."""

from __future__ import annotations

from datetime import datetime
from uuid import uuid4

import pytest
from rights_people import add

from placet.bootstrap import Application
from placet.catalogue.model import Catalogue
from placet.consents.model import Actor, Recorded
from placet.consents.store import standing_of
from placet.kernel.errors import BadInput
from placet.kernel.ids import ActivityId, ChannelId, PurposeId
from placet.rights import objections
from placet.rights.objections import Answer, Filed, Objection, Stopped, object_to
from placet.subjects.model import Subject


@pytest.fixture
def zane(placet: Application, now: datetime) -> Subject:
    return add(placet, "+37126123456", now)


@pytest.fixture
def catalogue(placet: Application) -> Catalogue:
    with placet.database.transaction() as connection:
        return placet.catalogue(connection)


def say(placet: Application, objection: Objection, now: datetime, by: Actor | None = None) -> Answer:
    with placet.database.transaction() as connection:
        return object_to(
            connection,
            objection,
            catalogue=placet.catalogue(connection),
            rulebook=placet.rulebook,
            requests=placet.requests,
            text="Es iebilstu",
            route="email",
            actor=by or Actor("subject", str(objection.subject)),
            now=now,
        )


def states(placet: Application, person: Subject) -> dict[tuple[str, str | None], str]:
    with placet.database.transaction() as connection:
        standings = standing_of(connection, person.number)
    return {
        (purpose, channel): state.decision.value
        for purpose, standing in standings.items()
        for channel, state in standing.items()
    }


def test_amigos_direct_marketing_is_what_sends_offers(catalogue: Catalogue) -> None:
    assert objections.marketing(catalogue) == ["offers", "location", "loyalty-offers"]


def test_an_objection_to_marketing_ends_all_of_it_at_once(placet: Application, zane: Subject, now: datetime) -> None:
    answer = say(placet, Objection(zane.id, None), now)
    assert isinstance(answer, Stopped)
    assert all(isinstance(outcome, Recorded) for outcome in answer.outcomes)
    closed = states(placet, zane)
    assert {closed[purpose, None] for purpose in ("offers", "location", "loyalty-offers")} == {"objected"}
    assert ("profiling", None) not in closed
    with placet.database.transaction() as connection:
        assert placet.requests.of_subject(connection, zane.id) == []


def test_an_objection_to_one_channel_or_campaign_ends_that(placet: Application, zane: Subject, now: datetime) -> None:
    say(placet, Objection(zane.id, PurposeId("offers"), ChannelId("sms")), now)
    assert states(placet, zane) == {("offers", "sms"): "objected"}
    say(placet, Objection(zane.id, ActivityId("offers.email-campaign")), now)
    assert states(placet, zane) == {("offers", "sms"): "objected", ("offers", "email"): "objected"}


def test_an_objection_to_a_legitimate_interest_is_a_request_that_names_it(
    placet: Application, catalogue: Catalogue, zane: Subject, now: datetime
) -> None:
    (interest, *_) = objections.may_object(catalogue)
    answer = say(placet, Objection(zane.id, interest), now)
    assert isinstance(answer, Filed)
    assert (answer.request.kind, answer.request.concerns, answer.request.text) == ("objection", interest, "Es iebilstu")
    assert states(placet, zane) == {}


def test_what_rests_on_law_or_contract_cannot_be_objected_to_and_it_says_what_can_be_done(
    placet: Application, catalogue: Catalogue, zane: Subject, now: datetime
) -> None:
    lawful = [one.id for one in catalogue.activities.values() if one.legal_basis in {"contract", "legal-obligation"}]
    assert lawful
    for activity in lawful:
        if catalogue.activities[activity].needs:
            continue
        with pytest.raises(BadInput, match="complaint") as refused:
            say(placet, Objection(zane.id, activity), now)
        assert refused.value.code == "no-objection"
    with pytest.raises(BadInput):
        say(placet, Objection(zane.id, ActivityId(f"offers.{uuid4()}")), now)
    assert states(placet, zane) == {}


def test_a_representative_objects_to_what_the_mandate_covers_and_to_nothing_else(
    placet: Application, zane: Subject, now: datetime
) -> None:
    parent = add(placet, "+37126000002", now)
    by = Actor("representative", str(parent.id))
    with pytest.raises(BadInput) as refused:
        say(placet, Objection(zane.id, None), now, by)
    assert refused.value.code == "no-mandate"
    with placet.database.transaction() as connection:
        placet.subjects.add_mandate(
            connection, representative=parent.id, subject=zane.id, kind="guardian",
            purposes=[PurposeId("offers")], proof="No. 1", since=now,
        )  # fmt: skip
    answer = say(placet, Objection(zane.id, None), now, by)
    assert isinstance(answer, Stopped)
    assert sum(isinstance(outcome, Recorded) for outcome in answer.outcomes) == 1
    assert {purpose for purpose, _ in states(placet, zane)} == {"offers"}
