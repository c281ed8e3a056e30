"""Group commit under faults: what is acknowledged is there, what is retried is there once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from consents_support import PlainRulebook, wish

from faults import Proxy, proxied
from placet.consents.model import Recorded, Refused
from placet.consents.sequencer import Sequencer
from placet.kernel.errors import Unavailable
from placet.store.database import Database
from placet.subjects.model import Subject


def clock() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def sequencer(database: Database, rulebook: PlainRulebook) -> Iterator[Sequencer]:
    found = Sequencer(database, rulebook, clock)
    found.start()
    yield found
    found.stop()


@pytest.fixture
def faulty(app_url: str, tmp_path: Path, rulebook: PlainRulebook) -> Iterator[tuple[Sequencer, Proxy]]:
    if "host=" not in app_url:
        pytest.skip("the proxy stands before the embedded server's socket")
    with proxied(app_url, tmp_path / "p") as (url, proxy):
        database = Database(url, size=2, timeout=2)
        found = Sequencer(database, rulebook, clock)
        found.start()
        yield found, proxy
        proxy.heal()
        found.stop()
        database.close()


def count(database: Database) -> int:
    with database.transaction() as connection:
        row = connection.execute("SELECT count(*), max(position) FROM ledger.record").fetchone()
    assert row is not None
    assert row[0] == (row[1] or 0), "positions have a gap"
    return int(row[0])


def test_many_threads_get_each_their_own_answer_and_positions_have_no_gap(
    sequencer: Sequencer, database: Database, anna: Subject
) -> None:
    positions: list[int] = []

    def speak(name: int) -> None:
        for turn in range(20):
            (outcome,) = sequencer.record([wish(anna, "given", idempotency_key=b"%d/%d" % (name, turn))])
            assert isinstance(outcome, Recorded)
            positions.append(outcome.position)

    threads = [threading.Thread(target=speak, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(positions) == list(range(1, 161))
    assert count(database) == 160


def test_two_processes_worth_of_sequencers_with_the_same_keys_record_each_once(
    database: Database, rulebook: PlainRulebook, anna: Subject
) -> None:
    pair = [Sequencer(database, rulebook, clock) for _ in range(2)]
    for one in pair:
        one.start()
    futures = [one.submit([wish(anna, "given", idempotency_key=b"%d" % key)]) for key in range(50) for one in pair]
    answers = [future.result()[0] for future in futures]
    for one in pair:
        one.stop()
    assert all(isinstance(answer, Recorded) for answer in answers)
    assert count(database) == 50
    assert [a.position for a in answers[::2]] == [a.position for a in answers[1::2]]  # type: ignore[union-attr]


def test_one_submission_that_breaks_the_transaction_does_not_take_the_others_with_it(
    sequencer: Sequencer, database: Database, anna: Subject
) -> None:
    poison = wish(anna, "given", route="phone", evidence=b"ok", occurred_at=clock(), language="lv")
    broken = wish(anna, "withdrawn", purpose="off\x00ers")  # NUL: PostgreSQL refuses the whole statement
    futures = [sequencer.submit([one]) for one in (poison, broken, wish(anna, "withdrawn"))]
    assert isinstance(futures[0].result()[0], Recorded)
    with pytest.raises(Exception, match=r"NUL|0x00"):
        futures[1].result()
    assert isinstance(futures[2].result()[0], Recorded)
    assert count(database) == 2


def test_a_commit_whose_answer_is_lost_is_settled_and_not_written_twice(
    faulty: tuple[Sequencer, Proxy], database: Database, anna: Subject
) -> None:
    sequencer, proxy = faulty
    assert isinstance(sequencer.record([wish(anna, "given")])[0], Recorded)
    proxy.delay(0.3)
    future = sequencer.submit([wish(anna, "withdrawn", idempotency_key=b"k")])
    for _ in range(20):
        if future.done():
            break
        threading.Event().wait(0.1)
        proxy.cut()
    proxy.heal()
    try:
        answered = isinstance(future.result(timeout=30)[0], Recorded)
    except Unavailable:
        answered = False
    (again,) = sequencer.record([wish(anna, "withdrawn", idempotency_key=b"k")])
    assert isinstance(again, Recorded)
    if answered:
        assert again.replayed
    assert count(database) == 2


def test_while_the_database_is_away_decisions_answer_unavailable_and_work_again_afterwards(
    faulty: tuple[Sequencer, Proxy], database: Database, anna: Subject
) -> None:
    sequencer, proxy = faulty
    proxy.refuse()
    with pytest.raises(Unavailable):
        sequencer.record([wish(anna, "given")])
    proxy.heal()
    assert isinstance(sequencer.record([wish(anna, "given")])[0], Recorded)
    assert count(database) == 1


def test_a_rule_that_refuses_is_an_answer_and_not_a_failure(sequencer: Sequencer, anna: Subject) -> None:
    (outcome,) = sequencer.record([wish(anna, "given", shown=None)])
    assert isinstance(outcome, Refused)
    assert outcome.code == "notice-not-shown"
