from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from gate_clocks import Clocks
from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap

from placet.gate import files
from placet.gate.audiences import canonical, group
from placet.gate.feed import Feed
from placet.gate.memory import Memory
from placet.gate.model import Reason
from placet.gate.replica import Replica
from placet.gate.roaring import bitmap, flags
from placet.kernel import errors


@pytest.fixture
def clocks(now) -> Clocks:
    return Clocks(now)


@pytest.fixture
def replica(database, clocks, tmp_path) -> Replica:
    memory = Memory(bound=2.0)
    return Made(
        memory, Feed(memory, database, tmp_path / "snapshot", clock=clocks.wall, monotonic=clocks.monotonic), clocks
    )


class Made(Replica):
    """A replica whose clock is the test's."""

    def __init__(self, memory: Memory, feed: Feed, clocks: Clocks) -> None:
        super().__init__(memory, feed)
        self.now = clocks.monotonic  # type: ignore[method-assign]


@pytest.fixture
def crowd(town, replica) -> None:
    """Ten persons: 1-4 gave offers, 1-3 by e-mail too; 5 refused, 6 lapsed, 7 was asked; 8-10 are silent."""
    for number in range(1, 11):
        town.add(number)
    for number, word in enumerate(["given"] * 4 + ["refused", "suspended", "requested"], start=1):
        town.say(number, "offers", word)
    for number in (1, 2, 3, 5):
        town.say(number, "offers", "given", channel="email")
    replica.catch_up()


def draw(database, gate, replica, clocks, asked="offers.email", **more):
    with database.transaction() as connection:
        return gate.audience(connection, replica, asked, now=clocks.now, **more)


def test_audience_counts_everyone_once(crowd, database, gate, replica, clocks) -> None:
    audience = draw(database, gate, replica, clocks)
    assert list(audience.members) == [1, 2, 3]
    assert dict(audience.excluded) == {
        Reason.RESTRICTED: 0,
        Reason.STOP_SILENT: 0,
        Reason.NO_DECISION: 4,
        Reason.CLOSED: 1,
        Reason.LAPSED: 1,
        Reason.NO_CHANNEL: 1,
    }
    assert audience.count + sum(audience.excluded.values()) == 10


def test_audience_among_a_list_counts_the_list(crowd, database, gate, replica, clocks) -> None:
    audience = draw(database, gate, replica, clocks, among=BitMap([2, 4, 5, 9, 4_000_000_000]))
    assert list(audience.members) == [2]
    assert sum(audience.excluded.values()) == 4


def test_audience_of_an_empty_list_is_empty(crowd, database, gate, replica, clocks) -> None:
    assert draw(database, gate, replica, clocks, among=BitMap()).count == 0


@pytest.mark.parametrize("asked", ["service.billing", "no.such", "", "mobility.pigeon", "offers.email/sms"])
def test_no_audience_for_what_asks_for_no_consent(crowd, database, gate, replica, clocks, asked) -> None:
    with pytest.raises(errors.BadInput):
        draw(database, gate, replica, clocks, asked)


def test_no_audience_from_a_replica_that_is_behind(crowd, town, database, gate, replica, clocks) -> None:
    ahead = replica.memory.view.token.__class__(replica.memory.view.epoch, replica.memory.view.position + 1)
    with pytest.raises(errors.Unavailable):
        draw(database, gate, replica, clocks, token=ahead)
    clocks.pass_(2)
    with pytest.raises(errors.Unavailable):
        draw(database, gate, replica, clocks)


def test_audience_is_kept_as_it_was_frozen(crowd, database, gate, replica, clocks) -> None:
    audience = draw(database, gate, replica, clocks)
    with database.transaction() as connection:
        kept = gate.kept_audience(connection, audience.id)
    assert (kept.sha256, list(kept.members), kept.token, kept.needs) == (
        audience.sha256,
        [1, 2, 3],
        audience.token,
        ("offers", "offers/email"),
    )


def test_changed_members_are_found(crowd, town, database, gate, replica, clocks) -> None:
    audience = draw(database, gate, replica, clocks)
    town.connection.execute("ALTER TABLE gate.audience DISABLE TRIGGER append_only")
    town.connection.execute("UPDATE gate.audience SET members = %s", [BitMap([1, 2, 3, 4]).serialize()])
    with pytest.raises(errors.Tampered), database.transaction() as connection:
        gate.kept_audience(connection, audience.id)


def test_confirming_takes_out_who_has_withdrawn_and_adds_nobody(crowd, town, database, gate, replica, clocks) -> None:
    audience = draw(database, gate, replica, clocks)
    town.say(2, "offers", "withdrawn", channel="email")
    town.say(4, "offers", "given", channel="email")
    town.erase(3)
    replica.catch_up()
    confirmed = gate.confirm(replica, audience, now=clocks.now)
    assert list(confirmed.members) == [1]
    assert confirmed.gone == 2
    assert list(audience.members) == [1, 2, 3]


