"""Keys, sealing and keyed hashes."""

from __future__ import annotations

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placet.kernel.errors import Misconfigured, Tampered
from placet.kernel.seal import MasterKey, keyed_hash, new_key, seal, unseal


@given(st.binary(max_size=64), st.binary(max_size=300))
def test_keyed_hash_is_the_hmac_of_rfc_2104(key: bytes, data: bytes) -> None:
    assert keyed_hash(key, data) == hmac.digest(key, data, "sha256")


def test_keyed_hash_gives_the_published_answer() -> None:
    # RFC 4231 §4.3.
    expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert keyed_hash(b"Jefe", b"what do ya want for nothing?").hex() == expected


@given(st.binary(max_size=100), st.integers(min_value=0))
def test_what_was_sealed_opens_only_whole_with_its_key_and_context(plain: bytes, place: int) -> None:
    key = new_key()
    sealed = seal(key, plain, context=b"name")
    assert unseal(key, sealed, context=b"name") == plain
    with pytest.raises(Tampered):
        unseal(key, sealed, context=b"birth date")
    with pytest.raises(Tampered):
        unseal(new_key(), sealed, context=b"name")
    broken = bytearray(sealed)
    broken[place % len(broken)] ^= 1
    with pytest.raises(Tampered):
        unseal(key, bytes(broken), context=b"name")


def test_one_master_key_gives_each_use_its_own_key() -> None:
    master = MasterKey(bytes(32))
    assert len({master.derive(label) for label in ("a", "b", "c")}) == 3
    assert master.derive("a") == MasterKey(bytes(32)).derive("a")
    with pytest.raises(Misconfigured):
        MasterKey(b"short")
