"""One person is found in a frozen bitmap from its head and one container, whichever way that container is stored."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyroaring import BitMap

from placet.gate.membership import _HEAD, container_of, holds

SPARSE = list(range(7, 4_000_000, 911))
DENSE = [number for number in range(3 * 65_536) if number % 3]
RUNS = [*range(70_000, 130_000), *range(200_000, 260_000), *range(400_000, 460_000), *range(600_000, 660_000)]
NUMBERS = st.integers(1, 5_000_000)


def found(bitmap: BitMap, number: int) -> bool:
    """As `audiences_with` asks, of the bytes that the database holds."""
    stored = bitmap.serialize()
    place = container_of(stored[:_HEAD], number)
    return place is not None and holds(stored[place.start : place.start + place.length], place, number)


@pytest.mark.parametrize("optimised", [False, True])
@pytest.mark.parametrize("members", [SPARSE, DENSE, RUNS, SPARSE + DENSE + RUNS], ids=["array", "bits", "runs", "all"])
def test_every_kind_of_container_answers_as_the_whole_bitmap_does(members: Iterable[int], optimised: bool) -> None:
    bitmap = BitMap(members) | BitMap([65_536 * 40, 65_536 * 41])
    if optimised:
        bitmap.run_optimize()
    asked = [*range(0, 3 * 65_536, 509), *range(69_995, 70_005), 129_999, 130_000, 660_001, 4_999_999]
    assert [found(bitmap, number) for number in asked] == [number in bitmap for number in asked]


@settings(max_examples=100, deadline=None)
@given(st.sets(NUMBERS, min_size=4, max_size=500), NUMBERS, st.booleans())
def test_any_number_in_any_bitmap(members: set[int], number: int, optimised: bool) -> None:
    # Four containers at least: a smaller bitmap with runs has no offsets, and comes whole.
    bitmap = BitMap(members) | BitMap([65_536 * key for key in range(100, 104)])
    if optimised:
        bitmap.run_optimize()
    assert found(bitmap, number) == (number in bitmap)