def test_expired_audience_is_refused(crowd, database, gate, replica, clocks) -> None:
    audience = draw(database, gate, replica, clocks)
    clocks.pass_(gate.audience_seconds - 1)
    replica.catch_up()
    assert gate.confirm(replica, audience, now=clocks.now).gone == 0
    clocks.pass_(1)
    replica.catch_up()
    with pytest.raises(errors.Denied):
        gate.confirm(replica, audience, now=clocks.now)


def test_audience_from_before_a_restore_is_refused(crowd, town, database, gate, replica, clocks) -> None:
    audience = draw(database, gate, replica, clocks)
    town.restore("ffffffff")
    replica.catch_up()
    with pytest.raises(errors.Unavailable):
        gate.confirm(replica, audience, now=clocks.now)


def test_members_are_written_as_subject_ids(crowd, town, database, gate, replica, clocks, tmp_path) -> None:
    audience = draw(database, gate, replica, clocks)
    file = tmp_path / "members.parquet"
    with database.transaction() as connection:
        files.write_subjects(connection, audience.members, file, about={"id": str(audience.id)})
    found = pq.read_table(file)
    assert set(found.column("subject").to_pylist()) == {str(town.add(number)) for number in (1, 2, 3)}
    assert found.schema.metadata[b"id"] == str(audience.id).encode()
    assert list(tmp_path.glob("*.partial")) == []


def test_numbers_are_read_from_npy_and_parquet(tmp_path) -> None:
    np.save(tmp_path / "list.npy", np.array([3, 1, 3], np.uint32))
    pq.write_table(pa.table({"number": [3, 1, 3]}), tmp_path / "list.parquet")
    for name in ("list.npy", "list.parquet"):
        assert files.as_bitmap(files.read_numbers(tmp_path / name), 10) == BitMap([1, 3])


@pytest.mark.parametrize("content", [b"", b"rubbish", b"\x93NUMPY\x01\x00"])
def test_rubbish_is_no_list(tmp_path: Path, content: bytes) -> None:
    for name in ("list.npy", "list.parquet"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(errors.BadInput):
            files.read_numbers(tmp_path / name)


def test_list_of_texts_is_no_list(tmp_path: Path) -> None:
    np.save(tmp_path / "list.npy", np.array(["1"]))
    pq.write_table(pa.table({"number": ["1"]}), tmp_path / "list.parquet")
    for name in ("list.npy", "list.parquet"):
        with pytest.raises(errors.BadInput):
            files.read_numbers(tmp_path / name)


@given(st.sets(st.integers(0, 300_000)), st.sampled_from([1, 100, 65_536, 65_537, 300_001]))
def test_bitmap_of_flags_is_the_bitmap_of_the_numbers(numbers: set[int], size: int) -> None:
    found = np.zeros(size, np.bool_)
    inside = [number for number in numbers if number < size]
    found[inside] = True
    assert bitmap(found) == BitMap(inside)


@given(st.lists(st.integers(-5, 70_000)))
def test_flags_leave_out_what_is_nobodys(numbers: list[int]) -> None:
    wanted = BitMap(number for number in numbers if 0 < number < 66_000)
    assert bitmap(flags(np.array(numbers, np.int64), 66_000)) == wanted


def test_dense_and_sparse_containers_are_both_written() -> None:
    random = np.random.default_rng(7)
    found = np.concatenate([random.random(70_000) < share for share in (0.9, 0.01, 0.0, 0.06, 1.0)])
    assert bitmap(found) == BitMap(np.flatnonzero(found).astype(np.uint32))


def test_one_set_has_one_hash_however_it_was_made() -> None:
    numbers = list(range(1000, 90_000))
    one, other = BitMap(numbers), BitMap(range(500, 90_000)) - BitMap(range(500, 1000))
    for number in (5, 6):
        other.add(number)
        other.discard(number)
    assert canonical(one) == canonical(other)


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_belongs_to_a_group(reason: Reason) -> None:
    assert group(reason) in {
        Reason.RESTRICTED,
        Reason.NO_DECISION,
        Reason.CLOSED,
        Reason.LAPSED,
        Reason.NO_CHANNEL,
        Reason.STOP_SILENT,
    }


def test_audience_lives_as_long_as_the_settings_say(crowd, database, gate, replica, clocks) -> None:
    audience = draw(database, gate, replica, clocks)
    assert audience.expires_at - audience.as_of == timedelta(seconds=gate.audience_seconds)
