"""States and feed derived again from the ledger are those that were written while people decided."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import attrs
import psycopg
import pytest
from click.testing import CliRunner
from consents_support import CHANNELS, OFFERS, TEXT, USAGE, PlainRulebook, wish
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from placet.bootstrap import Application
from placet.consents import actions
from placet.consents.model import Actor, Decision, Provenance, Wish
from placet.consents.rebuild import Edition, check_states, rebuild_feed, rebuild_states
from placet.consents.rules import OWN_NO_MERGED
from placet.interfaces.cli.ledger import ledger_group
from placet.ledger.append import append_event
from placet.store.database import Database
from placet.subjects.actions import Subjects
from placet.subjects.model import Subject

NOON = datetime(2026, 3, 12, 12, tzinfo=UTC)
STATES = "SELECT * FROM consents.state ORDER BY number, purpose, channel"
FEED = (
    "SELECT position, number, purpose, channel, decision, notice_major, expires_at FROM consents.outbox"
    " ORDER BY position, purpose, channel"
)


@contextmanager
def opened(url: str) -> Iterator[Database]:
    """As a worker process opens it."""
    database = Database(url, size=2)
    try:
        yield database
    finally:
        database.close()


def rows(database: Database, query: str) -> list[tuple[Any, ...]]:
    with database.transaction() as connection:
        return connection.execute(query.encode()).fetchall()


def forget(database: Database, *statements: str) -> None:
    """Change the projections behind the program's back."""
    with database.transaction() as connection:
        for statement in statements:
            connection.execute(statement.encode())


def editions(rulebook: PlainRulebook, database: Database) -> list[Edition]:
    with database.transaction() as connection:
        return [Edition(0, rulebook.terms(connection))]


def say(database: Database, rulebook: PlainRulebook, now: datetime, *wishes: Wish) -> None:
    with database.transaction() as connection:
        actions.record(connection, wishes, rulebook=rulebook, now=now)


said = st.fixed_dictionaries(
    {
        "who": st.integers(0, 2),
        "purpose": st.sampled_from([OFFERS, OFFERS, USAGE]),
        "channel": st.sampled_from([None, None, *CHANNELS[:2]]),
        "decision": st.sampled_from([*Decision, Decision.GIVEN, Decision.GIVEN, Decision.WITHDRAWN]),
        "hours_ago": st.sampled_from([None, None, 1, 2, 3]),
        "system": st.booleans(),
    }
)


def wished(people: Sequence[Subject], each: dict[str, Any]) -> Wish:
    """What people say comes by import, so that it may be older than what was said before; the rest is the system's."""
    lapse = each["decision"] not in {"given", "refused", "withdrawn", "objected"}
    return Wish(
        people[each["who"]].id,
        each["purpose"],
        each["decision"],
        "api" if lapse else "import",
        Actor("system") if lapse or each["system"] else Actor("client" if each["who"] else "subject"),
        channel=each["channel"],
        notice_version="1.0",
        occurred_at=None if each["hours_ago"] is None else NOON - timedelta(hours=each["hours_ago"]),
        provenance=Provenance("crm", "B", NOON),
        reason=OWN_NO_MERGED if each["system"] else None,
    )


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(said, min_size=1, max_size=8), min_size=1, max_size=4), st.integers(0, 5))
def test_states_and_feed_are_those_of_the_live_fold(
    app_url: str,
    database: Database,
    subjects: Subjects,
    batches: list[list[dict[str, Any]]],
    erased: int,
) -> None:
    rulebook = PlainRulebook(subjects, valid_for=timedelta(days=365))
    with database.transaction() as connection:
        people = [subjects.add(connection, aliases=[], language="lv", now=NOON) for _ in range(3)]
    for hour, batch in enumerate(batches):
        say(database, rulebook, NOON + timedelta(hours=hour), *(wished(people, each) for each in batch))
    if erased < len(people):
        with database.transaction() as connection:
            subjects.erase_key(connection, people[erased].id, NOON)
            actions.erased(connection, people[erased].id, people[erased].number, now=NOON + timedelta(days=1))
    states, feed = rows(database, STATES), rows(database, FEED)
    opener, known = partial(opened, app_url), editions(rulebook, database)

    assert rebuild_states(opener, known).mended == 0
    assert rebuild_feed(opener, known).mended == 0
    forget(database, "DELETE FROM consents.state", "DELETE FROM consents.outbox")
    assert rebuild_states(opener, known).right == len(states)
    assert rebuild_feed(opener, known).right == len(feed)
    assert rows(database, STATES) == states
    assert rows(database, FEED) == feed


@pytest.fixture
def spoken(database: Database, rulebook: PlainRulebook, anna: Subject, now: datetime) -> Subject:
    say(database, rulebook, now, wish(anna, "given"), wish(anna, "given", "sms"), wish(anna, "refused", "email"))
    return anna


@pytest.mark.parametrize(
    "wrong",
    [
        "UPDATE consents.state SET decision = 'given' WHERE channel = 'email'",
        "UPDATE consents.state SET closed_at = NULL, closed_by_self = false",
        "UPDATE consents.state SET expires_at = now()",
        "DELETE FROM consents.state WHERE channel = 'sms'",
        "INSERT INTO consents.state SELECT number, 'usage', '', 'given', 9, now(), now() FROM consents.state LIMIT 1",
        "INSERT INTO consents.state VALUES (999999, 'offers', '', 'given', 9, now(), now())",
    ],
)
def test_a_state_that_the_ledger_does_not_lead_to_is_put_right(
    wrong: str, app_url: str, database: Database, rulebook: PlainRulebook, spoken: Subject
) -> None:
    states = rows(database, STATES)
    forget(database, wrong)
    edited = rows(database, STATES)
    assert edited != states
    checked = check_states(partial(opened, app_url), editions(rulebook, database))
    assert checked.mended > 0
    assert rows(database, STATES) == edited
    rebuilt = rebuild_states(partial(opened, app_url), editions(rulebook, database))
    assert rebuilt.right == 3
    assert rebuilt.mended == checked.mended
    assert rows(database, STATES) == states
    assert check_states(partial(opened, app_url), editions(rulebook, database)).mended == 0


