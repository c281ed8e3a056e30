from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

import attrs
import numpy as np
import pytest
from gate_clocks import Clocks

from placet.gate.feed import Feed
from placet.gate.memory import Memory
from placet.gate.model import Token
from placet.gate.replica import Replica
from placet.gate.view import CODES

LATER = 10.0


@pytest.fixture
def clocks(now) -> Clocks:
    return Clocks(now)


@pytest.fixture
def replica(database, clocks, tmp_path) -> Replica:
    memory = Memory(bound=2.0)
    return Replica(memory, Feed(memory, database, tmp_path / "snapshot", clock=clocks.wall, monotonic=clocks.monotonic))


def ask(replica: Replica, clocks: Clocks, number: int, asked: str, token: Token | None = None) -> str:
    told = replica.check(number, asked, token, clocks.monotonic())
    return "yes" if told.allowed else told.reason


def look(replica: Replica) -> None:
    replica.catch_up()


def test_replica_that_has_heard_nothing_says_stale(replica, clocks) -> None:
    assert ask(replica, clocks, 1, "offers") == "stale"


def test_replica_loads_what_is_there(town, replica, clocks) -> None:
    town.say(1, "offers", "given")
    town.say(2, "offers", "withdrawn")
    town.say(3, "offers", "suspended")
    town.say(4, "offers", "requested")
    look(replica)
    assert [ask(replica, clocks, n, "offers") for n in (1, 2, 3, 4, 5)] == [
        "yes",
        "closed",
        "lapsed",
        "no-decision",
        "no-decision",
    ]


def test_replica_follows(town, replica, clocks) -> None:
    look(replica)
    town.say(70_000, "offers", "given")
    look(replica)
    assert ask(replica, clocks, 70_000, "offers") == "yes"
    town.say(70_000, "offers", "withdrawn")
    look(replica)
    assert ask(replica, clocks, 70_000, "offers") == "closed"
    town.say(70_000, "offers", "given")
    town.erase(70_000)
    look(replica)
    assert ask(replica, clocks, 70_000, "offers") == "no-decision"


def test_replica_never_answers_beyond_the_staleness_bound(town, replica, clocks) -> None:
    town.say(1, "offers", "given")
    look(replica)
    clocks.pass_(1.999)
    assert ask(replica, clocks, 1, "offers") == "yes"
    clocks.pass_(0.001)
    assert ask(replica, clocks, 1, "offers") == "stale"
    look(replica)
    assert ask(replica, clocks, 1, "offers") == "yes"


def test_wall_clock_that_jumps_back_does_not_stretch_the_bound(town, replica, clocks) -> None:
    town.say(1, "offers", "given")
    look(replica)
    clocks.now -= timedelta(hours=1)
    clocks.seconds += 2
    assert ask(replica, clocks, 1, "offers") == "stale"


def test_token_of_a_withdrawal_is_never_answered_by_an_older_yes(town, replica, clocks) -> None:
    town.say(1, "offers", "given")
    look(replica)
    seen = replica.memory.view.token
    assert ask(replica, clocks, 1, "offers", seen) == "yes"
    withdrawn = attrs.evolve(seen, position=town.say(1, "offers", "withdrawn"))
    assert ask(replica, clocks, 1, "offers", withdrawn) == "stale"
    look(replica)
    assert ask(replica, clocks, 1, "offers", withdrawn) == "closed"


def test_token_of_another_epoch_is_stale(town, replica, clocks) -> None:
    town.say(1, "offers", "given")
    look(replica)
    assert ask(replica, clocks, 1, "offers", Token("ffffffff", 1)) == "stale"


def test_expiry_binds_at_its_instant_before_any_look(town, replica, clocks) -> None:
    town.say(1, "offers", "given", until=clocks.now + timedelta(seconds=1))
    look(replica)
    clocks.pass_(0.999)
    assert ask(replica, clocks, 1, "offers") == "yes"
    clocks.pass_(0.001)
    assert ask(replica, clocks, 1, "offers") == "stale"
    look(replica)
    assert ask(replica, clocks, 1, "offers") == "lapsed"


def test_renewed_consent_outlives_its_former_end(town, replica, clocks) -> None:
    town.say(1, "offers", "given", until=clocks.now + timedelta(seconds=1))
    look(replica)
    town.say(1, "offers", "given", until=clocks.now + timedelta(seconds=100))
    look(replica)
    clocks.pass_(1)
    look(replica)
    assert ask(replica, clocks, 1, "offers") == "yes"


