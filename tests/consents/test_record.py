"""Recording: positions, commitments, states, the feed, idempotency, erasure; on a real database."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from consents_support import CHANNELS, OFFERS, PlainRulebook, wish

from placet.consents import actions, store
from placet.consents.model import Outcome, Recorded, Refused, Wish
from placet.kernel import jcs
from placet.kernel.errors import BadInput
from placet.ledger.append import append_event
from placet.ledger.entries import commitment
from placet.store.database import Database
from placet.subjects.actions import Subjects
from placet.subjects.model import Subject


def say(database: Database, rulebook: PlainRulebook, now: datetime, *wishes: Wish) -> list[Outcome]:
    with database.transaction() as connection:
        return actions.record(connection, wishes, rulebook=rulebook, now=now)


def rows(database: Database, query: str) -> list[tuple[Any, ...]]:
    with database.transaction() as connection:
        return connection.execute(query.encode()).fetchall()


def test_positions_are_gapless_and_recorded_at_grows_when_the_clock_jumps_back(
    database: Database, rulebook: PlainRulebook, anna: Subject, now: datetime
) -> None:
    say(database, rulebook, now, wish(anna, "given"), wish(anna, "withdrawn"))
    say(database, rulebook, now - timedelta(days=2), wish(anna, "given"))
    found = rows(database, "SELECT position, recorded_at FROM ledger.record ORDER BY position")
    assert [position for position, _ in found] == [1, 2, 3]
    assert [when - now for _, when in found] == [timedelta(microseconds=i) for i in range(3)]
    assert rows(database, "SELECT position, recorded_at FROM ledger.head") == [found[-1]]


def test_entry_commits_to_the_stored_body_under_the_subjects_key(
    database: Database, rulebook: PlainRulebook, subjects: Subjects, anna: Subject, now: datetime
) -> None:
    (outcome,) = say(database, rulebook, now, wish(anna, "given", "sms"))
    assert isinstance(outcome, Recorded)
    ((body, entry),) = rows(database, "SELECT body, entry FROM ledger.record")
    with database.transaction() as connection:
        key = subjects.key(connection, anna.id)
    assert entry == commitment(key, outcome.record, body)
    parsed = jcs.parse(body)
    assert parsed["channel"] == "sms"
    assert parsed["notice"] == {"sha256": "07" * 32, "version": "1.0"}


def test_a_no_closes_the_purpose_and_every_channel_and_the_feed_says_so(
    database: Database, rulebook: PlainRulebook, anna: Subject, now: datetime
) -> None:
    say(database, rulebook, now, wish(anna, "given"), wish(anna, "given", "sms"), wish(anna, "withdrawn"))
    states = rows(database, "SELECT channel, decision FROM consents.state ORDER BY channel")
    assert states == [("", "withdrawn"), ("sms", "withdrawn")]
    feed = rows(database, "SELECT position, channel, decision FROM consents.change ORDER BY position, channel")
    assert feed == [(1, "", "given"), (2, "sms", "given"), (3, "", "withdrawn"), (3, "sms", "withdrawn")]


def test_an_older_yes_is_kept_and_ignored(
    database: Database, rulebook: PlainRulebook, anna: Subject, now: datetime
) -> None:
    say(database, rulebook, now, wish(anna, "withdrawn"))
    late = wish(anna, "given", route="post", occurred_at=now - timedelta(days=3))
    (outcome,) = say(database, rulebook, now + timedelta(hours=1), late)
    assert isinstance(outcome, Recorded)
    assert outcome.ignored
    assert rows(database, "SELECT decision FROM consents.state") == [("withdrawn",)]
    assert rows(database, "SELECT count(*) FROM ledger.record") == [(2,)]


def test_the_same_key_records_once_and_another_request_under_it_is_refused(
    database: Database, rulebook: PlainRulebook, anna: Subject, now: datetime
) -> None:
    first = wish(anna, "given", idempotency_key=b"k")
    (before,) = say(database, rulebook, now, first)
    (again,) = say(database, rulebook, now + timedelta(seconds=5), first)
    (other,) = say(database, rulebook, now, wish(anna, "withdrawn", idempotency_key=b"k"))
    assert isinstance(before, Recorded)
    assert isinstance(again, Recorded)
    assert (again.record, again.token, again.replayed) == (before.record, before.token, True)
    assert isinstance(other, Refused)
    assert other.code == "key-reused"
    assert rows(database, "SELECT count(*) FROM ledger.record") == [(1,)]


def test_the_same_key_twice_in_one_batch_records_once(
    database: Database, rulebook: PlainRulebook, anna: Subject, now: datetime
) -> None:
    one = wish(anna, "given", idempotency_key=b"k")
    first, second = say(database, rulebook, now, one, one)
    assert isinstance(second, Recorded)
    assert second.replayed
    assert isinstance(first, Recorded)
    assert first.record == second.record


def test_a_refused_wish_leaves_the_others_untouched(
    database: Database, rulebook: PlainRulebook, anna: Subject, now: datetime
) -> None:
    unknown = wish(anna, "given", channel=None, purpose="horoscopes")
    outcomes = say(database, rulebook, now, wish(anna, "given"), unknown, wish(anna, "withdrawn"))
    assert [isinstance(outcome, Recorded) for outcome in outcomes] == [True, False, True]
    assert rows(database, "SELECT position FROM ledger.record ORDER BY position") == [(1,), (2,)]


def test_evidence_is_sealed_and_only_its_hash_is_in_the_record(
    database: Database, rulebook: PlainRulebook, anna: Subject, now: datetime
) -> None:
    phone = wish(anna, "given", route="phone", occurred_at=now, evidence=b"recording 20260312-0815 +37120000001")
    say(database, rulebook, now, phone)
    ((body,),) = rows(database, "SELECT body FROM ledger.record")
    ((hash, sealed),) = rows(database, "SELECT hash, sealed FROM consents.evidence")
    assert jcs.parse(body)["evidence"] == hash.hex()
    assert b"37120000001" not in body + sealed


def test_an_expired_consent_gets_its_record_once(
    database: Database, rulebook: PlainRulebook, anna: Subject, now: datetime
) -> None:
    rulebook.valid_for = timedelta(days=30)
    say(database, rulebook, now, wish(anna, "given"))
    for _ in range(2):
        with database.transaction() as connection:
            actions.expire(connection, rulebook=rulebook, now=now + timedelta(days=30))
    assert rows(database, "SELECT decision FROM consents.state") == [("expired",)]
    assert rows(database, "SELECT count(*) FROM ledger.record") == [(2,)]


def test_history_pages_backwards_and_folds_to_the_states(
    database: Database, rulebook: PlainRulebook, anna: Subject, now: datetime
) -> None:
    say(database, rulebook, now, *[wish(anna, "given", channel) for channel in CHANNELS])
    with database.transaction() as connection:
        first = actions.history(connection, anna.id, limit=3)
        rest = actions.history(connection, anna.id, before=first[-1].position, limit=3)
        terms = rulebook.terms(connection)
        states = actions.states_as_of(connection, anna.id, terms=terms, at=None, known_at=None)
        assert states[OFFERS] == store.standing_of(connection, anna.number)[OFFERS]
    assert [record.channel for record in first + rest] == list(reversed(CHANNELS))


def test_erasure_forgets_states_and_evidence_and_leaves_the_ledger(
    database: Database, rulebook: PlainRulebook, subjects: Subjects, anna: Subject, now: datetime
) -> None:
    say(database, rulebook, now, wish(anna, "given", evidence=b"letter", route="post", occurred_at=now))
    before = rows(database, "SELECT * FROM ledger.record WHERE position = 1")
    with database.transaction() as connection:
        actions.erased(connection, anna.id, anna.number, now=now)
        subjects.erase_key(connection, anna.id, now)
    assert rows(database, "SELECT * FROM ledger.record WHERE position = 1") == before
    assert rows(database, "SELECT decision, entry FROM ledger.record WHERE position = 2") == [("erased", None)]
    assert rows(database, "SELECT count(*) FROM consents.state UNION ALL SELECT count(*) FROM consents.evidence") == [
        (0,),
        (0,),
    ]
    assert rows(database, "SELECT decision FROM consents.change WHERE position = 2") == [("erased",)]
    (outcome,) = say(database, rulebook, now, wish(anna, "given"))
    assert isinstance(outcome, Refused)
    assert outcome.code == "erased-subject"


def test_nothing_is_written_when_the_transaction_fails(
    database: Database, rulebook: PlainRulebook, anna: Subject, now: datetime
) -> None:
    def record_and_break() -> None:
        with database.transaction() as connection:
            actions.record(connection, [wish(anna, "given")], rulebook=rulebook, now=now)
            connection.execute("SELECT 1/0")

    with pytest.raises(psycopg.errors.DivisionByZero):
        record_and_break()
    assert rows(database, "SELECT position FROM ledger.head") == [(0,)]
    assert rows(database, "SELECT count(*) FROM consents.state") == [(0,)]


def test_an_event_too_long_for_the_log_is_refused(database: Database, now: datetime) -> None:
    with pytest.raises(BadInput, match="at most"), database.transaction() as connection:
        append_event(connection, {"type": "catalogue", "notes": "x" * 70_000}, now)
    assert rows(database, "SELECT position FROM ledger.head") == [(0,)]
