"""Lines that change hands and identities that were one person, as records."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from consents_support import OFFERS, USAGE, PlainRulebook, wish

from placet.consents import actions, identity, store
from placet.consents.model import Recorded
from placet.kernel.ids import ChannelId
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