def test_end_beyond_the_horizon_is_looked_for_in_time(town, replica, clocks) -> None:
    town.say(1, "offers", "given", until=clocks.now + timedelta(hours=3))
    look(replica)
    for _ in range(17):
        clocks.pass_(600)
        look(replica)
    assert ask(replica, clocks, 1, "offers") == "yes"
    clocks.pass_(600)
    look(replica)
    assert ask(replica, clocks, 1, "offers") == "lapsed"


def test_new_major_version_clears_the_column(town, replica, clocks) -> None:
    town.say(1, "offers", "given")
    town.say(1, "offers", "given", channel="email")
    town.say(1, "usage", "given")
    town.say(2, "offers", "refused")
    look(replica)
    town.publish({"offers": 2, "usage": 1, "credit": 1})
    town.say(3, "offers", "given", major=2)
    look(replica)
    assert [ask(replica, clocks, n, "offers") for n in (1, 2, 3)] == ["lapsed", "closed", "yes"]
    assert ask(replica, clocks, 1, "usage") == "yes"
    town.say(1, "offers", "given", major=2)
    look(replica)
    assert ask(replica, clocks, 1, "offers") == "yes"
    assert ask(replica, clocks, 1, "offers.email") == "no-channel"


def test_new_purpose_is_learnt(town, replica, clocks) -> None:
    look(replica)
    town.publish({"offers": 1, "loyalty": 1})
    town.say(1, "loyalty", "given")
    look(replica)
    assert ask(replica, clocks, 1, "loyalty") == "yes"


def test_merged_identity_is_forgotten(town, replica, clocks) -> None:
    town.say(1, "offers", "given")
    town.say(2, "offers", "given")
    remaining = town.add(1)
    look(replica)
    town.add(2, merged_into=remaining)
    look(replica)
    assert [ask(replica, clocks, n, "offers") for n in (1, 2)] == ["yes", "no-decision"]


def test_questions_without_a_plan_are_left_to_the_database(town, replica, clocks) -> None:
    look(replica)
    for asked in ("service.billing", "no.such", "offers.email/sms", "offers/pigeon", "mobility.pigeon", ""):
        assert ask(replica, clocks, 1, asked) == "stale"


@pytest.mark.parametrize("number", [0, -1, -70_000, 2**31, 2**40])
def test_number_that_is_nobodys_is_a_no(town, replica, clocks, number) -> None:
    town.say(1, "offers", "given")
    look(replica)
    assert ask(replica, clocks, number, "offers") != "yes"
    codes = replica.check_many(np.array([number, 1]), "offers", None, clocks.monotonic())
    assert CODES[codes[0]] == "no-decision"
    assert codes[1] == 0


def test_many_are_answered_as_each_one(town, replica, clocks) -> None:
    for number, word in enumerate(["given", "refused", "expired", "given", "requested", "given"], start=1):
        town.say(number, "offers", word)
    for number, word in [(1, "given"), (2, "given"), (4, "refused"), (6, "given")]:
        town.say(number, "offers", word, channel="email")
    for number in (1, 4):
        town.say(number, "profiling", "given")
    town.say(6, "profiling", "objected")
    look(replica)
    numbers = np.arange(1, 10, dtype=np.uint32)
    for asked in ("offers", "offers.email", "profiling.best-offer-email", "offers/sms"):
        codes = replica.check_many(numbers, asked, None, clocks.monotonic())
        each = [ask(replica, clocks, int(n), asked) for n in numbers]
        assert ["yes" if code == 0 else CODES[code] for code in codes] == each


def test_many_are_stale_together(town, replica, clocks) -> None:
    look(replica)
    numbers = np.array([1, 2])
    for asked, token in (("no.such", None), ("offers", Token("ffffffff", 0))):
        assert {CODES[c] for c in replica.check_many(numbers, asked, token, clocks.monotonic())} == {"stale"}
    clocks.pass_(LATER)
    assert {CODES[c] for c in replica.check_many(numbers, "offers", None, clocks.monotonic())} == {"stale"}