@pytest.mark.parametrize(
    "wrong",
    [
        "UPDATE consents.outbox SET decision = 'given'",
        "DELETE FROM consents.outbox WHERE position = 2",
        "INSERT INTO consents.outbox (position, item, number, purpose, decision) VALUES (2, 7, 1, 'usage', 'given')",
        "INSERT INTO consents.outbox (position, item, number, purpose, decision) VALUES (70, 0, 1, 'usage', 'given')",
    ],
)
def test_a_change_that_the_ledger_does_not_tell_is_put_right(
    wrong: str, app_url: str, database: Database, rulebook: PlainRulebook, spoken: Subject
) -> None:
    feed = rows(database, FEED)
    forget(database, wrong)
    assert rebuild_feed(partial(opened, app_url), editions(rulebook, database)).mended > 0
    assert rows(database, FEED) == feed


def test_a_consent_ends_as_the_catalogue_of_its_time_said(
    app_url: str, database: Database, rulebook: PlainRulebook, subjects: Subjects, anna: Subject, now: datetime
) -> None:
    before, after = (PlainRulebook(subjects, valid_for=timedelta(days=days)) for days in (100, 200))
    say(database, before, now, wish(anna, "given"))
    say(database, after, now, wish(anna, "given", "sms"))
    states = rows(database, STATES)
    with database.transaction() as connection:
        known = [Edition(0, before.terms(connection)), Edition(1, after.terms(connection))]
    assert rebuild_states(partial(opened, app_url), known).mended == 0
    wrong = [attrs.evolve(known[0], terms=known[1].terms)]
    assert rebuild_states(partial(opened, app_url), wrong).mended == 1
    assert rebuild_states(partial(opened, app_url), known).mended == 1
    assert rows(database, STATES) == states


def test_a_publication_that_ended_consents_is_in_the_feed_again(
    app_url: str, database: Database, rulebook: PlainRulebook, spoken: Subject, now: datetime
) -> None:
    with database.transaction() as connection:
        position = append_event(connection, {"type": "catalogue"}, now)
        actions.published(connection, position, [(OFFERS, 2)])
    known = [*editions(rulebook, database), Edition(position, {}, ((OFFERS, 2),))]
    feed = rows(database, FEED)
    assert rebuild_feed(partial(opened, app_url), known).mended == 0
    forget(database, "DELETE FROM consents.outbox")
    assert rebuild_feed(partial(opened, app_url), known).right == len(feed)
    assert rows(database, FEED) == feed


def test_what_is_decided_meanwhile_is_taken_in(
    app_url: str, database: Database, rulebook: PlainRulebook, spoken: Subject, now: datetime
) -> None:
    """The head is held by a decision while the rebuild has read; it must not write what was before it."""
    forget(database, "DELETE FROM consents.state")
    with psycopg.connect(app_url) as other:
        actions.record(other, [wish(spoken, "withdrawn")], rulebook=rulebook, now=now)
        worker = threading.Thread(
            target=rebuild_states, args=(partial(opened, app_url), editions(rulebook, database)), daemon=True
        )
        worker.start()
        worker.join(timeout=1)
        assert worker.is_alive()
        other.commit()
        worker.join(timeout=30)
    assert not worker.is_alive()
    assert rows(database, "SELECT DISTINCT decision, position FROM consents.state") == [("withdrawn", 4)]


def test_two_processes_rebuild_what_one_does(
    monkeypatch: pytest.MonkeyPatch,
    app_url: str,
    database: Database,
    rulebook: PlainRulebook,
    subjects: Subjects,
    now: datetime,
) -> None:
    monkeypatch.setattr("placet.consents.rebuild._SLICE", 4)
    with database.transaction() as connection:
        people = [subjects.add(connection, aliases=[], language="lv", now=now) for _ in range(12)]
    say(database, rulebook, now, *(wish(each, "given", shown=TEXT) for each in people))
    states = rows(database, STATES)
    with database.transaction() as connection:
        connection.execute("DELETE FROM consents.state")
    rebuilt = rebuild_states(partial(opened, app_url), editions(rulebook, database), processes=2)
    assert (rebuilt.right, rebuilt.mended) == (12, 12)
    assert rows(database, STATES) == states


def test_the_command_says_what_it_mended(placet: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("database_url", "data_dir", "master_key"):
        monkeypatch.setenv(f"PLACET_{name.upper()}", str(getattr(placet.config, name)))
    with placet.database.transaction() as connection:
        person = placet.subjects.add(connection, aliases=[], language="lv", now=NOON)
        no = Wish(person.id, OFFERS, "refused", "portal", Actor("subject"))
        actions.record(connection, [no], rulebook=placet.rulebook, now=NOON)
    forget(placet.database, "DELETE FROM consents.state")
    told = CliRunner().invoke(ledger_group, ["rebuild", "--states", "--json"])
    assert json.loads(told.stdout) == {"states": {"right": 1, "mended": 1}, "feed": {"right": 1, "mended": 0}}
    assert rows(placet.database, "SELECT decision FROM consents.state") == [("refused",)]
    told = CliRunner().invoke(ledger_group, ["rebuild", "--states"])
    assert (
        told.stdout
        == "1 states are right, 0 of them were mended\n1 changes are right, 0 positions of them were mended\n"
    )
