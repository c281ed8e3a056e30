from __future__ import annotations

import hmac
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from placet.ledger import entries


@given(st.binary(min_size=32, max_size=32), st.uuids(), st.binary(max_size=700))
def test_commitments_are_hmac_sha256_by_the_book(key: bytes, id: UUID, body: bytes) -> None:
    salt = hmac.digest(key, b"placet/salt/v1\0" + id.bytes, "sha256")
    assert entries.salt(key, id) == salt
    assert entries.commitment(key, id, body) == b"\x01" + hmac.digest(salt, b"placet/record/v1\0" + body, "sha256")
