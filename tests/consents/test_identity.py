"""Lines that change hands and identities that were one person, as records."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from consents_support import OFFERS, USAGE, PlainRulebook, wish

from placet.consents import actions, identity, store
from placet.consents.model import Actor, Recorded, Refused
from placet.kernel.ids import ChannelId, MandateId, new_subject_id
from placet.store.database import Database
from placet.subjects.actions import Subjects
from placet.subjects.model import Alias, Subject

SMS = ChannelId("sms")
LINE = Alias.msisdn("+37120000077")
TIED = ((USAGE, None), (OFFERS, SMS))


@pytest.fixture
def ivan(database: Database, subjects: Subjects, now: datetime) -> Subject:
    with database.transaction() as connection:
        return subjects.add(connection, aliases=[], language="ru", now=now)


def states(database: Database, person: Subject) -> dict[str, str]:
    with database.transaction() as connection:
        found = store.standing_of(connection, person.number)
    return {
        f"{purpose}/{channel or '-'}": state.decision.value
        for purpose, standing in found.items()
        for channel, state in standing.items()
    }


def say(database: Database, rulebook: PlainRulebook, now: datetime, *wishes: object) -> None:
    with database.transaction() as connection:
        outcomes = actions.record(connection, wishes, rulebook=rulebook, now=now)  # type: ignore[arg-type]
    assert all(isinstance(outcome, Recorded) for outcome in outcomes)


def test_a_sim_swap_suspends_what_is_tied_to_the_line_until_it_is_confirmed(
    database: Database, rulebook: PlainRulebook, subjects: Subjects, anna: Subject, now: datetime
) -> None:
    with database.transaction() as connection:
        subjects.add_line(connection, LINE, since=now - timedelta(days=30))
        subjects.add_role(connection, LINE, anna.id, "holder", since=now - timedelta(days=30))
    say(database, rulebook, now, wish(anna, "given"), wish(anna, "given", "sms"), wish(anna, "given", "email"))
    swapped = now + timedelta(hours=1)
    with database.transaction() as connection:
        found = subjects.line_event(connection, LINE, "sim-swap", TIED, occurred_at=swapped, now=swapped)
        outcomes = identity.suspend(connection, found, occurred_at=swapped, rulebook=rulebook, now=swapped)
    assert [type(outcome) for outcome in outcomes] == [Recorded]
    assert states(database, anna) == {"offers/-": "given", "offers/sms": "suspended", "offers/email": "given"}
    say(database, rulebook, swapped + timedelta(hours=1), wish(anna, "given", "sms"))
    assert states(database, anna)["offers/sms"] == "given"


def test_merging_keeps_the_more_restrictive_of_each_two_states(
    database: Database, rulebook: PlainRulebook, subjects: Subjects, anna: Subject, ivan: Subject, now: datetime
) -> None:
    say(database, rulebook, now, wish(anna, "given"), wish(anna, "given", "sms"), wish(anna, "given", "email"))
    say(database, rulebook, now, wish(ivan, "given"), wish(ivan, "withdrawn", "sms"), wish(ivan, "refused", "post"))
    with database.transaction() as connection:
        identity.merge(connection, anna.id, ivan.id, rulebook=rulebook, now=now + timedelta(hours=1))
        subjects.merge(connection, anna.id, ivan.id)
    assert states(database, anna) == {
        "offers/-": "given",
        "offers/sms": "withdrawn",
        "offers/email": "suspended",  # the other identity never said yes to it
        "offers/post": "refused",
    }
    assert states(database, ivan)["offers/-"] == "suspended"
    with database.transaction() as connection:
        assert subjects.get(connection, ivan.id).id == anna.id


@pytest.mark.parametrize("before", [None, "withdrawn"], ids=["nobody had spoken", "a parent had said no"])
def test_an_own_no_of_the_merged_identity_stands_against_representatives(
    database: Database,
    rulebook: PlainRulebook,
    subjects: Subjects,
    anna: Subject,
    ivan: Subject,
    now: datetime,
    before: str | None,
) -> None:
    rulebook.mandates = True
    mandate = {"actor": Actor("representative", str(new_subject_id())), "mandate": MandateId(UUID(int=4))}
    if before is not None:
        say(database, rulebook, now, wish(anna, before, **mandate))
    say(database, rulebook, now, wish(ivan, "withdrawn"))
    later = now + timedelta(hours=1)
    with database.transaction() as connection:
        identity.merge(connection, anna.id, ivan.id, rulebook=rulebook, now=later)
        subjects.merge(connection, anna.id, ivan.id)
        (refused,) = actions.record(connection, [wish(anna, "given", **mandate)], rulebook=rulebook, now=later)
        assert isinstance(refused, Refused)
        assert refused.code == "own-no-wins"
        (own,) = actions.record(connection, [wish(anna, "given")], rulebook=rulebook, now=later + timedelta(hours=1))
        assert isinstance(own, Recorded)


def test_a_no_is_merged_over_what_had_only_lapsed_and_is_not_said_twice(
    database: Database, rulebook: PlainRulebook, subjects: Subjects, anna: Subject, ivan: Subject, now: datetime
) -> None:
    system = Actor("system")
    say(database, rulebook, now, wish(anna, "given"), wish(anna, "withdrawn", "post"))
    say(database, rulebook, now + timedelta(minutes=1), wish(anna, "suspended", actor=system, route="api"))
    say(database, rulebook, now, wish(ivan, "withdrawn"), wish(ivan, "withdrawn", "post"))
    with database.transaction() as connection:
        outcomes = identity.merge(connection, anna.id, ivan.id, rulebook=rulebook, now=now + timedelta(hours=1))
    assert len(outcomes) == 1
    assert states(database, anna) == {"offers/-": "withdrawn", "offers/post": "withdrawn"}
