"""What is made for thousands at once is, value by value, what is made for one."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placet.kernel.columns import (
    Stencil,
    big_endian,
    instant_texts,
    instants,
    keyed_hashes,
    lines,
    moment,
    record_ids,
    stacked,
    uuid_texts,
)
from placet.kernel.periods import format_instant
from placet.kernel.seal import keyed_hash
from placet.store.copying import microseconds

moments = st.datetimes(datetime(1000, 1, 1), datetime(9999, 12, 31), timezones=st.timezones())  # noqa: DTZ001


@given(st.lists(moments, min_size=1))
def test_instants_are_those_of_one_by_one(many: list[datetime]) -> None:
    found = instants(many)
    assert found.tolist() == [microseconds(each) for each in many]
    assert [moment(each) for each in found] == [each.astimezone(UTC) for each in many]
    assert lines(instant_texts(found)) == [format_instant(each).encode() for each in many]


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(TypeError):
        instants([datetime(2026, 1, 1)])  # noqa: DTZ001 - that is what is tested


@given(st.lists(st.uuids(), min_size=1))
def test_uuids_are_written_as_one_by_one(many: list[UUID]) -> None:
    assert lines(uuid_texts(stacked([each.bytes for each in many], 16))) == [str(each).encode() for each in many]


@given(st.lists(st.datetimes(datetime(1970, 1, 1), timezones=st.just(UTC)), min_size=1))  # noqa: DTZ001
def test_record_ids_are_version_7_of_their_instants(many: list[datetime]) -> None:
    found = [UUID(bytes=each) for each in lines(record_ids(instants(many)))]
    assert {(each.version, each.variant) for each in found} == {(7, "specified in RFC 4122")}
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    told = [
        (each - epoch).days * 86_400_000 + (each - epoch).seconds * 1000 + each.microsecond // 1000 for each in many
    ]
    assert [each.int >> 80 for each in found] == told
    assert len(set(found)) == len(found)


@given(st.integers(1, 200).flatmap(lambda size: st.lists(st.binary(min_size=size, max_size=size), min_size=1)))
def test_keyed_hashes_are_those_of_one_by_one(messages: list[bytes]) -> None:
    keys = [bytes([at % 256]) * 32 for at in range(len(messages))]
    made = keyed_hashes(stacked(keys, 32), b"label", stacked(messages, len(messages[0])))
    assert lines(made) == [keyed_hash(key, b"label" + each) for key, each in zip(keys, messages, strict=True)]


def test_a_stencil_writes_what_rows_share_and_what_each_has_of_its_own() -> None:
    rows = Stencil([b"<", 4, b"|", 2, b">"]).fill(2, big_endian(np.array([1, -2]), ">i4"), stacked([b"ab", b"cd"], 2))
    assert lines(rows) == [b"<\0\0\0\1|ab>", b"<\xff\xff\xff\xfe|cd>"]
