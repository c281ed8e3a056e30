"""Our canonical JSON is RFC 8785's, byte for byte, for the shapes we use."""

from __future__ import annotations

from uuid import UUID

import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from placet.kernel import jcs
from placet.kernel.ids import new_record_id
from placet.kernel.periods import parse_instant

words = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=8)
leaves = st.one_of(st.none(), st.booleans(), st.integers(-(2**53) + 1, 2**53 - 1), st.text(max_size=40))
shapes = st.recursive(
    leaves,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(words, inner, max_size=5)),
    max_leaves=20,
)


@given(shapes)
def test_canonical_equals_rfc8785(value: object) -> None:
    assert jcs.canonical(value) == rfc8785.dumps(value)  # type: ignore[arg-type]


@given(shapes)
def test_what_was_encoded_is_read_back(value: object) -> None:
    assert jcs.parse(jcs.canonical(value)) == value


def test_a_record_id_is_a_uuid_version_7_of_its_instant() -> None:
    moment = parse_instant("2026-03-12T14:03:07.123+02:00")
    id = new_record_id(moment)
    assert isinstance(id, UUID)
    assert (id.version, id.variant) == (7, "specified in RFC 4122")
    assert id.int >> 80 == int(moment.timestamp() * 1000)