def saved(replica: Replica, database, clocks) -> tuple[Replica, Path]:
    """Another process that starts from what *replica* left behind."""
    replica.feed.save()
    file = replica.feed.file
    memory = Memory(bound=2.0)
    return Replica(memory, Feed(memory, database, file, clock=clocks.wall, monotonic=clocks.monotonic)), file


def test_snapshot_and_tail_give_what_a_full_load_gives(town, replica, database, clocks) -> None:
    town.say(1, "offers", "given")
    town.say(2, "offers", "given", until=clocks.now + timedelta(seconds=1))
    town.say(3, "offers", "refused")
    look(replica)
    again, file = saved(replica, database, clocks)
    assert file.exists()
    town.say(1, "offers", "withdrawn")
    town.say(70_000, "offers", "given")
    clocks.pass_(1)
    look(again)
    assert [ask(again, clocks, n, "offers") for n in (1, 2, 3, 70_000)] == ["closed", "lapsed", "closed", "yes"]


def test_start_reads_the_snapshot_and_not_every_state(town, replica, database, clocks) -> None:
    town.say(1, "offers", "given")
    look(replica)
    again, _ = saved(replica, database, clocks)
    # What no change tells, only a full load would see.
    town.connection.execute("DELETE FROM consents.state")
    look(again)
    assert ask(again, clocks, 1, "offers") == "yes"


@pytest.mark.parametrize("place", [0, 20, 200, -1, -40])
def test_damaged_snapshot_is_not_believed(town, replica, database, clocks, place) -> None:
    town.say(1, "offers", "refused")
    look(replica)
    again, file = saved(replica, database, clocks)
    data = bytearray(file.read_bytes())
    data[place] ^= 1
    file.write_bytes(data)
    look(again)
    assert ask(again, clocks, 1, "offers") == "closed"


@pytest.mark.parametrize("keep", [0, 10, 100, -1])
def test_truncated_snapshot_is_not_believed(town, replica, database, clocks, keep) -> None:
    town.say(1, "offers", "refused")
    look(replica)
    again, file = saved(replica, database, clocks)
    file.write_bytes(file.read_bytes()[:keep])
    look(again)
    assert ask(again, clocks, 1, "offers") == "closed"


def test_snapshot_of_another_epoch_is_not_believed(town, replica, database, clocks) -> None:
    town.say(1, "offers", "given")
    look(replica)
    again, _ = saved(replica, database, clocks)
    town.connection.execute("DELETE FROM consents.state")
    town.restore("ffffffff")
    look(again)
    assert ask(again, clocks, 1, "offers") == "no-decision"


def test_snapshot_of_another_history_of_the_same_length_is_not_believed(town, replica, database, clocks) -> None:
    town.say(1, "offers", "given")
    look(replica)
    again, _ = saved(replica, database, clocks)
    town.connection.execute("DELETE FROM consents.state")
    town.connection.execute("ALTER TABLE ledger.record DISABLE TRIGGER append_only")
    town.connection.execute("UPDATE ledger.record SET recorded_at = recorded_at + interval '1 second'")
    look(again)
    assert ask(again, clocks, 1, "offers") == "no-decision"


def test_running_replica_begins_anew_after_a_restore(town, replica, clocks) -> None:
    town.say(1, "offers", "given")
    look(replica)
    town.connection.execute("DELETE FROM consents.state")
    town.restore("ffffffff")
    look(replica)
    assert ask(replica, clocks, 1, "offers") == "no-decision"


def test_rolled_back_ledger_is_noticed(town, replica, database, clocks) -> None:
    town.say(1, "offers", "refused")
    town.say(1, "offers", "given")
    look(replica)
    again, _ = saved(replica, database, clocks)
    town.connection.execute("UPDATE ledger.head SET position = position - 1")
    town.connection.execute("UPDATE consents.state SET decision = 'refused'")
    for one in (replica, again):
        look(one)
        assert ask(one, clocks, 1, "offers") == "closed"


def test_thread_follows_within_the_bound_and_keeps_a_snapshot(town, database, config) -> None:
    replica = Replica.of(database, config)
    replica.start()
    try:
        position = town.say(1, "offers", "given")
        deadline = time.monotonic() + 30
        while replica.memory.view.position < position and time.monotonic() < deadline:
            time.sleep(0.01)
        assert replica.check(1, "offers", None, replica.now()).allowed
    finally:
        replica.stop()
    assert (config.data_dir / "replica" / "snapshot").exists()
